package lookup_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rongate/rongate/internal/fakenode"
	"github.com/rongate/rongate/lookup"
)

// TestLargeLeaveConnections: while there are single vectors about, a batch of many statements takes a quarter of the
// connections, and half of them when it has waited for long, so that they find one free as if it were not there. Alone it
// takes all.
func TestLargeLeaveConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int64
		f := newFixture(t, func(_ *lookup.Config, nodes map[string]*fakenode.Node) {
			for _, n := range nodes {
				n.Size = 2 // as lookup.Config has it, where it says nothing
				n.OnSelect = func(_ string, keys int, _ time.Time) error {
					if keys > 32 {
						most.Store(max(most.Load(), running.Add(1)))
						defer running.Add(-1)
					}
					time.Sleep(10 * time.Millisecond)
					return nil
				}
			}
		})
		batch := make([]int64, 24*128)
		for i := range batch {
			batch[i] = int64(i)
		}
		var results sync.WaitGroup
		ask := func(takes time.Duration) {
			begin := time.Now()
			results.Go(func() {
				f.expectAccounts(batch, f.read(accounts, f.accountKeys(batch...), time.Second))
				if took := time.Since(begin); took > takes || took <= takes-10*time.Millisecond {
					t.Errorf("a batch took %v, want %v or a little less", took, takes)
				}
			})
			synctest.Wait()
		}
		single := func() {
			start := time.Now()
			f.expectAccounts([]int64{1500}, f.read(accounts, f.accountKeys(1500), time.Second))
			if took := time.Since(start); took != 10*time.Millisecond {
				t.Errorf("a single vector took %v", took)
			}
		}
		want := func(n int64) {
			results.Wait()
			if got := most.Swap(0); got != n {
				t.Errorf("%d of the batch's statements ran at a time, want %d", got, n)
			}
		}
		const ms = time.Millisecond
		ask(60 * ms) // 24 statements, 4 at a time
		want(4)

		single()
		ask(230 * ms) // one at a time for 210 ms, then two
		for range 21 {
			time.Sleep(ms / 2)
			single()
		}
		want(2)

		single()
		ask(140 * ms) // one at a time until nobody else has been there for 100 ms, then 4
		want(4)
		if _, _, nodes := f.statements(); nodes["far"] != 0 {
			t.Error("the own zone was left for a batch")
		}
	})
}

// large is two nodes of two connections and a batch of the given number of statements, whose first ones take stall.
func newLarge(t *testing.T, statements int, stall time.Duration, change func(*lookup.Config)) (*fixture, []int64) {
	t.Helper()
	var begun atomic.Int64
	f := newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
		if change != nil {
			change(cfg)
		}
		for _, n := range nodes {
			n.Size = 2
			n.OnSelect = func(_ string, keys int, _ time.Time) error {
				if keys > 32 && begun.Add(1) == 1 {
					time.Sleep(stall)
				} else {
					time.Sleep(10 * time.Millisecond)
				}
				return nil
			}
		}
	})
	batch := make([]int64, statements*128)
	for i := range batch {
		batch[i] = int64(i)
	}
	return f, batch
}

// TestLargeAbandoned: a large statement that nobody waits for any more is not counted among those that run.
func TestLargeAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, batch := newLarge(t, 2, time.Second, nil)
		f.read(accounts, f.accountKeys(1), time.Second) // others are about, so that one runs at a time
		f.read(accounts, f.accountKeys(batch...), 50*time.Millisecond)
		start := time.Now()
		f.read(accounts, f.accountKeys(1), time.Second)
		f.expectAccounts(batch, f.read(accounts, f.accountKeys(batch...), 500*time.Millisecond))
		if took := time.Since(start); took != 30*time.Millisecond {
			t.Errorf("a batch after one that was given up took %v", took)
		}
	})
}

// TestLargeWaitNoLongerThanTheyMust: once there is nobody else about, free connections take what is left of a batch though
// none of its statements ends.
func TestLargeWaitNoLongerThanTheyMust(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, batch := newLarge(t, 2, 400*time.Millisecond, func(cfg *lookup.Config) { cfg.Nodes = cfg.Nodes[1:2] })
		f.read(accounts, f.accountKeys(1), time.Second)
		var results sync.WaitGroup
		results.Go(func() { f.read(accounts, f.accountKeys(batch...), time.Second) })
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		if queued := f.reader.Stats().Queued; queued != 0 {
			t.Errorf("%d pieces wait", queued)
		}
		results.Wait()
	})
}
