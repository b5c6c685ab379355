package lookup_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rongate/rongate/internal/fakenode"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

// TestRescueFails: a node stalls, and the one that is asked instead breaks: the next is asked, while there is time.
func TestRescueFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begun atomic.Int64
		f := newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
			for _, n := range nodes {
				n.OnSelect = func(string, int, time.Time) error {
					switch begun.Add(1) {
					case 1:
						time.Sleep(3 * time.Second)
					case 2:
						return errBroken
					}
					time.Sleep(time.Millisecond)
					return nil
				}
			}
		})
		got := f.read(accounts, f.accountKeys(1), time.Second)
		f.expectAccounts([]int64{1}, got)
		time.Sleep(5 * time.Second)
	})
}

// TestReadyAfterRestart: all nodes have failed and are back, and nobody asks for anything: probes find out.
func TestReadyAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dead atomic.Bool
		var ns map[string]*fakenode.Node
		f := newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
			ns = nodes
			for _, n := range nodes {
				n.OnSelect = func(string, int, time.Time) error {
					if dead.Load() {
						return errBroken
					}
					time.Sleep(time.Millisecond)
					return nil
				}
			}
		})
		f.read(accounts, f.accountKeys(1), time.Second)
		dead.Store(true)
		for range 40 {
			f.read(accounts, f.accountKeys(1), time.Second)
		}
		for _, n := range ns {
			n.SetDown(true)
		}
		time.Sleep(2 * time.Second)
		dead.Store(false)
		for _, n := range ns {
			n.SetDown(false)
		}
		time.Sleep(10 * time.Minute)
		if !f.reader.Ready() {
			t.Error("not ready ten minutes after the nodes are back")
		}
	})
}

// TestReadyAfterStall: the only node has stalled, for longer than a probe waits, and nobody asks: probes find out.
func TestReadyAfterStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var until atomic.Int64
		f := newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
			cfg.Nodes = cfg.Nodes[1:2]
			nodes["a"].OnSelect = func(_ string, _ int, deadline time.Time) error {
				end := time.Unix(0, until.Load())
				if limit := deadline.Add(time.Second); limit.Before(end) {
					time.Sleep(time.Until(limit))
					return pool.ErrTimeout
				}
				time.Sleep(max(time.Millisecond, time.Until(end)))
				return nil
			}
		})
		f.read(accounts, f.accountKeys(1), time.Second)
		until.Store(time.Now().Add(3 * time.Second).UnixNano())
		f.read(accounts, f.accountKeys(1), 100*time.Millisecond)
		time.Sleep(10 * time.Minute)
		if !f.reader.Ready() {
			t.Error("not ready ten minutes after a stall of three seconds")
		}
	})
}

// TestDrainLeaving: a node is drained that leaves anyway.
func TestDrainLeaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cfg0 lookup.Config
		f := newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
			cfg0 = *cfg
			nodes["new"] = &fakenode.Node{Tables: nodes["a"].Tables}
		})
		f.read(accounts, f.accountKeys(1), time.Second)
		cfg0.Nodes = []lookup.NodeConfig{{Address: "b", Zone: "z1"}, {Address: "new", Zone: "z1"}}
		f.nodes["new"].SetDown(true)
		if err := f.reader.Change(cfg0, false); err != nil {
			t.Fatal(err)
		}
		if err := f.reader.Force("a", lookup.ForceDrained); err != nil {
			t.Fatal(err)
		}
		f.nodes["new"].SetDown(false)
		time.Sleep(20 * time.Second)
		f.read(accounts, f.accountKeys(1), time.Second)
	})
}

// upness is a node of which it is known that it has gone before anybody is told, as pools do.
type upness struct {
	*fakenode.Node
	dead *atomic.Bool
}

func (u upness) Up() bool      { return !u.dead.Load() && u.Node.Up() }
func (u upness) Answers() bool { return !u.dead.Load() && u.Node.Answers() }
func (u upness) TryAcquire() lookup.Conn {
	if u.dead.Load() {
		return nil
	}
	return u.Node.TryAcquire()
}

// TestLastNode: evidence against one node does not count once the other is gone, though nobody was told yet.
func TestLastNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dead atomic.Bool
		var breakA, dieB atomic.Bool
		f := newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
			cfg.Nodes = cfg.Nodes[1:]
			nodes["a"].OnSelect = func(string, int, time.Time) error {
				if breakA.Load() {
					return errBroken
				}
				time.Sleep(time.Millisecond)
				return nil
			}
			nodes["b"].OnSelect = func(string, int, time.Time) error {
				time.Sleep(time.Millisecond)
				if dieB.Load() {
					dead.Store(true) // pool.noteHealth: known at once, nobody is told
					return errBroken
				}
				return nil
			}
			cfg.Connect = func(pc pool.Config) (lookup.Connections, error) {
				c, err := fakenode.Connect(nodes)(pc)
				if pc.Address == "b" && err == nil {
					return upness{nodes["b"], &dead}, nil
				}
				return c, err
			}
		})
		breakA.Store(true)
		f.force("b", lookup.ForceOpen)
		for range 2 {
			f.read(accounts, f.accountKeys(1), time.Second)
		}
		f.force("b", lookup.ForceNone)
		breakA.Store(false)
		dieB.Store(true)
		got := f.read(accounts, f.accountKeys(1), time.Second)
		f.expectAccounts([]int64{1}, got)
		f.expectAccounts([]int64{1}, f.read(accounts, f.accountKeys(1), time.Second))
	})
}

// TestSlowTable: a table that is slow by nature says nothing about nodes.
func TestSlowTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
			for _, n := range nodes {
				n.OnSelect = func(q string, _ int, _ time.Time) error {
					if strings.Contains(q, "names_1") {
						time.Sleep(15 * time.Millisecond)
					} else {
						time.Sleep(time.Millisecond)
					}
					return nil
				}
			}
		})
		for range 60 {
			for range 30 {
				f.read(accounts, f.accountKeys(1), time.Second)
			}
			for range 12 {
				f.read(names, f.nameKeys("key1"), time.Second)
			}
		}
		for _, n := range f.reader.Stats().Nodes {
			if n.Ejections > 0 {
				t.Error("a healthy node was ejected")
			}
		}
	})
}

// TestLockedTable: one table is locked, all others are served: rongate is ready.
func TestLockedTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var locked atomic.Bool
		f := newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
			for _, n := range nodes {
				n.Size = 8
				n.OnSelect = func(q string, _ int, deadline time.Time) error {
					if locked.Load() && strings.Contains(q, "names_1") {
						time.Sleep(time.Until(deadline.Add(time.Second)))
						return pool.ErrTimeout
					}
					time.Sleep(time.Millisecond)
					return nil
				}
			}
		})
		for range 200 {
			f.read(accounts, f.accountKeys(1), time.Second)
		}
		locked.Store(true)
		ready, unready, failed := 0, 0, 0
		for i := range 1000 {
			if i%20 == 0 {
				go f.read(names, f.nameKeys("key1"), 100*time.Millisecond)
			}
			if got := f.read(accounts, f.accountKeys(1), 100*time.Millisecond); got[0] != account(1) {
				failed++
			}
			if f.reader.Ready() {
				ready++
			} else {
				unready++
			}
			time.Sleep(4 * time.Millisecond)
		}
		if unready > 0 {
			t.Error("not ready though nodes answer")
		}
		time.Sleep(5 * time.Second)
	})
}

// TestRescuedGivesUpItsConnection: a statement that does not end, and that nobody waits for, lets the node have another
// connection.
func TestRescuedGivesUpItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
			cfg.Nodes = cfg.Nodes[1:]
			nodes["a"].OnSelect = func(string, int, time.Time) error { time.Sleep(2 * time.Second); return nil }
			nodes["b"].OnSelect = func(string, int, time.Time) error { time.Sleep(time.Millisecond); return nil }
		})
		for range 4 {
			f.expectAccounts([]int64{1}, f.read(accounts, f.accountKeys(1), time.Second))
		}
		if f.nodes["a"].Detaches() != 0 {
			t.Error("a connection was given up at once that might have been used again")
		}
		time.Sleep(300 * time.Millisecond)
		if f.nodes["a"].Detaches() == 0 {
			t.Error("a statement that nobody waits for keeps its slot")
		}
		time.Sleep(5 * time.Second)
	})
}

// TestProbesPassOverLockedTables: a node that is back is found out to be, though one of the tables is locked.
func TestProbesPassOverLockedTables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken, locked atomic.Bool
		f := newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
			for a, n := range nodes {
				n.OnSelect = func(q string, _ int, deadline time.Time) error {
					if a == "a" && broken.Load() {
						return errBroken
					}
					if locked.Load() && strings.Contains(q, "names_1") {
						time.Sleep(time.Until(deadline.Add(time.Second)))
						return pool.ErrTimeout
					}
					time.Sleep(time.Millisecond)
					return nil
				}
			}
		})
		broken.Store(true)
		f.force("b", lookup.ForceOpen)
		f.force("far", lookup.ForceOpen)
		for range 2 {
			f.read(accounts, f.accountKeys(1), time.Second)
		}
		f.force("b", lookup.ForceNone)
		f.force("far", lookup.ForceNone)
		broken.Store(false)
		locked.Store(true)
		for range 6000 {
			f.read(accounts, f.accountKeys(1), time.Second)
			time.Sleep(9 * time.Millisecond)
		}
		for _, n := range f.reader.Stats().Nodes {
			if n.Address == "a" && n.State == lookup.StateOpen {
				t.Error("a minute later it is still open")
			}
		}
	})
}

// force is what an operator does.
func (f *fixture) force(node string, force lookup.Force) {
	f.t.Helper()
	if err := f.reader.Force(node, force); err != nil {
		f.t.Error(err)
	}
}
