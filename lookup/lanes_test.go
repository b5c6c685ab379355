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

// TestLargeLeaveConnections: a batch of many statements takes half of the connections, so that single vectors find one free
// as if it were not there. With the batch's own statements it is the same, wherever they wait.
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
		batch := make([]int64, 10*128)
		for i := range batch {
			batch[i] = int64(i)
		}
		var results sync.WaitGroup
		begin := time.Now()
		results.Go(func() {
			f.expectAccounts(batch, f.read(accounts, f.accountKeys(batch...), time.Second))
			if took := time.Since(begin); took != 50*time.Millisecond {
				t.Errorf("ten statements, two at a time, took %v", took)
			}
		})
		synctest.Wait()
		for range 4 {
			time.Sleep(time.Millisecond)
			start := time.Now()
			f.expectAccounts([]int64{1500}, f.read(accounts, f.accountKeys(1500), time.Second))
			if took := time.Since(start); took != 10*time.Millisecond {
				t.Errorf("a single vector took %v", took)
			}
		}
		results.Wait()
		if most.Load() != 2 {
			t.Errorf("%d of the batch's statements ran at a time", most.Load())
		}
		if st := f.reader.Stats(); st.Nodes[0].Statements != 0 && st.Nodes[0].Address == "far" {
			t.Error("the own zone was left for a batch")
		}
	})
}
