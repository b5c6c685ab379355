package protocol

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/rongate/rongate/column"
)

// form is how the values of a column are written.
type form uint8

const (
	formText form = iota // a length and bytes
	formNull             // not at all
	formInt              // so many bytes, little end first
	formUint
	formFloat
	formDouble
	formDate
	formDateTime
	formTime
)

// A cell reads the values of one column.
type cell struct {
	form  form
	size  uint8 // bytes of an integer
	scale uint8 // decimals of a time
}

// cell returns what reads the column's values; not ok for a type that no server has.
func (d definition) cell() (c cell, ok bool) {
	number := formInt
	if d.flags&flagUnsigned != 0 {
		number = formUint
	}
	switch d.code {
	case codeTiny:
		return cell{form: number, size: 1}, true
	case codeShort:
		return cell{form: number, size: 2}, true
	case codeYear: // unsigned by its flag, which its name does not show
		return cell{form: formInt, size: 2}, true
	case codeInt24, codeLong:
		return cell{form: number, size: 4}, true
	case codeLongLong:
		return cell{form: number, size: 8}, true
	case codeFloat:
		return cell{form: formFloat}, true
	case codeDouble:
		return cell{form: formDouble}, true
	case codeNull:
		return cell{form: formNull}, true
	case codeDate, codeNewDate:
		return cell{form: formDate}, true
	case codeDateTime, codeTimestamp:
		return cell{form: formDateTime, scale: uint8(d.scale())}, true
	case codeTime:
		return cell{form: formTime, scale: uint8(d.scale())}, true
	}
	return cell{form: formText}, d.typeName() != ""
}

// cut cuts a value off the front of a row. Dates and times are appended to text, as the text protocol has them.
func (c *cell) cut(p packet, v *column.Value, text *[]byte) (rest packet, ok bool) {
	switch c.form {
	case formText:
		var b []byte
		if len(p) > 0 && int(p[0]) < min(len(p), maxShort) { // a length of one byte
			end := 1 + int(p[0])
			b, rest, ok = p[1:end:end], p[end:], true
		} else {
			b, rest, ok = p.text()
		}
		*v = column.BytesValue(b)
		return rest, ok
	case formInt, formUint:
		if len(p) < int(c.size) {
			return nil, false
		}
		*v = c.integer(p)
		return p[c.size:], true
	case formFloat:
		if len(p) < 4 {
			return nil, false
		}
		*v = column.Float32Value(math.Float32frombits(binary.LittleEndian.Uint32(p)))
		return p[4:], true
	case formDouble:
		if len(p) < 8 {
			return nil, false
		}
		*v = column.Float64Value(math.Float64frombits(binary.LittleEndian.Uint64(p)))
		return p[8:], true
	case formNull:
		*v = column.Null()
		return p, true
	}
	return c.cutTime(p, v, text)
}

func (c *cell) cutTime(p packet, v *column.Value, text *[]byte) (rest packet, ok bool) {
	b, rest, ok := p.text()
	if !ok {
		return rest, false
	}
	grown, begin := *text, len(*text)
	if c.form == formTime {
		grown, ok = c.appendTime(grown, b)
	} else {
		grown, ok = c.appendDate(grown, b)
	}
	*text, *v = grown, column.BytesValue(grown[begin:len(grown):len(grown)])
	return rest, ok
}

// integer is the one at the start of b.
func (c *cell) integer(b []byte) column.Value {
	var u uint64
	var i int64
	switch c.size {
	case 1:
		u, i = uint64(b[0]), int64(int8(b[0]))
	case 2:
		n := binary.LittleEndian.Uint16(b)
		u, i = uint64(n), int64(int16(n))
	case 4:
		n := binary.LittleEndian.Uint32(b)
		u, i = uint64(n), int64(int32(n))
	default:
		u = binary.LittleEndian.Uint64(b)
		i = int64(u)
	}
	if c.form == formUint {
		return column.UintValue(u)
	}
	return column.IntValue(i)
}

// appendDate appends a DATE, DATETIME or TIMESTAMP: year, month, day; hour, minute, second unless all are 0;
// microseconds unless they are. Of zero dates all is left out.
func (c *cell) appendDate(dst, b []byte) ([]byte, bool) {
	var full [11]byte
	switch len(b) {
	case 0, 4, 7, 11:
		copy(full[:], b)
	default:
		return dst, false
	}
	year := binary.LittleEndian.Uint16(full[:])
	if year > 9999 || full[2] > 99 || full[3] > 99 {
		return dst, false
	}
	dst = appendPair(dst, byte(year/100))
	dst = appendPair(dst, byte(year%100))
	dst = appendPair(append(dst, '-'), full[2])
	dst = appendPair(append(dst, '-'), full[3])
	if c.form == formDate {
		return dst, true
	}
	dst = append(dst, ' ')
	if full[4] > 99 {
		return dst, false
	}
	return c.appendClock(appendPair(dst, full[4]), full[5:])
}

// appendTime appends a TIME: its sign, days, hours, minutes, seconds; microseconds unless they are 0. Of 00:00:00 all is
// left out.
func (c *cell) appendTime(dst, b []byte) ([]byte, bool) {
	var full [12]byte
	switch len(b) {
	case 0, 8, 12:
		copy(full[:], b)
	default:
		return dst, false
	}
	if full[0] == 1 {
		dst = append(dst, '-')
	}
	hours := uint64(binary.LittleEndian.Uint32(full[1:]))*24 + uint64(full[5])
	if hours < 100 {
		dst = appendPair(dst, byte(hours))
	} else {
		dst = strconv.AppendUint(dst, hours, 10)
	}
	return c.appendClock(dst, full[6:])
}

// appendClock appends minutes, seconds and as much of the microseconds as the column has.
func (c *cell) appendClock(dst, b []byte) ([]byte, bool) {
	micros := binary.LittleEndian.Uint32(b[2:])
	if b[0] > 99 || b[1] > 99 || micros > 999_999 {
		return dst, false
	}
	dst = appendPair(append(dst, ':'), b[0])
	dst = appendPair(append(dst, ':'), b[1])
	if c.scale == 0 {
		return dst, true
	}
	dst = append(dst, '.')
	digits := [6]byte{}
	for i := range digits {
		digits[5-i] = '0' + byte(micros%10)
		micros /= 10
	}
	return append(dst, digits[:c.scale]...), true
}

// appendPair appends two digits of a number below 100.
func appendPair(dst []byte, n byte) []byte { return append(dst, '0'+n/10, '0'+n%10) }
