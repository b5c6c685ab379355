package scenario

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/rongate/rongate/loadtest"
)

const (
	// quiet is how long a node has to be sent nothing to count as ejected, and enough the statements that it would have
	// been sent in that time when all was well, lest it is quiet by chance.
	quiet  = 500 * time.Millisecond
	enough = 10
)

// evidence is what a run has shown. All times are from the start of the load on.
type evidence struct {
	file    *File
	windows []loadtest.Window
	length  time.Duration // of the load, as far as it went
	scrapes []scrape
	pulses  []pulse
	deeds   []deed
	asked   map[question][]testimony
}

// A scrape is what rongate's counters had come to at some time, since the first scrape.
type scrape struct {
	at       time.Duration
	counters map[series]float64
}

// A pulse is what rongate said of itself at some time.
type pulse struct {
	at          time.Duration
	ready, live bool
}

// A deed is an action that was begun.
type deed struct {
	Action
	began, ended time.Duration
	done         bool // or else it was under way at the end
	err          error
}

var (
	errNoRequests   = errors.New("there were no requests")
	errNoStatements = errors.New("there were no statements")
	errNotReached   = errors.New("the run ended before")
	errNotAsked     = errors.New("nobody asked")
	errNoMetric     = errors.New("rongate has no such metric")
	errNever        = errors.New("never")
)

// measure returns what the figure of an assertion was in some stretch.
func (e *evidence) measure(a *Assertion, r Range) (float64, error) {
	if r.To > e.length {
		return 0, fmt.Errorf("%w %v", errNotReached, r.To)
	}
	switch a.Figure {
	case Eject:
		return e.eject(a)
	case Readmit:
		return e.readmit(a)
	case Ready, Unready:
		return e.turned(a)
	case Live:
		return e.alive(r)
	case NodeShare, ZoneShare:
		return e.share(a, r)
	case NodeLoad:
		return e.nodeLoad(a, r)
	case RetryShare:
		return e.retryShare(r)
	case Metric:
		return e.grown(r, a.Name, a.Node)
	}
	return e.measureRequests(a, r)
}

// measureRequests returns what a figure of requests was.
func (e *evidence) measureRequests(a *Assertion, r Range) (float64, error) {
	requests, failed, latency := e.requests(r, a.Except)
	if requests == 0 {
		return 0, errNoRequests
	}
	switch a.Figure {
	case Failed:
		return failed, nil
	case FailedShare:
		return failed / requests, nil
	case Longest:
		return (time.Duration(latency.Max()) * time.Microsecond).Seconds(), nil
	case Unavailable:
		return e.unavailable(r)
	case StatementsPerRequest:
		_, all := e.statements(r)
		return all / requests, nil
	}
	percentile := map[Figure]float64{P50: 50, P99: 99, P999: 99.9}[a.Figure]
	return (time.Duration(latency.ValueAtQuantile(percentile)) * time.Microsecond).Seconds(), nil
}

// unavailable is the longest that an answer 503 took.
func (e *evidence) unavailable(r Range) (float64, error) {
	longest, kind := time.Duration(0), strconv.Itoa(http.StatusServiceUnavailable)
	for i := range e.windows {
		if w := &e.windows[i]; w.Start >= r.From && w.Start < r.To {
			longest = max(longest, w.Slowest[kind])
		}
	}
	if longest == 0 {
		return 0, fmt.Errorf("no answer was %s", kind)
	}
	return longest.Seconds(), nil
}

// requests merges the windows of a stretch. Some kinds of failures do not count.
func (e *evidence) requests(r Range, except []string) (requests, failed float64, latency *hdrhistogram.Histogram) {
	for i := range e.windows {
		w := &e.windows[i]
		if w.Start < r.From || w.Start >= r.To {
			continue
		}
		requests += float64(w.Due)
		failed += float64(w.Failures())
		for _, kind := range except {
			failed -= float64(w.Failed[kind])
		}
		if latency == nil {
			latency = hdrhistogram.New(w.Latency.LowestTrackableValue(), w.Latency.HighestTrackableValue(),
				int(w.Latency.SignificantFigures()))
		}
		latency.Merge(w.Latency)
	}
	return requests, failed, latency
}

// statements is how many each node was sent in a stretch.
func (e *evidence) statements(r Range) (byNode map[string]float64, all float64) {
	before, after := e.scraped(r.From), e.scraped(r.To)
	byNode = map[string]float64{}
	for s, n := range after {
		if s.name == statementsMetric && s.node != "" {
			byNode[s.node] = n - before[s]
			all += byNode[s.node]
		}
	}
	return byNode, all
}

// scraped is the scrape that was the latest at some time.
func (e *evidence) scraped(at time.Duration) map[series]float64 {
	var latest map[series]float64
	for _, s := range e.scrapes {
		if s.at > at {
			break
		}
		latest = s.counters
	}
	return latest
}

// grown is by how much a counter has grown in a stretch: that of a node, or the sum of all that have its name.
func (e *evidence) grown(r Range, name, node string) (sum float64, err error) {
	before := e.scraped(r.From)
	err = errNoMetric
	for s, n := range e.scraped(r.To) {
		if s.name == name && (node == "" || s.node == node) {
			sum, err = sum+n-before[s], nil
		}
	}
	return sum, err
}

// retryShare compares the statements that are none of the callers' first attempts with all.
func (e *evidence) retryShare(r Range) (float64, error) {
	_, all := e.statements(r)
	if all == 0 {
		return 0, errNoStatements
	}
	sum, known := 0.0, false
	for _, name := range retryMetrics() {
		n, err := e.grown(r, name, "")
		sum, known = sum+n, known || err == nil
	}
	if !known {
		return 0, errNoMetric
	}
	return sum / all, nil
}

// nodeLoad compares the node of a zone that was sent the most with their mean.
func (e *evidence) nodeLoad(a *Assertion, r Range) (float64, error) {
	byNode, _ := e.statements(r)
	most, sum, nodes := 0.0, 0.0, 0.0
	for i, zone := range e.file.Database.Zones {
		if zone == a.Zone {
			sent := byNode[nodeName(i)]
			most, sum, nodes = max(most, sent), sum+sent, nodes+1
		}
	}
	if sum == 0 {
		return 0, errNoStatements
	}
	return most / (sum / nodes), nil
}

func (e *evidence) share(a *Assertion, r Range) (float64, error) {
	byNode, all := e.statements(r)
	if all == 0 {
		return 0, errNoStatements
	}
	sum := 0.0
	for i, zone := range e.file.Database.Zones {
		if name := nodeName(i); name == a.Node || zone == a.Zone {
			sum += byNode[name]
		}
	}
	return sum / all, nil
}

// deed finds what was done at the time that an assertion names: to its node, or else the last of several.
func (e *evidence) deed(a *Assertion) (found deed, err error) {
	err = fmt.Errorf("%w %v", errNotReached, a.After)
	for _, d := range e.deeds {
		if d.At != a.After || found.To == a.Node && a.Node != "" && d.To != a.Node {
			continue
		}
		switch found, err = d, d.err; {
		case err == nil && !d.done:
			err = errors.New("what was done there was not over at the end")
		case err != nil:
			return d, err
		}
	}
	return found, err
}

// never says that something did not come to pass after some time.
func (e *evidence) never(since time.Duration) error {
	return fmt.Errorf("%w within %v", errNever, (e.length - since).Round(time.Millisecond))
}

// eject is how long after the beginning of an action a node was sent statements, until it was quiet. The real time is up
// to the interval between two scrapes shorter.
func (e *evidence) eject(a *Assertion) (float64, error) {
	d, err := e.deed(a)
	if err != nil {
		return 0, err
	}
	byNode, _ := e.statements(Range{0, d.began})
	if rate := byNode[a.Node] / d.began.Seconds(); !(rate*quiet.Seconds() >= enough) {
		return 0, fmt.Errorf("%s had %.3g statements a second before, too few to tell", a.Node, rate)
	}
	sentTo := series{statementsMetric, a.Node}
	last, sent := d.began, e.scraped(d.began)[sentTo]
	for _, s := range e.scrapes {
		switch n := s.counters[sentTo]; {
		case s.at <= d.began:
		case n > sent:
			last, sent = s.at, n
		case s.at-last >= quiet:
			return (last - d.began).Seconds(), nil
		}
	}
	return 0, e.never(d.began)
}

// readmit is how long it took from when a node answered whoever asked it until rongate sent it statements.
func (e *evidence) readmit(a *Assertion) (float64, error) {
	if _, err := e.deed(a); err != nil {
		return 0, err
	}
	answered, err := answers(e.asked[question{a.Node, a.After}])
	if err != nil {
		return 0, fmt.Errorf("%s, asked directly: %w", a.Node, err)
	}
	sentTo := series{statementsMetric, a.Node}
	sent := e.scraped(answered)[sentTo]
	for _, s := range e.scrapes {
		if s.at > answered && s.counters[sentTo] > sent {
			return (s.at - answered).Seconds(), nil
		}
	}
	return 0, e.never(answered)
}

// turned is how long after an action /readyz said what it should.
func (e *evidence) turned(a *Assertion) (float64, error) {
	d, err := e.deed(a)
	if err != nil {
		return 0, err
	}
	since := d.began
	if a.Figure == Ready {
		since = d.ended
	}
	for _, p := range e.pulses {
		if p.at > since && p.ready == (a.Figure == Ready) {
			return (p.at - since).Seconds(), nil
		}
	}
	return 0, e.never(since)
}

// alive is how often /livez said yes, compared with how often it was asked.
func (e *evidence) alive(r Range) (float64, error) {
	asked, yes := 0.0, 0.0
	for _, p := range e.pulses {
		if p.at < r.From || p.at >= r.To {
			continue
		}
		asked++
		if p.live {
			yes++
		}
	}
	if asked == 0 {
		return 0, errNotAsked
	}
	return yes / asked, nil
}
