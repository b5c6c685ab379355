package e2e

import (
	"strconv"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/faultnet"
	"github.com/rongate/rongate/internal/testbed"
)

// TestHedgesCloseNoConnection: what is asked for twice is read to its end. The server, which counts clients that left without
// a word, sees none; no connection is dialed, and no more statements are given up than may be.
func TestHedgesCloseNoConnection(t *testing.T) {
	db := database(t, testbed.KindMariaDB)
	aborted := func() int {
		t.Helper()
		found, err := db.Query(t.Context(), "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS "+
			"WHERE VARIABLE_NAME = 'ABORTED_CLIENTS'")
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(found[0][0].Text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	g, tr, right := startFaultTrickle(t, db)
	time.Sleep(3 * time.Second) // until it is known what a statement takes
	before, dials := aborted(), g.dials()
	for _, n := range db.Nodes() {
		if err := n.Proxy.Set(faultnet.Fault{Stragglers: 0.01, StragglerDelay: 15 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(20 * time.Second); g.reader.Stats().Hedges.Sent < 20 && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	expectNoneFailed(t, tr.end(), right)
	st := g.reader.Stats()
	if st.Hedges.Sent < 20 {
		t.Errorf("%+v: too few hedges to tell anything", st.Hedges)
	}
	if more := aborted() - before; more != 0 {
		t.Errorf("%d connections were closed without a word", more)
	}
	if more := g.dials() - dials; more != 0 {
		t.Errorf("%d connections were dialed", more)
	}
	for _, n := range st.Nodes {
		if n.Pool.Detached > n.Pool.Size {
			t.Errorf("node in %s: %d statements given up", n.Zone, n.Pool.Detached)
		}
	}
	t.Logf("%+v", st.Hedges)
}

// dials is how many connections were dialed.
func (g *gateway) dials() (n uint64) {
	for _, node := range g.reader.Stats().Nodes {
		n += node.Pool.Dials
	}
	return n
}
