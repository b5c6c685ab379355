package avro

import (
	"bytes"
	"encoding/base64"
	"math"
	"slices"
	"strconv"

	"github.com/rongate/rongate/column"
)

// AppendJSON appends a datum of the type as JSON, in at most limit bytes. On an error, which is of ErrMisfit or of
// column.ErrLimit, dst is returned as it was. The memory it takes beyond dst is bounded by a small multiple of limit.
func (t *Type) AppendJSON(dst, datum []byte, limit int) ([]byte, error) {
	r := reader{datum: datum, start: len(dst), limit: limit}
	out, m := t.append(dst, &r)
	if m == nil && r.left() > 0 {
		m = r.misfit(r.at, "there are bytes after its end")
	}
	if m != nil {
		return dst, m
	}
	return out, nil
}

// append renders the datum at which r is. What it returns with a misfit is to be thrown away.
func (t *Type) append(dst []byte, r *reader) ([]byte, *misfit) {
	if t.kind == kindUnion {
		i, m := r.index(64, len(t.inner))
		if m != nil {
			return dst, m
		}
		t = t.inner[i] // which is no union
	}
	var m *misfit
	switch t.kind {
	case kindArray:
		dst, m = t.appendArray(dst, r)
	case kindMap:
		dst, m = t.appendMap(dst, r)
	case kindRecord:
		dst, m = t.appendRecord(dst, r)
	default:
		dst, m = t.appendScalar(dst, r)
	}
	if m == nil && r.room(dst) < 0 {
		m = r.overLimit()
	}
	return dst, m
}

func (t *Type) appendArray(dst []byte, r *reader) ([]byte, *misfit) {
	if m := r.enter(); m != nil {
		return dst, m
	}
	items := t.inner[0]
	dst = append(dst, '[')
	for n := 0; ; {
		b, m := r.nextBlock()
		switch {
		case m != nil:
			return dst, m
		case b.count == 0:
			r.leave()
			return append(dst, ']'), nil
		case items.empty && b.count > int64(r.room(dst)): // every item takes a byte of JSON at least
			return dst, r.overLimit()
		case !items.empty && b.count > int64(r.left()):
			return dst, r.misfit(r.at, tooMany)
		}
		for range b.count {
			if n > 0 {
				dst = append(dst, ',')
			}
			if dst, m = items.append(dst, r); m != nil {
				return dst, m.inItem(n)
			}
			n++
		}
		if m = r.endBlock(b); m != nil {
			return dst, m
		}
	}
}

const tooMany = "a block has more items than bytes are left"

func (t *Type) appendMap(dst []byte, r *reader) ([]byte, *misfit) {
	if m := r.enter(); m != nil {
		return dst, m
	}
	outer := r.keys
	dst = append(dst, '{')
	for n := 0; ; {
		b, m := r.nextBlock()
		switch {
		case m != nil:
			return dst, m
		case b.count == 0:
			m = r.distinct(r.takeKeys(outer))
			r.leave()
			return append(dst, '}'), m
		case b.count > int64(r.left()): // every key has a byte at least, its length
			return dst, r.misfit(r.at, tooMany)
		}
		for range b.count {
			if n > 0 {
				dst = append(dst, ',')
			}
			if dst, m = t.appendEntry(dst, r); m != nil {
				return dst, m.inEntry(n)
			}
			n++
		}
		if m = r.endBlock(b); m != nil {
			return dst, m
		}
	}
}

func (t *Type) appendEntry(dst []byte, r *reader) ([]byte, *misfit) {
	key, m := r.text()
	if m != nil {
		return dst, m
	}
	r.addKey(span{r.at - len(key), r.at})
	if dst, m = t.appendText(dst, key, r); m != nil {
		return dst, m
	}
	return t.inner[0].append(append(dst, ':'), r)
}

// distinct checks that the keys of a map differ, which takes sorting them. A reader of the JSON could not tell which of
// two values is meant.
func (r *reader) distinct(keys []span) *misfit {
	slices.SortFunc(keys, func(a, b span) int {
		return bytes.Compare(r.datum[a.from:a.to], r.datum[b.from:b.to])
	})
	for i := 1; i < len(keys); i++ {
		a, b := keys[i-1], keys[i]
		if bytes.Equal(r.datum[a.from:a.to], r.datum[b.from:b.to]) {
			return r.misfit(max(a.from, b.from), "a map has a key twice")
		}
	}
	return nil
}

func (t *Type) appendRecord(dst []byte, r *reader) ([]byte, *misfit) {
	if m := r.enter(); m != nil {
		return dst, m
	}
	if len(t.fields) == 0 {
		dst = append(dst, '{')
	}
	for i := range t.fields {
		f := &t.fields[i]
		dst = append(dst, f.open...)
		var m *misfit
		if dst, m = f.of.append(dst, r); m != nil {
			return dst, m.inField(f.name)
		}
	}
	r.leave()
	return append(dst, '}'), nil
}

func (t *Type) appendScalar(dst []byte, r *reader) ([]byte, *misfit) {
	from := r.at
	switch t.kind {
	case kindNull:
		return append(dst, "null"...), nil
	case kindBoolean:
		b, m := r.take(1)
		if m != nil {
			return dst, m
		}
		if b[0] > 1 {
			return dst, r.misfit(from, "a boolean is neither 0 nor 1")
		}
		return strconv.AppendBool(dst, b[0] == 1), nil
	case kindInt:
		n, m := r.varint(32)
		return strconv.AppendInt(dst, n, 10), m
	case kindLong:
		n, m := r.varint(64)
		return strconv.AppendInt(dst, n, 10), m
	case kindFloat:
		bits, m := r.uint32()
		return t.appendCell(dst, column.Float32Value(math.Float32frombits(bits)), r, m)
	case kindDouble:
		bits, m := r.uint64()
		return t.appendCell(dst, column.Float64Value(math.Float64frombits(bits)), r, m)
	case kindText:
		b, m := r.text()
		if m != nil {
			return dst, m
		}
		return t.appendText(dst, b, r)
	case kindBytes, kindFixed:
		return t.appendBytes(dst, r)
	case kindEnum:
		i, m := r.index(32, len(t.symbols))
		if m != nil {
			return dst, m
		}
		return append(dst, t.symbols[i]...), nil
	case kindDecimal:
		return t.appendDecimal(dst, r)
	}
	return t.appendTime(dst, r)
}

// appendCell lets package column render what was read, unless that ended with a misfit.
func (t *Type) appendCell(dst []byte, v column.Value, r *reader, m *misfit) ([]byte, *misfit) {
	if m != nil {
		return dst, m
	}
	dst, err := t.cell.AppendJSON(dst, v)
	if err != nil {
		return dst, r.misfit(r.at, "it cannot be rendered")
	}
	return dst, nil
}

// appendText renders a string, unless it is too long even where nothing of it is escaped. With escapes it becomes six
// times as long at most.
func (t *Type) appendText(dst, text []byte, r *reader) ([]byte, *misfit) {
	if len(text)+len(`""`) > r.room(dst) {
		return dst, r.overLimit()
	}
	return t.appendCell(dst, column.BytesValue(text), r, nil)
}

func (t *Type) appendBytes(dst []byte, r *reader) ([]byte, *misfit) {
	var b []byte
	var m *misfit
	if t.kind == kindFixed {
		b, m = r.take(t.size)
	} else {
		b, m = r.counted()
	}
	if m != nil {
		return dst, m
	}
	if base64.StdEncoding.EncodedLen(len(b))+len(`""`) > r.room(dst) {
		return dst, r.overLimit()
	}
	return t.appendCell(dst, column.BytesValue(b), r, nil)
}
