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
				if took := time.Since(begin); took != takes {
					t.Errorf("a batch took %v, want %v", took, takes)
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
