package pool

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// slowly is a server that pauses: each turn's words are said in parts, with a pause before each.
type slowly [][]part

type part struct {
	pause time.Duration
	words []byte
}

func (s slowly) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		for i, turn := range s {
			if i > 0 && readClientPacket(server) != nil {
				return
			}
			for _, p := range turn {
				time.Sleep(p.pause)
				if _, err := server.Write(p.words); err != nil {
					return
				}
			}
		}
		_, _ = io.Copy(io.Discard, server)
	}()
	return client, nil
}

// answering is a server that answers to the handshake at once, and to what follows with these turns.
func answering(turns ...[]part) slowly {
	var s slowly
	for _, words := range handshakeScript() {
		s = append(s, []part{{words: words}})
	}
	return append(s, turns...)
}

// prepared is the turns of a prepare and an execute that are answered at once.
func prepared(result []byte) [][]part {
	return [][]part{{{0, framed(1, preparedPacket(0))}}, {{0, result}}}
}

// ended is how a SelectWithin has ended.
type ended struct {
	pending bool
	err     error
	after   time.Duration // pending or not
	all     time.Duration // until it had ended
	rows    []string
}

// within runs one with a deadline of 100 ms and a grace of 100 ms.
func within(c *Conn, patience time.Duration) ended {
	start, sink := time.Now(), &tape{}
	later := make(chan error, 1)
	var e ended
	e.pending, e.err = c.SelectWithin(start.Add(patience), start.Add(100*time.Millisecond), "q", nil, sink,
		func(err error) { later <- err })
	e.after = time.Since(start)
	if e.pending {
		e.err = <-later
	}
	e.all, e.rows = time.Since(start), sink.rows
	return e
}

func TestSelectWithin(t *testing.T) {
	const ms = time.Millisecond
	result := textResult(1, textRow("x"), textRow("y"))
	cut := len(result) - 20
	rows := []string{`"x"`, `"y"`}
	refused := framed(1, errorPacket(1297, "Got temporary error 4010 'x' from NDB"))
	for name, test := range map[string]struct {
		turn   []part
		want   ended
		broken bool
	}{
		"at once":                     {[]part{{0, result}}, ended{false, nil, 0, 0, rows}, false},
		"in time":                     {[]part{{40 * ms, result}}, ended{false, nil, 40 * ms, 40 * ms, rows}, false},
		"late":                        {[]part{{60 * ms, result}}, ended{true, nil, 50 * ms, 60 * ms, rows}, false},
		"late and slow":               {[]part{{60 * ms, result[:cut]}, {60 * ms, result[cut:]}}, ended{true, nil, 50 * ms, 120 * ms, rows}, false},
		"after the deadline":          {[]part{{150 * ms, result}}, ended{true, nil, 50 * ms, 150 * ms, rows}, false},
		"never":                       {nil, ended{true, ErrTimeout, 50 * ms, 200 * ms, nil}, true},
		"late, and never to its end":  {[]part{{60 * ms, result[:cut]}}, ended{true, ErrTimeout, 50 * ms, 200 * ms, nil}, true},
		"begun, and never to its end": {[]part{{10 * ms, result[:cut]}}, ended{true, ErrTimeout, 50 * ms, 200 * ms, nil}, true},
		"begun in time, ended late":   {[]part{{10 * ms, result[:cut]}, {80 * ms, result[cut:]}}, ended{true, nil, 50 * ms, 90 * ms, rows}, false},
		"begun with its columns":      {[]part{{10 * ms, result[:30]}, {80 * ms, result[30:]}}, ended{true, nil, 50 * ms, 90 * ms, rows}, false},
		"byte by byte":                {byteByByte(result, ms), ended{true, nil, 50 * ms, time.Duration(len(result)) * ms, rows}, false},
		"refused":                     {[]part{{10 * ms, refused}}, ended{false, &ServerError{}, 10 * ms, 10 * ms, nil}, false},
		"refused late":                {[]part{{60 * ms, refused}}, ended{true, &ServerError{}, 50 * ms, 60 * ms, nil}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				turns := append(prepared(result), test.turn)
				if !test.broken {
					turns = append(turns, []part{{0, result}}) // it goes on as if nothing had been
				}
				cfg := scriptedServer{}.config()
				cfg.Dial, cfg.DrainGrace = answering(turns...).dial, 100*ms
				err := Once(t.Context(), cfg, func(c *Conn) error {
					if err := c.Select(time.Now().Add(time.Second), "q", nil, &tape{}); err != nil {
						return err
					}
					got := within(c, 50*ms)
					if got.pending != test.want.pending || got.after != test.want.after || got.all != test.want.all ||
						!sameError(got.err, test.want.err) || test.want.rows != nil && !slices.Equal(got.rows, test.want.rows) {
						t.Errorf("%+v, want %+v", got, test.want)
					}
					if c.Broken() != test.broken {
						t.Errorf("broken: %t", c.Broken())
					}
					if test.broken {
						return nil
					}
					if again := within(c, 50*ms); again.pending || again.err != nil || !slices.Equal(again.rows, rows) {
						t.Errorf("then %+v", again)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestHurry: who waits for an answer leaves at once, and gets it later; where nobody waits yet, who comes to wait does; where
// the statement goes on without its call, nothing happens. The connection stays sound.
func TestHurry(t *testing.T) {
	const ms = time.Millisecond
	result := textResult(1, textRow("x"), textRow("y"))
	for name, test := range map[string]struct {
		turn []part
		want ended
	}{
		"before the answer": {[]part{{40 * ms, result}}, ended{true, nil, 20 * ms, 40 * ms, nil}},
		"in the middle":     {[]part{{10 * ms, result[:30]}, {30 * ms, result[30:]}}, ended{true, nil, 20 * ms, 40 * ms, nil}},
		"after it":          {[]part{{10 * ms, result}}, ended{false, nil, 10 * ms, 10 * ms, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := scriptedServer{}.config()
				again := []part{{60 * ms, result}}
				cfg.Dial = answering(append(prepared(result), test.turn, again, again)...).dial
				err := Once(t.Context(), cfg, func(c *Conn) error {
					if err := c.Select(time.Now().Add(time.Second), "q", nil, &tape{}); err != nil {
						return err
					}
					for _, at := range []time.Duration{20 * ms, 30 * ms} { // the second while nobody waits
						time.AfterFunc(at, c.Hurry)
					}
					got := within(c, 50*ms)
					if got.pending != test.want.pending || got.after != test.want.after || got.all != test.want.all || got.err != nil {
						t.Errorf("%+v, want %+v", got, test.want)
					}
					time.Sleep(100 * ms)
					hurried := !got.pending // when it had ended already
					again := within(c, 70*ms)
					if again.pending != hurried || hurried && again.after != 0 || again.err != nil || len(again.rows) != 2 {
						t.Errorf("then %+v", again)
					}
					if last := within(c, 70*ms); last.pending || last.err != nil || len(last.rows) != 2 {
						t.Errorf("at last %+v", last)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// byteByByte is words that come one byte at a time.
func byteByByte(words []byte, pause time.Duration) (parts []part) {
	for i := range words {
		parts = append(parts, part{pause, words[i : i+1]})
	}
	return parts
}

// sameError compares kinds.
func sameError(got, want error) bool {
	if refusal := new(ServerError); errors.As(want, &refusal) {
		return errors.As(got, &refusal) && refusal.NDB == 4010
	}
	return errors.Is(got, want)
}

// TestSelectWithinKeepsTheConnection: a caller's haste breaks no connection that could have gone on, be the statement not
// prepared yet or the time up already.
func TestSelectWithinKeepsTheConnection(t *testing.T) {
	const ms = time.Millisecond
	result := textResult(1, textRow("x"))
	for name, test := range map[string]struct {
		pause    time.Duration // of the server, before it has prepared
		prepared bool          // the statement is, before
		patience time.Duration
		all      time.Duration
	}{
		"late to prepare":           {60 * ms, false, 50 * ms, 60 * ms},
		"no time, and not prepared": {0, false, 0, 0},
		"no time":                   {0, true, 0, 0},
		"time past":                 {0, true, -time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				turns := append(prepared(result), []part{{0, result}}, []part{{0, result}})
				turns[0][0].pause = test.pause
				cfg := scriptedServer{}.config()
				cfg.Dial, cfg.DrainGrace = answering(turns...).dial, 100*ms
				err := Once(t.Context(), cfg, func(c *Conn) error {
					if test.prepared {
						if err := c.Select(time.Now().Add(time.Second), "q", nil, &tape{}); err != nil {
							return err
						}
					}
					if e := within(c, test.patience); !e.pending || e.err != nil || e.after != 0 || e.all != test.all || len(e.rows) != 1 {
						t.Errorf("%+v", e)
					}
					if e := within(c, 50*ms); e.pending || e.err != nil || c.Broken() {
						t.Errorf("then %+v", e)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestSelectWithinByDriver: the driver cannot leave a statement to another goroutine, so that it is on one from the start.
func TestSelectWithinByDriver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := scriptedServer{}.config()
		turns := prepared(nil)
		turns[1] = []part{{30 * time.Millisecond, textResult(1, textRow("x"))}}
		cfg.Dial, cfg.DriverRows = answering(turns...).dial, true
		err := Once(t.Context(), cfg, func(c *Conn) error {
			if e := within(c, 50*time.Millisecond); !e.pending || e.err != nil || e.after != 0 || e.all != 30*time.Millisecond || len(e.rows) != 1 {
				t.Errorf("%+v", e)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
