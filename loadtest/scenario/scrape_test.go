package scenario

import (
	"maps"
	"slices"
	"testing"
	"time"
)

func TestCounters(t *testing.T) {
	got := counters([]byte(`# TYPE rongate_node_statements_total counter
rongate_node_statements_total{node="10.0.0.1:3306",zone="a"} 12
rongate_node_statements_total{node="10.0.0.2:3306",zone="b"} 1.5e+06
rongate_node_statements_running{node="10.0.0.1:3306",zone="a"} 2
rongate_node_statements_total{node="10.0.0.3:3306",zone="b"} none
rongate_node_errors_total{node="10.0.0.1:3306",zone="a",class="broken"} 2
rongate_node_errors_total{node="10.0.0.1:3306",zone="a",class="other"} 3
rongate_node_errors_total{node="10.0.0.9:3306",zone="a",class="other"} 5
rongate_lookup_retries_total{reason="late"} 4
rongate_lookup_retries_total{reason="error"} 1
rongate_panics_total 1
rongate_panics
`), []string{"rongate_node_statements_total", "rongate_node_errors_total", "rongate_lookup_retries_total", "rongate_panics_total"},
		map[string]string{"10.0.0.1:3306": "node1", "10.0.0.2:3306": "node2", "10.0.0.3:3306": "node3"})
	want := map[series]float64{
		{"rongate_node_statements_total", "node1"}: 12, {"rongate_node_statements_total", "node2"}: 1.5e6,
		{"rongate_node_errors_total", "node1"}: 5, {"rongate_node_errors_total", ""}: 5,
		{"rongate_lookup_retries_total", ""}: 5, {"rongate_panics_total", ""}: 1,
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v; want %v", got, want)
	}
}

// TestCloseUps counts on scrapes that are frequent where it matters, and not before.
func TestCloseUps(t *testing.T) {
	f := &File{Expect: []Assertion{
		{Figure: P99, Range: Range{0, time.Second}},
		{Figure: Eject, Node: "node1", After: 2 * time.Second},
		{Figure: Readmit, Node: "node1", After: 4 * time.Second},
		{Figure: Metric, Name: "rongate_panics_total"},
	}}
	s := newScraper(nil, nil, f, nil)
	for _, tc := range []struct{ at, want time.Duration }{
		{0, scrapeEvery},
		{1930 * time.Millisecond, 50 * time.Millisecond},
		{1981 * time.Millisecond, ejectEvery},
		{2100 * time.Millisecond, ejectEvery},
		{2500 * time.Millisecond, scrapeEvery},
		{5 * time.Second, turnEvery},
		{11 * time.Second, scrapeEvery},
	} {
		if got := s.pause(tc.at); got != tc.want {
			t.Errorf("%v at %v; want %v", got, tc.at, tc.want)
		}
	}
	if s.pulse || !slices.Contains(s.wanted, "rongate_panics_total") {
		t.Errorf("wants %v, pulse %v", s.wanted, s.pulse)
	}
	f.Expect = append(f.Expect, Assertion{Figure: Live})
	if !newScraper(nil, nil, f, nil).pulse {
		t.Error("does not ask whether it lives")
	}
}

// TestCounts counts on when a process begins anew.
func TestCounts(t *testing.T) {
	var c counts
	for i, tc := range []struct{ now, want float64 }{{100, 0}, {110, 10}, {110, 10}, {3, 13}, {0, 13}, {7, 20}} {
		if got := c.add(map[series]float64{{"", "node1"}: tc.now})[series{"", "node1"}]; got != tc.want {
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
