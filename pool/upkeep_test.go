package pool

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const never = -1 // for the periods of Config

func TestFillsInParallelAndTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{knobs: knobs{dialTime: 300 * time.Millisecond}}
		var p *Pool
		var changes atomic.Int32
		opened, leases := make(chan struct{}), make(chan *Conn, 3)
		p = openFake(t, node, Config{Size: 3, Changed: func() {
			<-opened
			c := p.TryAcquire() // also shows that no lock is held
			if c == nil {
				t.Error("Changed was called with nothing free")
			}
			leases <- c
			changes.Add(1)
		}})
		close(opened)
		if p.TryAcquire() != nil || p.Up() {
			t.Error("a connection before any was dialed")
		}
		later(299 * time.Millisecond)
		if s := p.Stats(); s.Dialing != 3 || s.Open != 0 {
			t.Errorf("before the handshakes end: %+v", s)
		}
		later(time.Millisecond)
		if s := p.Stats(); s.Dialing != 0 || s.Busy != 3 || changes.Load() != 3 || s.Dials != 3 || s.DialErrors != 0 {
			t.Errorf("after the handshakes: %+v, %d changes", s, changes.Load())
		}
		if node.peak != 3 {
			t.Errorf("%d dials at once, want 3", node.peak)
		}
		for range 3 {
			(<-leases).Release()
		}
	})
}

func TestBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{knobs: knobs{refuse: errRefused}}
		p := openFake(t, node, Config{Size: 2})
		later(20 * time.Second)
		dials := node.dialTimes()
		if !dials[0].Equal(dials[1]) {
			t.Fatalf("the first dials are not parallel: %v, %v", dials[0], dials[1])
		}
		pause := minBackoff
		for i := 2; i < len(dials); i++ { // then one at a time
			gap := dials[i].Sub(dials[i-1])
			if gap < pause/2 || gap > pause {
				t.Errorf("gap %d is %v, want %v to %v", i, gap, pause/2, pause)
			}
			pause = min(2*pause, maxBackoff)
		}
		s := p.Stats()
		if !errors.Is(s.LastError, errRefused) || s.LastErrorTime.IsZero() || s.DialErrors != s.Dials || s.Dials < 40 {
			t.Errorf("%+v", s)
		}

		node.set(func(k *knobs) { k.refuse = nil })
		later(maxBackoff)
		if s := p.Stats(); s.Free != 2 || !p.Up() {
			t.Errorf("a back-off after recovery: %+v", s)
		}
	})
}

// TestConnectAndDie: connections that are let in and break before they serve are dialed ever more slowly.
func TestConnectAndDie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openFake(t, &fakeNode{}, Config{Size: 1})
		end := time.Now().Add(10 * time.Second)
		for time.Now().Before(end) {
			if c := p.TryAcquire(); c != nil {
				c.Discard()
			}
			later(10 * time.Millisecond)
		}
		if s := p.Stats(); s.Dials > 80 {
			t.Errorf("%d dials in 10 s", s.Dials)
		}
	})
}

func TestOneFailureOfSeveralDialsIsTriedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{knobs: knobs{refuse: errRefused}}
		p := openFake(t, node, Config{Size: 2})
		later(10 * time.Second) // at the longest pause
		node.set(func(k *knobs) { k.refuse = nil })
		later(maxBackoff)
		c := mustAcquire(t, p)
		if err := c.Select(time.Now().Add(time.Second), "SELECT 1", nil, nil); err != nil {
			t.Fatal(err)
		}
		c.Release()
		c = mustAcquire(t, p)
		node.set(func(k *knobs) { k.refuse = errRefused })
		c.Discard()
		later(0)
		if s := p.Stats(); s.Free != 1 || s.Dialing != 0 {
			t.Fatalf("%+v", s)
		}
		node.set(func(k *knobs) { k.refuse = nil })
		later(2 * minBackoff)
		if s := p.Stats(); s.Free != 2 {
			t.Errorf("the old failures still count: %+v", s)
		}
	})
}

func TestHandshakeTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{knobs: knobs{dialTime: time.Hour}}
		p := openFake(t, node, Config{HandshakeTimeout: 700 * time.Millisecond})
		later(699 * time.Millisecond)
		if s := p.Stats(); s.DialErrors != 0 || s.Dialing != 2 {
			t.Errorf("%+v", s)
		}
		later(time.Millisecond)
		if s := p.Stats(); s.DialErrors != 2 || s.Dialing != 0 || !errors.Is(s.LastError, context.DeadlineExceeded) {
			t.Errorf("%+v", s)
		}
	})
}

func TestBreakOfANewConnectionBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{}
		p := openFake(t, node, Config{Size: 1, Warm: func(c *Conn) error { // which is not serving
			return c.Select(time.Now().Add(time.Second), "q", nil, nil)
		}})
		later(0)
		mustAcquire(t, p).Discard()
		later(minBackoff/2 - 1)
		if s := p.Stats(); s.Dials != 1 || p.Up() {
			t.Errorf("dialed anew at once: %+v", s)
		}
		later(minBackoff)
		c := mustAcquire(t, p)
		if err := c.Select(time.Now().Add(time.Second), "q", nil, nil); err != nil {
			t.Fatal(err)
		}
		c.Discard()
		later(0)
		if s := p.Stats(); s.Dials != 3 || s.Free != 1 || s.Breaks != 2 {
			t.Errorf("a connection that had served was not replaced at once: %+v", s)
		}
	})
}

func TestLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{knobs: knobs{dialTime: 100 * time.Millisecond}}
		p := openFake(t, node, Config{Size: 2, Lifetime: time.Hour, KeepAlive: never, IdleLimit: never})
		later(54*time.Minute - time.Second)
		if s := p.Stats(); s.Replaced != 0 || s.Free != 2 {
			t.Fatalf("too early: %+v", s)
		}
		for range 48 * 60 * 10 { // past the latest replacement of both, by tenths of a second
			later(100 * time.Millisecond)
			if s := p.Stats(); s.Free < 2 || s.Open > 2 || s.Dialing > 1 {
				t.Fatalf("while replacing: %+v", s)
			}
		}
		if s := p.Stats(); s.Replaced != 2 || s.Dials != 4 {
			t.Errorf("after the lifetime: %+v", s)
		}
	})
}

func TestLifetimeOfALeasedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{}
		p := openFake(t, node, Config{Size: 1, Lifetime: time.Hour, KeepAlive: never, IdleLimit: never})
		later(0)
		old := mustAcquire(t, p)
		later(50 * time.Minute)
		if old.Broken() {
			t.Error("given up before its time")
		}
		later(50 * time.Minute)
		if !old.Broken() {
			t.Error("whoever has it is not told to give it back")
		}
		if s := p.Stats(); s.Open != 2 || s.Free != 1 || s.Busy != 1 || s.Replaced != 1 {
			t.Errorf("one replacement, no more: %+v", s)
		}
		young := mustAcquire(t, p)
		later(24 * time.Hour) // the replacement is not replaced while the old one lingers
		if s := p.Stats(); s.Open != 2 || s.Replaced != 1 || young.Broken() {
			t.Errorf("%+v", s)
		}
		old.Release()
		later(time.Hour)
		if s := p.Stats(); s.Open != 2 || s.Busy != 1 || s.Free != 1 || s.Replaced != 2 || !young.Broken() {
			t.Errorf("after the first lease: %+v", s)
		}
		young.Release()
		later(0)
		if s := p.Stats(); s.Open != 1 || s.Free != 1 || s.Breaks != 0 || node.open() != 1 {
			t.Errorf("after both leases: %+v, %d sockets", s, node.open())
		}
	})
}

func TestAgedConnectionServesWhileItsReplacementIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{}
		p := openFake(t, node, Config{Size: 1, Lifetime: time.Hour, KeepAlive: never, IdleLimit: never})
		later(0)
		node.set(func(k *knobs) { k.refuse = errRefused })
		later(2 * time.Hour)
		if s := p.Stats(); s.Free != 1 || !p.Up() || s.DialErrors < 1000 {
			t.Errorf("%+v", s)
		}
		node.set(func(k *knobs) { k.refuse = nil })
		later(maxBackoff)
		if s := p.Stats(); s.Free != 1 || s.Replaced != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestIdleLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{}
		p := openFake(t, node, Config{Size: 2, IdleLimit: time.Minute, Lifetime: never, KeepAlive: never})
		for second := range 300 { // the last one freed is the next one leased: the other one idles
			later(time.Second)
			mustAcquire(t, p).Release()
			if s := p.Stats(); second < 53 && s.Replaced > 0 || s.Free != 2 {
				t.Fatalf("after %d s: %+v", second, s)
			}
		}
		if s := p.Stats(); s.Replaced < 2 || s.Replaced > 6 {
			t.Errorf("one of two connections idled for 5 m: %+v", s)
		}
	})
}

func TestPingsCountAgainstIdleness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := openFake(t, &fakeNode{}, Config{Size: 2, IdleLimit: time.Minute, Lifetime: never})
		later(time.Hour)
		if s := p.Stats(); s.Replaced != 0 || s.Dials != 2 || s.Pings < 2*2400 || s.Pings > 2*3600 {
			t.Errorf("%+v", s)
		}
	})
}

func TestKeepAliveFindsADeadNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{}
		p := openFake(t, node, Config{Size: 2})
		later(10 * time.Second)
		node.set(func(k *knobs) { k.pingErr, k.refuse = ErrBroken, errRefused })
		later(1500 * time.Millisecond)
		if s := p.Stats(); p.Up() || s.Open != 0 || s.PingErrors != 2 || s.LastError == nil {
			t.Errorf("%+v", s)
		}
		node.set(func(k *knobs) { k.pingErr, k.refuse = nil, nil })
		later(maxBackoff)
		if s := p.Stats(); !p.Up() || s.Free != 2 {
			t.Errorf("%+v", s)
		}
	})
}

func TestPingLeavesOneFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{knobs: knobs{pingTime: time.Hour}}
		var changes atomic.Int32
		p := openFake(t, node, Config{Size: 2, HandshakeTimeout: 3 * time.Second, Changed: func() { changes.Add(1) }})
		later(1500 * time.Millisecond)
		if s := p.Stats(); s.Free != 1 || s.Pings != 1 || s.Open != 2 || !p.Up() {
			t.Errorf("while a ping hangs: %+v", s)
		}
		node.set(func(k *knobs) { k.pingTime = 0 })
		later(3 * time.Second)
		if s := p.Stats(); s.PingErrors != 1 || s.Free != 2 {
			t.Errorf("after it: %+v", s)
		}
		if s := p.Stats(); uint64(changes.Load()) != s.Dials-s.DialErrors+s.Pings {
			t.Errorf("%d changes for %+v", changes.Load(), s)
		}
	})
}

func TestWarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{knobs: knobs{selectTime: time.Hour}}
		p := openFake(t, node, Config{
			Size: 1, WarmTimeout: 2 * time.Second,
			Warm: func(c *Conn) error {
				return c.Select(time.Now().Add(time.Minute), "SELECT 1", nil, nil)
			},
		})
		later(2*time.Second - 1)
		if s := p.Stats(); s.Dialing != 1 || s.DialErrors != 0 || p.Up() {
			t.Errorf("warming: %+v", s)
		}
		later(1)
		s := p.Stats()
		if s.DialErrors != 1 || !errors.Is(s.LastError, ErrTimeout) || s.Open != 0 || node.open() != 0 {
			t.Errorf("warmed too long: %+v, %d sockets", s, node.open())
		}
		node.set(func(k *knobs) { k.selectTime = 0 })
		later(maxBackoff)
		c := mustAcquire(t, p)
		defer c.Release()
		if !c.limit.IsZero() {
			t.Error("the warm-up's limit outlives it")
		}
	})
}

func TestWarmThatHidesABrokenConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{knobs: knobs{selectErr: ErrBroken}}
		p := openFake(t, node, Config{Size: 1, Warm: func(c *Conn) error {
			_ = c.Select(time.Now().Add(time.Minute), "SELECT 1", nil, nil)
			return nil
		}})
		later(0)
		if s := p.Stats(); s.DialErrors != 1 || s.Free != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestWarmupsAreBoundAcrossPools(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, peak, warmed atomic.Int32
		cfg := Config{Size: 3, Warmups: make(chan struct{}, 2), Warm: func(*Conn) error {
			peak.Store(max(peak.Load(), now.Add(1)))
			time.Sleep(time.Second)
			now.Add(-1)
			warmed.Add(1)
			return nil
		}}
		a, b := openFake(t, &fakeNode{}, cfg), openFake(t, &fakeNode{}, cfg)
		hung := openFake(t, &fakeNode{knobs: knobs{dialTime: time.Hour}}, cfg)
		later(3 * time.Second)
		if peak.Load() != 2 || warmed.Load() != 6 || a.Stats().Free != 3 || b.Stats().Free != 3 {
			t.Errorf("at most %d at once, %d warmed, %+v, %+v", peak.Load(), warmed.Load(), a.Stats(), b.Stats())
		}
		if hung.Up() {
			t.Error("a node that does not answer is up")
		}
	})
}
