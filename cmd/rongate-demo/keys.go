package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
)

const keysHelp = `keys: 1 2 3 choose a node, then k kill  f freeze  s slow  r revive
      c commands  ? help  q quit`

const help = keysHelp + `

  kill     cuts connections and refuses new ones, as when a process dies:
           nobody should notice
  freeze   keeps connections open and answers nothing, as when a machine hangs:
           the few requests that wait for the node at that moment may get 504 at
           their deadline, before it is passed over
  slow     adds 50 ms to every answer
  revive   makes all well again; rongate finds out by itself

Each line is one second. Latencies count from when a request should have been
sent. failed are the answers but 200, wrong those with a value other than the
demo has stored: change a row in the database, and see. Each node has its share
of the statements: those of the own zone first (rongate is in zone-a), the
others when these cannot serve.`

// keyboard acts on keys.
type keyboard struct {
	demo   *demo
	chosen int // node, from 0
	quit   func()
}

// listen acts on what comes in, until it ends.
func (k *keyboard) listen(ctx context.Context, in io.Reader) {
	for keys := bufio.NewReader(in); ; {
		key, _, err := keys.ReadRune()
		if err != nil || ctx.Err() != nil {
			return
		}
		k.press(ctx, key)
	}
}

// press acts on one key. What takes time goes on by itself.
func (k *keyboard) press(ctx context.Context, key rune) {
	verbs := map[rune]verb{'k': kill, 'f': freeze, 's': slowen, 'r': revive}
	switch {
	case key >= '1' && int(key-'1') < len(k.demo.db.nodes):
		k.chosen = int(key - '1')
		n := k.demo.db.nodes[k.chosen]
		k.demo.screen.event(fmt.Sprintf("%s (%s) chosen", n.name, n.zone))
	case verbs[key] != "":
		n := k.demo.db.nodes[k.chosen]
		k.demo.background.Go(func() { _, _ = k.demo.act(ctx, n, verbs[key]) }) // it is on the screen
	case key == 'c':
		k.demo.screen.say("%s", k.demo.commandText())
	case key == '?' || key == 'h':
		k.demo.screen.say("\n%s\n", help)
	case key == 'q' || key == 'Q':
		k.quit()
	}
}

// grabKeyboard makes a terminal give keys rather than lines, and returns how to undo that.
func grabKeyboard(in io.Reader) (restore func()) {
	if file, ok := in.(*os.File); ok && isTerminal(file) {
		if restore, err := keyByKey(file); err == nil {
			return restore
		}
	}
	return func() {}
}
