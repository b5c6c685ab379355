package lookup_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

// A server is a database node in virtual time: what it does to the connections that it has, and to those that want to
// be. No two of its statements take exactly the same, so that nothing happens at the same instant as anything else and a
// story is the same each time.
type server struct {
	address string
	number  uint64
	takes   time.Duration      // a statement
	size    int                // connections
	tables  lookup.Connections // a fake node that answers from memory
	random  *rand.Rand

	mu      sync.Mutex
	stopped gate // the process: nothing is answered
	stalled gate // what holds the data: no statement is
	locked  map[string]gate
	down    bool
	times   float64 // how many times as long as ever statements take
	extra   time.Duration
	slowIn  uint64 // statements take extra
	next    []next
	fault   error
	oneIn   uint64 // statements have it
	dialed  uint64
	links   []*link
	steady  func() // ends a throttle
	warm    func(*wire) error
}

// next is what comes of a statement that is yet to begin, in place of what does of others.
type next struct {
	takes time.Duration
	err   error
}

// A gate keeps who comes while it is there; it is closed to let them go on.
type gate chan struct{}

func newServer(number int, address string, size int, tables lookup.Connections) *server {
	return &server{
		address: address, number: uint64(number), takes: time.Millisecond, size: size, tables: tables,
		random: rand.New(rand.NewPCG(uint64(number), 1)), locked: map[string]gate{}, times: 1, oneIn: 1, slowIn: 1,
	}
}

// hash is a number that looks random and is the same each time.
func hash(of ...uint64) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, of)
	return h.Sum64()
}

// grain is a time of less than 50 µs.
func grain(of ...uint64) time.Duration { return time.Duration(1 + hash(of...)%50_000) }

// gateFor is what keeps a statement for a table now, or a ping, which is for none.
func (s *server) gateFor(table string) gate {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped != nil || table == "":
		return s.stopped
	case s.stalled != nil:
		return s.stalled
	}
	return s.locked[table]
}

// shut puts a gate in place, or takes it away.
func shut(g *gate, closed bool) {
	switch {
	case closed && *g == nil:
		*g = make(gate)
	case !closed && *g != nil:
		close(*g)
		*g = nil
	}
}

// work is how long a statement takes, and what comes of it.
func (s *server) work(number uint64) (took time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != nil && number%s.oneIn == 0 {
		return 200 * time.Microsecond, s.fault
	}
	if len(s.next) > 0 {
		n := s.next[0]
		s.next = s.next[1:]
		return n.takes, n.err
	}
	took = time.Duration(s.times * float64(s.takes))
	if (number>>32)%s.slowIn == 0 {
		took += s.extra
	}
	return took, nil
}

// strike ends what runs with an error: on every connection, one after the other.
func (s *server) strike(err error) {
	s.mu.Lock()
	var wires []*wire
	for _, l := range s.links {
		wires = append(wires, l.wires...)
		for _, w := range l.wires {
			w.reset = w.reset || errors.Is(err, pool.ErrBroken)
		}
	}
	s.mu.Unlock()
	for _, w := range wires {
		time.Sleep(time.Microsecond)
		s.mu.Lock()
		if w.fate != nil {
			w.fate <- err
			w.fate = nil
		}
		s.mu.Unlock()
	}
}

// A link is the pool of connections to a server. It keeps to the rules of package pool: what is missing is dialed, all
// at once while the node lets somebody in; what has been silent for a second is pinged; what is detached is replaced.
type link struct {
	*server
	cfg  pool.Config
	wake chan struct{}
	end  chan struct{} // closed when run has ended
	all  sync.WaitGroup

	// The server's mu guards these.
	closed   bool
	wires    []*wire
	free     []*wire
	dialing  int
	refused  bool // the last dial failed
	failures int
	nextDial time.Time
	pinging  int
	stats    pool.Stats
}

// A wire is one connection.
type wire struct {
	link     *link
	number   uint64
	count    uint64      // statements
	tables   lookup.Conn // answers
	lastUse  time.Time
	reset    bool       // by the server: the next use will tell
	broken   bool       // it has
	detached bool       //
	leased   bool       //
	served   bool       // since the warm-up
	fate     chan error // of what runs; nil when nothing does
}

func (s *server) connect(cfg pool.Config) (lookup.Connections, error) {
	l := &link{server: s, cfg: cfg, wake: make(chan struct{}, 1), end: make(chan struct{})}
	s.mu.Lock()
	s.links = append(s.links, l)
	s.mu.Unlock()
	go l.run()
	return l, nil
}

const (
	handshakeTimeout = time.Second
	drainGrace       = time.Second
	keepAlive        = time.Second
)

func (l *link) run() {
	defer close(l.end)
	for {
		wait, done := l.tend(time.Now())
		if done {
			break
		}
		select {
		case <-l.wake:
		case <-time.After(wait + grain(l.number)):
		}
	}
	l.all.Wait()
}

func (l *link) tend(now time.Time) (wait time.Duration, done bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return keepAlive, len(l.wires) == 0 && l.dialing == 0
	}
	wait = keepAlive / 2
	if l.nextDial.After(now) {
		wait = min(wait, l.nextDial.Sub(now))
	} else {
		missing := l.size - l.count(attached) - l.dialing
		if l.refused {
			missing = min(missing, 1-l.dialing)
		}
		for range missing {
			l.dialing++
			l.dialed++
			number := l.dialed
			l.all.Go(func() { l.add(number) })
		}
	}
	for len(l.free) > 1 || len(l.free) == 1 && l.pinging == 0 {
		w := l.free[0]
		if now.Sub(w.lastUse) < keepAlive {
			break
		}
		l.free = slices.Delete(l.free, 0, 1)
		l.pinging++
		l.all.Go(func() { l.ping(w) })
	}
	return wait, false
}

func attached(w *wire) bool { return !w.detached }
func detached(w *wire) bool { return w.detached }

func (l *link) count(match func(*wire) bool) (n int) {
	for _, w := range l.wires {
		if match(w) {
			n++
		}
	}
	return n
}

func (l *link) wakeUp() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// add dials and warms a connection.
func (l *link) add(number uint64) {
	w := &wire{link: l, number: number, tables: l.tables.TryAcquire()}
	err := l.handshake(w)
	admitted := false
	l.mu.Lock()
	l.dialing--
	l.wakeUp()
	switch {
	case err != nil:
		l.refused = true
		l.stats.LastError, l.stats.LastErrorTime = err, time.Now()
		if !l.nextDial.After(time.Now()) { // else another of the same round has failed
			l.backOff()
		}
	case l.closed:
	default:
		l.refused, l.nextDial = false, time.Time{}
		if admitted = l.count(attached) < l.size; admitted {
			w.lastUse = time.Now()
			l.wires, l.free = append(l.wires, w), append(l.free, w)
		}
	}
	if !admitted {
		w.tables.Release()
	}
	l.mu.Unlock()
	if admitted {
		l.cfg.Changed()
	}
}

func (l *link) backOff() {
	l.failures++
	pause := min(50*time.Millisecond<<min(l.failures-1, 10), 250*time.Millisecond)
	l.nextDial = time.Now().Add(pause - time.Duration(l.random.Int64N(int64(pause/2))))
}

func (l *link) handshake(w *wire) error {
	time.Sleep(grain(l.number, w.number)) // many begin at once
	l.mu.Lock()
	down := l.down
	l.mu.Unlock()
	if down {
		return errors.New("handshake: connection refused")
	}
	if err := w.exchange(time.Now().Add(handshakeTimeout), ""); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	if err := l.warm(w); err != nil {
		return fmt.Errorf("warm-up: %w", err)
	}
	return nil
}

func (l *link) ping(w *wire) {
	time.Sleep(grain(l.number, w.number)) // many begin at once
	err := w.exchange(time.Now().Add(handshakeTimeout), "")
	l.mu.Lock()
	w.served = w.served || err == nil
	l.pinging--
	l.wakeUp()
	switch {
	case err != nil || l.closed:
		l.forget(w)
		if err != nil {
			l.stats.LastError, l.stats.LastErrorTime = fmt.Errorf("ping: %w", err), time.Now()
		}
	default:
		w.lastUse = time.Now()
		l.failures = 0
		l.free = append(l.free, w)
	}
	l.mu.Unlock()
	l.cfg.Changed()
}

func (l *link) forget(w *wire) {
	l.wires = slices.DeleteFunc(l.wires, func(o *wire) bool { return o == w })
	w.tables.Release()
	l.wakeUp()
}

func (l *link) TryAcquire() lookup.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := len(l.free) - 1
	if last < 0 {
		return nil
	}
	w := l.free[last]
	l.free = l.free[:last]
	w.leased = true
	return w
}

func (l *link) Up() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.closed && l.count(func(w *wire) bool { return !w.detached && !w.broken }) > 0
}

func (l *link) Answers() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.closed && !l.refused && l.count(func(w *wire) bool { return !w.broken }) > 0
}

func (l *link) Stats() pool.Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.Size, s.Open, s.Free, s.Dialing = l.size, len(l.wires), len(l.free), l.dialing
	s.Detached = l.count(detached)
	s.Busy = l.count(func(w *wire) bool { return w.leased && !w.detached })
	return s
}

func (l *link) Close(context.Context) error {
	l.mu.Lock()
	l.closed = true
	for _, w := range l.free {
		l.forget(w)
	}
	l.free = nil
	l.wakeUp()
	l.mu.Unlock()
	<-l.end
	return nil
}

// exchange is one statement for a table, or a ping or handshake. It ends at the limit at the latest.
func (w *wire) exchange(limit time.Time, table string) (err error) {
	s := w.link.server
	w.count++
	took, result := 100*time.Microsecond, error(nil)
	if table != "" {
		took, result = s.work(hash(s.number, w.number, w.count))
	}
	s.mu.Lock()
	if w.reset {
		w.broken = true
		s.mu.Unlock()
		time.Sleep(grain(s.number, w.number))
		return fmt.Errorf("%w: reset by peer", pool.ErrBroken)
	}
	fate := make(chan error, 1)
	w.fate = fate
	s.mu.Unlock()
	over := time.NewTimer(time.Until(limit))
	defer func() {
		over.Stop()
		s.mu.Lock()
		defer s.mu.Unlock()
		w.fate = nil
		w.broken = errors.Is(err, pool.ErrBroken)
	}()
	until := func(open <-chan struct{}) error {
		select {
		case <-open:
			return nil
		case struck := <-fate:
			return struck
		case <-over.C:
			return pool.ErrTimeout
		}
	}
	pause := took + grain(s.number, w.number, w.count)
	for {
		if err := until(after(pause)); err != nil {
			return err
		}
		held := s.gateFor(table)
		if held == nil {
			return result
		}
		if err := until(held); err != nil {
			return err
		}
		pause = time.Duration(w.number)*10*time.Microsecond + grain(s.number, w.number) // each in its turn
	}
}

func after(d time.Duration) gate {
	g := make(gate)
	time.AfterFunc(d, func() { close(g) })
	return g
}

func tableOf(query string) string {
	if strings.Contains(query, "names_1") {
		return "names"
	}
	return "accounts"
}

func (w *wire) Select(deadline time.Time, query string, args []column.Value, sink pool.Sink) error {
	if err := w.exchange(deadline.Add(drainGrace), tableOf(query)); err != nil {
		return err
	}
	return w.tables.Select(deadline, query, args, sink)
}

func (w *wire) SelectWithin(
	_, deadline time.Time, query string, args []column.Value, sink pool.Sink, later func(error),
) (pending bool, err error) {
	go func() { later(w.Select(deadline, query, args, sink)) }()
	return true, nil
}

func (w *wire) Hurry() {}

func (w *wire) Forget(query string) { w.tables.Forget(query) }

func (w *wire) Broken() bool {
	w.link.mu.Lock()
	defer w.link.mu.Unlock()
	return w.broken || w.link.closed
}

func (w *wire) Detach() bool {
	l := w.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.detached || l.count(detached) >= l.size {
		return w.detached
	}
	w.detached = true
	l.wakeUp()
	return true
}

func (w *wire) Release() {
	l := w.link
	l.mu.Lock()
	defer l.mu.Unlock()
	w.leased = false
	w.served = w.served || !w.broken
	switch noRoom := w.detached && l.count(attached) >= l.size; {
	case w.broken:
		if !w.served {
			l.backOff()
		}
		l.forget(w)
	case l.closed || noRoom:
		l.forget(w)
	default:
		w.detached, w.lastUse = false, time.Now()
		l.failures = 0
		l.free = append(l.free, w)
	}
}
