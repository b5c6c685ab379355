package pool

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/faultnet"
)

func TestServerStopsDuringASelect(t *testing.T) {
	db, n := node(t)
	p := openOn(t, n.Address, Config{Size: 1, DrainGrace: 100 * time.Millisecond, KeepAlive: never})
	c := lease(t, p)
	if err := db.Server().Pause(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	err := c.Select(start.Add(50*time.Millisecond), "SELECT 1", nil, &tape{})
	if took := time.Since(start); !errors.Is(err, ErrTimeout) || took < 150*time.Millisecond || took > soon {
		t.Errorf("%v after %v", err, took)
	}
	if !c.Broken() || p.Up() {
		t.Error("still up")
	}
	c.Release()
	await(t, p, "a failed dial", func() bool { return p.Stats().DialErrors > 0 })
	if s := p.Stats(); !errors.Is(s.LastError, ErrTimeout) {
		t.Errorf("the handshake ended with %v", s.LastError)
	}
	if err := db.Server().Resume(); err != nil {
		t.Fatal(err)
	}
	await(t, p, "recovery", p.Up)
}

func TestServerStopsWhileIdle(t *testing.T) {
	db, n := node(t)
	p := openOn(t, n.Address, Config{KeepAlive: 20 * time.Millisecond, HandshakeTimeout: 100 * time.Millisecond})
	await(t, p, "pings", func() bool { return p.Stats().Pings > 4 })
	if s := p.Stats(); !p.Up() || s.PingErrors != 0 {
		t.Fatalf("%+v", s)
	}
	if err := db.Server().Pause(); err != nil {
		t.Fatal(err)
	}
	await(t, p, "the fall", func() bool { return !p.Up() })
	if s := p.Stats(); s.PingErrors == 0 || !errors.Is(s.LastError, ErrTimeout) {
		t.Errorf("%+v", s)
	}
	if err := db.Server().Resume(); err != nil {
		t.Fatal(err)
	}
	await(t, p, "recovery", p.Up)
}

func TestServerRestarts(t *testing.T) {
	db, n := node(t)
	var changes atomic.Int32
	p := openOn(t, n.Address, Config{Size: 2, Changed: func() { changes.Add(1) }, KeepAlive: 50 * time.Millisecond})
	await(t, p, "both connections", func() bool { return p.Stats().Free == 2 })
	if err := db.Server().Kill(); err != nil {
		t.Fatal(err)
	}
	await(t, p, "the fall", func() bool { return !p.Up() })
	seen := changes.Load()
	if err := db.Server().Restart(context.Background()); err != nil {
		t.Fatal(err)
	}
	await(t, p, "recovery", func() bool { return p.Stats().Free == 2 && changes.Load() > seen })
}

func TestKilledInTheMiddle(t *testing.T) {
	_, n := node(t)
	exec(t, n, "DROP DATABASE IF EXISTS kills; CREATE DATABASE kills")
	const long = "SELECT seq, REPEAT('x', 1000) FROM kills.seq_1_to_100"
	c := lease(t, openOn(t, n.Address, Config{Size: 1, KeepAlive: never}))
	mustRun(t, c, long)
	if err := n.Proxy.Set(faultnet.Fault{ResetAfter: 30_000}); err != nil {
		t.Fatal(err)
	}
	sink, err := run(c, long)
	if !errors.Is(err, ErrBroken) || errors.Is(err, ErrTimeout) || !c.Broken() {
		t.Errorf("%v, broken %v", err, c.Broken())
	}
	if len(sink.rows) == 0 || len(sink.rows) == 100 {
		t.Errorf("%d rows came before the reset", len(sink.rows))
	}
	c.Release()
}

func TestServerKillsTheConnection(t *testing.T) {
	_, n := node(t)
	c := lease(t, openOn(t, n.Address, Config{Size: 1, KeepAlive: never}))
	id := strings.TrimPrefix(strings.TrimPrefix(mustRun(t, c, "SELECT CONNECTION_ID()")[0], "int:"), "uint:")
	exec(t, n, "KILL "+id)
	await(t, c.pool, "the end of the connection", func() bool {
		return query1(t, n, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = "+id) == "0"
	})
	if _, err := run(c, "SELECT 1"); !errors.Is(err, ErrBroken) || !c.Broken() {
		t.Errorf("%v, broken %v", err, c.Broken())
	}
	c.Release()
}

func TestTricklingServer(t *testing.T) {
	_, n := node(t)
	trickle := faultnet.Fault{Trickle: 1, TrickleEvery: 30 * time.Millisecond}
	p := openOn(t, n.Address, Config{
		Size: 1, DrainGrace: 100 * time.Millisecond, HandshakeTimeout: 200 * time.Millisecond, KeepAlive: never,
	})
	c := lease(t, p)
	if err := n.Proxy.Set(trickle); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	err := c.Select(start.Add(50*time.Millisecond), "SELECT 1", nil, &tape{})
	if took := time.Since(start); !errors.Is(err, ErrTimeout) || took < 150*time.Millisecond || took > soon {
		t.Errorf("%v after %v", err, took)
	}
	c.Release()
	await(t, p, "a failed handshake", func() bool { return p.Stats().DialErrors > 0 })
	if s := p.Stats(); !errors.Is(s.LastError, ErrTimeout) || p.Up() {
		t.Errorf("%+v", s)
	}
	if err := n.Proxy.Set(faultnet.Fault{}); err != nil {
		t.Fatal(err)
	}
	await(t, p, "recovery", p.Up)
}

func TestDetachAndDrain(t *testing.T) {
	_, n := node(t)
	p := openOn(t, n.Address, Config{Size: 1, MaxDetached: 1})
	slow := lease(t, p)
	done := make(chan error, 1)
	sink := &tape{}
	go func() {
		done <- slow.Select(time.Now().Add(soon), "SELECT SLEEP(0.5)", nil, sink)
	}()
	if !slow.Detach() {
		t.Fatal("not detached")
	}
	quick := lease(t, p)
	wantRows(t, mustRun(t, quick, "SELECT 1"), "int:1")
	select {
	case err := <-done:
		t.Fatalf("the detached statement ended early: %v", err)
	default:
	}
	if s := p.Stats(); s.Detached != 1 || s.Busy != 1 || s.Open != 2 {
		t.Errorf("%+v", s)
	}
	if err := <-done; err != nil || slow.Broken() {
		t.Errorf("%v, broken %v", err, slow.Broken())
	}
	wantRows(t, sink.rows, "int:0")
	slow.Release()
	quick.Release()
	if s := p.Stats(); s.Open != 1 || s.Free != 1 || s.Breaks != 0 || s.Dials != 2 {
		t.Errorf("%+v", s)
	}
}

// An answer that nobody wants does not keep its connection for long.
func TestRefusedAnswerThatIsLong(t *testing.T) {
	_, n := node(t)
	exec(t, n, "DROP DATABASE IF EXISTS refusals; CREATE DATABASE refusals")
	c := lease(t, openOn(t, n.Address, Config{Size: 1}))
	refused := errors.New("refused")
	sink := &tape{refuseRow: refused}
	err := c.Select(time.Now().Add(soon), "SELECT REPEAT('x', 20000), SLEEP(0.05) FROM refusals.seq_1_to_200", nil, sink)
	if !errors.Is(err, refused) || !c.Broken() || len(sink.rows) != 1 {
		t.Errorf("%v, broken %v, %d rows", err, c.Broken(), len(sink.rows))
	}
	c.Release()
}

func TestDialErrors(t *testing.T) {
	_, n := node(t)
	if err := n.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := Once(context.Background(), Config{Address: n.Address, User: "u"}, nil); err == nil {
		t.Error("connected to nobody")
	}
	if err := n.Restart(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := n.Proxy.Set(faultnet.Fault{NoGreeting: true}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := Once(ctx, Config{Address: n.Address, User: "u"}, nil); !errors.Is(err, ErrTimeout) {
		t.Errorf("no greeting: %v", err)
	}
}
