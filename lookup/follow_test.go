package lookup_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rongate/rongate/internal/fakenode"
	"github.com/rongate/rongate/lookup"
)

// hot is look-ups of few keys on nodes with connections to spare. Statements take 1 ms, the first one as long as stall
// says.
type hot struct {
	*fixture
	stall   time.Duration
	begun   atomic.Int64
	results sync.WaitGroup
}

func newHot(t *testing.T, unmerged bool) *hot {
	h := &hot{stall: time.Millisecond}
	h.fixture = newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
		cfg.Unmerged = unmerged
		for _, n := range nodes {
			n.Size = 64
			n.OnSelect = func(string, int, time.Time) error {
				if h.begun.Add(1) == 1 {
					time.Sleep(h.stall)
				} else {
					time.Sleep(time.Millisecond)
				}
				return nil
			}
		}
	})
	return h
}

// ask asks for accounts and wants the answer after so long.
func (h *hot) ask(took time.Duration, ids ...int64) {
	start := time.Now()
	h.results.Go(func() {
		h.expectAccounts(ids, h.read(accounts, h.accountKeys(ids...), 10*time.Second))
		if got := time.Since(start); got != took {
			h.t.Errorf("%v: after %v, want %v", ids, got, took)
		}
	})
	synctest.Wait()
}

func (h *hot) want(statements int64) {
	h.t.Helper()
	h.results.Wait()
	if got := h.begun.Load(); got != statements {
		h.t.Errorf("%d statements, want %d", got, statements)
	}
}

// TestHotKey: of so many reads of one key the first one goes, and all that come meanwhile share the next.
func TestHotKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHot(t, false)
		h.ask(time.Millisecond, 1)
		for range 63 {
			h.ask(2*time.Millisecond, 1)
		}
		h.want(2)
	})
}

func TestHotKeyUnmerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHot(t, true)
		for range 64 {
			h.ask(time.Millisecond, 1)
		}
		h.want(64)
	})
}

// TestHotKeysFollow: whose keys are all asked for waits, in whatever order they are.
func TestHotKeysFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHot(t, false)
		h.ask(time.Millisecond, 1, 2, 9, 4)
		h.ask(2*time.Millisecond, 4, 1)
		h.ask(2*time.Millisecond, 9)
		h.ask(time.Millisecond, 4, 5)
		h.ask(time.Millisecond, 1, 2, 9, 4, 5) // more than are looked into
		h.want(4)
	})
}

// rescued is when a statement is answered by another node that has stalled on one of which little is known.
const rescued = 51 * time.Millisecond

// TestHotKeyNotFollowed: a statement for many keys is not looked into.
func TestHotKeyNotFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHot(t, false)
		h.ask(time.Millisecond, 1, 2, 3, 4, 5)
		h.ask(time.Millisecond, 1)
		h.want(2)
	})
}

// TestHotKeyOfStalledNode: nobody waits for long for a statement that does not end.
func TestHotKeyOfStalledNode(t *testing.T) {
	const wait = 2 * time.Millisecond // lookup.followTime
	synctest.Test(t, func(t *testing.T) {
		h := newHot(t, false)
		h.stall = time.Second
		h.ask(rescued, 1)
		time.Sleep(time.Millisecond / 2)
		h.ask(wait+time.Millisecond, 1)
		h.ask(wait+time.Millisecond, 1) // with the one before
		time.Sleep(wait + 2*time.Millisecond)
		h.ask(time.Millisecond, 1) // the statement is too old by now
		h.want(5)                  // with the probe of the node
	})
}

// TestHotKeyAtClose: who waits for a statement to end does not outlive the reader.
func TestHotKeyAtClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHot(t, false)
		h.ask(time.Millisecond, 1)
		var got []string
		h.results.Go(func() { got = h.read(accounts, h.accountKeys(1), time.Second) })
		synctest.Wait()
		if err := h.reader.Close(t.Context()); err != nil {
			t.Error(err)
		}
		h.want(1)
		if !slices.Equal(got, []string{lookup.ErrUnavailable.Error()}) {
			t.Errorf("got %q", got)
		}
	})
}

// TestHotKeyOfStalledNodeMovesOn: those who have waited in vain go to the node that is least busy, whichever it is.
func TestHotKeyOfStalledNodeMovesOn(t *testing.T) {
	for turns := range 2 {
		synctest.Test(t, func(t *testing.T) {
			h := newHot(t, false)
			for range turns {
				h.ask(time.Millisecond, 2)
				h.results.Wait()
			}
			_, _, before := h.statements()
			h.begun.Store(0)
			h.stall = time.Second
			h.ask(rescued, 1)
			h.ask(3*time.Millisecond, 1)
			time.Sleep(5 * time.Millisecond)
			_, _, after := h.statements()
			for _, name := range []string{"a", "b"} {
				if n := after[name] - before[name]; n != 1 {
					t.Errorf("%d statements on node %s", n, name)
				}
			}
			h.want(4) // with the probe of the node
		})
	}
}
