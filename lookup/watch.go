package lookup

import (
	"errors"
	"time"

	"github.com/rongate/rongate/breaker"
	"github.com/rongate/rongate/pool"
)

const (
	// A node that is passed over is sent a read of its own between these two times after it was last, at random, so that
	// many gateways do not ask a node that is back all at once.
	minProbe = 100 * time.Millisecond
	maxProbe = 250 * time.Millisecond

	// probeTime is the deadline of such a read.
	probeTime = 250 * time.Millisecond

	// againAfter is how soon it is looked again at statements that could not be sent elsewhere.
	againAfter = 10 * time.Millisecond

	// spillAfter is how long a look-up may wait for the nodes of its own tier where those of another are free: they cannot
	// take the work. Waits are a tenth of it at saturation.
	spillAfter = 25 * time.Millisecond
)

// lookBy has the Reader look after its nodes and queues at a time, or before. Reader.mu is held.
func (r *Reader) lookBy(at time.Time) {
	if !r.lookAt.IsZero() && !at.Before(r.lookAt) || r.closed {
		return
	}
	r.lookAt = at
	wait := time.Until(at)
	if r.looker == nil {
		r.looker = time.AfterFunc(wait, r.look)
		return
	}
	r.looker.Reset(wait)
}

// look does what is due by itself: statements that are overdue, nodes to be probed, look-ups that may be served in
// another way by now.
func (r *Reader) look() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	now := time.Now()
	r.lookAt = time.Time{}
	for _, n := range r.nodes {
		r.lookAfter(n, now)
	}
	r.settle()
	for _, n := range r.nodes {
		r.rescue(n, now)
	}
	r.spill(now)
	if r.queued[laneLarge] > 0 {
		r.lookBy(now.Add(largeEvery))
	}
	for t := range r.tiers[:tierCount-1] {
		if at := r.oldestWait(t); !at.IsZero() && r.openBeyond(t) {
			r.lookBy(at.Add(max(spillAfter, now.Sub(at)+againAfter)))
		}
	}
}

// lookAfter sees to one node, and to when it is to be looked at next.
func (r *Reader) lookAfter(n *node, now time.Time) {
	n.recent.look(&n.counts.latency, now)
	if s := n.overdue(now); s != nil {
		if !n.suspect {
			r.suspectNode(n, s, now)
		}
		r.lookBy(now.Add(againAfter))
	}
	for _, s := range n.running {
		if s.overdue.After(now) {
			r.lookBy(s.overdue)
		}
	}
	if n.ramping(now) {
		r.lookBy(n.rampUntil)
	}
	if !n.shunned() || n.off() || n.probing || !n.connected {
		return
	}
	if now.Before(n.probeAt) {
		r.lookBy(n.probeAt)
		return
	}
	n.probeAt = now.Add(minProbe + r.jitter(maxProbe-minProbe))
	r.lookBy(n.probeAt)
	if c := n.conns.TryAcquire(); c != nil {
		plans := *r.plans.Load()
		if len(plans) == 0 {
			c.Release()
			return
		}
		n.probing = true
		n.probes++
		p := plans[n.probes%uint64(len(plans))] // not always the same: its table may be locked
		r.wg.Go(func() { r.probe(n, c, p, now) })
	}
}

// probe reads a key that no row has, to see whether a node answers again.
func (r *Reader) probe(n *node, c Conn, p *Plan, begun time.Time) {
	err := p.read(c, begun.Add(probeTime))
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	n.probing = false
	o := judge(err).outcome
	if err == nil && r.typical.slow(0, now.Sub(begun)) {
		o = breaker.Slow
	}
	r.heard(n, begun, o, !errors.Is(err, pool.ErrBroken), now)
	c.Release()
	r.settle()
}

// rescue asks elsewhere for what runs on a node that does not answer in time, while there is a node without evidence
// against it. The statements go on: whichever answer is first counts.
func (r *Reader) rescue(n *node, now time.Time) {
	if !n.suspect || r.desperate || n.fit {
		return
	}
	for _, s := range n.running {
		if s.rescued || s.waiting == 0 {
			continue
		}
		if !r.rescues.spend() {
			return
		}
		s.rescued = true
		n.rescued++
		r.counts.RetriesBy.Rescue++
		for _, p := range s.pieces {
			if p.open() && p.attempts < maxAttempts && p.waiting == nil && p.runsOnlyOn(s) && now.Before(p.call.deadline) {
				p.tried |= n.bit()
				r.dispatch(p)
			}
		}
	}
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
				if at := r.oldestWait(t); at.IsZero() || now.Sub(at) < spillAfter {
					break
				}
				if !n.usable() {
					continue
				}
				if c := n.conns.TryAcquire(); c != nil {
					if s := r.nextOf(t, n, c); s != nil {
						r.launch(s)
					} else {
						c.Release()
					}
				}
			}
		}
	}
}
