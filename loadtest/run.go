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
	// Asker returns something that makes requests for one connection; no two draw the same ones. Several goroutines may
	// call it at once.
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
	hiring  hiring
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
	r, err := newRun(cfg)
	if err != nil {
		return nil, err
	}
	return r.load(ctx), nil
}

// newRun makes ready for a load: the connections are there.
func newRun(cfg Config) (*run, error) {
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
	return r, nil
}

// load sends the load. It is called once for each run.
func (r *run) load(ctx context.Context) *Result {
	r.started = time.Now()
	stop := r.report()
	if r.cfg.Callers > 0 {
		r.closedLoop(ctx)
	} else {
		r.openLoop(ctx)
	}
	took := time.Since(r.started)
	r.workers.Wait()
	stop()
	return r.result(took)
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

const (
	// warmTime is the load whose connections are made before it begins, so that its first requests find one as all others do,
	// and that a pause of the machine, of which some take that long, can be made up for at once.
	warmTime = 20 * time.Millisecond
	minWarm  = 64
	maxWarm  = 1024
)

func (r *run) warm() {
	n := int(r.peak() * warmTime.Seconds())
	var connecting sync.WaitGroup
	for range min(max(n, minWarm), maxWarm, r.cfg.MaxInFlight) {
		w := r.newWorker()
		connecting.Go(func() {
			_ = w.connect(time.Now().Add(r.cfg.Timeout)) // what fails now fails again when it is asked for, and is counted
			w.serve(w.work)
		})
	}
	connecting.Wait()
}

// peak is the highest rate of the load.
func (r *run) peak() (rate float64) {
	for _, s := range r.cfg.Steps {
		rate = max(rate, s.Rate)
	}
	return rate
}

// openLoop sends each request when it is due.
func (r *run) openLoop(ctx context.Context) {
	s := newSchedule(r.cfg.Steps, r.cfg.Arrivals, rand.New(rand.NewPCG(r.cfg.Seed, 1)))
	r.hiring.floor = -int(r.peak() * lateAfter.Seconds())
	pace(ctx, r.started, s, r.dispatch)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	for _, w := range r.idle {
		w.dismiss()
	}
	r.idle = nil
}

// dispatch sends a request on an idle worker's connection, or has a new worker send it, or has it wait for either. It is
// the pacing thread's.
func (r *run) dispatch(t ticket) {
	r.mu.Lock()
	r.due++
	if last := len(r.idle) - 1; last >= 0 {
		w := r.idle[last]
		r.idle = r.idle[:last]
		r.mu.Unlock()
		w.launch(t)
		return
	}
	hire := r.made < r.cfg.MaxInFlight && time.Since(r.started)-t.due <= lateAfter && r.hiring.arrived()
	if !hire {
		r.waiting = append(r.waiting, t)
	}
	r.mu.Unlock()
	if hire {
		w := r.newWorker()
		w.serve(func() { w.send(t); w.work() })
	}
}

// hiring says when a request that finds no idle worker gets a new one: when it comes in time, and those before it were not
// answered as fast as they came. That is so when the server is slow or stalls. When it was the machine that paused, the
// requests that have become due meanwhile would else each connect anew, though the workers that there are will be idle
// again in an instant; and so much connecting is the next pause.
type hiring struct {
	credit int // arrivals less answers, while requests wait
	floor  int // that it does not fall below: what comes in the time after which a request is late
}

// arrived counts a request that has found no worker, and reports whether to hire one.
func (h *hiring) arrived() bool {
	h.credit++
	if h.credit <= 0 {
		return false
	}
	h.credit--
	return true
}

// freed counts a worker that has taken one of the requests that wait, of which some are left.
func (h *hiring) freed(left int) {
	h.credit = max(h.floor, h.credit-1)
	if left == 0 {
		h.credit = 0
	}
}

// closedLoop has as many callers as there are ask one request after the other.
func (r *run) closedLoop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, length(r.cfg.Steps))
	defer cancel()
	for range r.cfg.Callers {
		w := r.newWorker()
		w.serve(func() {
			for ctx.Err() == nil {
				w.send(ticket{due: time.Since(r.started)})
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
