package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
)

const keysHelp = `keys: 1 2 3 choose a node (first: node1), then k kill  f freeze  s slow  r revive
      c commands  ? help  q quit`

const help = keysHelp + `

  kill     connections are cut and new ones refused, as when a process dies. Nobody should notice.
  freeze   connections stay open and nothing comes back, as when a machine hangs. The few requests that wait for
           the node at that moment may get 504 at their deadline; then it is passed over.
  slow     every answer takes 50 ms more.
  revive   all is well again; rongate finds out by itself.

Each line is one second. req/s, p50 and p99 count from when a request should have been sent. failed is every answer
but 200, wrong every answer with a value that is not the one that was stored. Each node has its share of the
statements: own zone first (rongate is in zone-a), the other zone when that cannot serve.`

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
