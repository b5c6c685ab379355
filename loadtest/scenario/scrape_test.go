package scenario

import (
	"maps"
	"testing"
)

func TestStatements(t *testing.T) {
	got := statements([]byte(`# TYPE rongate_node_statements_total counter
rongate_node_statements_total{node="10.0.0.1:3306",zone="a"} 12
rongate_node_statements_total{node="10.0.0.2:3306",zone="b"} 1.5e+06
rongate_node_statements_running{node="10.0.0.1:3306",zone="a"} 2
rongate_node_statements_total{node="10.0.0.3:3306",zone="b"} none
`))
	want := map[string]float64{"10.0.0.1:3306": 12, "10.0.0.2:3306": 1.5e6}
	if !maps.Equal(got, want) {
		t.Errorf("got %v; want %v", got, want)
	}
}

// TestCounts counts on when a process begins anew.
func TestCounts(t *testing.T) {
	var c counts
	for i, tc := range []struct{ now, want float64 }{{100, 0}, {110, 10}, {110, 10}, {3, 13}, {0, 13}, {7, 20}} {
		if got := c.add(map[string]float64{"node1": tc.now})["node1"]; got != tc.want {
			t.Errorf("%d: %v after %v; want %v", i, got, tc.now, tc.want)
		}
	}
}

func TestAddressesDiffer(t *testing.T) {
	for range 200 {
		g := &gateway{}
		if err := g.chooseAddresses(); err != nil || g.public == g.private || g.public == "" || g.private == "" {
			t.Fatalf("%q and %q, %v", g.public, g.private, err)
		}
	}
}
