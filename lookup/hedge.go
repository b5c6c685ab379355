package lookup

import (
	"cmp"
	"slices"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/pool"
)

const (
	// hedgeShare is the share of statements that may be asked for twice for being slow: so much that with what else is asked
	// for twice it is 2.5 % at most.
	hedgeShare = 0.024

	// slowShare is the share that is taken for slow: those beyond this quantile of what their size takes. It is less than
	// what may be asked for twice, or all of that would be used up all the time, and who is slow wait for it.
	slowShare = 0.8 * hedgeShare

	// leastHedges is how many there may be at once on the quietest of clusters.
	leastHedges = 8

	// minHedge is the least age at which a statement is hedged: timers tell no finer time on a machine with little to do.
	minHedge = time.Millisecond

	// Where statements begin less than busyGap apart, one or another that begins or ends is relied on to have what is slow
	// hedged when it is due; a timer does it hedgeGrain later.
	busyGap    = 500 * time.Microsecond
	hedgeGrain = 4 * time.Millisecond

	// maxHedge is the greatest, in multiples of the median: where more than slowShare of the statements are stragglers,
	// their own times must not be what they are waited for.
	maxHedge = 4

	// hedgeLoad is the share of a node's connections that may be busy for it to be given a hedge: beyond it, what is done
	// twice has others wait.
	hedgeLoad = 0.5
)

// hedgeTime is when a statement that begins is to be asked for elsewhere too; zero: never.
func (r *Reader) hedgeTime(s *statement) time.Time {
	if s.twin || len(r.nodes) < 2 || !slices.ContainsFunc(s.pieces, (*piece).hedgeable) {
		return time.Time{}
	}
	delay := r.hedgeDelay(s.plan, sizeOf(s.keys()), s.begun)
	if delay == 0 || !s.begun.Add(delay).Before(s.overdue) {
		return time.Time{} // or it is rescued by then
	}
	return s.begun.Add(delay)
}

// hedgeDelay is the age at which a plan's statements of a size are hedged; 0 while it is not known.
func (r *Reader) hedgeDelay(p *Plan, size int, now time.Time) time.Duration {
	multiple := 0.0
	for near := size; near >= 0 && multiple == 0; near-- { // a size that is seldom asked for is taken to do as smaller ones
		multiple = r.spreads[near].beyond(slowShare, now)
	}
	delay := time.Duration(min(multiple, maxHedge) * float64(p.typical[size]))
	if delay > 0 {
		delay = max(delay, minHedge)
	}
	if delay > 0 || multiple == 0 { // else it is this plan alone of which it is not known
		r.counts.Hedges.Delays[size] = delay
	}
	return delay
}

// hedgeable reports whether a piece wants an answer, and may be asked for twice for being slow, once.
func (p *piece) hedgeable() bool {
	return p.open() && !p.hedged && p.call.hedging == catalog.HedgingFull
}

// hedgeBy has hedgeSlow called at a time, or soon after where there is much to do. Reader.mu is held.
func (r *Reader) hedgeBy(at time.Time) {
	if at.IsZero() || !r.hedgeAt.IsZero() && !at.Before(r.hedgeAt) {
		return
	}
	r.hedgeAt = at
	if r.gap < busyGap {
		at = at.Add(hedgeGrain)
	}
	r.tendBy(at)
}

// hedgeDue has what is slow asked for elsewhere, if it is time. Where there is much to do it is called often enough: a timer
// for each statement would cost more than those that are slow are worth. Reader.mu is held.
func (r *Reader) hedgeDue() {
	if r.hedgeAt.IsZero() || r.closed {
		return
	}
	now := time.Now()
	switch late := now.Sub(r.hedgeAt); {
	case late > lateTend: // this process was not let run: the answers may be there, and are given a moment
		r.hedgeAt = time.Time{}
		r.hedgeBy(now.Add(minHedge))
	case late >= 0:
		r.hedgeSlow(now)
	}
}

// hedgeSlow asks elsewhere for what has run for longer than nearly all does. Reader.mu is held.
func (r *Reader) hedgeSlow(now time.Time) {
	r.hedgeAt = time.Time{}
	for n := range r.working {
		for _, s := range n.running {
			switch {
			case s.hedgeAt.IsZero() || s.rescued || s.waiting == 0:
				continue
			case now.Before(s.hedgeAt):
			case s.late(now) || !r.behind && r.hedge(n, s):
				s.hedgeAt = time.Time{}
			default:
				s.hedgeAt = now.Add(minHedge) // others may have work for less then
			}
			r.hedgeBy(s.hedgeAt)
		}
	}
}

// hedge gives a twin of a statement to another node, if one has a connection to spare. Whichever is answered first counts;
// the other ends by itself, and its connection goes on. It reports false if no node has, or the budget is used up for now.
func (r *Reader) hedge(n *node, s *statement) bool {
	avoid, lane := n.bit(), laneSmall
	wanted := false
	for _, p := range s.pieces { // of who has left not even the keys may be looked at
		if p.hedgeable() {
			wanted, lane = true, p.lane()
			avoid |= p.tried // where it has failed, or is stuck
		}
	}
	switch {
	case !wanted:
		return true
	case r.desperate || r.blocks.bytes.Load() > r.cfg.MaxLiveBytes:
		return false
	case r.hedges.left < 1:
		if !s.denied {
			s.denied = true
			r.counts.Hedges.Denied++
		}
		return false // what goes on the longest is worth it the most
	}
	other, c := r.spareBeside(avoid, lane)
	if c == nil {
		return false
	}
	r.hedges.spend()
	twin := r.form(c, s.plan)
	twin.twin = true
	for _, p := range s.pieces {
		if p.hedgeable() {
			p.hedged = true
			p.tried |= n.bit()
			twin.take(p)
		}
	}
	r.counts.Hedges.Sent++
	s.conn.Hurry() // the call that runs it is to wait for either
	r.begin(other, twin)
	r.launch(twin)
	return true
}

// spareBeside leases a connection of the best node besides some that has any, of the nearest tier that has such a node; nil
// if there is none, or if what is done twice would have others wait.
func (r *Reader) spareBeside(avoid nodeSet, lane int) (*node, Conn) {
	for t := range r.tiers {
		for best := r.best(t, avoid); best != nil; best = r.best(t, avoid) {
			size := float64(cmp.Or(best.access.Size, pool.DefaultSize))
			if float64(best.waitedFor()) > hedgeLoad*size || !r.admits(t, lane, 0) {
				return nil, nil
			}
			if c := best.conns.TryAcquire(); c != nil {
				return best, c
			}
			avoid |= best.bit() // stragglers have them all
		}
	}
	return nil, nil
}
