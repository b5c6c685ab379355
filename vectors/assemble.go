package vectors

import (
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/lookup"
)

// status is what became of a feature group for one entry, and, as the worst of its groups, of the entry's vector.
// Greater is worse.
type status uint8

const (
	complete status = iota
	missing         // no row has the key
	expired         // the row is older than its TTL or the request's maxAgeMs allows
	failed          // the row could not be read
	statuses        // how many there are
)

func (s status) String() string {
	return [statuses]string{"COMPLETE", "MISSING", "EXPIRED", "ERROR"}[s]
}

// state is one feature group for one entry.
type state struct {
	status status
	dated  bool  // the row has an event time
	age    int64 // milliseconds, negative for an event in the future; set if dated
	rows   [2]lookup.Row
}

// assemble is the fourth stage: the status of every group for every entry, and whether there is an answer at all.
func (q *request) assemble(now time.Time) *Error {
	q.states = resize(q.states, q.entries*len(q.joins))
	q.status = resize(q.status, q.entries)
	var failure error
	read := false
	for entry := range q.entries {
		worst := complete
		next := 0 // index in q.reads of the join's first select
		for i, j := range q.joins {
			join := &q.view.Joins[j]
			st := &q.states[entry*len(q.joins)+i]
			err := q.assembleGroup(st, join, q.reads[next:next+len(join.Selects)], entry, now)
			if err != nil {
				failure = worse(failure, err)
			} else if len(join.Selects) > 0 && q.keys[j].Complete(entry) {
				read = true
			}
			worst = max(worst, st.status)
			next += len(join.Selects)
		}
		q.status[entry] = worst
	}
	if failure != nil && (!read || !q.head.options.partial) {
		return readError(failure)
	}
	return nil
}

// assembleGroup works out the state of one group for one entry. Its rows come from the reads of the join's selects; a
// row that one select found and another did not was deleted in between, and counts as missing.
func (q *request) assembleGroup(st *state, join *catalog.Join, reads []int, entry int, now time.Time) error {
	*st = state{}
	if len(reads) == 0 {
		st.status = missing // of a group without a table
	}
	for i, read := range reads {
		row, found, err := q.call.Read(read).Row(entry)
		switch {
		case err != nil:
			*st = state{status: failed}
			return err
		case !found:
			st.status = missing
		}
		st.rows[i] = row
	}
	if st.status == missing || join.EventTime < 0 {
		return nil
	}
	event, dated := st.rows[join.EventTime].EventTime()
	if dated {
		st.dated, st.age = true, now.UnixMilli()-event
	}
	if bound := q.bound(join.Group); bound >= 0 && (!dated || st.age > bound.Milliseconds()) {
		st.status = expired
	}
	return nil
}

// bound is the age beyond which a row of the group has expired; negative if it has none.
func (q *request) bound(g *catalog.Group) time.Duration {
	bound := q.head.options.maxAge
	if g.TTL > 0 && (bound < 0 || g.TTL < bound) {
		bound = g.TTL
	}
	return bound
}

// worse returns the failure that the caller should hear of: one that more patience would not have cured before a passed
// deadline.
func worse(a, b error) error {
	if a == nil {
		return b
	}
	if readError(a).Code == DeadlineExceeded {
		return b
	}
	return a
}
