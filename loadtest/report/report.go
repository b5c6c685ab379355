package report

import (
	"time"

	"github.com/rongate/rongate/loadtest"
)

// A Report is everything there is to tell of one run, for whoever was not there.
type Report struct {
	Title    string
	Command  []string          // as it was typed
	Versions map[string]string // of rongate, the harness, the database, Go: by what it is
	Machine  Machine
	Started  time.Time

	Loads      []Load       // one, or one for each side of a comparison
	Events     []Event      // in the order of time
	Series     []Series     // what else was measured over time
	Verdicts   []Verdict    // of a scenario's assertions
	Comparison []Comparison // of two servers
	Stopped    string       // why the run ended before its end; empty: it did not
	Files      []string     // where the report is written to, for the summary
}

// Machine is where it ran.
type Machine struct {
	CPU    string
	Cores  int
	Memory int64 // bytes
	OS     string
}

// A Load is the load on one server.
type Load struct {
	Name   string
	URL    string
	Steps  []loadtest.Step
	Closed int // callers of a closed loop; 0: an open one
	Result *loadtest.Result
}

// An Event is something that was done during the run, from the start of the load on.
type Event struct {
	At   time.Duration
	What string // "node2 killed"
}

// A Series is one figure for each window of the run, such as a node's share of the statements.
type Series struct {
	Group string // series of one group share a plot: "Statements by node"
	Name  string // "node1 (zone-a)"
	Unit  string // "%", "/s"
	Start []time.Duration
	Value []float64
}

// A Verdict is what became of one assertion.
type Verdict struct {
	What   string // "p99 of every window after the first second ≤ 1.3 × healthy"
	Want   string // "≤ 5.2 ms"
	Got    string // "4.1 ms, in the window from 12 s"
	Passed bool
}

// A Comparison is one figure of B against A, with its interval of 95 % confidence.
type Comparison struct {
	What      string // "p99", "CPU a request", "memory"
	A, B      float64
	Unit      string
	Ratio     float64 // B to A
	Low, High float64
}

// Passed reports whether all went as asserted.
func (r *Report) Passed() bool {
	for _, v := range r.Verdicts {
		if !v.Passed {
			return false
		}
	}
	return true
}
