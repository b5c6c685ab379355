package lookup_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/internal/fakenode"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

// patiently has whoever runs a statement wait for it as long as it has the patience to, as on the connections of package
// pool that are not encrypted.
func patiently(cfg *lookup.Config) {
	connect := cfg.Connect
	cfg.Connect = func(pc pool.Config) (lookup.Connections, error) {
		conns, err := connect(pc)
		return patient{conns}, err
	}
}

type patient struct{ lookup.Connections }

func (p patient) TryAcquire() lookup.Conn {
	if c := p.Connections.TryAcquire(); c != nil {
		return patientConn{c, make(chan struct{}, 1)}
	}
	return nil
}

type patientConn struct {
	lookup.Conn
	hurry chan struct{}
}

// Hurry ends the patience.
func (c patientConn) Hurry() {
	select {
	case c.hurry <- struct{}{}:
	default:
	}
}

func (c patientConn) SelectWithin(
	patience, deadline time.Time, query string, args []column.Value, sink pool.Sink, later func(error),
) (pending bool, err error) {
	select {
	case <-c.hurry: // it was meant for the statement before
	default:
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Select(deadline, query, args, sink) }()
	select {
	case err := <-ended:
		return false, err
	case <-c.hurry:
	case <-time.After(time.Until(patience)):
	}
	go func() { later(<-ended) }()
	return true, nil
}

// slowTime is what a statement takes that is hedged; a probe of its node would come later.
const slowTime = 9 * time.Millisecond

// will sets the fates of the next statements.
func (h *hedged) will(fates ...fate) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fates = fates
}

// hold has so many connections be busy on behalf of calls for which nothing is asked for twice.
func (h *hedged) hold(connections int64, with ...fate) {
	h.will(with...)
	for id := range connections {
		h.results.Go(func() {
			call := lookup.Call{Hedging: catalog.HedgingOff}
			defer call.Release()
			call.Add(h.plans[accounts], h.accountKeys(1000+id))
			h.reader.Read(&call, time.Now().Add(5*time.Second))
		})
		synctest.Wait()
	}
}

// TestHedgeMerged: of those who share a statement, one has left when it is slow, and another wants nothing asked for twice. A
// hedge is for the third.
func TestHedgeMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, patiently, small)
		h.crowd(fate{takes: slowTime}, fate{takes: time.Millisecond})
		gone, off := lookup.Call{}, lookup.Call{Hedging: catalog.HedgingOff}
		h.results.Go(func() {
			gone.Add(h.plans[accounts], h.accountKeys(2))
			h.reader.Read(&gone, time.Now().Add(time.Millisecond))
		})
		synctest.Wait()
		h.results.Go(func() {
			begun, i := time.Now(), off.Add(h.plans[accounts], h.accountKeys(4))
			h.reader.Read(&off, begun.Add(time.Second))
			h.expectAccounts([]int64{4}, []string{h.row(accounts, off.Read(i), 0)})
			if took := time.Since(begun); took < slowTime {
				t.Errorf("what may not be asked for twice took %v", took)
			}
		})
		synctest.Wait()
		_, before, _ := h.statements()
		begun := time.Now()
		h.expectAccounts([]int64{6}, h.read(accounts, h.accountKeys(6), time.Second))
		if took := time.Since(begun); took >= slowTime {
			t.Errorf("what may was answered after %v", took)
		}
		h.results.Wait()
		if _, after, _ := h.statements(); after-before != 3+1 {
			t.Errorf("%d keys were asked for, three of them by the first statement", after-before)
		}
		gone.Release()
		off.Release()
		if st := h.reader.Stats(); st.Blocks != 0 || st.Hedges.Sent != 1 || st.Hedges.Won != 1 || st.Merged != 2 {
			t.Errorf("%d blocks, %d merged, %+v", st.Blocks, st.Merged, st.Hedges)
		}
	})
}

// TestHedgeBlocks: the loser's block is given back as it ends, the winner's when its call releases it, and what the call
// has seen stays as it is until then.
func TestHedgeBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, patiently)
		h.will(fate{takes: slowTime}, fate{takes: time.Millisecond})
		var call lookup.Call
		i := call.Add(h.plans[accounts], h.accountKeys(1))
		h.reader.Read(&call, time.Now().Add(time.Second))
		row, found, err := call.Read(i).Row(0)
		if !found || err != nil {
			t.Fatal(found, err)
		}
		cells := row.Cells(0, 2)
		for range 100 { // others take the blocks that are free
			h.read(accounts, h.accountKeys(2), time.Second)
		}
		if st := h.reader.Stats(); st.Blocks != 1 || st.Hedges.Won != 1 || string(cells) != "7,1000001" {
			t.Errorf("%d blocks, cells %s, %+v", st.Blocks, cells, st.Hedges)
		}
		call.Release()
		if st := h.reader.Stats(); st.Blocks != 0 || st.LiveBytes != 0 {
			t.Errorf("%d blocks of %d bytes", st.Blocks, st.LiveBytes)
		}
		if lookup.Race && string(cells) == "7,1000001" {
			t.Error("a block that is free was not poisoned")
		}
	})
}

// TestHedgeBudget: of statements of which one in ten is slow, as many are asked for twice as the budget has saved up and
// earns.
func TestHedgeBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, patiently)
		const reads, burst, share = 1000, 8, 40
		for i := range reads {
			if i%10 == 0 {
				h.will(fate{takes: slowTime})
			}
			h.read(accounts, h.accountKeys(1), time.Second)
		}
		time.Sleep(time.Second)
		hedges := h.reader.Stats().Hedges
		if hedges.Sent > burst+reads/share+1 || hedges.Sent < reads/share || hedges.Denied == 0 {
			t.Errorf("%+v of %d", hedges, reads)
		}
		if hedges.Sent != hedges.Won+hedges.Lost {
			t.Errorf("%+v, and none runs", hedges)
		}
	})
}

// TestHedgeNowhere: without another node that is to be used and has a connection to spare nothing is hedged.
func TestHedgeNowhere(t *testing.T) {
	dead := fate{takes: 3 * time.Second}
	for name, prepare := range map[string]func(*hedged){
		"busy": func(h *hedged) { h.force("far", lookup.ForceOpen); h.hold(1, fate{takes: 20 * time.Millisecond}) },
		"half busy": func(h *hedged) { // with connections to spare, but others want them
			h.force("far", lookup.ForceOpen)
			h.force("b", lookup.ForceOpen)
			h.hold(2, fate{takes: 40 * time.Millisecond}, fate{takes: 40 * time.Millisecond})
			h.force("b", lookup.ForceNone)
		},
		"forced": func(h *hedged) { h.force("a", lookup.ForceOpen); h.force("b", lookup.ForceDrained) },
		"down":   func(h *hedged) { h.nodes["a"].SetDown(true); h.nodes["b"].SetDown(true) },
		"suspect": func(h *hedged) {
			h.force("far", lookup.ForceOpen)
			h.hold(2, dead, dead, dead, dead) // the last two are probes
			time.Sleep(100 * time.Millisecond)
			h.force("far", lookup.ForceNone)
			for _, n := range h.reader.Stats().Nodes {
				if n.Address != "far" && n.State != lookup.StateSuspect {
					h.t.Errorf("%s is %s", n.Address, n.State)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHedged(t, patiently, func(nodes map[string]*fakenode.Node) {
					if small(nodes); name != "busy" {
						nodes["a"].Size, nodes["b"].Size = 4, 4
					}
				})
				prepare(h)
				sent := h.reader.Stats().Hedges.Sent
				got, took := h.ask(time.Second, fate{takes: slowTime}, fate{takes: time.Millisecond})
				h.expectAccounts([]int64{1}, []string{got})
				if now := h.reader.Stats().Hedges.Sent; now != sent || took != slowTime {
					t.Errorf("%d hedges, took %v", now-sent, took)
				}
				h.results.Wait()
				time.Sleep(5 * time.Second)
			})
		})
	}
}

// TestHedgeDesperate: where there is evidence against all nodes, what is slow is not asked for twice.
func TestHedgeDesperate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHedged(t, patiently)
		broken := fate{err: errBroken}
		for range 40 { // until all are passed over, which is as if none was
			h.ask(time.Second, broken, broken, broken)
		}
		for _, n := range h.reader.Stats().Nodes {
			if n.State != lookup.StateOpen {
				t.Fatalf("%s is %s", n.Address, n.State)
			}
		}
		_, took := h.ask(time.Second, fate{takes: slowTime})
		if sent := h.reader.Stats().Hedges.Sent; sent != 0 || took != slowTime {
			t.Errorf("%d hedges, took %v", sent, took)
		}
		time.Sleep(time.Second)
	})
}
