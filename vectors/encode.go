package vectors

import (
	"strconv"

	"github.com/rongate/rongate/catalog"
)

// encode is the fifth stage: the answer, appended to dst by concatenation of what is rendered already.
func (q *request) encode(dst []byte, limit int) ([]byte, *Error) {
	if q.form != FormNative {
		return q.encodeRDRS(dst, limit)
	}
	begin := len(dst)
	dst = append(dst, q.view.opening...)
	dst = q.appendNames(dst, q.view.names)
	if q.head.options.types {
		dst = append(dst, `,"types":[`...)
		dst = q.appendNames(dst, q.view.types)
	}
	if q.head.single {
		dst = append(dst, `,"vector":`...)
	} else {
		dst = append(dst, `,"vectors":[`...)
	}
	pending := q.passed
	for entry := range q.entries {
		if entry > 0 {
			dst = append(dst, ',')
		}
		pending = q.override(pending, entry)
		dst = q.appendVector(dst, entry)
		if len(dst)-begin > limit {
			return nil, tooLarge(limit)
		}
	}
	if q.head.single {
		dst = append(dst, `,"status":`...)
		dst = appendStatus(dst, q.status[0])
	} else {
		dst = append(dst, `],"status":[`...)
		for entry := range q.entries {
			if entry > 0 {
				dst = append(dst, ',')
			}
			dst = appendStatus(dst, q.status[entry])
		}
		dst = append(dst, ']')
	}
	if q.head.options.detail {
		dst = q.appendDetail(dst)
	}
	if dst = append(dst, '}'); len(dst)-begin > limit {
		return nil, tooLarge(limit)
	}
	return dst, nil
}

func tooLarge(limit int) *Error {
	return errorf(AnswerTooLarge, "", "the answer would be larger than %d bytes; ask for fewer entries or features", limit)
}

// appendNames appends the projected ones of the view's names or types, and the bracket that closes their list.
func (q *request) appendNames(dst []byte, names [][]byte) []byte {
	for i, f := range q.projection {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, names[f]...)
	}
	return append(dst, ']')
}

// override notes which features the entry passes, and returns what the entries after it do.
func (q *request) override(pending []passed, entry int) []passed {
	if q.overrides {
		clear(q.over)
		q.overrides = false
	}
	for len(pending) > 0 && pending[0].entry == entry {
		q.over[pending[0].feature] = pending[0]
		q.overrides = true
		pending = pending[1:]
	}
	return pending
}

func (q *request) appendVector(dst []byte, entry int) []byte {
	dst = append(dst, '[')
	plain := !q.overrides && !q.head.options.quote && !q.numericBooleans
	for i, s := range q.stretches {
		if i > 0 {
			dst = append(dst, ',')
		}
		feature := &q.view.Features[q.projection[s.from]]
		if plain && feature.Key < 0 {
			if st := q.state(entry, feature.Join); st.status == complete {
				dst = append(dst, st.rows[feature.Select].Cells(feature.Cell, s.to-s.from)...)
				continue
			}
		}
		dst = q.appendStretch(dst, entry, s)
	}
	return append(dst, ']')
}

// appendStretch appends the features of a stretch one by one.
func (q *request) appendStretch(dst []byte, entry int, s stretch) []byte {
	for i, f := range q.projection[s.from:s.to] {
		if i > 0 {
			dst = append(dst, ',')
		}
		feature := &q.view.Features[f]
		start := len(dst)
		dst = q.appendValue(dst, entry, f, feature)
		if q.head.options.quote && feature.Column.Quotable() {
			dst = quoteNumber(dst, start)
		}
	}
	return dst
}

// state is that of a join for an entry.
func (q *request) state(entry, join int) *state { return &q.states[entry*len(q.joins)+q.place[join]] }

// quoteNumber puts quotes around the number that begins at start and ends dst; null stays as it is.
func quoteNumber(dst []byte, start int) []byte {
	if dst[start] == 'n' {
		return dst
	}
	dst = append(dst, 0, '"')
	copy(dst[start+1:], dst[start:len(dst)-2])
	dst[start] = '"'
	return dst
}

// appendValue appends the value of one feature of one entry: what the caller passed, the request's own key, the stored
// cell, or for a row that is missing or expired the default.
func (q *request) appendValue(dst []byte, entry, f int, feature *catalog.Feature) []byte {
	if p := q.over[f]; p.end > 0 {
		return append(dst, q.fragments[p.start:p.end]...)
	}
	if feature.Key >= 0 && q.form != FormNative {
		return q.appendEcho(dst, entry, feature)
	}
	if feature.Key >= 0 {
		return q.appendKey(dst, entry, feature)
	}
	st := q.state(entry, feature.Join)
	switch {
	case st.status == complete:
		return q.appendCell(dst, feature, st.rows[feature.Select].Cell(feature.Cell))
	case st.status != failed && feature.Default != nil:
		return q.appendCell(dst, feature, feature.Default)
	}
	return append(dst, "null"...)
}

// appendCell appends what is stored, or stands for it.
func (q *request) appendCell(dst []byte, feature *catalog.Feature, cell []byte) []byte {
	if q.numericBooleans && feature.Column.Boolean {
		return appendBit(dst, cell)
	}
	return append(dst, cell...)
}

// appendKey appends the canonical value of a key feature, null where the request has none.
func (q *request) appendKey(dst []byte, entry int, feature *catalog.Feature) []byte {
	part := q.keys[feature.Join].Part(entry, feature.Key)
	if len(part) == 0 {
		return append(dst, "null"...)
	}
	v, _ := feature.Column.CutKey(part)
	out, err := feature.Column.AppendJSON(dst, v)
	if err != nil {
		panic("vectors: a canonical key that its own column cannot render: " + err.Error())
	}
	return out
}

func appendStatus(dst []byte, s status) []byte {
	dst = append(dst, '"')
	dst = append(dst, s.String()...)
	return append(dst, '"')
}

// appendDetail appends the state of every group that was read.
func (q *request) appendDetail(dst []byte) []byte {
	dst = append(dst, `,"groups":`...)
	if q.head.single {
		return q.appendGroups(dst, 0)
	}
	dst = append(dst, '[')
	for entry := range q.entries {
		if entry > 0 {
			dst = append(dst, ',')
		}
		dst = q.appendGroups(dst, entry)
	}
	return append(dst, ']')
}

func (q *request) appendGroups(dst []byte, entry int) []byte {
	dst = append(dst, '[')
	for i, j := range q.joins {
		if i > 0 {
			dst = append(dst, ',')
		}
		st := &q.states[entry*len(q.joins)+i]
		dst = append(dst, q.view.groups[j]...)
		dst = append(dst, st.status.String()...)
		dst = append(dst, '"')
		if st.dated {
			dst = append(dst, `,"ageMs":`...)
			dst = strconv.AppendInt(dst, st.age, 10)
		}
		if st.status == complete {
			dst = q.appendUnfit(dst, st, j)
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// appendUnfit appends the names of the features that are null because what is stored does not fit their schema.
func (q *request) appendUnfit(dst []byte, st *state, join int) []byte {
	none := true
	for _, f := range q.projection {
		feature := &q.view.Features[f]
		if feature.Join != join || feature.Key >= 0 || !st.rows[feature.Select].Unfit(feature.Cell) {
			continue
		}
		if none {
			dst = append(dst, `,"unfit":[`...)
		} else {
			dst = append(dst, ',')
		}
		none = false
		dst = append(dst, q.view.names[f]...)
	}
	if !none {
		dst = append(dst, ']')
	}
	return dst
}
