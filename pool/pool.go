package pool

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Pool holds the connections to one node. All methods are safe for concurrent use.
//
// One goroutine (run) decides what is dialed, pinged, replaced and closed, and starts a short-lived goroutine for each
// of these, so that none can hold up another. They all end with Close.
type Pool struct {
	cfg       Config
	dial      dialer
	statement statementCounters

	wake     chan struct{}      // has room for one: run looks at the pool again
	ctx      context.Context    // ends with Close: aborts dials, warm-ups and pings, never leases
	cancel   context.CancelFunc //
	tasks    sync.WaitGroup     // dials, pings and closes
	finished chan struct{}      // closed when run and all tasks have ended

	// mu guards everything below and the fields of Conn that say so. It is held for a few steps at a time: nothing
	// under it blocks, does I/O or calls anybody back.
	mu     sync.Mutex
	closed bool    // no new leases
	conns  []*Conn // established: free, checking or leased
	free   []*Conn // the last one is leased first; ordered by lastUse, so the first has been idle longest
	doomed []*Conn // given up, waiting for run to have them closed

	dialing   int  // dials under way for missing connections
	replacing bool // a dial under way for an aged connection
	pinging   int

	down     bool      // the latest dial failed, and that was logged
	failures int       // dial rounds that failed since a connection last served
	round    int       // the dials begun since the last failure; one that fails later ends no other round
	nextDial time.Time // not before

	leases, detaches, dials, dialErrors, pings, pingErrors, breaks, replaced uint64

	lastError     error // of the latest dial, warm-up or ping that failed
	lastErrorTime time.Time
}

// Stats is what a pool is doing and has done.
type Stats struct {
	Size     int // connections wanted
	Open     int // established connections: Free + Busy + Detached + those being pinged
	Free     int // to be leased at once
	Busy     int // leased and counted against Size
	Detached int // leased and not counted
	Dialing  int // being dialed or warmed

	Leases     uint64 // TryAcquire calls that got a connection
	Detaches   uint64 // leases detached
	Breaks     uint64 // connections lost or discarded while leased
	Dials      uint64 // attempts
	DialErrors uint64 // attempts that failed, warm-up included
	Pings      uint64 // keep-alive pings
	PingErrors uint64 // those that failed
	Replaced   uint64 // connections replaced for their age

	Prepared int    // prepared statements open now
	Prepares uint64 // statements prepared; grows steadily only if Config.Statements is too small

	LastError     error     // of the latest dial, warm-up or ping that failed; kept after recovery
	LastErrorTime time.Time // when that was; zero: never
}

// Open checks the configuration and returns a pool that fills itself in the background.
func Open(cfg Config) (*Pool, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("pool configuration: %w", err)
	}
	p := newPool(cfg)
	p.dial = p.dialMySQL
	go p.run()
	return p, nil
}

// newPool makes a pool that lacks a dialer and does not run yet.
func newPool(cfg Config) *Pool {
	p := &Pool{cfg: cfg, wake: make(chan struct{}, 1), finished: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// TryAcquire leases a free connection, or returns nil if there is none. It never dials and never waits.
func (p *Pool) TryAcquire() *Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.free) - 1
	if last < 0 {
		return nil
	}
	c := p.free[last]
	p.free = p.free[:last]
	c.state = leased
	p.leases++
	return c
}

// Up reports whether at least one connection is established, counts against Size and did not fail in its last exchange.
func (p *Pool) Up() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.closed && p.countLocked(isHealthy) > 0
}

// Answers reports whether the node can be expected to serve in a moment, if it does not now: there is a connection that
// did not fail, though it may be detached, and no dial has failed since.
func (p *Pool) Answers() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.closed && !p.down && slices.ContainsFunc(p.conns, func(c *Conn) bool { return !c.broken })
}

// Stats returns a copy of the pool's figures.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Stats{
		Size: p.cfg.Size, Open: len(p.conns), Free: len(p.free),
		Busy: p.countLocked(isBusy), Detached: p.countLocked(isDetached), Dialing: p.dialing,
		Leases: p.leases, Detaches: p.detaches, Breaks: p.breaks, Dials: p.dials, DialErrors: p.dialErrors,
		Pings: p.pings, PingErrors: p.pingErrors, Replaced: p.replaced,
		Prepared: int(p.statement.open.Load()), Prepares: p.statement.prepared.Load(),
		LastError: p.lastError, LastErrorTime: p.lastErrorTime,
	}
	if p.replacing {
		s.Dialing++
	}
	return s
}

// Close stops leasing, closes what is free and waits for the leases to end. When ctx ends first it closes the sockets
// of the leases that are left, whose statements then fail, and returns an error. In either case the pool's goroutines
// have ended when it returns. Closing again waits for the same end. It must not be called with a lock held that Changed
// takes.
func (p *Pool) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	for _, c := range p.free {
		p.doomLocked(c)
	}
	p.free = nil
	p.wakeLocked()
	p.mu.Unlock()
	p.cancel()

	select {
	case <-p.finished:
		return nil
	case <-ctx.Done():
	}
	cut := p.cutLeases()
	<-p.finished
	if cut == 0 {
		return nil
	}
	return fmt.Errorf("closing the pool of %s cut off %d statements: %w", p.cfg.Address, cut, context.Cause(ctx))
}

// cutLeases closes the sockets of all leases and takes them off the pool's books. It returns how many there were.
func (p *Pool) cutLeases() int {
	p.mu.Lock()
	var cut []*Conn
	p.conns = slices.DeleteFunc(p.conns, func(c *Conn) bool {
		if c.state != leased {
			return false
		}
		c.state, c.broken = cutOff, true
		cut = append(cut, c)
		return true
	})
	p.wakeLocked()
	p.mu.Unlock()
	for _, c := range cut {
		c.session.Abort()
	}
	return len(cut)
}

// giveBack ends a lease.
func (p *Pool) giveBack(c *Conn, reuse bool) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch c.state {
	case leased:
	case cutOff:
		// The socket is closed, so closing the session cannot block; the pool may have ended, so nobody else would.
		c.state = closed
		go c.session.Close()
		return
	default:
		panic("pool: connection given back twice")
	}
	if c.broken || !reuse {
		p.breaks++
		if !c.served {
			p.backOffLocked(now)
		}
		p.doomLocked(c)
		return
	}
	c.lastUse = now
	// Room is measured without regard to dials under way: a connection at hand is worth more than one that may fail.
	noRoom := c.detached && p.countLocked(isAttached) >= p.cfg.Size
	if p.closed || c.retired || noRoom {
		p.doomLocked(c)
		return
	}
	c.detached = false
	if c.served {
		p.failures = 0
	}
	p.freeLocked(c)
}

// freeLocked makes an established connection the next one to be leased.
func (p *Pool) freeLocked(c *Conn) {
	c.state = free
	p.free = append(p.free, c)
}

// doomLocked takes a connection off the books and leaves its closing to run. It does not look at p.free.
func (p *Pool) doomLocked(c *Conn) {
	c.state = closed
	p.conns = slices.DeleteFunc(p.conns, func(other *Conn) bool { return other == c })
	p.doomed = append(p.doomed, c)
	p.wakeLocked()
}

func (p *Pool) wakeLocked() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// countLocked counts established connections. There are few: Size and what is detached.
func (p *Pool) countLocked(match func(*Conn) bool) int {
	n := 0
	for _, c := range p.conns {
		if match(c) {
			n++
		}
	}
	return n
}

func isAttached(c *Conn) bool { return !c.detached && !c.retired }
func isDetached(c *Conn) bool { return c.detached }
func isHealthy(c *Conn) bool  { return !c.detached && !c.broken }
func isBusy(c *Conn) bool     { return c.state == leased && !c.detached }
func isRetired(c *Conn) bool  { return c.retired }

// statementCounters are shared by all sessions of a pool.
type statementCounters struct {
	open     atomic.Int64
	prepared atomic.Uint64
}
