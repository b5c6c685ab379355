package hopsworks

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/faultnet"
	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/pool"
)

// one is what a statement of one number answers.
func one() *scan[int64] {
	return &scan[int64]{columns: 1, make: func(r row) (n int64, err error) { return r.number(0, &err), err }}
}

// TestAsker: whatever one node does, another is asked; what no node would answer is told at once.
func TestAsker(t *testing.T) {
	db := shared.Get(t, testbed.KindMariaDB)
	proxy, err := faultnet.New(faultnet.Config{Upstream: db.Nodes()[0].Address})
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	var nodes []pool.Config
	for _, address := range []string{proxy.Addr(), db.Nodes()[1].Address} {
		nodes = append(nodes, pool.Config{Address: address, User: testbed.User, HandshakeTimeout: 200 * time.Millisecond})
	}
	for name, fault := range map[string]faultnet.Fault{
		"none": {}, "refuses": {Refuse: true}, "black hole": {BlackHole: true}, "no greeting": {NoGreeting: true},
		"stalls": {StallAfter: 3}, "resets": {ResetAfter: 200},
		"errs": {Errors: 1, Error: faultnet.Error{Number: 1297, State: "HY000", Message: "Got temporary error 4010 'x' from NDB"}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			a := newAsker(nodes)
			var running sync.WaitGroup
			running.Go(func() { a.run(ctx) })
			defer running.Wait()
			defer stop()
			if err := proxy.Set(fault); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				got := one()
				if err := a.ask(ctx, 300*time.Millisecond, "SELECT 42", nil, got); err != nil || len(got.found) != 1 || got.found[0] != 42 {
					t.Fatalf("%v, %v", got.found, err)
				}
			}
			var refusal *pool.ServerError
			if err := a.ask(ctx, 0, "SELECT x FROM nowhere.nothing", nil, one()); !errors.As(err, &refusal) {
				t.Errorf("a table that there is not: %v", err)
			}
			if err := a.ask(ctx, 0, "SELECT 1, 2", nil, one()); err == nil || !strings.Contains(err.Error(), "2 columns") {
				t.Errorf("an answer that was not asked for: %v", err)
			}
		})
	}
}

// TestAskerWithoutNodes: with every node gone the last error is told, and who does not want to wait leaves.
func TestAskerWithoutNodes(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	a := newAsker([]pool.Config{{Address: "127.0.0.1:1", User: "x"}, {Address: "127.0.0.1:2", User: "x"}})
	var running sync.WaitGroup
	running.Go(func() { a.run(ctx) })
	defer running.Wait()
	defer stop()
	if err := a.ask(ctx, 0, "SELECT 1", nil, one()); err == nil || !strings.Contains(err.Error(), "127.0.0.1:2") {
		t.Errorf("%v", err)
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	idle := newAsker(nil) // nobody runs it
	if err := idle.ask(done, 0, "SELECT 1", nil, one()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
