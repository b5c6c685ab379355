package lookup

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/rongate/rongate/breaker"
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
	n.running = append(n.running, s)
	n.counts.begin(s.keys())
	// Half of the time that there is has to be left for another node.
	patience := max(n.recent.patience(), sizeFactor*s.plan.typical[sizeOf(s.keys())])
	s.overdue = s.begun.Add(max(min(patience, s.deadline.Sub(s.begun)/2), minPatience))
	s.hedgeAt = r.hedgeTime(s)
	r.gap += (s.begun.Sub(r.begunAt) - r.gap) / 16
	r.begunAt = s.begun
	r.hedgeBy(s.hedgeAt)
	r.tendBy(s.overdue)
	if s.twin {
		return
	}
	if s.pieces[0].attempts == 1 {
		r.retries.earn()
		r.rescues.earn()
		r.hedges.earn()
	}
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
// Should the statement be slow, or the call's deadline pass, before there is an answer, it goes on without it.
func (r *Reader) runFor(c *Call, s *statement) {
	sound := false
	defer func() {
		if !sound {
			crash(recover())
		}
	}()
	patience := s.overdue
	if c.deadline.Before(patience) {
		patience = c.deadline
	}
	pending, err := s.executeWithin(patience, r.blocks.get(len(s.plan.sel.Columns)))
	if !pending { // else it is resume's
		if next := r.ended(s, err); next != nil {
			r.launch(next)
		}
		r.wg.Done()
	}
	sound = true
}

// crash ends the process, whoever recovers further up: with a statement in an unknown state, others at work in the call's
// memory, and a connection that nobody gives back, there is nothing to go on with.
func crash(cause any) {
	stack := debug.Stack()
	go func() { panic(fmt.Sprintf("%v\n%s", cause, stack)) }()
	select {}
}

// ended deals with a statement that was executed, and returns the next one for its connection; nil when that has been
// given back.
func (r *Reader) ended(s *statement, err error) *statement {
	b := s.block
	s.node.counts.latency.Record(time.Since(s.begun))
	r.blocks.count(b)
	j := judge(err)
	switch {
	case j.verdict == verdictStale:
		r.cfg.OnStale(s.plan.sel.Group.Table)
	case j.verdict == verdictFinal && err != nil && !errors.Is(err, ErrTooLarge):
		r.complain(s.plan.sel.Group.Table, err)
	}
	next := r.finish(s, j, err)
	r.blocks.release(b)
	return next
}

// finish gives the statement's answer to its pieces, or tries them again, and returns the next statement for the
// connection; nil when it has been given back.
func (r *Reader) finish(s *statement, j judgement, err error) *statement {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, c := s.node, s.conn
	n.running = slices.DeleteFunc(n.running, func(o *statement) bool { return o == s })
	if n.gone && len(n.running) == 0 {
		r.left = slices.DeleteFunc(r.left, func(o *node) bool { return o == n })
	}
	s.queue.ended(s)
	s.leaveLane()
	changed := r.learn(n, s, j, err)
	for _, p := range s.pieces {
		p.quit(s)
	}
	if err != nil {
		n.counts.fail(j.verdict, err)
		r.fail(n, s, j, err)
	} else {
		r.answer(s)
	}
	r.counts.hedgeEnded(s)
	serves := !s.detached && !c.Broken() && !n.gone && n.fit
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
	if changed || !serves || r.queued[laneLarge] > 0 {
		r.settle() // the node may be gone, or the connection free after all; or more of them are for large ones by now
	}
	r.hedgeDue()
	return next
}

// learn draws from the end of a statement what it says of its node and its plan. It reports whether the node is passed
// over now, or not any more.
func (r *Reader) learn(n *node, s *statement, j judgement, err error) (changed bool) {
	now := time.Now()
	took, size, o := now.Sub(s.begun), sizeOf(s.keys()), j.outcome
	switch {
	case err == nil:
		typical := &s.plan.typical
		if typical.slow(size, took) {
			o = breaker.Slow
		}
		n.keepPace(typical.multiple(size, took), took, now)
		r.spreads[size].note(typical.multiple(size, took), now)
		typical.note(size, took)
		if !s.rescued && !s.detached && s.waiting > 0 {
			n.recent.took.Record(took)
		}
	case j.verdict == verdictElsewhere || j.verdict == verdictLater: // whoever is to blame, it costs a second attempt
		n.keepPace(maxPace, took, now)
	}
	if tooLarge := errors.Is(err, ErrTooLarge); len(s.pieces) > 1 && (err == nil || tooLarge) {
		s.plan.learn(s.keys(), tooLarge)
	}
	if changed = r.heard(n, s.begun, o, !errors.Is(err, pool.ErrBroken), now); changed {
		r.assess(now)
	}
	return changed
}

// answer gives the statement's block to those of its pieces that still want it.
func (r *Reader) answer(s *statement) {
	for i, p := range s.pieces {
		if p.open() {
			p.base = int(s.bases[i])
			r.deliver(p, s.block, nil)
			s.won = true
		}
	}
}

// fail decides what becomes of the pieces of a failed statement. One that has failed on its data may have done so on a
// single key or row: each of its pieces gets a statement of its own, and the answer that it would have had alone. The
// last attempt of a piece is its own too, since what breaks a connection may also be another's data.
func (r *Reader) fail(n *node, s *statement, j judgement, err error) {
	var later []*piece
	onData := j.verdict == verdictFinal || errors.Is(err, errValue)
	now := time.Now()
	again := r.grant(n, s, j, onData, now)
	for _, p := range s.pieces {
		p.tried |= n.bit()
		switch {
		case !p.open() || p.promised(nil, now):
		case onData && p.keys() < s.keys(): // one that has asked for all that the statement did has its answer
			p.solo = true
			if !s.twin {
				p.attempts-- // it was not to blame, nor the node
			}
			p.tried &^= n.bit()
			r.dispatch(p)
		case !now.Before(p.call.deadline): // the call has yet to notice, and would leave a second attempt at once
			r.deliver(p, nil, ErrDeadline)
		case j.verdict == verdictFinal || j.verdict == verdictStale:
			r.deliver(p, nil, err)
		case !again || p.attempts > j.retries || p.attempts >= maxAttempts:
			r.refuse(p, err)
		case j.verdict == verdictElsewhere:
			r.counts.Retries++
			p.solo = p.solo || p.attempts == maxAttempts-1
			r.dispatch(p)
		default:
			r.counts.Retries++
			p.solo = p.solo || p.attempts == maxAttempts-1
			p.pausing = true
			later = append(later, p)
		}
	}
	if len(later) > 0 {
		r.wg.Go(func() { r.repeat(later) })
	}
}

// grant counts what becomes of a failed statement, and reports whether its pieces may be tried again: where the same
// would not come of it, and within the budget. What a node fails that another without evidence against it can do costs
// no more than if it had gone there at once, so that the budget does not forbid it.
func (r *Reader) grant(n *node, s *statement, j judgement, onData bool, now time.Time) bool {
	by := &r.counts.RetriesBy
	switch {
	case !slices.ContainsFunc(s.pieces, func(p *piece) bool { return p.open() && !p.promised(nil, now) }):
		return false // another statement is to answer
	case onData && len(s.pieces) > 1:
		by.Apart++
	case j.retries == 0:
		return false
	case !r.retries.spend() && (j.outcome != breaker.Failure || r.desperate || !r.otherThan(n)):
		by.Denied++
		return false
	case j.verdict == verdictElsewhere:
		by.Elsewhere++
	default:
		by.Later++
	}
	return true
}

// repeat dispatches pieces after a pause.
func (r *Reader) repeat(pieces []*piece) {
	time.Sleep(minPause + r.jitter(maxPause-minPause))
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range pieces {
		p.pausing = false
		r.dispatch(p)
	}
}
