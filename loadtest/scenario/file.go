package scenario

import (
	"time"

	"github.com/rongate/rongate/internal/faultnet"
	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/loadtest"
	"github.com/rongate/rongate/loadtest/features"
)

// A File is one scenario.
type File struct {
	Name  string
	About string // a sentence on what it shows

	Database Database
	Gateway  string // what rongate.yaml has beside addresses, catalogue, nodes and the database's user
	Load     Load
	Actions  []Action // in the order of time
	Healthy  Range    // the stretch that others are compared with
	Expect   []Assertion

	// Repeats is how often the load and the actions are gone through, on one database that is mended in between. Of latencies
	// the median repeat is judged, of everything else each of them.
	Repeats int
}

// A Database is what rongate reads from: a node for each zone, the first of which is rongate's own.
type Database struct {
	Kind    testbed.Kind
	Zones   []string
	Proxies bool // nodes have a proxy that can do faults; those of MariaDB always do
	Rows    int  // of all tables together
}

// A Load is an open loop of requests.
type Load struct {
	Steps    []Step
	Arrivals loadtest.Arrivals
	Capacity Capacity        // how it is found out, if a step's rate is a fraction of it
	Window   time.Duration   // what is counted, and compared, as a whole
	Timeout  time.Duration   // for an answer
	Views    []features.View // what is asked for; none: all
	Missing  float64         // share of the entries that lack a row
	RDRS     bool            // by the API of RonDB's REST server
}

// A Step is a stretch of load: of a rate, or of a fraction of the capacity.
type Step struct {
	Name     string
	Rate     float64 // requests a second
	Fraction float64
	Duration time.Duration
}

// Capacity is how it is found out how much the gateway can do: by a closed loop, before anything is broken.
type Capacity struct {
	Callers  int
	Duration time.Duration
}

// Length is how long all steps take.
func (l *Load) Length() (sum time.Duration) {
	for _, s := range l.Steps {
		sum += s.Duration
	}
	return sum
}

// A Verb is what can be done to a process, or to the connections of a node.
type Verb string

// To processes: those of the nodes, of the gateway, and of what is behind the nodes. A node of MariaDB is a proxy, and so
// is what is done to it.
const (
	Pause   Verb = "pause"   // connections stay open and get no answer
	Resume  Verb = "resume"  // undoes that
	Kill    Verb = "kill"    // at once
	Stop    Verb = "stop"    // cleanly
	Start   Verb = "start"   // what has been killed or stopped
	Restart Verb = "restart" // stop and start

	Configure Verb = "configure" // the gateway: its File.Gateway is another from now on
)

// To a node's connections. Each of them ends the one before, but for Reset, which is over as soon as it is done. Before a
// node of an NDB cluster whose server is stopped too, Down is what looks like a machine that is gone.
const (
	Delay      Verb = "delay"      // up: before every request; down: before every response
	BlackHole  Verb = "blackHole"  // connections stay open and are accepted, and nothing passes
	Trickle    Verb = "trickle"    // a few bytes of a response at a time
	Reset      Verb = "reset"      // all that are there
	Stragglers Verb = "stragglers" // a fraction of the responses is delayed
	NoGreeting Verb = "noGreeting" // new ones are accepted and nobody speaks
	Refuse     Verb = "refuse"     // new ones are accepted and told an error instead of the greeting
	Errors     Verb = "errors"     // a fraction of the statements is answered with an error
	ResetAfter Verb = "resetAfter" // so many bytes of a response, its connection
	Down       Verb = "down"       // all that are there are reset, and new ones refused
	Clear      Verb = "clear"      // all is well again
)

// An Action is something that is done during the load.
type Action struct {
	At    time.Duration // from the start of the load on
	Do    Verb
	To    string // "node2", "data1", "gateway"
	Fault faultnet.Fault
	Text  string // of Configure
}

// A Range is a stretch of the load.
type Range struct{ From, To time.Duration }

// A Figure is what an Assertion is about.
type Figure string

// The figures. Those of requests are taken from the load's windows, those of statements from rongate's metrics.
const (
	Failed               Figure = "failed"               // requests
	FailedShare          Figure = "failedShare"          // of the requests, from 0 to 1
	P50                  Figure = "p50"                  // latency from the moment that a request was due
	P99                  Figure = "p99"                  //
	P999                 Figure = "p99.9"                //
	Longest              Figure = "longest"              // latency; its multiples are of the healthy p99.9
	Unavailable          Figure = "unavailable"          // the longest latency of those that were answered with 503
	NodeShare            Figure = "nodeShare"            // of all statements, from 0 to 1
	ZoneShare            Figure = "zoneShare"            //
	NodeLoad             Figure = "nodeLoad"             // the most that a node of a zone was sent, compared with their mean
	StatementsPerRequest Figure = "statementsPerRequest" //
	RetryShare           Figure = "retryShare"           // retries, rescues, hedges and probes, compared with all statements
	Metric               Figure = "metric"               // by how much a counter of rongate's metrics has grown
	Live                 Figure = "live"                 // share of the times that /livez was asked and said yes
	Eject                Figure = "eject"                // time from an action on until a node gets no more statements
	Readmit              Figure = "readmit"              // time from when a node answers again until it gets statements
	Ready                Figure = "ready"                // time from the end of an action until /readyz says yes
	Unready              Figure = "unready"              // time from an action on until /readyz says no
)

// An Assertion is what is expected of a figure.
type Assertion struct {
	Figure Figure
	Node   string   // of NodeShare, Eject and Readmit, and of Metric, where none stands for their sum
	Zone   string   // of ZoneShare and NodeLoad
	Name   string   // of Metric
	Except []string // kinds of failures that Failed and FailedShare leave out

	Range               // not for those that count from an action
	Every time.Duration // cuts the range into stretches of which each is held to it; 0: the range as a whole
	After time.Duration // the time of the action that Eject, Readmit, Ready and Unready count from

	Least, Most *Bound
}

// A Bound is what a figure is held to: a number, seconds for those that are times, or a multiple of what the figure was
// in the healthy stretch, or in another. To the multiple of a latency may be added what latencies on the machine differ
// by anyway.
type Bound struct {
	Value        float64
	TimesHealthy bool // or what it was in Of
	Plus         time.Duration
	Of           Range // zero: the healthy stretch
}
