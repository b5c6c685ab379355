package lookup

import (
	"context"
	"slices"
	"time"

	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/pool"
)

// Connections are the connections to one node. TryAcquire, and the methods of Conn but the Selects, must not block and
// must not call back: they are called under Reader.mu.
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
	Hurry() // has a SelectWithin that waits for an answer, or is about to, return now, pending; concurrently with it
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
	switch {
	case !p.open():
		return nil
	case r.closed:
		r.refuse(p, ErrUnavailable)
		return nil
	case p.attempts > 0 && !time.Now().Before(p.call.deadline):
		r.refuse(p, ErrDeadline)
		return nil
	case r.blocks.bytes.Load() > r.cfg.MaxLiveBytes:
		r.counts.Refused++
		r.refuse(p, ErrOverloaded)
		return nil
	}
	t := r.tierFor(p.tried)
	if t < 0 && r.tierFor(0) < 0 { // a node may have gone since the evidence against the others was weighed
		r.assess(time.Now())
		t = r.tierFor(p.tried)
	}
	if t < 0 && p.tried != 0 { // no other node: the same ones must do
		p.tried = 0
		t = r.tierFor(0)
	}
	if t < 0 {
		t = r.busyTier()
	}
	if t < 0 {
		r.refuse(p, ErrUnavailable)
		return nil
	}
	if r.follows(t, p) {
		r.enqueue(t, p)
		r.tendBy(p.queued.Add(followTime))
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
	case !p.admitted && (r.waiting() >= r.cfg.MaxQueued || r.hopeless(t, p)):
		r.counts.Refused++
		r.refuse(p, ErrOverloaded)
	default:
		r.enqueue(t, p)
	}
	return s
}

// hopeless reports whether a piece would wait in vain: the statements that what waits before it takes, if that asks for
// as many keys as it does, end after its deadline.
func (r *Reader) hopeless(t int, p *piece) bool {
	plan := p.read.plan
	ahead := len(plan.queues[t].lanes[p.lane()]) * p.keys() / plan.shareable
	if ahead == 0 {
		return false // it goes with them
	}
	wait := time.Duration(ahead) * plan.typical[sizeOf(plan.shareable)] / time.Duration(max(1, r.connections(t)))
	return wait > time.Until(p.call.deadline)
}

// busyTier returns where pieces wait while no node is up: the nearest tier with a node that answers, but whose
// connections are all taken by statements that nobody waits for any more, or -1. It will have another in a moment.
func (r *Reader) busyTier() int {
	for t := range r.tiers {
		for _, n := range r.tiers[t].nodes {
			if n.fit && n.conns != nil && n.conns.Answers() {
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
		if avoid&n.bit() == 0 && n.usable() {
			return true
		}
	}
	return false
}

func (n *node) up() bool { return n.conns != nil && n.conns.Up() }

// start makes the statement that reads a piece on the best node of a tier that has a connection free; nil if none has.
func (r *Reader) start(t int, p *piece) *statement {
	avoid := p.tried
	r.tiers[t].turn++
	for n := r.best(t, avoid); n != nil; n = r.best(t, avoid) {
		if c := n.conns.TryAcquire(); c != nil {
			s := r.form(c, p.read.plan)
			s.take(p)
			r.begin(n, s)
			return s
		}
		avoid |= n.bit()
	}
	return nil
}

// best returns the node of a tier that is to be used and has the least weight, besides those to avoid; nil if there is
// none. Of equally good ones it is each one's turn, see start.
func (r *Reader) best(t int, avoid nodeSet) (best *node) {
	nodes := r.tiers[t].nodes
	now, least := time.Now(), 0.0
	for i := range nodes {
		n := nodes[(r.tiers[t].turn+i)%len(nodes)]
		if n.conns == nil || !n.fit || avoid&n.bit() != 0 {
			continue
		}
		if w := n.weight(now); best == nil || w < least {
			best, least = n, w
		}
	}
	return best
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

// settle brings the queues in line with the nodes: free connections take what waits, and what waits in a tier that has
// lost its nodes is dispatched anew. Nodes that may leave do. Reader.mu is held.
func (r *Reader) settle() {
	r.assess(time.Now())
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
			r.feed(t)
		case t != refuge:
			r.drain(t)
		}
	}
}

// feed gives waiting pieces to the free connections of a tier, those of the best node first. A connection that
// nothing waits for is not touched: that would pass for use, and keep it from being pinged.
func (r *Reader) feed(t int) {
	var done nodeSet
	for n := r.best(t, done); n != nil; n = r.best(t, done) {
		var s *statement
		if r.wanted(n) {
			if c := n.conns.TryAcquire(); c != nil {
				if s = r.next(n, c); s == nil {
					c.Release()
				}
			}
		}
		if s == nil {
			done |= n.bit()
			continue
		}
		r.launch(s)
	}
}

// wanted reports whether a piece waits that node n may serve now.
func (r *Reader) wanted(n *node) bool {
	for _, q := range r.tiers[n.tier].active {
		for lane, waiting := range q.lanes {
			if len(waiting) > 0 && r.admits(n.tier, lane, time.Since(waiting[0].queued)) &&
				slices.ContainsFunc(waiting, func(p *piece) bool { return r.serves(n, p) }) {
				return true
			}
		}
	}
	return false
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
