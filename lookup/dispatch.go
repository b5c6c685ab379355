package lookup

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/pool"
)

const (
	// maxAttempts bounds how often one piece is tried: reads may be repeated at will, but a piece that failed on three
	// nodes will fail on the fourth.
	maxAttempts = 3

	// The pause before a second attempt at what a transient state of the cluster refused, in between these two at
	// random: NDB's temporary errors pass within milliseconds of the detection of a failed data node.
	minPause = 5 * time.Millisecond
	maxPause = 20 * time.Millisecond
)

// Connections are the connections to one node. TryAcquire, and the methods of Conn but the Selects, must not block and must
// not call back: they are called under Reader.mu.
type Connections interface {
	TryAcquire() Conn // nil when none is free
	Up() bool
	Answers() bool // Up, or only busy with what nobody waits for any more
	Stats() pool.Stats
	Close(context.Context) error
}

// A selector runs one statement at a time.
type selector interface {
	Select(deadline time.Time, query string, args []column.Value, sink pool.Sink) error
	Forget(query string) // its prepared statement is not to be used again
}

// A Conn is one connection, leased by TryAcquire until Release.
type Conn interface {
	selector
	// SelectWithin is Select on behalf of a goroutine that waits no longer than patience. pending says that the statement
	// has not ended: later will be called with its error, on another goroutine.
	SelectWithin(patience, deadline time.Time, query string, args []column.Value, sink pool.Sink, later func(error),
	) (pending bool, err error)
	Broken() bool
	Detach() bool // the connection's slot is free for another; to be released all the same
	Release()
}

// tier is the nodes of one distance (the own zone, the other zones) with the look-ups that wait for them. Reader.mu
// guards it.
type tier struct {
	nodes   []*node
	active  []*queue  // the queues that have pieces, next to be served first
	turn    int       // which of equally good nodes comes first
	large   int       // statements of laneLarge that run
	smallAt time.Time // when one of laneSmall has begun
}

// dispatch gives a piece to a free connection, or queues it. Reader.mu is held.
func (r *Reader) dispatch(p *piece) {
	if s := r.place(p); s != nil {
		r.launch(s)
	}
}

// place finds a piece a free connection, or queues it. It returns the statement that is to be run, nil if there is none.
func (r *Reader) place(p *piece) *statement {
	if p.call == nil {
		return nil
	}
	if r.closed {
		r.deliver(p, nil, ErrUnavailable)
		return nil
	}
	if r.blocks.bytes.Load() > r.cfg.MaxLiveBytes {
		r.counts.Refused++
		r.deliver(p, nil, ErrOverloaded)
		return nil
	}
	t := r.tierFor(p.tried)
	if t < 0 && p.tried != 0 { // no other node: the same ones must do
		p.tried = 0
		t = r.tierFor(0)
	}
	if t < 0 {
		t = r.busyTier()
	}
	if t < 0 {
		r.deliver(p, nil, ErrUnavailable)
		return nil
	}
	if r.follows(t, p) {
		r.enqueue(t, p)
		r.feedSoon()
		return nil
	}
	var s *statement
	if r.admits(t, p.lane(), 0) {
		s = r.start(t, p)
	}
	if s == nil && p.tried != 0 {
		s = r.startBeyond(t, p)
	}
	switch {
	case s != nil:
	case r.queued >= r.cfg.MaxQueued && !p.admitted:
		r.counts.Refused++
		r.deliver(p, nil, ErrOverloaded)
	default:
		r.enqueue(t, p)
	}
	return s
}

// busyTier returns where pieces wait while no node is up: the nearest tier with a node that answers, but whose connections
// are all taken by statements that nobody waits for any more, or -1. It will have another in a moment.
func (r *Reader) busyTier() int {
	for t := range r.tiers {
		for _, n := range r.tiers[t].nodes {
			if n.conns != nil && n.conns.Answers() {
				return t
			}
		}
	}
	return -1
}

// startBeyond starts a piece that has failed once on a node of a farther tier: it should not wait for a node of its own
// zone that may be failing too.
func (r *Reader) startBeyond(t int, p *piece) *statement {
	for t++; t < len(r.tiers); t++ {
		if r.tierUp(t, p.tried) {
			if s := r.start(t, p); s != nil {
				return s
			}
		}
	}
	return nil
}

// nodeSet is a set of nodes by id. Those beyond the 64th share bits, and so does a node that has joined with one that has
// left: too many are avoided then, never too few.
type nodeSet uint64

func (n *node) bit() nodeSet { return 1 << (n.id % 64) }

// tierFor returns the nearest tier that has a node up besides those to avoid, or -1.
func (r *Reader) tierFor(avoid nodeSet) int {
	for t := range r.tiers {
		if r.tierUp(t, avoid) {
			return t
		}
	}
	return -1
}

// tierUp reports whether a tier has a node up besides those to avoid.
func (r *Reader) tierUp(t int, avoid nodeSet) bool {
	for _, n := range r.tiers[t].nodes {
		if avoid&n.bit() == 0 && n.up() {
			return true
		}
	}
	return false
}

func (n *node) up() bool { return n.conns != nil && n.conns.Up() }

// start makes the statement that reads a piece on the least busy node of a tier that has a connection free; nil if none has.
func (r *Reader) start(t int, p *piece) *statement {
	nodes := r.tiers[t].nodes
	r.tiers[t].turn++
	avoid := p.tried
	for {
		var best *node
		for i := range nodes {
			n := nodes[(r.tiers[t].turn+i)%len(nodes)]
			if n.conns != nil && avoid&n.bit() == 0 && (best == nil || n.busy < best.busy) {
				best = n
			}
		}
		if best == nil {
			return nil
		}
		if c := best.conns.TryAcquire(); c != nil {
			s := r.form(c, p.read.plan)
			s.take(p)
			r.begin(best, s)
			return s
		}
		avoid |= best.bit()
	}
}

// form makes a statement for a connection, without pieces. Reader.mu is held.
func (r *Reader) form(c Conn, p *Plan) *statement {
	s, _ := r.spare.Get().(*statement)
	if s == nil {
		s = &statement{}
		s.start = func() {
			defer r.wg.Done()
			r.run(s)
		}
		s.resume = func(err error) {
			defer r.wg.Done()
			r.run(r.ended(s, s.conclude(s.conn, err)))
		}
	}
	s.reset(p, r.cfg.MaxBlockBytes)
	s.conn = c
	return s
}

// launch runs a statement that has begun, on a goroutine of its own.
func (r *Reader) launch(s *statement) {
	r.wg.Add(1)
	go s.start()
}

// begin counts a statement that has its pieces as running on a node. Reader.mu is held.
func (r *Reader) begin(n *node, s *statement) {
	s.node, s.begun = n, time.Now()
	s.queue = &s.plan.queues[n.tier]
	s.queue.running = append(s.queue.running, s)
	t := &r.tiers[n.tier]
	if s.tier = nil; s.pieces[0].lane() == laneLarge {
		s.tier = t
		t.large++
	} else {
		t.smallAt = s.begun
	}
	n.busy++
	n.counts.begin(s.keys())
	r.counts.Merged += uint64(len(s.pieces) - 1)
	r.counts.Shared += uint64(len(s.places) - s.keys())
}

// run executes a statement and then, on the same connection, whatever waits, until nothing does.
func (r *Reader) run(s *statement) {
	for s != nil {
		s = r.ended(s, s.execute(s.conn, r.blocks.get(len(s.plan.sel.Columns))))
	}
}

// runFor executes a statement that has begun on the goroutine of the call that it is for, which spares the two a meeting.
// Should the call's deadline pass before there is an answer, the statement goes on without it.
func (r *Reader) runFor(c *Call, s *statement) {
	pending, err := s.executeWithin(c.deadline, r.blocks.get(len(s.plan.sel.Columns)))
	if pending {
		return // to resume
	}
	defer r.wg.Done()
	if next := r.ended(s, err); next != nil {
		r.launch(next)
	}
}

// ended deals with a statement that was executed, and returns the next one for its connection; nil when that has been given
// back.
func (r *Reader) ended(s *statement, err error) *statement {
	b := s.block
	s.node.counts.latency.Record(time.Since(s.begun))
	r.blocks.count(b)
	v := classify(err)
	switch {
	case v == verdictStale:
		r.cfg.OnStale(s.plan.sel.Group.Table)
	case v == verdictFinal && err != nil && !errors.Is(err, ErrTooLarge):
		r.complain(s.plan.sel.Group.Table, err)
	}
	next := r.finish(s, v, err)
	r.blocks.release(b)
	return next
}

// finish gives the statement's answer to its pieces, or tries them again, and returns the next statement for the
// connection; nil when it has been given back.
func (r *Reader) finish(s *statement, v verdict, err error) *statement {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, c := s.node, s.conn
	n.busy--
	s.queue.ended(s)
	if s.tier != nil {
		s.tier.large--
	}
	if tooLarge := errors.Is(err, ErrTooLarge); len(s.pieces) > 1 && (err == nil || tooLarge) {
		s.plan.learn(s.keys(), tooLarge)
	}
	if err != nil {
		n.counts.fail(v, err)
		r.fail(n, s, v, err)
	} else {
		for _, p := range s.pieces {
			r.deliver(p, s.block, nil)
		}
	}
	serves := !s.detached && !c.Broken() && !n.gone
	s.conn, s.block, s.node, s.queue = nil, nil, nil, nil
	clear(s.pieces) // a spare statement keeps no call alive
	r.spare.Put(s)
	var next *statement
	if serves {
		next = r.next(n, c)
	}
	if next == nil {
		c.Release()
	}
	if !serves || r.queuedIn[laneLarge] > 0 {
		r.settle() // the node may be gone, or the connection free again after all; or more connections are for large ones by now
	}
	return next
}

// fail decides what becomes of the pieces of a failed statement. One that has failed on its data may have done so on a
// single key or row: each of its pieces gets a statement of its own, and the answer that it would have had alone. The last
// attempt of a piece is its own too, since what breaks a connection may also be another's data.
func (r *Reader) fail(n *node, s *statement, v verdict, err error) {
	var later []*piece
	onData := v == verdictFinal || errors.Is(err, errValue)
	for _, p := range s.pieces {
		p.running = nil
		if onData && p.keys() < s.keys() { // one that has asked for all that the statement did has its answer
			p.solo = true
			p.attempts-- // it was not to blame
			r.dispatch(p)
			continue
		}
		p.tried |= n.bit()
		p.solo = p.solo || p.attempts == maxAttempts-1
		switch {
		case p.call == nil:
		case p.attempts >= maxAttempts || v == verdictFinal || v == verdictStale:
			r.deliver(p, nil, err)
		case v == verdictElsewhere:
			r.counts.Retries++
			r.dispatch(p)
		default:
			r.counts.Retries++
			later = append(later, p)
		}
	}
	if len(later) > 0 {
		r.wg.Go(func() { r.repeat(later) })
	}
}

// repeat dispatches pieces after a pause.
func (r *Reader) repeat(pieces []*piece) {
	time.Sleep(minPause + rand.N(maxPause-minPause))
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range pieces {
		r.dispatch(p)
	}
}

// settle brings the queues in line with the nodes: free connections take what waits, and what waits in a tier that has
// lost its nodes is dispatched anew. Nodes that may leave do. Reader.mu is held.
func (r *Reader) settle() {
	r.retire()
	refuge := -1
	if r.tierFor(0) < 0 {
		refuge = r.busyTier()
	}
	for t := range r.tiers {
		switch {
		case r.closed:
			r.drain(t)
		case r.tierUp(t, 0):
			for _, n := range r.tiers[t].nodes {
				r.feed(n)
			}
		case t != refuge:
			r.drain(t)
		}
	}
}

// feed gives waiting pieces to the free connections of a node.
func (r *Reader) feed(n *node) {
	for n.conns != nil && len(r.tiers[n.tier].active) > 0 {
		c := n.conns.TryAcquire()
		if c == nil {
			return
		}
		s := r.next(n, c)
		if s == nil {
			c.Release()
			return
		}
		r.launch(s)
	}
}

// poolConnections fits a pool.Pool to Connections: its nil *pool.Conn must become a nil Conn.
type poolConnections struct{ *pool.Pool }

func (p poolConnections) TryAcquire() Conn {
	if c := p.Pool.TryAcquire(); c != nil {
		return c
	}
	return nil
}

func openPool(cfg pool.Config) (Connections, error) {
	p, err := pool.Open(cfg)
	if err != nil {
		return nil, err
	}
	return poolConnections{p}, nil
}
