package pool

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestConfigMistakes(t *testing.T) {
	for _, test := range []struct {
		cfg  Config
		want []string // parts of the error; nil: none
	}{
		{Config{Address: "127.0.0.1:3306", User: "u"}, nil},
		{Config{Address: "[::1]:3306", User: "u", TLS: &tls.Config{}}, nil},
		{Config{Address: "/run/mysqld/mysqld.sock", User: "u"}, nil},
		{Config{Address: "/run/mysqld/mysqld.sock", User: "u", TLS: &tls.Config{}}, []string{"tls"}},
		{Config{Address: "127.0.0.1", User: "u"}, []string{"address"}},
		{Config{Address: ":3306", User: "u"}, []string{"address"}},
		{Config{Address: "node:", User: "u"}, []string{"address"}},
		{Config{}, []string{"address", "user"}},
		{
			Config{Address: "n:1", User: "u", Size: -1, Statements: -1, DrainGrace: -1, WarmTimeout: -1, HandshakeTimeout: -1},
			[]string{"size", "statements", "drainGrace", "warmTimeout", "handshakeTimeout"},
		},
		{Config{Address: "n:1", User: "u", KeepAlive: -1, IdleLimit: -1, Lifetime: -1, MaxDetached: -1}, nil},
	} {
		err := test.cfg.withDefaults().check()
		if (err == nil) != (test.want == nil) {
			t.Errorf("%+v: %v", test.cfg, err)
		}
		for _, part := range test.want {
			if err != nil && !strings.Contains(err.Error(), part) {
				t.Errorf("%+v: %v does not name %s", test.cfg, err, part)
			}
		}
	}
	if _, err := Open(Config{}); err == nil {
		t.Error("Open takes a wrong configuration")
	}
}

func TestLeasesAreLastInFirstOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openFake(t, &fakeNode{}, Config{Size: 3})
		later(0)
		a, b, c := mustAcquire(t, p), mustAcquire(t, p), mustAcquire(t, p)
		if a == b || b == c || a == c {
			t.Fatal("one connection leased twice")
		}
		if p.TryAcquire() != nil {
			t.Error("a fourth lease of three connections")
		}
		if s := p.Stats(); s.Busy != 3 || s.Free != 0 || !p.Up() {
			t.Errorf("%+v", s)
		}
		b.Release()
		a.Release()
		if got := mustAcquire(t, p); got != a {
			t.Error("not the one released last")
		}
		a.Release()
		c.Release()
		if s := p.Stats(); s.Free != 3 || s.Leases != 4 {
			t.Errorf("%+v", s)
		}
	})
}

func TestMisusePanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openFake(t, &fakeNode{}, Config{})
		later(0)
		c := mustAcquire(t, p)
		c.Release()
		mustPanic(t, "a second Release", c.Release)
		mustPanic(t, "Discard after Release", c.Discard)
		mustPanic(t, "Detach after Release", func() { c.Detach() })
		c = mustAcquire(t, p)
		c.Discard()
		mustPanic(t, "Release after Discard", c.Release)
		later(0)
		mustPanic(t, "Release after the close", c.Release)
	})
}

func TestBrokenConnectionIsKnownBeforeItsLeaseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{knobs: knobs{selectErr: ErrBroken, selectTime: time.Millisecond}}
		p := openFake(t, node, Config{Size: 1})
		later(0)
		c := mustAcquire(t, p)
		if c.Broken() || !p.Up() {
			t.Error("broken before anything happened")
		}
		if err := c.Select(time.Now().Add(time.Second), "q", nil, nil); !errors.Is(err, ErrBroken) {
			t.Error(err)
		}
		if !c.Broken() || p.Up() {
			t.Error("not seen as broken")
		}
		c.Release()
		later(0)
		if s := p.Stats(); s.Breaks != 1 || s.Free != 0 || node.open() != 0 {
			t.Errorf("%+v, %d sockets", s, node.open())
		}
	})
}

func TestSelectEndsAGraceAfterItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openFake(t, &fakeNode{knobs: knobs{selectTime: time.Hour}}, Config{DrainGrace: 300 * time.Millisecond})
		later(0)
		c := mustAcquire(t, p)
		defer c.Release()
		start := time.Now()
		err := c.Select(start.Add(50*time.Millisecond), "q", nil, nil)
		if took := time.Since(start); took != 350*time.Millisecond || !errors.Is(err, ErrTimeout) {
			t.Errorf("%v after %v", err, took)
		}
	})
}

func TestDetach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{}
		p := openFake(t, node, Config{Size: 2, MaxDetached: 1})
		later(0)
		first, second := mustAcquire(t, p), mustAcquire(t, p)
		for range 2 { // a second one changes nothing
			if !first.Detach() {
				t.Error("not detached")
			}
		}
		if second.Detach() {
			t.Error("detached beyond the cap")
		}
		later(0)
		if s := p.Stats(); s.Detached != 1 || s.Busy != 1 || s.Free != 1 || s.Open != 3 || s.Detaches != 1 {
			t.Errorf("its place is not taken: %+v", s)
		}
		first.Release() // no room for it any more
		later(0)
		if s := p.Stats(); s.Open != 2 || s.Breaks != 0 || node.open() != 2 {
			t.Errorf("%+v, %d sockets", s, node.open())
		}
		if !second.Detach() {
			t.Error("the cap is not freed by the end of the lease")
		}
		second.Discard()
	})
}

// TestAnswers: a node whose connections are all detached is not up, but can be expected back, until dialing it fails.
func TestAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{}
		node.set(func(k *knobs) { k.dialTime = time.Millisecond }) // else there may be a connection at once
		p := openFake(t, node, Config{Size: 1})
		if p.Answers() {
			t.Error("answers before there is a connection")
		}
		later(time.Millisecond)
		node.set(func(k *knobs) { k.refuse, k.dialTime = errRefused, 100*time.Millisecond })
		c := mustAcquire(t, p)
		if !p.Up() || !p.Answers() || !c.Detach() || p.Up() || !p.Answers() {
			t.Errorf("up %t, answers %t", p.Up(), p.Answers())
		}
		later(200 * time.Millisecond)
		if p.Answers() {
			t.Error("answers though it refuses connections")
		}
		c.Release()
	})
}

func TestDetachedConnectionIsReusedWhereThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{}
		p := openFake(t, node, Config{Size: 1})
		later(0)
		c := mustAcquire(t, p)
		node.set(func(k *knobs) { k.dialTime = 800 * time.Millisecond })
		c.Detach()
		if p.Up() {
			t.Error("up with nothing but a detached connection")
		}
		later(500 * time.Millisecond)
		c.Release()
		if s := p.Stats(); s.Free != 1 || s.Detached != 0 || !p.Up() {
			t.Errorf("%+v", s)
		}
		later(time.Second) // the dial under way finds its place taken
		if s := p.Stats(); s.Open != 1 || s.Dials != 2 || node.open() != 1 {
			t.Errorf("%+v, %d sockets", s, node.open())
		}
		if got := mustAcquire(t, p); got != c {
			t.Error("not reused")
		} else {
			got.Release()
		}
	})
}

func TestNothingCanBeDetachedWithANegativeCap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openFake(t, &fakeNode{}, Config{MaxDetached: -1})
		later(0)
		c := mustAcquire(t, p)
		defer c.Release()
		if c.Detach() {
			t.Error("detached")
		}
	})
}

func TestAStalledNodeStopsTakingWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openFake(t, &fakeNode{}, Config{Size: 2, MaxDetached: 3})
		var stuck []*Conn
		for range 20 {
			later(10 * time.Millisecond)
			if c := p.TryAcquire(); c != nil {
				c.Detach()
				stuck = append(stuck, c)
			}
		}
		if s := p.Stats(); len(stuck) != 5 || s.Detached != 3 || s.Busy != 2 || s.Open != 5 {
			t.Errorf("%d statements stuck: %+v", len(stuck), s)
		}
		for _, c := range stuck {
			c.Release()
		}
		later(0)
		if s := p.Stats(); s.Free != 2 || s.Open != 2 {
			t.Errorf("%+v", s)
		}
	})
}

func TestCloseWaitsForLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{}
		p := openFake(t, node, Config{Size: 2})
		later(0)
		c := mustAcquire(t, p)
		go func() {
			time.Sleep(time.Second)
			c.Release()
		}()
		start := time.Now()
		if err := p.Close(context.Background()); err != nil || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if p.TryAcquire() != nil || p.Up() || node.open() != 0 {
			t.Error("not closed")
		}
		if err := p.Close(context.Background()); err != nil {
			t.Errorf("a second Close: %v", err)
		}
	})
}

func TestCloseCutsLeasesOffWhenItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{knobs: knobs{selectTime: time.Hour}}
		p := openFake(t, node, Config{Size: 2})
		later(0)
		c, idle := mustAcquire(t, p), mustAcquire(t, p)
		failed := make(chan error, 1)
		go func() { failed <- c.Select(time.Now().Add(time.Minute), "q", nil, nil) }()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		start := time.Now()
		err := p.Close(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if err := <-failed; !errors.Is(err, ErrBroken) {
			t.Error(err)
		}
		if c.Detach() || !c.Broken() {
			t.Error("a lease that was cut off can be detached, or is not broken")
		}
		c.Release()
		idle.Discard()
		mustPanic(t, "a second Release", c.Release)
		later(0)
		if err := p.Close(ctx); err != nil {
			t.Errorf("a second Close: %v", err)
		}
	})
}

func TestCloseAbortsDialsWarmUpsAndPings(t *testing.T) {
	hang := func(c *Conn) error { return c.Select(time.Now().Add(time.Hour), "q", nil, nil) }
	for name, test := range map[string]struct {
		knobs    knobs
		cfg      Config
		noWarmup bool // others use up Warmups
	}{
		"dial":                {knobs: knobs{dialTime: time.Hour}},
		"warm-up":             {knobs: knobs{selectTime: time.Hour}, cfg: Config{Warm: hang}},
		"wait for a warm-up":  {cfg: Config{Warm: hang}, noWarmup: true},
		"ping":                {knobs: knobs{pingTime: time.Hour}},
		"nothing under way":   {},
		"pause before a dial": {knobs: knobs{refuse: errRefused}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := test.cfg
				cfg.HandshakeTimeout, cfg.WarmTimeout = time.Hour, time.Hour
				if test.noWarmup {
					cfg.Warmups = make(chan struct{})
				}
				p := openFake(t, &fakeNode{knobs: test.knobs}, cfg)
				later(1600 * time.Millisecond)
				start := time.Now()
				if err := p.Close(context.Background()); err != nil || time.Since(start) != 0 {
					t.Errorf("%v after %v", err, time.Since(start))
				}
				if s := p.Stats(); s.Open != 0 || s.Dialing != 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}
