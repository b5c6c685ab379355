package lookup_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rongate/rongate/internal/fakenode"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

// changing is a Reader over nodes that come and go. Every connect makes a fake node of its own, which keeps what was
// connected to under the same address before apart from it.
type changing struct {
	*fixture
	mu     sync.Mutex
	opened map[string][]*fakenode.Node // by address, in order
	down   map[string]bool             // what is opened there next is down
	user   map[string]string           // by address: whom the last pool connects as

	figures sync.Mutex            // guards what follows; taken after mu
	stats   map[string]pool.Stats // by address: those of the last pool
	closed  int                   // of what was opened

	onLog func() // nil: nothing
}

// pretended are the connections to a fake node whose figures and end are watched.
type pretended struct {
	lookup.Connections
	address string
	c       *changing
}

func (p pretended) Stats() pool.Stats {
	p.c.figures.Lock()
	defer p.c.figures.Unlock()
	return p.c.stats[p.address]
}

func (p pretended) Close(ctx context.Context) error {
	p.c.figures.Lock()
	p.c.closed++
	p.c.figures.Unlock()
	return p.Connections.Close(ctx)
}

// logged is a slog.Handler that calls changing.onLog.
type logged struct {
	slog.Handler
	c *changing
}

func (l logged) Enabled(context.Context, slog.Level) bool { return true }

func (l logged) Handle(context.Context, slog.Record) error {
	if l.c.onLog != nil {
		l.c.onLog()
	}
	return nil
}

func newChanging(t testing.TB) *changing {
	c := &changing{
		opened: map[string][]*fakenode.Node{}, down: map[string]bool{}, user: map[string]string{},
		stats: map[string]pool.Stats{},
	}
	c.fixture = newFixture(t, func(cfg *lookup.Config, nodes map[string]*fakenode.Node) {
		tables := nodes["a"].Tables
		cfg.Log = slog.New(logged{slog.DiscardHandler, c})
		cfg.Connect = func(pc pool.Config) (lookup.Connections, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			n := &fakenode.Node{Tables: tables}
			conns, err := fakenode.Connect(map[string]*fakenode.Node{pc.Address: n})(pc)
			n.SetDown(c.down[pc.Address])
			c.opened[pc.Address] = append(c.opened[pc.Address], n)
			c.user[pc.Address] = pc.User
			return pretended{conns, pc.Address, c}, err
		}
	})
	return c
}

func (c *changing) set(redial bool, zone, user string, addresses ...string) {
	c.t.Helper()
	cfg := lookup.Config{Zone: zone, Pool: pool.Config{User: user}}
	for _, a := range addresses {
		nodeZone := "z1"
		if a[0] == 'f' {
			nodeZone = "z2"
		}
		cfg.Nodes = append(cfg.Nodes, lookup.NodeConfig{Address: a, Zone: nodeZone})
	}
	if err := c.reader.Change(cfg, redial); err != nil {
		c.t.Fatal(err)
	}
}

// node is the fake that was opened last at an address.
func (c *changing) node(address string) *fakenode.Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.opened[address]
	return list[len(list)-1]
}

// want compares the nodes, as address, tier and whether they are up.
func (c *changing) want(list ...string) {
	c.t.Helper()
	var got []string
	for _, n := range c.reader.Stats().Nodes {
		where, state := "far", "down"
		if n.Local {
			where = "own"
		}
		if n.Up {
			state = "up"
		}
		got = append(got, fmt.Sprintf("%s %s %s", n.Address, where, state))
	}
	if fmt.Sprint(got) != fmt.Sprint(list) {
		c.t.Errorf("nodes %v, want %v", got, list)
	}
}

// wantRead reads a few accounts, and wants them.
func (c *changing) wantRead() {
	c.t.Helper()
	for i, got := range c.read(accounts, c.accountKeys(1, 2, 3), time.Second) {
		if want := account(int64(i + 1)); got != want {
			c.t.Errorf("read %q, want %q", got, want)
		}
	}
}

func TestNodesJoinAndLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChanging(t)
		first := c.node("a")
		c.set(false, "z1", "", "a", "c")
		c.want("a own up", "c own up")
		if c.node("a") != first {
			t.Error("a node that stays was dialed anew")
		}
		c.wantRead()
		c.set(false, "z2", "", "a", "c", "far") // the gateway's own zone is another now
		c.want("a far up", "c far up", "far own up")
		c.wantRead()
	})
}

// TestLeavingServe: the old nodes serve until the new ones are up.
func TestLeavingServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChanging(t)
		c.down["c"], c.down["d"] = true, true
		c.set(false, "z1", "", "c", "d")
		time.Sleep(time.Hour) // however long it takes
		c.want("c own down", "d own down", "far far up", "a own up", "b own up")
		c.wantRead()
		c.node("c").SetDown(false) // one of two, and no time left for the other
		c.want("c own up", "d own down")
		c.wantRead()
	})
}

// TestLeavingWaitForAll: within the grace, one new node is not enough to take over the load of three.
func TestLeavingWaitForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChanging(t)
		c.down["d"] = true
		c.set(false, "z1", "", "c", "d")
		time.Sleep(9 * time.Second)
		c.want("c own up", "d own down", "far far up", "a own up", "b own up")
		time.Sleep(2 * time.Second)
		c.want("c own up", "d own down")
	})
}

// TestRedial: with another user every node is dialed anew, and told of once.
func TestRedial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChanging(t)
		c.wantRead()
		statements := func() (sum uint64) {
			for _, n := range c.reader.Stats().Nodes {
				sum += n.Statements
			}
			return sum
		}
		before, first := statements(), c.node("a")
		c.down["a"] = true
		c.set(true, "z1", "other", "a", "b", "far")
		if c.node("a") == first || c.user["a"] != "other" {
			t.Error("a was not dialed anew")
		}
		c.want("a own up", "b own up", "far far up") // the old a is
		c.set(false, "z1", "other", "a", "b", "far")
		if n := len(c.opened["a"]); n != 2 {
			t.Errorf("dialed %d times", n)
		}
		time.Sleep(time.Minute)
		c.want("a own down", "b own up", "far far up")
		if after := statements(); after != before {
			t.Errorf("%d statements counted where %d were: the counters do not go on", after, before)
		}
		c.wantRead()
	})
}

// TestLeavingComesBack: a change that is taken back finds the nodes as they were.
func TestLeavingComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChanging(t)
		c.down["c"] = true
		c.set(false, "z1", "", "c")
		c.set(false, "z1", "", "a", "b", "far")
		c.want("a own up", "b own up", "far far up")
		if n := len(c.opened["a"]); n != 1 {
			t.Errorf("dialed %d times", n)
		}
		time.Sleep(time.Minute)
		c.want("a own up", "b own up", "far far up")
		c.wantRead()
	})
}

// TestLeavingWaitForConnections: a node that has one of its connections does not yet stand in for one that has them all.
func TestLeavingWaitForConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChanging(t)
		grow := func(open, detached int) {
			c.figures.Lock()
			c.stats["c"] = pool.Stats{Size: 2, Open: open, Detached: detached}
			c.figures.Unlock()
			c.node("c").SetDown(false) // tells the Reader
		}
		c.stats["c"] = pool.Stats{Size: 2, Open: 1}
		c.set(false, "z1", "", "c")
		grow(2, 1)
		c.want("c own up", "far far up", "a own up", "b own up")
		grow(3, 1)
		c.want("c own up")
		c.stats["d"] = pool.Stats{Size: 2, Open: 1}
		c.set(false, "z1", "", "d")
		time.Sleep(handoverGrace)
		synctest.Wait()
		c.want("d own up")
	})
}

// handoverGrace is how long the nodes that leave wait for all of the others.
const handoverGrace = 10 * time.Second

// TestChangedInVain: nodes that never came up are kept by no later change, and told of once each meanwhile.
func TestChangedInVain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChanging(t)
		c.down["a"], c.down["b"] = true, true
		for i := range 10 {
			c.set(true, "z1", fmt.Sprint(i), "a", "b")
			time.Sleep(time.Duration(i) * handoverGrace / 4)
		}
		c.set(true, "z1", "another", "a")
		c.want("a own up", "far far up", "b own up") // the first of each is
		synctest.Wait()
		if open := len(c.opened["a"]) + len(c.opened["b"]) + len(c.opened["far"]) - c.closed; open != 4 {
			t.Errorf("%d pools are open: the three that serve, and one that is to take over", open)
		}
		c.wantRead()
		c.down["a"] = false
		c.set(true, "z1", "right", "a")
		c.want("a own up")
		c.wantRead()
	})
}

// TestChangedTwice: one of two nodes that were to take over is up; it serves until the next change takes effect.
func TestChangedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChanging(t)
		c.down["d"] = true
		c.set(false, "z1", "", "c", "d")
		c.down["e"] = true
		c.set(false, "z1", "", "e")
		c.want("e own down", "c own up", "far far up", "a own up", "b own up")
		c.wantRead()
		c.node("e").SetDown(false)
		c.want("e own up")
		c.wantRead()
	})
}

// TestLoggedUnlocked: a log that blocks must not hold up reads.
func TestLoggedUnlocked(t *testing.T) {
	c := newChanging(t)
	var lines sync.WaitGroup
	lines.Add(3) // nodes leave, have left, and leave; and what becomes of the others
	var logged atomic.Int64
	c.onLog = func() {
		if logged.Add(1) <= 3 {
			defer lines.Done()
		}
		answered := make(chan struct{})
		go func() { defer close(answered); c.reader.Ready() }()
		select {
		case <-answered:
		case <-time.After(10 * time.Second):
			t.Error("a line is logged under the lock")
		}
	}
	c.set(false, "z1", "", "c")
	c.down["d"] = true
	c.set(false, "z1", "", "d")
	lines.Wait()
}

// TestLeavingFinishes: a statement that runs on a node that has left ends as any other.
func TestLeavingFinishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChanging(t)
		c.set(false, "z1", "", "a")
		release := make(chan struct{})
		c.node("a").OnSelect = func(string, int, time.Time) error { <-release; return nil }
		read := make(chan struct{})
		go func() { defer close(read); c.wantRead() }()
		synctest.Wait()
		c.set(false, "z1", "", "b")
		c.want("b own up")
		c.wantRead()
		close(release)
		<-read
	})
}

// TestLeavingRescued: a statement that is stuck on a node that has left is asked for elsewhere.
func TestLeavingRescued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChanging(t)
		c.set(false, "z1", "", "a")
		stuck := func(string, int, time.Time) error { time.Sleep(2 * time.Second); return nil }
		for range 10 {
			c.wantRead()
		}
		c.node("a").OnSelect = stuck
		read := make(chan time.Duration)
		go func() {
			begun := time.Now()
			c.wantRead()
			read <- time.Since(begun)
		}()
		synctest.Wait()
		c.set(false, "z1", "", "b")
		c.want("b own up")
		if took := <-read; took > 100*time.Millisecond {
			t.Errorf("took %v", took)
		}
		if c.node("a").Detaches() != 0 {
			t.Error("a connection was given up at once that might have been used again")
		}
		time.Sleep(300 * time.Millisecond)
		if c.node("a").Detaches() != 1 {
			t.Error("a statement that nobody waits for is waited for")
		}
		time.Sleep(5 * time.Second)
	})
}

// TestChangeBounds: the bounds of a change hold from the next read on.
func TestChangeBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newChanging(t)
		change := func(cfg lookup.Config) {
			t.Helper()
			cfg.Zone, cfg.Nodes = "z1", []lookup.NodeConfig{{Address: "a", Zone: "z1"}}
			if err := c.reader.Change(cfg, false); err != nil {
				t.Fatal(err)
			}
		}
		change(lookup.Config{MaxBlockBytes: 10})
		if got := c.read(accounts, c.accountKeys(1, 2, 3), time.Second)[0]; got != lookup.ErrTooLarge.Error() {
			t.Errorf("a block of more than may be: %q", got)
		}
		change(lookup.Config{MaxLiveBytes: 1})
		var held lookup.Call
		held.Add(c.plans[accounts], c.accountKeys(1))
		c.reader.Read(&held, time.Now().Add(time.Second))
		if got := c.read(accounts, c.accountKeys(2), time.Second)[0]; got != lookup.ErrOverloaded.Error() {
			t.Errorf("while more is held than may be: %q", got)
		}
		held.Release()
		change(lookup.Config{MaxQueued: 1})
		release := make(chan struct{})
		c.node("a").OnSelect = func(string, int, time.Time) error { <-release; return nil }
		var reads sync.WaitGroup
		for range 3 { // two run, one waits
			reads.Go(func() { c.wantRead() })
			synctest.Wait()
		}
		if got := c.read(accounts, c.accountKeys(2), time.Second)[0]; got != lookup.ErrOverloaded.Error() {
			t.Errorf("while as many wait as may: %q", got)
		}
		close(release)
		reads.Wait()
	})
}

// TestChangeBeforeUse: nothing is dialed before there is something to warm it with.
func TestChangeBeforeUse(t *testing.T) {
	r, err := lookup.Open(lookup.Config{
		Nodes:   []lookup.NodeConfig{{Address: "a"}},
		Connect: func(pool.Config) (lookup.Connections, error) { t.Error("dialed"); return nil, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Change(lookup.Config{Nodes: []lookup.NodeConfig{{Address: "b"}}}, true); err != nil {
		t.Fatal(err)
	}
	if nodes := r.Stats().Nodes; len(nodes) != 1 || nodes[0].Address != "b" {
		t.Errorf("nodes %+v", nodes)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := r.Change(lookup.Config{Nodes: []lookup.NodeConfig{{Address: "a"}}}, false); err == nil {
		t.Error("a closed reader changes")
	}
}

// TestChangeUnderLoad changes the nodes all the time; every read is answered.
func TestChangeUnderLoad(t *testing.T) {
	c := newChanging(t)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					c.wantRead()
				}
			}
		})
	}
	sets := [][]string{{"a", "b"}, {"b", "c", "far"}, {"far"}, {"c", "d"}, {"a", "b", "far"}}
	for i := range 200 {
		c.set(i%7 == 0, []string{"z1", "z2"}[i%2], fmt.Sprint(i/7), sets[i%len(sets)]...)
	}
	close(stop)
	readers.Wait()
	if left := len(c.reader.Stats().Nodes); left != 3 {
		t.Errorf("%d nodes", left)
	}
}
