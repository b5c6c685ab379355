package column

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendJSON renders one stored cell. The error says that the Value is not of the column's type; dst is then returned
// as it was.
func (c *Column) AppendJSON(dst []byte, v Value) ([]byte, error) {
	switch {
	case v.kind == kindNull:
		return append(dst, "null"...), nil
	case c.Kind == Int:
		return c.appendIntCell(dst, v)
	case c.Kind == Year:
		return appendYearCell(dst, v)
	case c.Kind == Float && v.kind == kindFloat32:
		f, _ := v.Float32()
		return appendFloat(dst, float64(f), 32), nil
	case c.Kind == Double && v.kind == kindFloat64:
		f, _ := v.Float64()
		return appendFloat(dst, f, 64), nil
	case v.kind == kindBytes:
		return c.appendBytesCell(dst, v.bytes)
	}
	return dst, errNotOfType
}

func (c *Column) appendIntCell(dst []byte, v Value) ([]byte, error) {
	pattern, ok := c.wireInt(v)
	switch {
	case !ok:
		return dst, errNotOfType
	case !c.Boolean:
		return c.appendInt(dst, pattern), nil
	}
	return strconv.AppendBool(dst, pattern != 0), nil
}

func appendYearCell(dst []byte, v Value) ([]byte, error) {
	if v.kind != kindInt && v.kind != kindUint || v.bits > math.MaxUint16 {
		return dst, errNotOfType
	}
	return strconv.AppendUint(dst, v.bits, 10), nil
}

func (c *Column) appendBytesCell(dst, b []byte) ([]byte, error) {
	switch c.Kind {
	case Char, VarChar, Text, Enum, Set, Date, DateTime, Timestamp, Time:
		return appendString(dst, b), nil
	case Decimal:
		d, ok := parseDecimal(b)
		if !ok {
			return dst, errNotOfType
		}
		return d.append(dst, len(d.fraction)), nil
	case Binary, VarBinary, Blob:
		return appendBase64String(dst, b), nil
	case Bit:
		return appendBit(dst, b)
	case JSON:
		// json.Valid is the one validator that does not allocate; it does not look at the encoding.
		if !json.Valid(b) || !utf8.Valid(b) {
			return dst, errNotOfType
		}
		return append(dst, b...), nil
	}
	return dst, errNotOfType
}

// appendBit reads the big-endian bytes of a BIT.
func appendBit(dst, b []byte) ([]byte, error) {
	if len(b) > 8 {
		return dst, errNotOfType
	}
	var bits uint64
	for _, octet := range b {
		bits = bits<<8 | uint64(octet)
	}
	return strconv.AppendUint(dst, bits, 10), nil
}

// appendFloat writes the shortest text that reads back as f, as ECMAScript does. What JSON has no number for is null.
func appendFloat(dst []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	format, size := byte('f'), math.Abs(f)
	if size != 0 && (bits == 64 && (size < 1e-6 || size >= 1e21) ||
		bits == 32 && (float32(size) < 1e-6 || float32(size) >= 1e21)) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, f, format, -1, bits)
	if n := len(dst); format == 'e' && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1] // e-07 is written e-7
		dst = dst[:n-1]
	}
	return dst
}

// appendString writes text as a JSON string. Nothing is escaped that need not be, and what is not UTF-8 becomes U+FFFD
// byte by byte.
func appendString(dst, text []byte) []byte {
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(text); {
		b := text[i]
		if b >= 0x20 && b != '"' && b != '\\' && b < utf8.RuneSelf {
			i++
			continue
		}
		if b >= utf8.RuneSelf {
			r, size := utf8.DecodeRune(text[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, text[done:i]...)
				dst = append(dst, "\uFFFD"...)
				done = i + 1
			}
			i += size
			continue
		}
		dst = append(dst, text[done:i]...)
		dst = appendEscaped(dst, b)
		i++
		done = i
	}
	dst = append(dst, text[done:]...)
	return append(dst, '"')
}

func appendEscaped(dst []byte, b byte) []byte {
	switch b {
	case '"', '\\':
		return append(dst, '\\', b)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&0xF])
}

func appendBase64String(dst, content []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, content)
	return append(dst, '"')
}
