package vectors

import (
	"sync/atomic"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/internal/hist"
)

// maxOwnCounts is how many feature views have counters of their own, which bounds what a scrape holds: some thirty
// series a view.
const maxOwnCounts = 100

// Names in ViewStats, without a store and a version, of what has no view of its own.
const (
	otherViews = "other" // the feature views beyond maxOwnCounts
	noView     = "none"  // requests that were refused before it was known which view they are for
)

// ViewStats are one feature view's part of the requests. Counters begin when the view enters the catalogue, and go with
// it. At most 100 views have their own; the others share those of Name "other" and requests for no view those of Name
// "none", both without Store and Version and there from the first.
type ViewStats struct {
	Store, Name string
	Version     int

	Latency  hist.Snapshot    // of all requests, from Request.Received until the answer or the error was ready
	Outcomes [outcomes]uint64 // requests by how they ended; see OutcomeNames
	Vectors  [statuses]uint64 // vectors answered, by status; see StatusNames
}

// outcomes is how many ends a request may have: to be answered, one Code or another, and the last for a Code that is not
// known here.
const outcomes = 1 + len(codes) + 1

// codes are those that a Service answers with.
var codes = [...]Code{
	Unavailable, DeadlineExceeded, Overloaded, AnswerTooLarge, BatchTooLarge,
	MalformedJSON, DuplicateName, UnknownField, MissingField, WrongType, InvalidValue,
	UnknownKey, InvalidKey, UnknownFeature, DuplicateFeature, UnknownPassedFeature, InvalidPassedFeature,
	AmbiguousView, NoEventTime, Forbidden, UnknownView, UndecodableFeature,
}

// OutcomeNames are the names of the ends that ViewStats.Outcomes counts: "ok", which is the first, and the Codes.
func OutcomeNames() [outcomes]string {
	names := [outcomes]string{0: "ok", outcomes - 1: "unknown"}
	for i, code := range codes {
		names[1+i] = string(code)
	}
	return names
}

func outcomeOf(err *Error) int {
	if err == nil {
		return 0
	}
	for i, code := range codes {
		if err.Code == code {
			return 1 + i
		}
	}
	return outcomes - 1
}

// viewCounts are the live counters of one feature view.
type viewCounts struct {
	latency  hist.Histogram
	outcomes [outcomes]atomic.Uint64
	vectors  [statuses]atomic.Uint64
}

// add counts a request that is ready to be answered, with err if it is not nil.
func (c *viewCounts) add(received time.Time, err *Error) {
	c.latency.Record(time.Since(received))
	c.outcomes[outcomeOf(err)].Add(1)
}

func (c *viewCounts) addVectors(answered []status) {
	var by [statuses]uint64
	for _, s := range answered {
		by[s]++
	}
	for s, n := range by {
		if n > 0 {
			c.vectors[s].Add(n)
		}
	}
}

func (c *viewCounts) stats(id viewID) ViewStats {
	st := ViewStats{Store: id.store, Name: id.name, Version: id.version, Latency: c.latency.Snapshot()}
	for i := range c.outcomes {
		st.Outcomes[i] = c.outcomes[i].Load()
	}
	for i := range c.vectors {
		st.Vectors[i] = c.vectors[i].Load()
	}
	return st
}

// viewID tells a feature view from all others, whatever it is made of.
type viewID struct {
	store, name string
	version     int
}

func idOf(v *catalog.View) viewID { return viewID{v.Store, v.Name, v.Version} }

// takeCounts gives each view of p its counters: those that it had of its own in the program before, if there is one;
// new ones, in the order of the snapshot, while there are fewer than maxOwnCounts; else the shared ones.
func (p *program) takeCounts(before *program, shared *viewCounts) {
	had := map[viewID]*viewCounts{}
	if before != nil {
		for cv, v := range before.views {
			if v.counts != shared {
				had[idOf(cv)] = v.counts
			}
		}
	}
	own := 0
	for cv, v := range p.views {
		if v.counts = had[idOf(cv)]; v.counts != nil {
			own++
		}
	}
	for _, cv := range p.snapshot.Views {
		v := p.views[cv]
		switch {
		case v.counts != nil:
		case own < maxOwnCounts:
			v.counts = &viewCounts{}
			own++
		default:
			v.counts = shared
		}
	}
}

// appendStats appends the counters of the views that have their own.
func (p *program) appendStats(dst []ViewStats, shared *viewCounts) []ViewStats {
	for _, cv := range p.snapshot.Views {
		if c := p.views[cv].counts; c != shared {
			dst = append(dst, c.stats(idOf(cv)))
		}
	}
	return dst
}
