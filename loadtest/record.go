package loadtest

import (
	"maps"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// Latencies are counted in microseconds, up to ten minutes: with three digits in the whole run, with two in a window,
	// of which there are many.
	longest       = 10 * time.Minute
	totalDigits   = 3
	windowDigits  = 2
	lateAfter     = time.Millisecond
	maxLatePart   = 0.01 // of the requests; beyond it a run is void
	recorderCount = 4    // what requests are counted in beside one another; a lock each
)

func newHistogram(digits int) *hdrhistogram.Histogram {
	return hdrhistogram.New(1, longest.Microseconds(), digits)
}

func microseconds(d time.Duration) int64 {
	return min(max(d.Microseconds(), 1), longest.Microseconds())
}

// A Count is what became of the requests that were due in some stretch of time.
type Count struct {
	Due      uint64                   // requests that were due
	Sent     uint64                   // of them, those that were sent
	Late     uint64                   // of them, those that the harness sent more than a millisecond late
	Answered uint64                   // answers, right or wrong; without those that came to nothing
	Failed   map[string]uint64        // by kind
	Slowest  map[string]time.Duration // of the failed ones by kind, the longest latency
	Latency  *hdrhistogram.Histogram  // of every request that was sent, in microseconds from when it was due
}

func newCount(digits int) *Count {
	return &Count{Failed: map[string]uint64{}, Slowest: map[string]time.Duration{}, Latency: newHistogram(digits)}
}

// Failures is how many requests failed, in whatever way.
func (c *Count) Failures() (n uint64) {
	for _, k := range c.Failed {
		n += k
	}
	return n
}

// Quantile returns a quantile of the latency; q is from 0 to 1.
func (c *Count) Quantile(q float64) time.Duration {
	return time.Duration(c.Latency.ValueAtQuantile(100*q)) * time.Microsecond
}

// add adds what another Count has.
func (c *Count) add(o *Count) {
	c.Due, c.Sent, c.Late, c.Answered = c.Due+o.Due, c.Sent+o.Sent, c.Late+o.Late, c.Answered+o.Answered
	for kind, n := range o.Failed {
		c.Failed[kind] += n
		c.Slowest[kind] = max(c.Slowest[kind], o.Slowest[kind])
	}
	c.Latency.Merge(o.Latency)
}

// A sample is one request.
type sample struct {
	due      time.Duration // from the start of the load
	late     time.Duration // how long after that it was sent
	latency  time.Duration // from due until the answer was there, or it was clear that none comes
	answered bool
	failure  string // a kind; empty: none
}

// A recorder counts some of the requests. Many workers share one.
type recorder struct {
	window time.Duration

	mu       sync.Mutex // guards what follows
	total    *Count
	service  *hdrhistogram.Histogram // from sent, for comparison
	lateness *hdrhistogram.Histogram
	windows  []*Count
}

func newRecorder(window time.Duration) *recorder {
	return &recorder{
		window: window, total: newCount(totalDigits), service: newHistogram(totalDigits), lateness: newHistogram(windowDigits),
	}
}

func (r *recorder) add(s sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	index := int(s.due / r.window)
	for len(r.windows) <= index {
		r.windows = append(r.windows, nil)
	}
	if r.windows[index] == nil {
		r.windows[index] = newCount(windowDigits)
	}
	for _, c := range []*Count{r.total, r.windows[index]} {
		c.Due++
		c.Sent++
		if s.late > lateAfter {
			c.Late++
		}
		if s.answered {
			c.Answered++
		}
		if s.failure != "" {
			c.Failed[s.failure]++
			c.Slowest[s.failure] = max(c.Slowest[s.failure], s.latency)
		}
		_ = c.Latency.RecordValue(microseconds(s.latency)) // within its bounds
	}
	_ = r.service.RecordValue(microseconds(s.latency - s.late))
	_ = r.lateness.RecordValue(microseconds(s.late))
}

// fail counts a request as failed that was added as one that has not.
func (r *recorder) fail(due time.Duration, kind string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range []*Count{r.total, r.windows[due/r.window]} {
		c.Failed[kind]++
	}
}

// A Window is a stretch of a run.
type Window struct {
	Start time.Duration // from the start of the load
	Count
}

// Result is a run.
type Result struct {
	Started  time.Time
	Length   time.Duration // that the load took
	Total    Count
	Service  *hdrhistogram.Histogram // latency from when a request was sent; microseconds
	Lateness *hdrhistogram.Histogram // of sending; microseconds
	Windows  []Window
	Examples map[string]string // for each kind of failure, what was said of the first one
}

// Void reports whether the run says nothing about the server: the harness was what was slow.
func (r *Result) Void() bool {
	return float64(r.Total.Late) > maxLatePart*float64(r.Total.Due) || r.Total.Sent < r.Total.Due
}

// merge makes one result of what recorders have counted so far.
func merge(recorders []*recorder, window time.Duration) *Result {
	result := &Result{
		Total: *newCount(totalDigits), Service: newHistogram(totalDigits), Lateness: newHistogram(windowDigits),
	}
	for _, r := range recorders {
		r.mu.Lock()
		result.Total.add(r.total)
		result.Service.Merge(r.service)
		result.Lateness.Merge(r.lateness)
		for i, w := range r.windows {
			for len(result.Windows) <= i {
				start := time.Duration(len(result.Windows)) * window
				result.Windows = append(result.Windows, Window{Start: start, Count: *newCount(windowDigits)})
			}
			if w != nil {
				result.Windows[i].add(w)
			}
		}
		r.mu.Unlock()
	}
	return result
}

// examples keeps what was said of the first failure of each kind.
type examples struct {
	mu    sync.Mutex
	first map[string]string
}

// maxKinds bounds the kinds of failures that an example is kept of.
const maxKinds = 50

func (e *examples) add(kind, detail string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, known := e.first[kind]; known || len(e.first) == maxKinds {
		return
	}
	if e.first == nil {
		e.first = map[string]string{}
	}
	e.first[kind] = detail
}

func (e *examples) all() map[string]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.first)
}
