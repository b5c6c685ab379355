package testbed

import (
	"context"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/faultnet"
)

func TestAsker(t *testing.T) {
	db := shared.Get(t, KindMariaDB)
	node := db.Nodes()[0]
	asker, err := node.Asker("SELECT 1 FROM DUAL")
	if err != nil {
		t.Fatal(err)
	}
	defer asker.Close()
	ask := func(timeout time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		return asker.Ask(ctx)
	}
	before := node.Proxy.Stats().Accepted // of other tests
	for range 3 {
		if err := ask(patience); err != nil {
			t.Fatal(err)
		}
	}
	if accepted := node.Proxy.Stats().Accepted - before; accepted != 1 {
		t.Errorf("three questions took %d connections", accepted)
	}
	overloaded := faultnet.Error{Number: 1297, Message: "Got temporary error 410 'overloaded' from NDBCLUSTER"}
	for _, f := range []faultnet.Fault{
		{BlackHole: true},
		{Refuse: true, Errors: 1, Error: overloaded},
		{Errors: 1, Error: overloaded},
		{Refusal: faultnet.Error{Number: 1040, Message: "Too many connections"}},
		{NoGreeting: true},
	} {
		if err := node.Proxy.Set(f); err != nil {
			t.Fatal(err)
		}
		if f.NoGreeting || f.Refusal.Number > 0 {
			_ = asker.Close() // a connection that is there goes on
		}
		for range 2 {
			if ask(200*time.Millisecond) == nil {
				t.Errorf("%+v: it answered", f)
			}
		}
		if err := node.Proxy.Set(faultnet.Fault{}); err != nil {
			t.Fatal(err)
		}
		if err := ask(patience); err != nil {
			t.Errorf("after %+v: %v", f, err)
		}
	}
	nothing, err := node.Asker("SELECT 1 FROM DUAL WHERE 1 = 2")
	if err != nil {
		t.Fatal(err)
	}
	defer nothing.Close()
	if nothing.Ask(t.Context()) == nil {
		t.Error("no row is an answer")
	}
}
