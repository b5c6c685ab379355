package loadtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// A Source makes what is asked.
type Source interface {
	// Asker returns something that makes requests for one connection; no two draw the same ones.
	Asker(random *rand.Rand) Asker
}

// An Asker makes requests and judges their answers, one after the other. It is one goroutine's.
type Asker interface {
	// Ask fills in a request: method, path, headers, body. The host is filled in already.
	Ask(req *fasthttp.Request)

	// Check judges the answer to the request of the latest Ask: the kind of failure and what is to be said of it, or two
	// empty strings. An answer that it passes must still have the status 200.
	Check(resp *fasthttp.Response) (failure, detail string)
}

// Config is one load on one server.
type Config struct {
	URL    string // http://host:port, or unix:///path
	Source Source

	Steps    []Step
	Arrivals Arrivals

	// Callers, if any, make it a closed loop: as many ask as fast as they are answered, for as long as all steps take.
	Callers int

	// MaxInFlight bounds the requests in flight of an open loop. Beyond it they are sent late. 10,000.
	MaxInFlight int

	Timeout time.Duration // for an answer, connecting included. 10 s.
	Window  time.Duration // what results are counted in beside the whole. 1 s.
	Seed    uint64        // of everything that is drawn. 0: one that no other run has.

	// Progress is told the state of things every Window, from a goroutine of its own. Nil: nobody is.
	Progress func(*Result)
}

func (c *Config) fill() error {
	if c.MaxInFlight == 0 {
		c.MaxInFlight = 10_000
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Window == 0 {
		c.Window = time.Second
	}
	if c.Seed == 0 {
		c.Seed = rand.Uint64()
	}
	if c.Source == nil {
		return errors.New("loadtest: no source of requests")
	}
	if len(c.Steps) == 0 {
		return errors.New("loadtest: no steps")
	}
	for _, s := range c.Steps {
		if c.Callers > 0 && s.Rate == 0 {
			s.Rate = 1 // a closed loop has no rate
		}
		if err := s.check(); err != nil {
			return fmt.Errorf("loadtest: %w", err)
		}
	}
	return nil
}

// target returns how to connect to a server and what its requests say as host.
func target(address string) (dial func(context.Context) (net.Conn, error), host string, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, "", err
	}
	network, at := "tcp", u.Host
	switch {
	case u.Scheme == "unix" && u.Path != "":
		network, at, host = "unix", u.Path, "localhost"
	case u.Scheme == "http" && u.Host != "":
		host = u.Host
		if u.Port() == "" {
			at = net.JoinHostPort(u.Hostname(), "80")
		}
	default:
		return nil, "", fmt.Errorf("%q is no server; give it as http://host:port or unix:///path", address)
	}
	dial = func(ctx context.Context) (net.Conn, error) { return new(net.Dialer).DialContext(ctx, network, at) }
	return dial, host, nil
}

// A run is a load under way.
type run struct {
	cfg       Config
	dial      func(context.Context) (net.Conn, error)
	host      string
	started   time.Time
	recorders []*recorder
	examples  examples
	ids       *ids
	workers   sync.WaitGroup

	mu      sync.Mutex // guards what follows
	idle    []*worker  // the one that was busy last is the last, and the next to be busy
	made    int        // workers
	waiting []ticket   // requests that are due and have no worker
	hiring  allowance
	over    bool // nothing more is due
	due     uint64
}

// A ticket is one request that is due.
type ticket struct {
	due time.Duration
}

// Run sends the load and returns what became of it, when the last answer is there. When ctx ends the load stops, and the
// result is of what was sent until then.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	r := &run{cfg: cfg, ids: newIDs(cfg.Seed)}
	var err error
	if r.dial, r.host, err = target(cfg.URL); err != nil {
		return nil, fmt.Errorf("loadtest: %w", err)
	}
	for range recorderCount {
		r.recorders = append(r.recorders, newRecorder(cfg.Window))
	}
	if cfg.Callers == 0 {
		r.warm()
	}
	r.started = time.Now()
	stop := r.report()
	if cfg.Callers > 0 {
		r.closedLoop(ctx)
	} else {
		r.openLoop(ctx)
	}
	took := time.Since(r.started)
	r.workers.Wait()
	stop()
	return r.result(took), nil
}

func (r *run) result(took time.Duration) *Result {
	result := merge(r.recorders, r.cfg.Window)
	result.Started, result.Length, result.Examples = r.started, took, r.examples.all()
	if r.cfg.Callers == 0 {
		r.mu.Lock()
		result.Total.Due = max(r.due, result.Total.Due)
		r.mu.Unlock()
	}
	return result
}

// report tells Progress until the function that it returns is called.
func (r *run) report() (stop func()) {
	if r.cfg.Progress == nil {
		return func() {}
	}
	done := make(chan struct{})
	var reporting sync.WaitGroup
	reporting.Go(func() {
		ticker := time.NewTicker(r.cfg.Window)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				r.cfg.Progress(r.result(time.Since(r.started)))
			}
		}
	})
	return func() {
		close(done)
		reporting.Wait()
	}
}

// warmWorkers are connected before the load begins, so that its first requests find a connection as all others do.
const warmWorkers = 64

func (r *run) warm() {
	var connecting sync.WaitGroup
	for range min(warmWorkers, r.cfg.MaxInFlight) {
		w := r.newWorker()
		connecting.Go(func() {
			_ = w.connect(time.Now().Add(r.cfg.Timeout)) // what fails now fails again when it is asked for, and is counted
			r.mu.Lock()
			defer r.mu.Unlock()
			r.idle = append(r.idle, w)
		})
	}
	connecting.Wait()
}

// openLoop sends each request when it is due.
func (r *run) openLoop(ctx context.Context) {
	s := newSchedule(r.cfg.Steps, r.cfg.Arrivals, rand.New(rand.NewPCG(r.cfg.Seed, 1)))
	for _, step := range r.cfg.Steps {
		r.hiring.rate = max(r.hiring.rate, 2*step.Rate)
	}
	pace(ctx, r.started, s, r.dispatch)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	for _, w := range r.idle {
		close(w.tickets)
	}
	r.idle = nil
}

// dispatch gives a request to an idle worker, or to a new one, or has it wait for either.
func (r *run) dispatch(t ticket) {
	r.mu.Lock()
	r.due++
	if last := len(r.idle) - 1; last >= 0 {
		w := r.idle[last]
		r.idle = r.idle[:last]
		r.mu.Unlock()
		w.tickets <- t
		return
	}
	r.waiting = append(r.waiting, t)
	var hired []ticket // those that get a new worker: the oldest
	for len(r.waiting) > 0 && r.made+len(hired) < r.cfg.MaxInFlight && r.hiring.take(t.due) {
		hired = append(hired, r.waiting[0])
		r.waiting = r.waiting[1:]
	}
	r.mu.Unlock()
	for _, t := range hired {
		r.newWorker().tickets <- t
	}
}

// An allowance bounds how fast new workers are made: twice as fast as requests are due, which is enough when a server
// stalls. When it was the machine that paused, the requests that have become due meanwhile would else each connect anew,
// though the workers that there are will be idle again in an instant; and so much connecting is the next pause.
type allowance struct {
	rate float64       // a second
	left float64       // that may be made now
	at   time.Duration // of the latest take
}

const maxAllowance = 64

func (a *allowance) take(now time.Duration) bool {
	a.left = min(maxAllowance, a.left+a.rate*max(0, now-a.at).Seconds())
	a.at = max(a.at, now)
	if a.left < 1 {
		return false
	}
	a.left--
	return true
}

// A worker is a goroutine with a caller.
type worker struct {
	*caller
	run      *run
	recorder *recorder
	tickets  chan ticket // has room for one; closed when nothing more is due
}

// newWorker makes a worker and starts it.
func (r *run) newWorker() *worker {
	r.mu.Lock()
	n := r.made
	r.made++
	r.mu.Unlock()
	w := &worker{run: r, recorder: r.recorders[n%len(r.recorders)], tickets: make(chan ticket, 1)}
	w.caller = r.newCaller(n)
	w.prepare()
	r.workers.Go(w.work)
	return w
}

func (r *run) newCaller(n int) *caller {
	return &caller{
		dial: r.dial, host: r.host, timeout: r.cfg.Timeout, ids: r.ids,
		asker: r.cfg.Source.Asker(rand.New(rand.NewPCG(r.cfg.Seed, uint64(n)+2))),
	}
}

// work sends requests until nothing more is due.
func (w *worker) work() {
	defer w.close()
	for t := range w.tickets {
		for more := true; more; t, more = w.next() {
			w.send(t.due)
		}
		if !w.rest() {
			return
		}
	}
}

// next returns a request that waits for a worker.
func (w *worker) next() (ticket, bool) {
	r := w.run
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) == 0 {
		return ticket{}, false
	}
	t := r.waiting[0]
	r.waiting = r.waiting[1:]
	return t, true
}

// rest makes the worker idle. It reports false when nothing more is due.
func (w *worker) rest() bool {
	r := w.run
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over {
		return false
	}
	r.idle = append(r.idle, w)
	return true
}

// send sends the prepared request, counts what becomes of it, and prepares the next.
func (w *worker) send(due time.Duration) {
	late := time.Since(w.run.started) - due
	answered, failure, detail, at := w.call()
	w.recorder.add(sample{
		due: due, late: late, latency: at.Sub(w.run.started) - due, answered: answered, failure: failure,
	})
	if failure != "" {
		w.run.examples.add(failure, detail)
	}
	w.prepare()
}

// closedLoop has as many callers as there are ask one request after the other.
func (r *run) closedLoop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, length(r.cfg.Steps))
	defer cancel()
	for n := range r.cfg.Callers {
		w := &worker{run: r, recorder: r.recorders[n%len(r.recorders)], caller: r.newCaller(n)}
		r.workers.Go(func() {
			defer w.close()
			w.prepare()
			for ctx.Err() == nil {
				w.send(time.Since(r.started))
			}
		})
	}
	r.workers.Wait()
}

// ids are what requests are told apart by: the run's own, and a number.
type ids struct {
	prefix string
	n      atomic.Uint64
}

func newIDs(seed uint64) *ids { return &ids{prefix: strconv.FormatUint(seed, 36) + "-"} }

func (i *ids) next(dst []byte) []byte {
	dst = append(dst, i.prefix...)
	return strconv.AppendUint(dst, i.n.Add(1), 36)
}
