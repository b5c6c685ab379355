package lookup

import (
	"slices"

	"github.com/rongate/rongate/pool"
)

// Stats are a Reader's counters since it was opened, and its state now.
type Stats struct {
	Queued    int    // pieces that wait for a connection
	Blocks    int64  // blocks in use
	LiveBytes int64  // bytes they hold
	Refused   uint64 // pieces refused because the queues or Config.MaxLiveBytes were full
	Retries   uint64 // pieces tried again
	Abandoned uint64 // pieces whose call left at its deadline
	Nodes     []NodeStats
}

// NodeStats are one node's part.
type NodeStats struct {
	Address    string
	Zone       string
	Local      bool // in the own zone
	Up         bool
	Busy       int    // statements running
	Statements uint64 // begun
	Keys       uint64 // distinct keys they asked for
	Errors     uint64 // statements that failed
	Pool       pool.Stats
}

type counts struct{ Refused, Retries, Abandoned uint64 }

type nodeCounts struct{ Statements, Keys, Errors uint64 }

// Stats returns a copy of the counters.
func (r *Reader) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Stats{
		Queued: r.queued, Blocks: r.blocks.live.Load(), LiveBytes: r.blocks.bytes.Load(),
		Refused: r.counts.Refused, Retries: r.counts.Retries, Abandoned: r.counts.Abandoned,
	}
	for i, n := range r.nodes {
		ns := r.nodeStats(n)
		// Those that leave come last. One that is dialed anew is not told of twice.
		if same := slices.IndexFunc(r.nodes[:i], func(o *node) bool { return o.Address == n.Address }); same >= 0 {
			s.Nodes[same].Up = s.Nodes[same].Up || ns.Up
			s.Nodes[same].Busy += ns.Busy
			continue
		}
		s.Nodes = append(s.Nodes, ns)
	}
	return s
}

// nodeStats returns what is known of a node. Reader.mu is held.
func (r *Reader) nodeStats(n *node) NodeStats {
	ns := NodeStats{
		Address: n.Address, Zone: n.Zone, Local: n.tier == tierOwn, Busy: n.busy,
		Statements: n.counts.Statements, Keys: n.counts.Keys, Errors: n.counts.Errors,
	}
	if n.conns != nil {
		ns.Up, ns.Pool = n.conns.Up(), n.conns.Stats()
	}
	return ns
}
