package column

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// A key part is written so that equal keys are equal bytes, and so that the parts of a composite key may be written one
// after the other: an Int as the eight bytes of its 64-bit pattern, big-endian; everything else as its length (an
// unsigned varint) and its canonical text or bytes.

// errNotOfType is for a Value that a column of this type cannot have: the table is no longer what the plan says.
var errNotOfType = errors.New("value is not of the column's type")

// AppendKey writes the canonical form of a client's value for a column that passes CheckKey. The error is fit for the
// client: it completes a sentence that begins with the serving key's name; dst is then returned as it was.
func (c *Column) AppendKey(dst []byte, l Literal) ([]byte, error) {
	switch c.Kind {
	case Int:
		pattern, ok := c.clientInt(l)
		if !ok {
			return dst, c.errInt()
		}
		return binary.BigEndian.AppendUint64(dst, pattern), nil
	case Decimal:
		d, ok := c.clientNumber(l)
		if !ok {
			return dst, c.errDecimal()
		}
		return appendDecimalPart(dst, d, c.Scale), nil
	case Date, DateTime, Timestamp:
		if l.Kind != LiteralString || !c.validTime(l.Text) {
			return dst, c.errTime()
		}
		dst = append(dst, byte(c.timeLength()))
		return c.appendTime(dst, l.Text), nil
	case Char, VarChar:
		text, err := c.clientText(l)
		if err != nil {
			return dst, err
		}
		return appendPart(dst, text), nil
	case Binary, VarBinary:
		length, ok := c.base64Length(l)
		if !ok {
			return dst, c.errBase64()
		}
		enc, err := c.appendBase64(binary.AppendUvarint(dst, uint64(length)), l.Text)
		if err != nil {
			return dst, err
		}
		return enc, nil
	}
	return dst, fmt.Errorf("is of type %s, which cannot be part of a key", c.SQLType)
}

// CutKey takes one part, as AppendKey wrote it, off the front of enc and gives the Value to be bound or rendered. Its
// bytes are those of enc.
func (c *Column) CutKey(enc []byte) (v Value, rest []byte) {
	if c.Kind == Int {
		pattern := binary.BigEndian.Uint64(enc)
		if c.Unsigned {
			return UintValue(pattern), enc[8:]
		}
		return IntValue(int64(pattern)), enc[8:]
	}
	length, n := binary.Uvarint(enc)
	end := n + int(length)
	return BytesValue(enc[n:end:end]), enc[end:]
}

// AppendKeyValue writes a Value that came over the wire, or from CutKey, as AppendKey writes a client's. The error says
// that the Value is not of the column's type; dst is then returned as it was.
func (c *Column) AppendKeyValue(dst []byte, v Value) ([]byte, error) {
	if c.Kind == Int {
		pattern, ok := c.wireInt(v)
		if !ok {
			return dst, errNotOfType
		}
		return binary.BigEndian.AppendUint64(dst, pattern), nil
	}
	text, ok := v.Bytes()
	if !ok {
		return dst, errNotOfType
	}
	switch c.Kind {
	case Decimal:
		d, ok := parseDecimal(text)
		if !ok || len(d.fraction) != c.Scale || len(d.whole) > c.Precision-c.Scale {
			return dst, errNotOfType
		}
		return appendDecimalPart(dst, d, c.Scale), nil
	case Date, DateTime, Timestamp:
		if len(text) != c.timeLength() {
			return dst, errNotOfType
		}
	case Char:
		text = trimSpaces(text)
	case Binary:
		if len(text) > c.Size {
			return dst, errNotOfType
		}
		dst = binary.AppendUvarint(dst, uint64(c.Size))
		return appendZeroBytes(append(dst, text...), c.Size-len(text)), nil
	case VarChar, VarBinary:
	default:
		return dst, errNotOfType
	}
	return appendPart(dst, text), nil
}

func appendPart(dst, content []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(content)))
	return append(dst, content...)
}

// appendDecimalPart relies on a DECIMAL being shorter than 128 bytes, so that its length is one byte.
func appendDecimalPart(dst []byte, d decimal, scale int) []byte {
	start := len(dst)
	dst = d.append(append(dst, 0), scale)
	dst[start] = byte(len(dst) - start - 1)
	return dst
}

func appendZeroBytes(dst []byte, n int) []byte {
	dst = slices.Grow(dst, n)
	end := len(dst) + n
	clear(dst[len(dst):end])
	return dst[:end]
}
