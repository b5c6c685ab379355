package lookup

import (
	"errors"
	"slices"
	"time"

	"github.com/rongate/rongate/breaker"
	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/pool"
)

const (
	// A node that is passed over is sent a read of its own between these two times after it was last, at random, so that
	// many gateways do not ask a node that is back all at once.
	minProbe = 100 * time.Millisecond
	maxProbe = 250 * time.Millisecond

	// probeTime is the deadline of such a read.
	probeTime = 250 * time.Millisecond

	// lateTend is by how much the timer may be late before that is put down to the process not running.
	lateTend = 5 * time.Millisecond

	// againAfter is how soon it is looked again at statements that could not be sent elsewhere.
	againAfter = 10 * time.Millisecond

	// spillAfter is how long a look-up may wait for the nodes of its own tier where those of another are free: they cannot
	// take the work. Waits are a tenth of it at saturation.
	spillAfter = 25 * time.Millisecond
)

// tendBy has the Reader look after its nodes and queues at a time, or before. Reader.mu is held.
func (r *Reader) tendBy(at time.Time) {
	if !r.tendAt.IsZero() && !at.Before(r.tendAt) || r.closed {
		return
	}
	r.tendAt = at
	wait := time.Until(at)
	if r.tender == nil {
		r.tender = time.AfterFunc(wait, r.tend)
		return
	}
	r.tender.Reset(wait)
}

// tend does what is due by itself: statements that are overdue, nodes to be probed, look-ups that may be served in
// another way by now.
func (r *Reader) tend() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	now := time.Now()
	// A process that was not let run has answers that it has not read yet: they are given a moment.
	r.behind = now.Sub(r.tendAt) > lateTend && !r.behind
	r.tendAt = time.Time{}
	for _, n := range r.nodes {
		r.tendNode(n, now)
	}
	for _, n := range r.left {
		r.tendRunning(n, now)
	}
	r.settle()
	for n := range r.working {
		r.rescue(n, now)
	}
	r.hedgeSlow(now)
	r.spill(now)
	if r.queued[laneLarge] > 0 {
		r.tendBy(now.Add(largeEvery))
	}
	for t := range r.tiers[:tierCount-1] {
		if at := r.oldestWait(t); !at.IsZero() && r.openBeyond(t) {
			r.tendBy(at.Add(max(spillAfter, now.Sub(at)+againAfter)))
		}
	}
}

// tendNode sees to one node, and to when it is to be looked at next.
func (r *Reader) tendNode(n *node, now time.Time) {
	n.recent.update(now)
	if s := n.unheard(); s != nil && !n.suspect && !r.behind {
		switch half := s.begun.Add(s.overdue.Sub(s.begun) / 2); {
		case s.late(now):
			r.suspectNode(n, s, now)
		case now.Before(half):
			r.tendBy(half)
		case n.probe == nil && !s.probed && !n.off():
			// It may be the statement, and the node has nothing else to show that it is well.
			s.probed = true
			r.sendProbe(n, now)
		}
	}
	r.tendRunning(n, now)
	if n.ramping(now) {
		r.tendBy(n.rampUntil)
	}
	r.tendProbe(n, now)
}

// tendRunning sees to what runs on a node, which may have left.
func (r *Reader) tendRunning(n *node, now time.Time) {
	for _, s := range n.running {
		if s.late(now) && n.heardOf.After(s.begun) {
			r.troubles.stall(s.plan.sel.Group.Table) // not the node: new connections, which are wanted now, need not wait for it
		}
		switch {
		case !s.late(now):
			r.tendBy(s.overdue)
		case s.waiting > 0:
			r.tendBy(now.Add(againAfter))
		case now.Sub(s.begun) < maxPatience:
			r.tendBy(s.begun.Add(maxPatience))
		case !s.detached:
			s.detached = s.conn.Detach() // answered by another, and its connection is missing
		}
	}
}

// tendProbe sends a probe to a node that is due for one. One that is not answered in time is given up for another.
func (r *Reader) tendProbe(n *node, now time.Time) {
	if n.probe != nil {
		if now.Before(n.probeOver) {
			r.tendBy(n.probeOver)
			return
		}
		n.probe.Detach()
		n.probe = nil
	}
	if !n.awaitsProbe() {
		return
	}
	if now.Before(n.probeAt) {
		r.tendBy(n.probeAt)
		return
	}
	n.probeAt = now.Add(minProbe + r.jitter(maxProbe-minProbe))
	r.tendBy(n.probeAt)
	r.sendProbe(n, now)
}

// sendProbe has a node read something, if it has a connection free.
func (r *Reader) sendProbe(n *node, now time.Time) {
	p := r.probePlan(n)
	if p == nil || !n.up() {
		return
	}
	if c := n.conns.TryAcquire(); c != nil {
		n.probe, n.probeOver = c, now.Add(probeTime)
		r.tendBy(n.probeOver)
		n.probes++
		r.wg.Go(func() { r.runProbe(n, c, p, now) })
	}
}

// probePlan returns a plan for the next probe of a node: another each time, but none of a table that stalls, or of
// which it is not known what a read should take, if there is one.
func (r *Reader) probePlan(n *node) (plan *Plan) {
	plans := *r.plans.Load()
	for i := range plans {
		p := plans[(n.probes+uint64(i))%uint64(len(plans))]
		switch {
		case r.troubles.hasStalled(p.sel.Group.Table):
		case p.typical[0] > 0:
			return p
		case plan == nil:
			plan = p
		}
	}
	if plan == nil && len(plans) > 0 {
		plan = plans[n.probes%uint64(len(plans))]
	}
	return plan
}

// runProbe reads a key that no row has, to see whether a node answers again. Whatever it answers will do, but for what
// is the node's fault.
func (r *Reader) runProbe(n *node, c Conn, p *Plan, begun time.Time) {
	err := p.read(c, begun.Add(probeTime))
	now := time.Now()
	if errors.Is(err, pool.ErrTimeout) {
		r.troubles.stall(p.sel.Group.Table)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if n.probe == c {
		n.probe = nil
	}
	o := judge(err).outcome
	switch {
	case err == nil && p.typical.slow(0, now.Sub(begun)):
		o = breaker.Slow
	case o == breaker.Excluded:
		o = breaker.Success
	}
	r.heard(n, begun, o, !errors.Is(err, pool.ErrBroken), now)
	c.Release()
	r.settle()
}

// rescue asks elsewhere for what runs on a node and is overdue, or may well be, as the node is suspect; while there is
// another without evidence against it. The statements go on: whichever answer is first counts.
func (r *Reader) rescue(n *node, now time.Time) {
	if r.desperate || r.behind || !r.otherThan(n) {
		return
	}
	for _, s := range n.running {
		if !s.rescued && s.waiting > 0 && s.stuck(now) && !r.rescueStatement(n, s, now) {
			return
		}
	}
}

// otherThan reports whether there is another node to be used.
func (r *Reader) otherThan(n *node) bool {
	return slices.ContainsFunc(r.nodes, func(o *node) bool { return o != n && o.usable() })
}

// rescueStatement asks elsewhere for what a statement is to answer. It reports false if the allowance is used up.
func (r *Reader) rescueStatement(n *node, s *statement, now time.Time) bool {
	for _, p := range s.pieces {
		if !p.open() || p.attempts >= maxAttempts || !now.Before(p.call.deadline) || p.call.hedging == catalog.HedgingOff {
			continue
		}
		if p.promised(s, now) {
			continue
		}
		if !s.rescued {
			if !r.rescues.spend() {
				return false
			}
			s.rescued = true
			n.rescued++
			r.counts.RetriesBy.Rescue++
		}
		p.tried |= n.bit()
		r.dispatch(p)
	}
	return true
}

// oldestWait is since when the oldest of a tier's small look-ups waits; zero: none does.
func (r *Reader) oldestWait(t int) (oldest time.Time) {
	for _, q := range r.tiers[t].active {
		if waiting := q.lanes[laneSmall]; len(waiting) > 0 && (oldest.IsZero() || waiting[0].queued.Before(oldest)) {
			oldest = waiting[0].queued
		}
	}
	return oldest
}

// openBeyond reports whether a tier beyond t has a node to be used.
func (r *Reader) openBeyond(t int) bool {
	for t++; t < len(r.tiers); t++ {
		if r.tierUp(t, 0) {
			return true
		}
	}
	return false
}

// spill gives look-ups that have waited for long in a tier to free connections of those beyond it.
func (r *Reader) spill(now time.Time) {
	for t := range r.tiers {
		for beyond := t + 1; beyond < len(r.tiers); beyond++ {
			for _, n := range r.tiers[beyond].nodes {
				for n.usable() && r.spillTo(t, n, now) {
				}
			}
		}
	}
}

// spillTo gives what has waited for longest in a tier to a free connection of a node. It reports whether there were both.
func (r *Reader) spillTo(t int, n *node, now time.Time) bool {
	i := slices.IndexFunc(r.tiers[t].active, func(q *queue) bool {
		waiting := q.lanes[laneSmall]
		return len(waiting) > 0 && now.Sub(waiting[0].queued) >= spillAfter
	})
	if i < 0 {
		return false
	}
	c := n.conns.TryAcquire()
	if c == nil {
		return false
	}
	s := r.fill(&r.tiers[t].active[i].lanes[laneSmall], n, c)
	if s == nil {
		c.Release()
		return false
	}
	r.begin(n, s)
	r.launch(s)
	return true
}
