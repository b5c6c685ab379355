package lookup

import (
	"fmt"
	"slices"
	"time"

	"github.com/rongate/rongate/breaker"
)

// health is what is known of a node beside whether it is connected. Reader.mu guards it.
type health struct {
	breaker *breaker.Breaker
	force   Force
	pace    pace
	recent  recent
	running []*statement // in no order: few

	fit       bool // to be used, if it is connected; what assess has made of all else
	connected bool // at the last assess
	suspect   bool
	doubt     string    // why
	heardOf   time.Time // when that was begun which was begun last of all that was answered
	heardAt   time.Time // when something was answered last
	rampUntil time.Time // used little until then, being new or back; in full since, if that is past

	probeAt   time.Time // when the next probe is due, while the node is passed over
	probe     Conn      // of the one under way; nil: there is none, or it has been given up
	probeOver time.Time // when it is given up

	state NodeState // as it was told
	why   string
	since time.Time

	suspicions, probes, rescued, transitions uint64
}

func newHealth(cfg breaker.Config, now time.Time) health {
	return health{
		breaker: breaker.New(cfg), force: ForceNone, fit: true, state: StateDown, why: "not connected yet", since: now,
	}
}

const (
	// rampTime is how long a node is used little that is new or back, while others serve: its caches are cold.
	rampTime = time.Second
	// rampWeight is how many times as busy as it is a node counts for meanwhile.
	rampWeight = 4

	// deadAfter is how long a suspect node may answer nothing before rongate, if it has no other, says that it is not ready.
	deadAfter = 500 * time.Millisecond

	// backAfter is how long a node must have been passed over to be used little at first.
	backAfter = time.Second
)

// off reports whether an operator has taken the node out.
func (n *node) off() bool { return n.force == ForceOpen || n.force == ForceDrained }

// shunned reports whether the node is passed over while others can serve.
func (n *node) shunned() bool {
	return n.force != ForceClosed && (n.suspect || n.breaker.Open())
}

// usable reports whether look-ups may be given to the node.
func (n *node) usable() bool { return n.fit && n.up() }

// ramping reports whether the node is to be used little.
func (n *node) ramping(now time.Time) bool { return now.Before(n.rampUntil) }

// keepPace notes what a statement that has ended took.
func (n *node) keepPace(multiple float64, took time.Duration, now time.Time) {
	if !n.suspect {
		multiple = min(multiple, paceStep*n.pace.now(now))
	}
	n.pace.note(multiple, took, now)
}

// waitedFor is how many of the statements that run somebody waits for.
func (n *node) waitedFor() (count int) {
	for _, s := range n.running {
		if s.waiting > 0 {
			count++
		}
	}
	return count
}

// weight is how a node compares with others of its tier, by what it has running and how fast it is: the least is the
// best. What nobody waits for does not count: it may be a straggler, and the next statement tells.
func (n *node) weight(now time.Time) float64 {
	w := max(1, n.pace.now(now)/evenPace) * float64(n.waitedFor()+1)
	if n.ramping(now) {
		w *= rampWeight
	}
	return w
}

// assess brings in line what follows from the nodes' health: which of them are fit to be used, and what is told of
// them. Evidence against nodes counts only while there is another that is connected and without. Reader.mu is held.
func (r *Reader) assess(now time.Time) {
	healthy := false
	for _, n := range r.nodes {
		r.reconnected(n, now)
		healthy = healthy || n.connected && !n.off() && !n.shunned()
	}
	r.desperate = !healthy
	for _, n := range r.nodes {
		n.fit = !n.off() && (r.desperate || !n.shunned())
		r.tell(n, now)
		if n.awaitsProbe() {
			r.tendBy(n.probeAt)
		}
	}
}

// reconnected notes whether a node is connected. One that is so anew has answered: its warm-up has read.
func (r *Reader) reconnected(n *node, now time.Time) {
	up := n.up()
	if up && !n.connected {
		n.suspect, n.heardAt, n.pace = false, now, pace{}
		r.ramp(n, now)
	}
	n.connected = up
}

// ramp has a node be used little for a while, if there is another that has been in use for longer.
func (r *Reader) ramp(n *node, now time.Time) {
	n.rampUntil = now
	if slices.ContainsFunc(r.nodes, func(o *node) bool {
		return o != n && o.connected && o.usable() && now.Sub(o.rampUntil) > rampTime
	}) {
		n.rampUntil = now.Add(rampTime)
		r.tendBy(n.rampUntil)
	}
}

// tell notes a change of what a node is, and has it logged. Reader.mu is held.
func (r *Reader) tell(n *node, now time.Time) {
	state, why := n.presently(now)
	if state == n.state {
		if state == StateForced || state == StateServing {
			n.why = why // an operator's word may have changed, and nothing else
		}
		return
	}
	r.news = append(r.news, news{n.Address, n.state, state, why})
	n.state, n.why, n.since = state, why, now
	n.transitions++
	if !r.telling && !r.closed { // Close may be waiting already
		r.telling = true
		r.wg.Go(r.tellNews)
	}
}

// presently is what a node is, and why.
func (n *node) presently(now time.Time) (state NodeState, why string) {
	switch {
	case n.off():
		return StateForced, "forced " + string(n.force)
	case !n.connected:
		return StateDown, n.downWhy()
	case n.force == ForceClosed:
		return StateServing, "forced closed"
	case n.breaker.Open():
		why, _ := n.breaker.Why()
		return StateOpen, why
	case n.suspect:
		return StateSuspect, n.doubt
	case n.ramping(now):
		return StateRamping, "new or back"
	}
	return StateServing, "answers"
}

func (n *node) downWhy() string {
	if n.conns == nil {
		return "not connected yet"
	}
	s := n.conns.Stats()
	switch {
	case s.LastError != nil && s.LastErrorTime.After(n.since):
		return s.LastError.Error()
	case n.conns.Answers():
		return "its connections are taken by statements that nobody waits for any more"
	}
	return "its connections are lost"
}

// news is a change of a node's state that is to be logged.
type news struct {
	address  string
	from, to NodeState
	why      string
}

// tellNews logs what is new: on a goroutine of its own, as a log may block.
func (r *Reader) tellNews() {
	for {
		r.mu.Lock()
		list := r.news
		r.news = nil
		r.telling = len(list) > 0
		r.mu.Unlock()
		if len(list) == 0 {
			return
		}
		for _, n := range list {
			r.cfg.Log.Info("node is "+string(n.to), "node", n.address, "was", string(n.from), "why", n.why)
		}
	}
}

// awaitsProbe reports whether the node is to be sent a probe when it is time.
func (n *node) awaitsProbe() bool { return n.shunned() && !n.off() && n.connected && n.probe == nil }

// unheard returns the statement that may come to speak against the node: of those that nothing which was begun after them
// has been answered, or it would be the statement, not the node, that is slow, the one that is overdue first. It is nil if
// there is none.
func (n *node) unheard() (first *statement) {
	for _, s := range n.running {
		if !n.heardOf.After(s.begun) && (first == nil || s.overdue.Before(first.overdue)) {
			first = s
		}
	}
	return first
}

// doubtful reports whether a statement speaks against the node.
func (n *node) doubtful(now time.Time) bool {
	s := n.unheard()
	return s != nil && s.late(now)
}

// suspectNode notes that a node does not answer.
func (r *Reader) suspectNode(n *node, s *statement, now time.Time) {
	n.suspect = true
	n.doubt = fmt.Sprintf("no answer after %v to a statement (keys: %d)", now.Sub(s.begun).Round(time.Millisecond), s.keys())
	if n.recent.p99 > 0 {
		n.doubt += fmt.Sprintf("; the p99 is %v", n.recent.p99)
	}
	n.suspicions++
	n.probeAt = now.Add(minProbe)
}

// heard notes how a statement has ended on a node that was begun at the given time; answered says that the server has
// said so. It reports whether the node is passed over now, or not any more.
func (r *Reader) heard(n *node, begun time.Time, o breaker.Outcome, answered bool, now time.Time) (changed bool) {
	silent := now.Sub(n.heardAt)
	if answered {
		n.heardAt = now
		if begun.After(n.heardOf) {
			n.heardOf = begun
		}
	}
	if n.breaker.Record(begun, o) {
		changed = true
		if n.breaker.Open() {
			n.probeAt = now.Add(minProbe)
			r.pardon(n)
		} else {
			r.ramp(n, now)
		}
	}
	// An answer that is late itself lifts no suspicion: the next would be as late.
	if n.suspect && answered && o != breaker.Slow && !n.doubtful(now) {
		n.suspect, changed = false, true
		if silent > backAfter {
			r.ramp(n, now)
		}
	}
	return changed
}

// pardon closes the breaker of a node again that has opened over slow answers, where half of the nodes are passed over
// for that already, or all others for something: it may be the cluster that is slow, or the load too much.
func (r *Reader) pardon(n *node) {
	if !n.breaker.Soft() {
		return
	}
	slow, others := 0, false
	for _, o := range r.nodes {
		if o.breaker.Open() && o.breaker.Soft() {
			slow++
		}
		others = others || o != n && o.connected && !o.off() && !o.shunned()
	}
	if !others || slow > max(1, len(r.nodes)/2) {
		n.breaker.Reset("slow, but others are too")
	}
}
