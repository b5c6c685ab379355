package lookup_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rongate/rongate/internal/fakenode"
	"github.com/rongate/rongate/internal/hist"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

// oneNode leaves node a alone, with one connection, whose statements do what is given.
func oneNode(statement func() error) func(*lookup.Config, map[string]*fakenode.Node) {
	return func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
		cfg.Nodes = []lookup.NodeConfig{{Address: "a", Zone: "z1"}}
		nodes["a"].Size = 1
		nodes["a"].OnSelect = func(string, int, time.Time) error { return statement() }
	}
}

// counted renders what a histogram has by the bounds of its buckets.
func counted(s hist.Snapshot) string {
	var parts []string
	for i, n := range s.Counts {
		if n == 0 {
			continue
		}
		bound := "more"
		if i < len(hist.Bounds()) {
			bound = hist.Bounds()[i].String()
		}
		parts = append(parts, fmt.Sprintf("%s: %d", bound, n))
	}
	return strings.Join(parts, ", ")
}

func upTo(n int64) []int64 {
	var ids []int64
	for id := range n {
		ids = append(ids, id)
	}
	return ids
}

func TestSizesOfStatements(t *testing.T) {
	f := newFixture(t, oneNode(func() error { return nil }))
	for _, keys := range []int64{1, 1, 2, 3, 4, 5, 64, 65, 127, 128, 129} { // the last is two statements
		f.read(accounts, f.accountKeys(upTo(keys)...), time.Second)
	}
	n := f.reader.Stats().Nodes[0]
	if want := []uint64{3, 1, 2, 1, 0, 0, 1, 4}; !slices.Equal(n.Sizes[:], want) || n.Statements != 12 || n.Keys != 529 {
		t.Errorf("%d statements for %d keys are counted as %v; want %v", n.Statements, n.Keys, n.Sizes, want)
	}
}

// TestLatencyOfStatements: every statement counts once it has ended, and for as long as it took the node, not the caller.
func TestLatencyOfStatements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, end := 150*time.Microsecond, error(nil)
		f := newFixture(t, oneNode(func() error { time.Sleep(took); return end }))
		f.read(accounts, f.accountKeys(1), time.Second)
		took = 40 * time.Millisecond
		f.read(accounts, f.accountKeys(1), time.Millisecond)
		synctest.Wait()
		if got := counted(f.reader.Stats().Nodes[0].Latency); got != "200µs: 1" {
			t.Errorf("while a statement runs: %s", got)
		}
		time.Sleep(took)
		synctest.Wait()
		took, end = time.Millisecond, errSyntax
		f.read(accounts, f.accountKeys(1), time.Second)
		synctest.Wait()
		latency := f.reader.Stats().Nodes[0].Latency
		if got := counted(latency); got != "200µs: 1, 1ms: 1, 50ms: 1" || latency.Sum != 41150*time.Microsecond {
			t.Errorf("%s, altogether %v", got, latency.Sum)
		}
	})
}

func TestErrorsOfStatements(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want lookup.StatementErrors
	}{
		{fmt.Errorf("read: %w", pool.ErrTimeout), lookup.StatementErrors{Timeout: 3}},
		{errBroken, lookup.StatementErrors{Broken: 3}},
		{&pool.ServerError{Number: 1297, NDB: 4010}, lookup.StatementErrors{Transient: 3}},
		{errNoTable, lookup.StatementErrors{Stale: 1}},
		{errSyntax, lookup.StatementErrors{Other: 1}},
		{errors.New("no idea"), lookup.StatementErrors{Other: 1}},
		{nil, lookup.StatementErrors{}},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, oneNode(func() error { return tc.err }))
			f.nodes["a"].Size = 8
			f.read(accounts, f.accountKeys(1), time.Second)
			synctest.Wait()
			if got := f.reader.Stats().Nodes[0].Errors; got != tc.want {
				t.Errorf("%v is counted as %+v; want %+v", tc.err, got, tc.want)
			}
		})
	}
}

// TestWaits: the time in a queue counts for whoever was in one, those that gave up included.
func TestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, oneNode(func() error { time.Sleep(10 * time.Millisecond); return nil }))
		var all sync.WaitGroup
		ask := func(timeout time.Duration) {
			all.Go(func() { f.read(accounts, f.accountKeys(1), timeout) })
			synctest.Wait()
		}
		ask(time.Second) // goes at once
		ask(time.Second) // after the first
		ask(2 * time.Millisecond)
		ask(time.Second) // with the second
		all.Wait()
		if got := counted(f.reader.Stats().Waits); got != "2ms: 1, 10ms: 2" {
			t.Errorf("the queue counts %s", got)
		}
		ask(time.Second)
		ask(time.Second)
		time.Sleep(3 * time.Millisecond)
		f.nodes["a"].SetDown(true) // and nobody is left to wait for
		all.Wait()
		if got := counted(f.reader.Stats().Waits); got != "2ms: 1, 3ms: 1, 10ms: 2" {
			t.Errorf("with the node down the queue counts %s", got)
		}
	})
}
