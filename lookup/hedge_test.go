package lookup_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/internal/fakenode"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

// A fate is what becomes of a statement.
type fate struct {
	takes time.Duration
	err   error
}

// hedged is a fixture whose statements take a millisecond, but for those to come that have a fate of their own.
type hedged struct {
	*fixture
	mu     sync.Mutex
	fates  []fate
	before uint64        // statements when the fates were set
	delay  time.Duration // the age at which one is hedged: a little more than the millisecond that all take

	results sync.WaitGroup
}

func newHedged(t *testing.T, change func(*lookup.Config), prepare ...func(map[string]*fakenode.Node)) *hedged {
	t.Helper()
	h := &hedged{}
	h.fixture = newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
		if change != nil {
			change(cfg)
		}
		for _, do := range prepare {
			do(nodes)
		}
		for _, n := range nodes {
			n.OnSelect = func(string, int, time.Time) error {
				f := h.next()
				time.Sleep(f.takes)
				return f.err
			}
		}
	})
	for range 1000 { // more than it takes to know what is slow
		h.read(accounts, h.accountKeys(1), time.Second)
	}
	h.delay = h.reader.Stats().Hedges.Delays[0]
	return h
}

func (h *hedged) next() fate {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.fates) == 0 {
		return fate{takes: time.Millisecond}
	}
	f := h.fates[0]
	h.fates = h.fates[1:]
	return f
}

// ask reads a key whose statements have these fates, in the order in which they begin.
func (h *hedged) ask(timeout time.Duration, fates ...fate) (got string, took time.Duration) {
	h.mu.Lock()
	h.fates = fates
	h.mu.Unlock()
	h.before, _, _ = h.statements()
	begun := time.Now()
	got = h.read(accounts, h.accountKeys(1), timeout)[0]
	return got, time.Since(begun)
}

// begun is how many statements there were since, probes left out.
func (h *hedged) begun() uint64 {
	now, _, _ := h.statements()
	return now - h.before
}

// TestHedge: the first answer counts, whichever statement it is of, and whatever becomes of the other.
func TestHedge(t *testing.T) {
	const ms = time.Millisecond
	transient := &pool.ServerError{Number: 1297, NDB: 4010}
	for name, test := range map[string]struct {
		fates     []fate
		hedged    bool // it is since the hedge that it takes
		took      time.Duration
		begun     uint64
		won, lost uint64
	}{
		"neither":                           {[]fate{{ms, nil}}, false, ms, 1, 0, 0},
		"the second wins":                   {[]fate{{10 * ms, nil}, {ms, nil}}, true, ms, 2, 1, 0},
		"the first wins":                    {[]fate{{3 * ms, nil}, {10 * ms, nil}}, false, 3 * ms, 2, 0, 1},
		"the second wins, the first breaks": {[]fate{{10 * ms, errBroken}, {ms, nil}}, true, ms, 2, 1, 0},
		"the second wins, the first errs":   {[]fate{{10 * ms, transient}, {ms, nil}}, true, ms, 2, 1, 0},
		"the first wins, the second breaks": {[]fate{{5 * ms, nil}, {8 * ms, errBroken}}, false, 5 * ms, 2, 0, 1},
		"the first breaks, then the second answers": {
			[]fate{{3 * ms, errBroken}, {4 * ms, nil}}, true, 4 * ms, 2, 1, 0,
		},
		"the second breaks, then the first answers": {[]fate{{5 * ms, nil}, {ms, errBroken}}, false, 5 * ms, 2, 0, 1},
		"the second errs, then the first answers":   {[]fate{{5 * ms, nil}, {ms, transient}}, false, 5 * ms, 2, 0, 1},
		"both break, and a third answers": {
			[]fate{{5 * ms, errBroken}, {ms, errBroken}, {2 * ms, nil}}, false, 7 * ms, 3, 0, 1,
		},
		"the second breaks last": {
			[]fate{{3 * ms, errBroken}, {5 * ms, errBroken}, {2 * ms, nil}}, true, 7 * ms, 3, 0, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHedged(t, nil)
				got, took := h.ask(time.Second, test.fates...)
				h.expectAccounts([]int64{1}, []string{got})
				time.Sleep(time.Second) // whatever runs ends
				if test.hedged {
					test.took += h.delay
				}
				if off := (took - test.took).Abs(); off > 100*time.Microsecond || // the median of a millisecond wavers
					h.begun() != test.begun {
					t.Errorf("took %v and %d statements; want %v and %d", took, h.begun(), test.took, test.begun)
				}
				hedges := h.reader.Stats().Hedges
				if hedges.Won != test.won || hedges.Lost != test.lost || hedges.Sent != test.won+test.lost {
					t.Errorf("%+v; want %d won and %d lost", hedges, test.won, test.lost)
				}
			})
		})
	}
}

// TestHedgeBothStuck: a statement and its hedge are both stuck. A third is asked when they are overdue, and answers.
func TestHedgeBothStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, nil)
		stuck := fate{takes: 2 * time.Second}
		probe := fate{takes: time.Millisecond} // one for each of the two nodes, before it would be suspected
		got, took := h.ask(time.Second, stuck, stuck, probe, probe)
		h.expectAccounts([]int64{1}, []string{got})
		if took > 60*time.Millisecond {
			t.Errorf("took %v", took)
		}
		time.Sleep(5 * time.Second)
		if st := h.reader.Stats(); st.Hedges.Sent != 1 || st.Hedges.Lost != 1 || st.RetriesBy.Rescue == 0 {
			t.Errorf("%+v, rescues %d", st.Hedges, st.RetriesBy.Rescue)
		}
	})
}

// TestHedgeWaiterGone: nobody waits any more when it is time for a hedge.
func TestHedgeWaiterGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, nil)
		got, _ := h.ask(h.delay*9/10, fate{takes: 10 * time.Millisecond})
		time.Sleep(time.Second)
		if got != lookup.ErrDeadline.Error() || h.begun() != 1 || h.reader.Stats().Hedges.Sent != 0 {
			t.Errorf("%q, %d statements", got, h.begun())
		}
	})
}

// TestHedgeWaiterLeaves: the caller's time is up while both run. They end by themselves.
func TestHedgeWaiterLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, nil)
		slow := fate{takes: 10 * time.Millisecond}
		got, took := h.ask(3*time.Millisecond, slow, slow)
		if got != lookup.ErrDeadline.Error() || took != 3*time.Millisecond {
			t.Errorf("%q after %v", got, took)
		}
		time.Sleep(time.Second)
		st := h.reader.Stats()
		if st.Hedges.Sent != 1 || st.Hedges.Lost != 1 || st.Blocks != 0 {
			t.Errorf("%+v, %d blocks", st.Hedges, st.Blocks)
		}
	})
}

// TestHedgeAfterClose: Close waits for the statement that has lost.
func TestHedgeAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, nil)
		begun := time.Now()
		got, _ := h.ask(time.Second, fate{takes: 20 * time.Millisecond}, fate{takes: time.Millisecond})
		h.expectAccounts([]int64{1}, []string{got})
		if err := h.reader.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took != 20*time.Millisecond {
			t.Errorf("closed after %v", took)
		}
		if st := h.reader.Stats(); st.Blocks != 0 || st.Hedges.Won != 1 {
			t.Errorf("%+v, %d blocks", st.Hedges, st.Blocks)
		}
	})
}

// TestHedgingModes: what a call and the configuration both allow is done.
func TestHedgingModes(t *testing.T) {
	modes := []catalog.Hedging{catalog.HedgingFull, catalog.HedgingRescue, catalog.HedgingOff}
	for _, all := range modes {
		for _, own := range modes {
			synctest.Test(t, func(t *testing.T) {
				h := newHedged(t, func(cfg *lookup.Config) { cfg.Hedging = all })
				h.fates = []fate{{takes: 10 * time.Millisecond}}
				call := lookup.Call{Hedging: own}
				defer call.Release()
				i := call.Add(h.plans[accounts], h.accountKeys(1))
				h.reader.Read(&call, time.Now().Add(time.Second))
				h.expectAccounts([]int64{1}, []string{h.row(accounts, call.Read(i), 0)})
				want := uint64(0)
				if max(all, own) == catalog.HedgingFull {
					want = 1
				}
				if got := h.reader.Stats().Hedges.Sent; got != want {
					t.Errorf("configuration %d, call %d: %d hedges", all, own, got)
				}
				time.Sleep(time.Second)
			})
		}
	}
}

// TestHedgeFailureTold: where all there is fails, the caller is told so, once.
func TestHedgeFailureTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, nil)
		broken := fate{takes: 2 * time.Millisecond, err: errBroken}
		got, _ := h.ask(time.Second, broken, broken, broken, broken, broken, broken)
		if got == account(1) {
			t.Errorf("got %q", got)
		}
		if h.begun() > 4 { // three attempts and a hedge
			t.Errorf("%d statements", h.begun())
		}
		time.Sleep(time.Second)
	})
}

// crowd has the nodes of the own zone, of one connection each, be busy for half a millisecond at most, so that whatever is
// asked for next shares one statement. The fates are of what comes then. Statements of that size have been seen.
func (h *hedged) crowd(fates ...fate) {
	for range 10 {
		h.read(accounts, h.accountKeys(1, 2, 3), time.Second)
	}
	h.fates = append([]fate{{takes: time.Millisecond / 2}, {takes: time.Millisecond / 4}}, fates...)
	for id := range int64(2) {
		h.results.Go(func() { h.read(accounts, h.accountKeys(1000+id), time.Second) })
		synctest.Wait()
	}
}

// accountKeysInto makes keys those of other accounts.
func (h *hedged) accountKeysInto(keys *lookup.Keys, ids ...int64) {
	keys.Reset(1)
	for _, id := range ids {
		if err := keys.Append(h.id, number(id)); err != nil {
			h.t.Error(err)
		}
	}
	var call lookup.Call
	call.Add(h.plans[accounts], keys)
}

// small leaves each node one connection.
func small(nodes map[string]*fakenode.Node) {
	for _, n := range nodes {
		n.Size = 1
	}
}

// TestHedgeForWhoIsLeft: a statement is for several calls, and one of them has left, and uses its keys for something else,
// when it is time for a hedge. That is for the other.
func TestHedgeForWhoIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, nil, small)
		h.crowd(fate{takes: 10 * time.Millisecond}, fate{takes: time.Millisecond})
		h.results.Go(func() {
			keys := h.accountKeys(2)
			if got := h.read(accounts, keys, time.Millisecond); got[0] != lookup.ErrDeadline.Error() {
				t.Errorf("got %q", got)
			}
			h.accountKeysInto(keys, upTo(10)...)
		})
		synctest.Wait()
		h.results.Go(func() { h.expectAccounts([]int64{5, 6}, h.read(accounts, h.accountKeys(5, 6), time.Second)) })
		h.results.Wait()
		time.Sleep(time.Second)
		if st := h.reader.Stats(); st.Hedges.Won != 1 || st.Merged != 1 {
			t.Errorf("%+v, %d merged", st.Hedges, st.Merged)
		}
	})
}

// TestHedgeNotWhereItFailed: a hedge of a second attempt goes neither to where that runs nor to where the first has failed.
func TestHedgeNotWhereItFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, nil)
		_, _, before := h.statements()
		got, _ := h.ask(time.Second, fate{err: errBroken}, fate{takes: 10 * time.Millisecond}, fate{takes: time.Millisecond})
		h.expectAccounts([]int64{1}, []string{got})
		time.Sleep(time.Second)
		_, _, after := h.statements()
		for name, count := range after {
			if count != before[name]+1 {
				t.Errorf("%d statements on node %s", count-before[name], name)
			}
		}
		if hedges := h.reader.Stats().Hedges; hedges.Won != 1 {
			t.Errorf("%+v", hedges)
		}
	})
}

// TestHedgeSparesRetries: what fails while its twin is to answer is not tried again, and is not counted as if it were.
func TestHedgeSparesRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, nil)
		got, _ := h.ask(time.Second, fate{3 * time.Millisecond, errBroken}, fate{4 * time.Millisecond, nil})
		h.expectAccounts([]int64{1}, []string{got})
		got, _ = h.ask(time.Second, fate{5 * time.Millisecond, nil}, fate{time.Millisecond, errBroken})
		h.expectAccounts([]int64{1}, []string{got})
		time.Sleep(time.Second)
		if st := h.reader.Stats(); st.RetriesBy != (lookup.RetryCounts{}) || st.Retries != 0 {
			t.Errorf("%d retries: %+v", st.Retries, st.RetriesBy)
		}
	})
}

// TestNoProbeOfForcedNode: a node that an operator has taken out is sent nothing, whatever still runs there.
func TestNoProbeOfForcedNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, func(cfg *lookup.Config) { cfg.Nodes = cfg.Nodes[1:] })
		h.force("b", lookup.ForceOpen)
		h.results.Go(func() { h.ask(100*time.Millisecond, fate{takes: 60 * time.Millisecond}) })
		synctest.Wait()
		h.force("b", lookup.ForceNone)
		h.force("a", lookup.ForceOpen)
		h.results.Wait()
		time.Sleep(time.Second)
		for _, n := range h.reader.Stats().Nodes {
			if n.Address == "a" && n.Probes > 0 {
				t.Errorf("%d probes", n.Probes)
			}
		}
	})
}
