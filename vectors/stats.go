package vectors

import (
	"sync/atomic"

	"github.com/rongate/rongate/lookup"
)

// Stats are a Service's counters since it was made, and those of what it reads through.
type Stats struct {
	Entries uint64      // vectors answered
	Views   int         // feature views in the catalogue
	ByView  []ViewStats // see ViewStats
	Lookup  lookup.Stats
}

// NodeStats, HedgeCounts and Force are lookup's, for those who know of it by Stats only.
type (
	NodeStats   = lookup.NodeStats
	HedgeCounts = lookup.HedgeCounts
	Force       = lookup.Force
)

// ForceNone leaves a node to what is known of it.
const ForceNone = lookup.ForceNone

// NodeStates are all states that a node can be in.
func NodeStates() []lookup.NodeState { return lookup.NodeStates() }

// Forces are all that an operator can have a node be.
func Forces() []Force { return lookup.Forces() }

// StatusNames are the names of the statuses that ViewStats.Vectors counts.
func StatusNames() [statuses]string {
	var names [statuses]string
	for s := range statuses {
		names[s] = s.String()
	}
	return names
}

// counts are the live counters.
type counts struct {
	entries     atomic.Uint64
	other, none viewCounts // of the views that have no counters of their own, and of requests for no view
}

// add counts a request that has its answer, or its error.
func (c *counts) add(q *request, r *Request, err *Error) {
	of := &c.none
	if q.view != nil {
		of = q.view.counts
	}
	of.add(r.Received, err)
	if err == nil {
		c.entries.Add(uint64(q.entries))
		of.addVectors(q.status)
	}
}

// Stats returns a copy of the counters.
func (s *Service) Stats() Stats {
	st := Stats{Entries: s.counts.entries.Load(), Lookup: s.reader.Stats()}
	if p := s.program.Load(); p != nil {
		st.Views = len(p.snapshot.Views)
		st.ByView = p.appendStats(st.ByView, &s.counts.other)
	}
	st.ByView = append(st.ByView, s.counts.other.stats(viewID{name: otherViews}), s.counts.none.stats(viewID{name: noView}))
	return st
}
