package lookup

import (
	"errors"
	"math/bits"
	"slices"
	"time"

	"github.com/rongate/rongate/internal/hist"
	"github.com/rongate/rongate/pool"
)

// Stats are a Reader's counters since it was opened, and its state now.
type Stats struct {
	Queued    int           // pieces that wait for a connection
	Waits     hist.Snapshot // how long those waited that do not any more, got they a connection or not
	Blocks    int64         // blocks in use
	LiveBytes int64         // bytes they hold
	Refused   uint64        // pieces refused because the queues or Config.MaxLiveBytes were full
	Retries   uint64        // pieces tried again
	RetriesBy RetryCounts   // statements of which pieces were tried again, by why
	Hedges    HedgeCounts
	Merged    uint64 // pieces that went into the statement of another
	Shared    uint64 // keys that were not asked for because the statement did already
	Abandoned uint64 // pieces whose call left at its deadline
	Leaving   int    // nodes that a change has taken out, or connects to anew, and that serve until others do
	Nodes     []NodeStats
}

// NodeStats are one node's part.
type NodeStats struct {
	Address    string
	Zone       string
	Local      bool // in the own zone
	Up         bool
	Busy       int           // statements running
	Statements uint64        // begun
	Keys       uint64        // distinct keys they asked for
	Sizes      [sizes]uint64 // statements by their keys: one key, up to 2, up to 4 and so on to maxKeys
	Latency    hist.Snapshot // of the statements that have ended, failed ones too
	Errors     StatementErrors
	Pool       pool.Stats

	Region      string
	State       NodeState
	Why         string        // the node is in its state
	Since       time.Time     // it is
	Force       Force         // by an operator
	Pace        float64       // moving average of what its statements take, as a multiple of what is typical of all nodes
	Average     time.Duration // moving average of what its statements take
	Oldest      time.Duration // age of the oldest statement running; 0: none runs
	Patience    time.Duration // the age at which a statement makes the node suspect
	Suspicions  uint64        // times the node became suspect
	Ejections   uint64        // times its breaker opened
	Probes      uint64        // statements sent to see whether it answers again
	Rescued     uint64        // statements of it whose keys were asked for elsewhere while they ran
	Transitions uint64        // changes of State
	Leaving     bool          // a change has taken it out, or it is connected to anew; it serves until others do
}

// A NodeState is whether a node is used, and why not.
type NodeState string

// The states.
const (
	StateServing NodeState = "serving"
	StateRamping NodeState = "ramping" // new or back: used little at first
	StateSuspect NodeState = "suspect" // a statement is overdue: passed over while others can serve
	StateOpen    NodeState = "open"    // its breaker is open: passed over while others can serve
	StateDown    NodeState = "down"    // not connected
	StateForced  NodeState = "forced"  // not used, by an operator's word
)

// RetryCounts are statements whose keys were asked for again.
type RetryCounts struct {
	Elsewhere uint64 // the connection or the node failed
	Later     uint64 // after a pause: a state of the cluster that passes
	Apart     uint64 // each piece by itself: the statement failed on its data
	Rescue    uint64 // while they ran, on a node that does not answer in time
	Denied    uint64 // not: the budget of retries was used up
}

// HedgeCounts are statements that were asked for on a second node for being slow. Those that were sent and neither won nor
// lost are running.
type HedgeCounts struct {
	Sent   uint64
	Won    uint64 // answered before the other
	Lost   uint64 // answered after it, or failed
	Denied uint64 // not sent when they were due: the budget was used up

	// Delays are the ages that were in force last, by size as in NodeStats.Sizes: of the plan that was asked for last.
	// Zero: it was not known.
	Delays [sizes]time.Duration
}

// NodeStates are all states.
func NodeStates() []NodeState {
	return []NodeState{StateServing, StateRamping, StateSuspect, StateOpen, StateDown, StateForced}
}

// StatementErrors are statements that failed.
type StatementErrors struct {
	Timeout   uint64 // no end of them came in time: the node or the cluster stalls
	Broken    uint64 // the connection or the node was lost
	Transient uint64 // a state of the cluster that passes, such as a data node going down
	Stale     uint64 // the table is not what it was: the catalogue is read anew
	Other     uint64 // would fail anywhere
}

// sizes is how many counts the keys of statements take, by powers of two.
const sizes = 8

type counts struct {
	Refused, Retries, Abandoned, Merged, Shared uint64
	RetriesBy                                   RetryCounts
	Hedges                                      HedgeCounts

	waits hist.Histogram
}

// hedgeEnded counts the end of a statement, if it is a hedge.
func (c *counts) hedgeEnded(s *statement) {
	switch {
	case !s.twin:
	case s.won:
		c.Hedges.Won++
	default:
		c.Hedges.Lost++
	}
}

// nodeCounts are the live counters of a node. Reader.mu guards them, but for latency.
type nodeCounts struct {
	Statements, Keys uint64
	sizes            [sizes]uint64
	errors           StatementErrors
	latency          hist.Histogram
}

// begin counts a statement for so many keys.
func (c *nodeCounts) begin(keys int) {
	c.Statements++
	c.Keys += uint64(keys)
	c.sizes[bits.Len(uint(keys-1))]++
}

// fail counts a statement that failed.
func (c *nodeCounts) fail(v verdict, err error) {
	switch {
	case errors.Is(err, pool.ErrTimeout):
		c.errors.Timeout++
	case v == verdictElsewhere:
		c.errors.Broken++
	case v == verdictLater:
		c.errors.Transient++
	case v == verdictStale:
		c.errors.Stale++
	default:
		c.errors.Other++
	}
}

// Stats returns a copy of the counters.
func (r *Reader) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Stats{
		Queued: r.waiting(), Waits: r.counts.waits.Snapshot(), Blocks: r.blocks.live.Load(), LiveBytes: r.blocks.bytes.Load(),
		Refused: r.counts.Refused, Retries: r.counts.Retries, Abandoned: r.counts.Abandoned,
		Merged: r.counts.Merged, Shared: r.counts.Shared, RetriesBy: r.counts.RetriesBy, Hedges: r.counts.Hedges,
	}
	now := time.Now()
	r.assess(now)
	for _, n := range r.nodes {
		ns := r.nodeStats(n, now)
		if n.leaving {
			s.Leaving++
		}
		// Those that leave come last. One that is dialed anew is told of once, however often it was.
		if same := slices.IndexFunc(s.Nodes, func(o NodeStats) bool { return o.Address == n.Address }); same >= 0 {
			told := &s.Nodes[same]
			if ns.Up && !told.Up {
				told.Up, told.State, told.Why, told.Since = true, ns.State, ns.Why, ns.Since
			}
			told.Busy += ns.Busy
			continue
		}
		s.Nodes = append(s.Nodes, ns)
	}
	return s
}

// nodeStats returns what is known of a node. Reader.mu is held.
func (r *Reader) nodeStats(n *node, now time.Time) NodeStats {
	ns := NodeStats{
		Address: n.Address, Zone: n.Zone, Local: n.tier == tierOwn, Busy: len(n.running),
		Statements: n.counts.Statements, Keys: n.counts.Keys, Sizes: n.counts.sizes,
		Latency: n.counts.latency.Snapshot(), Errors: n.counts.errors,

		Region: n.Region, State: n.state, Why: n.why, Since: n.since, Force: n.force,
		Pace: n.pace.now(now), Average: n.pace.average, Patience: n.recent.patience(),
		Suspicions: n.suspicions, Ejections: n.breaker.Trips(), Probes: n.probes, Rescued: n.rescued,
		Transitions: n.transitions, Leaving: n.leaving,
	}
	for _, s := range n.running {
		ns.Oldest = max(ns.Oldest, now.Sub(s.begun))
	}
	if n.conns != nil {
		ns.Up, ns.Pool = n.conns.Up(), n.conns.Stats()
	}
	return ns
}
