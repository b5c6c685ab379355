package vectors

import (
	"sync/atomic"

	"github.com/rongate/rongate/lookup"
)

// Stats are a Service's counters since it was made, and those of what it reads through.
type Stats struct {
	Requests uint64           // answered
	Entries  uint64           // vectors answered
	Vectors  [statuses]uint64 // of them, by status; see StatusNames
	Views    int              // feature views in the catalogue
	Lookup   lookup.Stats
}

// StatusNames are the names of the statuses that Stats.Vectors counts.
func StatusNames() [statuses]string {
	var names [statuses]string
	for s := range statuses {
		names[s] = s.String()
	}
	return names
}

// counts are the live counters.
type counts struct {
	requests, entries atomic.Uint64
	vectors           [statuses]atomic.Uint64
}

// add counts an answered request.
func (c *counts) add(q *request) {
	c.requests.Add(1)
	c.entries.Add(uint64(q.entries))
	var by [statuses]uint64
	for _, s := range q.status {
		by[s]++
	}
	for s, n := range by {
		if n > 0 {
			c.vectors[s].Add(n)
		}
	}
}

// Stats returns a copy of the counters.
func (s *Service) Stats() Stats {
	st := Stats{Requests: s.counts.requests.Load(), Entries: s.counts.entries.Load(), Lookup: s.reader.Stats()}
	for i := range s.counts.vectors {
		st.Vectors[i] = s.counts.vectors[i].Load()
	}
	if p := s.program.Load(); p != nil {
		st.Views = len(p.snapshot.Views)
	}
	return st
}
