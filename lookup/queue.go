package lookup

import (
	"cmp"
	"slices"
	"time"

	"github.com/rongate/rongate/pool"
)

// queue is the pieces of one plan that wait for a connection of one tier. It belongs to no node, so that a stalled node
// holds up nothing but what runs on it. Those of large batches have a lane of their own: the two are served in turn,
// share no statement, and while there are others about, statements of large batches have few of the connections. So a
// single vector does not wait for a batch, and no batch for ever.
type queue struct {
	lanes [laneCount][]*piece // oldest first
	turn  int                 // the lane to be served first, modulo their number

	running []*statement // of the plan, on nodes of the tier
}

// ended notes that a statement does not run any more.
func (q *queue) ended(s *statement) {
	i := slices.Index(q.running, s)
	q.running = slices.Delete(q.running, i, i+1)
}

const (
	// followTime is how old a statement may be for others to wait for its end: a few times what one takes on a cluster
	// that is well, so that a node that stalls keeps nobody waiting for long.
	followTime = 2 * time.Millisecond

	// followKeys bounds the keys of statements that are looked into, and of pieces: hot keys are asked for one by one.
	followKeys = 4
)

// follows reports whether a statement under way asks for all keys of a piece. The piece waits for its end then, and goes
// with all others that do: a key that many ask for at once is read twice, and not once for each of them. What the
// statement itself answers is not for the piece, as it may be from before a write that its caller knows of.
func (r *Reader) follows(t int, p *piece) bool {
	running := p.read.plan.queues[t].running
	if len(running) == 0 || r.cfg.Unmerged || p.solo || p.attempts > 0 || p.keys() > followKeys ||
		r.waiting() >= r.cfg.MaxQueued {
		return false
	}
	for _, s := range running {
		if s.keys() <= followKeys && s.asksFor(p) && time.Since(s.begun) < followTime {
			return true
		}
	}
	return false
}

// The lanes.
const (
	laneSmall = iota
	laneLarge // of reads for more keys than fit one statement
	laneCount
)

// aboutTime is how long after a small statement has begun others are expected: batches take turns for less.
const aboutTime = 100 * time.Millisecond

// longWait is what a large piece waits before it may have more of the connections: more than a batch of a thousand
// entries takes with few, and less than its deadline.
const longWait = 200 * time.Millisecond

// largeEvery is how often it is looked at whether large pieces may have more of the connections by now, beside when a
// statement ends.
const largeEvery = 20 * time.Millisecond

// lane is where a piece waits.
func (p *piece) lane() int {
	if len(p.read.keys.firsts) > p.read.plan.maxKeys {
		return laneLarge
	}
	return laneSmall
}

func (q *queue) empty() bool { return len(q.lanes[laneSmall])+len(q.lanes[laneLarge]) == 0 }

// admits reports whether another statement of a lane may run in a tier, for a piece that waits for so long. While there
// are small ones about, large ones have a quarter of the connections, and those that wait for long half of them.
func (r *Reader) admits(t, lane int, waited time.Duration) bool {
	if lane == laneSmall || time.Since(r.tiers[t].smallAt) > aboutTime {
		return true
	}
	part := 4
	if waited > longWait {
		part = 2
	}
	return r.tiers[t].large < max(1, r.connections(t)/part)
}

// connections is how many the nodes of a tier have that are to be used.
func (r *Reader) connections(t int) (n int) {
	for _, o := range r.tiers[t].nodes {
		if o.usable() {
			n += cmp.Or(o.access.Size, pool.DefaultSize)
		}
	}
	return n
}

// enqueue adds a piece to the queue of its plan in a tier.
func (r *Reader) enqueue(t int, p *piece) {
	q := &p.read.plan.queues[t]
	if q.empty() && !slices.Contains(r.tiers[t].active, q) {
		r.tiers[t].active = append(r.tiers[t].active, q)
	}
	lane := &q.lanes[p.lane()]
	p.waiting, p.queued = q, time.Now()
	if p.tried != 0 { // it has waited elsewhere
		*lane = slices.Insert(*lane, 0, p)
	} else {
		*lane = append(*lane, p)
	}
	r.queued[p.lane()]++
	if p.lane() == laneLarge {
		r.tendBy(p.queued.Add(largeEvery))
	} else if t < tierCount-1 && len(*lane) == 1 && r.openBeyond(t) {
		r.tendBy(p.queued.Add(spillAfter))
	}
}

// waiting is how many pieces are in the queues of all tiers.
func (r *Reader) waiting() int { return r.queued[laneSmall] + r.queued[laneLarge] }

// unqueued notes that a piece waits no more.
func (r *Reader) unqueued(p *piece) {
	p.waiting = nil
	r.queued[p.lane()]--
	r.counts.waits.Record(time.Since(p.queued))
}

// withdraw takes a piece out of the queue it waits in. The queue stays among the active ones of its tier until its turn
// comes.
func (r *Reader) withdraw(p *piece) {
	lane := &p.waiting.lanes[p.lane()]
	*lane = slices.DeleteFunc(*lane, func(o *piece) bool { return o == p })
	r.unqueued(p)
}

// next returns the statement that a freed connection of node n is to run, of the queue whose turn it is; nil if nothing
// waits for it.
func (r *Reader) next(n *node, c Conn) *statement {
	t := &r.tiers[n.tier]
	for range len(t.active) {
		q := t.active[0]
		t.active = slices.Delete(t.active, 0, 1)
		s := r.gather(q, n, c)
		if !q.empty() {
			t.active = append(t.active, q)
		}
		if s != nil {
			r.begin(n, s)
			return s
		}
	}
	return nil
}

// gather makes a statement of what waits in a queue and node n may serve, of the lane whose turn it is if there is
// such; nil if there is none.
func (r *Reader) gather(q *queue, n *node, c Conn) *statement {
	for i := range laneCount {
		lane := (q.turn + i) % laneCount
		waiting := q.lanes[lane]
		if len(waiting) == 0 || !r.admits(n.tier, lane, time.Since(waiting[0].queued)) {
			continue
		}
		if s := r.fill(&q.lanes[lane], n, c); s != nil {
			q.turn = lane + 1
			return s
		}
	}
	return nil
}

// fill makes a statement of the oldest piece of a lane that node n may serve, and of what comes after it until one does
// not fit.
func (r *Reader) fill(lane *[]*piece, n *node, c Conn) (s *statement) {
	kept := (*lane)[:0]
	now := time.Now()
	for j, p := range *lane {
		if !now.Before(p.call.deadline) { // the call has yet to notice
			r.unqueued(p)
			r.refuse(p, ErrDeadline)
			continue
		}
		if s != nil && !r.merges(s) {
			kept = append(kept, (*lane)[j:]...)
			break
		}
		if !r.serves(n, p) || s != nil && p.solo {
			kept = append(kept, p)
			continue
		}
		if s != nil && !s.fits(p) {
			kept = append(kept, (*lane)[j:]...)
			break
		}
		if s == nil {
			s = r.form(c, p.read.plan)
		}
		s.take(p)
		r.unqueued(p)
	}
	clear((*lane)[len(kept):]) // keep no call alive
	*lane = kept
	return s
}

// merges reports whether more pieces may be added to a statement.
func (r *Reader) merges(s *statement) bool { return !r.cfg.Unmerged && !s.pieces[0].solo }

// serves reports whether node n may serve a piece: one that has failed there is left for another node of the tier, if
// one is up that it has not failed on.
func (r *Reader) serves(n *node, p *piece) bool {
	return p.tried&n.bit() == 0 || !r.tierUp(n.tier, p.tried)
}

// drain dispatches anew everything that waits in a tier.
func (r *Reader) drain(t int) {
	active := r.tiers[t].active
	r.tiers[t].active = nil
	var waiting []*piece
	for _, q := range active {
		for i, lane := range q.lanes {
			for _, p := range lane {
				r.unqueued(p)
			}
			waiting = append(waiting, lane...)
			q.lanes[i] = nil
		}
	}
	for _, p := range waiting {
		r.dispatch(p)
	}
}
