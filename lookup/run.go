package lookup

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"
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
	sound := false
	defer func() {
		if !sound {
			crash(recover())
		}
	}()
	pending, err := s.executeWithin(c.deadline, r.blocks.get(len(s.plan.sel.Columns)))
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
	s.leaveLane()
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
	if !serves || r.queued[laneLarge] > 0 {
		r.settle() // the node may be gone, or the connection free after all; or more of them are for large ones by now
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
		case !time.Now().Before(p.call.deadline): // the call has yet to notice, and would leave a second attempt at once
			r.deliver(p, nil, ErrDeadline)
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
