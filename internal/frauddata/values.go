package frauddata

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Decimal is the text of an exact number, with all digits of its column's scale.
type Decimal string

// A kind is what a cell is.
type kind uint8

const (
	null kind = iota
	truth
	integer
	natural
	doubled // whole in units of the last of scale digits, as are the next two
	floated
	exact
	dated // whole days since 1970
	timed // whole milliseconds since 1970
	word  // a text that needs no escaping
	phrase
	octets // the first bytes of bits, as many as scale
)

// A cell is one value of one row. It is not boxed, and its text not written, until somebody asks for that: under load
// thousands of rows a second are compared with what they should be.
type cell struct {
	kind  kind
	scale uint8
	whole int64
	bits  uint64
	text  string
	write func(dst []byte, number, bits uint64) []byte // of a phrase, for whole and bits
}

// A valueFunc makes a column's value from the row's number and random bits.
type valueFunc = func(number, bits uint64) cell

// orNull is NULL in one of so many rows.
func orNull(every uint64, value valueFunc) valueFunc {
	return func(n, bits uint64) cell {
		if bits%every == 0 {
			return cell{}
		}
		return value(n, bits/every)
	}
}

func within(low, high int64, bits uint64) int64 { return low + int64(bits%uint64(high-low+1)) }

func unsigned(high uint64) valueFunc {
	return func(_, bits uint64) cell { return cell{kind: natural, bits: bits % (high + 1)} }
}

func signed(low, high int64) valueFunc {
	return func(_, bits uint64) cell { return cell{kind: integer, whole: within(low, high, bits)} }
}

// boolean is true in one of so many rows.
func boolean(every uint64) valueFunc {
	return func(_, bits uint64) cell {
		if bits%every == 0 {
			return cell{kind: truth, whole: 1}
		}
		return cell{kind: truth}
	}
}

// double is one of low to high, in units of the last of so many digits after the point; at most 15 in all, so that the
// shortest text of the nearest number of that type has the same digits.
func double(low, high int64, scale uint8) valueFunc { return fixed(doubled, low, high, scale) }

// float is the same with at most 6 digits in all.
func float(low, high int64, scale uint8) valueFunc { return fixed(floated, low, high, scale) }

// decimal is one of low to high, in units of the last of so many digits after the point.
func decimal(low, high int64, scale uint8) valueFunc { return fixed(exact, low, high, scale) }

func fixed(kind kind, low, high int64, scale uint8) valueFunc {
	return func(_, bits uint64) cell { return cell{kind: kind, scale: scale, whole: within(low, high, bits)} }
}

func pick(values ...string) valueFunc {
	return func(_, bits uint64) cell { return cell{kind: word, text: values[bits%uint64(len(values))]} }
}

// written is a text that is made of the row's number and random bits.
func written(write func(dst []byte, number, bits uint64) []byte) valueFunc {
	return func(n, bits uint64) cell { return cell{kind: phrase, whole: int64(n), bits: bits, write: write} }
}

const (
	perSecond = 1000 // milliseconds
	perDay    = 24 * 60 * 60 * perSecond
)

// date is one of so many days from first on.
func date(first string, days uint64) valueFunc {
	from := day(first).UnixMilli() / perDay
	return func(_, bits uint64) cell { return cell{kind: dated, whole: from + int64(bits%days)} }
}

// moment is within so many days from first on.
func moment(first string, days uint64) valueFunc {
	from := day(first).UnixMilli()
	return func(_, bits uint64) cell { return cell{kind: timed, whole: from + int64(bits%(days*perDay))} }
}

func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err) // a mistake in this package's tables
	}
	return t
}

func bytesOf(length uint8) valueFunc {
	return func(_, bits uint64) cell { return cell{kind: octets, scale: length, bits: bits} }
}

// value is the cell as Rows yields it.
func (c cell) value() any {
	switch c.kind {
	case null:
		return nil
	case truth:
		return c.whole == 1
	case integer:
		return c.whole
	case natural:
		return c.bits
	case doubled:
		return float64(c.whole) / float64(power(c.scale))
	case floated:
		return float32(c.whole) / float32(power(c.scale))
	case exact:
		return Decimal(appendFixed(nil, c.whole, c.scale))
	case octets:
		return binary.BigEndian.AppendUint64(nil, c.bits)[:c.scale]
	default:
		return string(c.appendText(nil))
	}
}

// appendText appends the text of a cell that is one, or of a date or time.
func (c cell) appendText(dst []byte) []byte {
	switch c.kind {
	case dated:
		return appendDate(dst, time.UnixMilli(c.whole*perDay).UTC())
	case timed:
		t := time.UnixMilli(c.whole).UTC()
		hour, minute, second := t.Clock()
		dst = append(appendDate(dst, t), ' ')
		dst = append(appendPadded(dst, uint64(hour), 2), ':')
		dst = append(appendPadded(dst, uint64(minute), 2), ':')
		dst = append(appendPadded(dst, uint64(second), 2), '.')
		return appendPadded(dst, uint64(c.whole%perSecond), 3)
	case phrase:
		return c.write(dst, uint64(c.whole), c.bits)
	default:
		return append(dst, c.text...)
	}
}

// appendJSON appends the cell as rongate renders it.
func (c cell) appendJSON(dst []byte) []byte {
	switch c.kind {
	case null:
		return append(dst, "null"...)
	case truth:
		return strconv.AppendBool(dst, c.whole == 1)
	case integer:
		return strconv.AppendInt(dst, c.whole, 10)
	case natural:
		return strconv.AppendUint(dst, c.bits, 10)
	case exact:
		return appendFixed(dst, c.whole, c.scale)
	case doubled, floated:
		return appendShortest(dst, c.whole, c.scale)
	case octets:
		var octets [8]byte
		binary.BigEndian.PutUint64(octets[:], c.bits)
		dst = base64.StdEncoding.AppendEncode(append(dst, '"'), octets[:c.scale])
		return append(dst, '"')
	default:
		dst = append(dst, '"')
		start := len(dst)
		dst = c.appendText(dst)
		if c.kind == phrase {
			dst = escape(dst, start)
		}
		return append(dst, '"')
	}
}

// escape escapes what begins at start and ends dst, for a JSON string. The texts here have no other control characters
// than line feeds.
func escape(dst []byte, start int) []byte {
	end := len(dst)
	for _, b := range dst[start:end] {
		if b == '"' || b == '\\' || b == '\n' {
			dst = append(dst, 0)
		}
	}
	for from, to := end-1, len(dst)-1; from != to; from, to = from-1, to-1 {
		b := dst[from]
		if b == '\n' {
			b = 'n'
		}
		dst[to] = b
		if b = dst[from]; b == '"' || b == '\\' || b == '\n' {
			to--
			dst[to] = '\\'
		}
	}
	return dst
}

func power(scale uint8) int64 {
	p := int64(1)
	for range scale {
		p *= 10
	}
	return p
}

// appendFixed appends a number of units of the last of so many digits after the point, with all of them.
func appendFixed(dst []byte, units int64, scale uint8) []byte {
	if units < 0 {
		dst, units = append(dst, '-'), -units
	}
	if scale == 0 {
		return strconv.AppendInt(dst, units, 10)
	}
	p := power(scale)
	dst = append(strconv.AppendInt(dst, units/p, 10), '.')
	return appendPadded(dst, uint64(units%p), int(scale))
}

// appendShortest is appendFixed without zeros that end a fraction.
func appendShortest(dst []byte, units int64, scale uint8) []byte {
	for scale > 0 && units%10 == 0 {
		units, scale = units/10, scale-1
	}
	return appendFixed(dst, units, scale)
}

// appendPadded appends a number with at least so many digits.
func appendPadded(dst []byte, n uint64, digits int) []byte {
	for p := uint64(power(uint8(digits - 1))); p > 1 && n < p; p /= 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendUint(dst, n, 10)
}

func appendDate(dst []byte, t time.Time) []byte {
	year, month, day := t.Date()
	dst = append(appendPadded(dst, uint64(year), 4), '-')
	dst = append(appendPadded(dst, uint64(month), 2), '-')
	return appendPadded(dst, uint64(day), 2)
}

// Literal appends a value of Rows as SQL.
func Literal(dst []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		dst = append(dst, '\'')
		dst = append(dst, strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(v)...)
		return append(dst, '\'')
	case []byte:
		dst = append(dst, "x'"...)
		dst = hex.AppendEncode(dst, v)
		return append(dst, '\'')
	case nil:
		return append(dst, "NULL"...)
	case bool:
		if v {
			return append(dst, '1')
		}
		return append(dst, '0')
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case uint64:
		return strconv.AppendUint(dst, v, 10)
	case float32:
		return strconv.AppendFloat(dst, float64(v), 'f', -1, 32)
	case float64:
		return strconv.AppendFloat(dst, v, 'f', -1, 64)
	case Decimal:
		return append(dst, v...)
	default:
		panic(fmt.Sprintf("frauddata: a value of type %T", value)) // a mistake in this package's tables
	}
}
