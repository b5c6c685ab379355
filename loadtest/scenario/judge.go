package scenario

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/rongate/rongate/loadtest"
	"github.com/rongate/rongate/loadtest/report"
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
	deeds   []deed
}

// A scrape is how many statements each node had been sent at some time, since the first scrape.
type scrape struct {
	at         time.Duration
	statements map[string]float64 // by the node's name
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
)

// judge holds the evidence against every assertion.
func (e *evidence) judge() []report.Verdict {
	verdicts := make([]report.Verdict, len(e.file.Expect))
	for i := range e.file.Expect {
		verdicts[i] = e.verdict(&e.file.Expect[i])
	}
	return verdicts
}

func (e *evidence) verdict(a *Assertion) report.Verdict {
	v := report.Verdict{What: a.String()}
	least, want, err := e.bound(a, a.Least, "≥", math.Inf(-1))
	v.Want = want
	if err != nil {
		v.Got = err.Error()
		return v
	}
	most, want, err := e.bound(a, a.Most, "≤", math.Inf(1))
	if v.Want != "" && want != "" {
		v.Want += ", "
	}
	v.Want += want
	if err != nil {
		v.Got = err.Error()
		return v
	}
	v.Passed = true
	worst := math.Inf(-1) // by how much a stretch is beyond its bounds
	for _, r := range a.stretches() {
		value, err := e.measure(a, r)
		if err != nil {
			v.Got, v.Passed = err.Error(), false
			return v
		}
		beyond := max(least-value, value-most)
		if beyond > 0 {
			v.Passed = false
		}
		if beyond > worst {
			worst, v.Got = beyond, a.Figure.format(value)
			if a.Every > 0 {
				v.Got += fmt.Sprintf(", from %v to %v", r.From, r.To)
			}
		}
	}
	return v
}

// bound returns the number that a bound comes to, and how it is written.
func (e *evidence) bound(a *Assertion, b *Bound, sign string, none float64) (value float64, want string, err error) {
	if b == nil {
		return none, "", nil
	}
	if !b.TimesHealthy {
		return b.Value, sign + " " + a.Figure.format(b.Value), nil
	}
	want = fmt.Sprintf("%s %v × healthy", sign, b.Value)
	if b.Plus > 0 {
		want += fmt.Sprintf(" + %v", b.Plus)
	}
	healthy, err := e.measure(a, e.file.Healthy)
	if err != nil {
		return 0, want, fmt.Errorf("in the healthy stretch: %w", err)
	}
	value = b.Value*healthy + b.Plus.Seconds()
	return value, want + ", " + a.Figure.format(value), nil
}

// String says what is asserted, without its bounds.
func (a *Assertion) String() string {
	text := string(a.Figure)
	switch a.Figure {
	case Failed:
		text = "requests that failed"
	case FailedShare:
		text = "share of the requests that failed"
	case NodeShare:
		text = a.Node + "'s share of the statements"
	case ZoneShare:
		text = a.Zone + "'s share of the statements"
	case StatementsPerRequest:
		text = "statements per request"
	case Eject:
		return fmt.Sprintf("time until %s gets no more statements, after what was done at %v", a.Node, a.After)
	case Readmit:
		return fmt.Sprintf("time until %s gets statements again, after what was done at %v", a.Node, a.After)
	}
	text += fmt.Sprintf(", from %v to %v", a.From, a.To)
	if a.Every > 0 {
		text += fmt.Sprintf(", in every %v", a.Every)
	}
	return text
}

// stretches are what is held to the assertion's bounds.
func (a *Assertion) stretches() []Range {
	if a.Every == 0 {
		return []Range{a.Range}
	}
	var all []Range
	for from := a.From; from < a.To; from += a.Every {
		all = append(all, Range{from, min(from+a.Every, a.To)})
	}
	return all
}

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
	case NodeShare, ZoneShare:
		return e.share(a, r)
	}
	requests, failed, latency := e.requests(r)
	if requests == 0 {
		return 0, errNoRequests
	}
	switch a.Figure {
	case Failed:
		return failed, nil
	case FailedShare:
		return failed / requests, nil
	case StatementsPerRequest:
		_, all := e.statements(r)
		return all / requests, nil
	}
	percentile := map[Figure]float64{P50: 50, P99: 99, P999: 99.9}[a.Figure]
	return (time.Duration(latency.ValueAtQuantile(percentile)) * time.Microsecond).Seconds(), nil
}

// requests merges the windows of a stretch.
func (e *evidence) requests(r Range) (requests, failed float64, latency *hdrhistogram.Histogram) {
	for i := range e.windows {
		w := &e.windows[i]
		if w.Start < r.From || w.Start >= r.To {
			continue
		}
		requests += float64(w.Due)
		failed += float64(w.Failures())
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
	for node, n := range after {
		byNode[node] = n - before[node]
		all += byNode[node]
	}
	return byNode, all
}

// scraped is the scrape that was the latest at some time.
func (e *evidence) scraped(at time.Duration) map[string]float64 {
	var latest map[string]float64
	for _, s := range e.scrapes {
		if s.at > at {
			break
		}
		latest = s.statements
	}
	return latest
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

// deed finds what was done at the time that an assertion names; the last of several.
func (e *evidence) deed(at time.Duration) (found deed, err error) {
	err = fmt.Errorf("%w %v", errNotReached, at)
	for _, d := range e.deeds {
		if d.At != at {
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

// eject is how long after the beginning of an action a node was sent statements, until it was quiet. The real time is up
// to the interval between two scrapes shorter.
func (e *evidence) eject(a *Assertion) (float64, error) {
	d, err := e.deed(a.After)
	if err != nil {
		return 0, err
	}
	byNode, _ := e.statements(Range{0, d.began})
	if rate := byNode[a.Node] / d.began.Seconds(); !(rate*quiet.Seconds() >= enough) {
		return 0, fmt.Errorf("%s had %.3g statements a second before, too few to tell", a.Node, rate)
	}
	last, sent := d.began, e.scraped(d.began)[a.Node]
	for _, s := range e.scrapes {
		switch n := s.statements[a.Node]; {
		case s.at <= d.began:
		case n > sent:
			last, sent = s.at, n
		case s.at-last >= quiet:
			return (last - d.began).Seconds(), nil
		}
	}
	return 0, fmt.Errorf("never within %v", (e.length - d.began).Round(time.Millisecond))
}

// readmit is how long after the end of an action it took until a node was sent statements.
func (e *evidence) readmit(a *Assertion) (float64, error) {
	d, err := e.deed(a.After)
	if err != nil {
		return 0, err
	}
	sent := e.scraped(d.ended)[a.Node]
	for _, s := range e.scrapes {
		if s.at > d.ended && s.statements[a.Node] > sent {
			return (s.at - d.ended).Seconds(), nil
		}
	}
	return 0, fmt.Errorf("never within %v", (e.length - d.ended).Round(time.Millisecond))
}
