package vectors

import (
	"net/http"
	"strconv"

	"github.com/rongate/rongate/catalog"
)

// encodeRDRS is the fifth stage for the RDRS Forms.
func (q *request) encodeRDRS(dst []byte, limit int) ([]byte, *Error) {
	begin := len(dst)
	if err := q.markBroken(); err != nil {
		return nil, err
	}
	dst = append(dst, `{"features":`...)
	if !q.head.single {
		dst = append(dst, '[')
	}
	pending := q.passed
	for entry := range q.entries {
		if entry > 0 {
			dst = append(dst, ',')
		}
		pending = q.override(pending, entry)
		if q.status[entry] == failed {
			dst = append(dst, "null"...)
		} else {
			dst = q.appendVector(dst, entry)
		}
		if len(dst)-begin > limit {
			return nil, tooLarge(limit)
		}
	}
	if !q.head.single {
		dst = append(dst, ']')
	}
	dst = q.appendMetadata(append(dst, `,"metadata":`...))
	dst = q.appendEach(append(dst, `,"status":`...), q.appendRDRSStatus)
	dst = append(dst, `,"detailedStatus":`...)
	if q.head.options.detail {
		dst = q.appendEach(dst, q.appendDetailedStatus)
	} else {
		dst = append(dst, "null"...)
	}
	if dst = append(dst, '}'); len(dst)-begin > limit {
		return nil, tooLarge(limit)
	}
	return dst, nil
}

// markBroken has the entries that make no sense, and the rows that their schemas do not fit, count as failed. A single
// vector of that kind is an error.
func (q *request) markBroken() *Error {
	for entry := range q.entries {
		if q.broken[entry] {
			q.status[entry] = failed
		}
	}
	for _, f := range q.view.rdrs.complex {
		feature := &q.view.Features[f]
		for entry := range q.entries {
			st := q.state(entry, feature.Join)
			if st.status != complete || !st.rows[feature.Select].Unfit(feature.Cell) {
				continue
			}
			if q.head.single {
				return errorf(UndecodableFeature, "", "what is stored of feature %s does not fit its schema", feature.Name)
			}
			st.status, q.status[entry] = failed, failed
		}
	}
	return nil
}

// appendMetadata appends what was asked for of every feature.
func (q *request) appendMetadata(dst []byte) []byte {
	asked := &q.head.rdrs
	if !asked.featureName && !asked.featureType {
		return append(dst, "null"...)
	}
	dst = append(dst, '[')
	for f := range q.view.Features {
		if f > 0 {
			dst = append(dst, ',')
		}
		dst = appendIf(append(dst, `{"featureName":`...), asked.featureName, q.view.names[f])
		dst = appendIf(append(dst, `,"featureType":`...), asked.featureType, q.view.rdrs.types[f])
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

func appendIf(dst []byte, wanted bool, value []byte) []byte {
	if !wanted {
		return append(dst, "null"...)
	}
	return append(dst, value...)
}

// appendEach appends something of the one entry, or the list of it of all.
func (q *request) appendEach(dst []byte, appendOne func(dst []byte, entry int) []byte) []byte {
	if q.head.single {
		return appendOne(dst, 0)
	}
	dst = append(dst, '[')
	for entry := range q.entries {
		if entry > 0 {
			dst = append(dst, ',')
		}
		dst = appendOne(dst, entry)
	}
	return append(dst, ']')
}

// appendRDRSStatus appends the status of an entry. RDRS knows no expired row: to it such a row is not there.
func (q *request) appendRDRSStatus(dst []byte, entry int) []byte {
	s := q.status[entry]
	if s == expired {
		s = missing
	}
	return appendStatus(dst, s)
}

// appendDetailedStatus appends how the reading of each feature group has ended.
func (q *request) appendDetailedStatus(dst []byte, entry int) []byte {
	dst = append(dst, '[')
	for i, j := range q.joins {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, q.view.rdrs.groups[j]...)
		dst = strconv.AppendInt(dst, int64(q.readStatus(entry, i, j)), 10)
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

// readStatus is how the reading of a group for an entry has ended, as an HTTP status.
func (q *request) readStatus(entry, i, join int) int {
	st := &q.states[entry*len(q.joins)+i]
	switch {
	case q.broken[entry] || st.status == missing && !q.keys[join].Complete(entry):
		return http.StatusBadRequest
	case st.status == complete:
		return http.StatusOK
	case st.status == failed:
		return http.StatusInternalServerError
	}
	return http.StatusNotFound
}

// appendEcho appends a key feature as the request has it, null where it has none.
func (q *request) appendEcho(dst []byte, entry int, feature *catalog.Feature) []byte {
	v := q.view.rdrs
	token := q.echoes[entry*len(v.parts)+v.first[feature.Join]+feature.Key]
	if token.end == 0 {
		return append(dst, "null"...)
	}
	return append(dst, q.head.entries[token.start:token.end]...)
}

// appendBit appends a rendered boolean as a number; null stays as it is.
func appendBit(dst, cell []byte) []byte {
	switch string(cell) {
	case "true":
		return append(dst, '1')
	case "false":
		return append(dst, '0')
	}
	return append(dst, cell...)
}
