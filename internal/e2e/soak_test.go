package e2e

import (
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/faultnet"
	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/lookup"
)

// soakEnv makes TestSoak take that long: RONGATE_SOAK=10m.
const soakEnv = "RONGATE_SOAK"

// A mishap is something that happens to a node for a while.
type mishap struct {
	name  string
	fault faultnet.Fault
	reset bool // and all of its connections are reset
}

// mishaps are all of which a caller must not notice anything while another node is well.
func mishaps() []mishap {
	answers := func(number uint16, state, message string) faultnet.Fault {
		return faultnet.Fault{Errors: 1, Error: faultnet.Error{Number: number, State: state, Message: message}}
	}
	return []mishap{
		{name: "black hole", fault: faultnet.Fault{BlackHole: true}},
		{name: "refused", fault: faultnet.Fault{Refuse: true}, reset: true},
		{name: "no greeting", fault: faultnet.Fault{NoGreeting: true}, reset: true},
		{name: "too many connections", reset: true, fault: faultnet.Fault{
			Refusal: faultnet.Error{Number: 1040, State: "08004", Message: "Too many connections"},
		}},
		{name: "wrong password", reset: true, fault: faultnet.Fault{
			Refusal: faultnet.Error{Number: 1045, State: "28000", Message: "Access denied for user 'rongate'@'localhost'"},
		}},
		{name: "slow", fault: faultnet.Fault{DelayDown: 40 * time.Millisecond}},
		{name: "trickle", fault: faultnet.Fault{Trickle: 1, TrickleEvery: 50 * time.Millisecond}},
		{name: "reset in a row", fault: faultnet.Fault{ResetAfter: 60}},
		{name: "stall in a row", fault: faultnet.Fault{StallAfter: 60}},
		{name: "cluster failure", fault: answers(1296, "HY000", "Got error 4009 'Cluster Failure' from NDBCLUSTER")},
		{name: "not connected", fault: answers(1296, "HY000", "Got error 157 'Unknown error code' from NDBCLUSTER")},
		{name: "overload", fault: answers(1297, "HY000", "Got temporary error 410 'REDO log files overloaded' from NDBCLUSTER")},
		{name: "all connections reset", reset: true},
	}
}

// TestSoak has one mishap after the other befall one node at a time, chosen at random, under a trickle of requests. None
// fails, and afterwards there is as much of everything as before: connections, goroutines, blocks.
func TestSoak(t *testing.T) {
	length := 10 * time.Second
	if text := os.Getenv(soakEnv); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatalf("%s: %v", soakEnv, err)
		}
	}
	db := database(t, testbed.KindMariaDB)
	g, tr, right := startFaultTrickle(t, db)
	time.Sleep(time.Second)
	goroutines := runtime.NumGoroutine()
	var told []chapter
	for end := time.Now().Add(length); time.Now().Before(end); {
		for _, m := range mishaps() {
			n := db.Nodes()[rand.IntN(len(db.Nodes()))]
			told = append(told, chapter{time.Now(), m.name, n.Zone})
			befall(t, g, n, m)
			if time.Now().After(end) {
				break
			}
		}
	}
	answers := tr.end()
	logSlow(t, answers, told)
	expectNoneFailed(t, answers, right)
	st := g.reader.Stats()
	t.Logf("%d mishaps; retries %+v", len(told), st.RetriesBy)
	for _, n := range st.Nodes {
		t.Logf("%s: %d statements, %d suspicions, %d ejections, %d probes, %d rescued, %d dials",
			n.Zone, n.Statements, n.Suspicions, n.Ejections, n.Probes, n.Rescued, n.Pool.Dials)
	}
	expectAtRest(t, g, goroutines)
}

// A chapter is one mishap of a soak.
type chapter struct {
	began      time.Time
	what, zone string
}

// logSlow tells which mishaps slowed requests down by far more than they should.
func logSlow(t *testing.T, answers []answer, told []chapter) {
	t.Helper()
	const limit = 10
	said := 0
	for _, a := range answers {
		if a.took < 250*time.Millisecond || said == limit {
			continue
		}
		said++
		i := len(told) - 1
		for i > 0 && told[i].began.After(a.at) {
			i--
		}
		t.Logf("%v for a request that was sent %v into %q of a node in %s", a.took, a.at.Sub(told[i].began), told[i].what, told[i].zone)
	}
}

// befall has a mishap happen to a node, and waits until the node serves again.
func befall(t *testing.T, g *gateway, n *testbed.Node, m mishap) {
	t.Helper()
	if err := n.Proxy.Set(m.fault); err != nil {
		t.Fatal(err)
	}
	if m.reset {
		n.Proxy.Reset()
	}
	time.Sleep(300*time.Millisecond + rand.N(time.Second))
	if err := n.Restart(context.Background()); err != nil { // of a proxy: it ends all faults
		t.Fatal(err)
	}
	began := time.Now()
	for !serves(g, n.Address) {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("%s: node %s does not serve again: %+v", m.name, n.Address, g.reader.Stats().Nodes)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// serves reports whether a node is in use.
func serves(g *gateway, address string) bool {
	for _, n := range g.reader.Stats().Nodes {
		if n.Address == address {
			return n.State == lookup.StateServing || n.State == lookup.StateRamping
		}
	}
	return false
}

// expectAtRest waits until nothing is left of what was under way.
func expectAtRest(t *testing.T, g *gateway, goroutines int) {
	t.Helper()
	g.waitForNodes(3)
	var st lookup.Stats
	running := 0
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		st, running = g.reader.Stats(), runtime.NumGoroutine()
		rest := st.Blocks == 0 && st.LiveBytes == 0 && st.Queued == 0 && running <= goroutines
		for _, n := range st.Nodes {
			rest = rest && n.Busy == 0 && n.Oldest == 0 && n.Pool.Open == n.Pool.Size && n.Pool.Free == n.Pool.Size
		}
		if rest {
			return
		}
	}
	t.Errorf("%d goroutines, %d before; %+v", running, goroutines, st)
}
