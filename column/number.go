package column

import (
	"bytes"
	"math"
	"strconv"
)

// parseInteger reads a whole number written in the one canonical way: no plus, no leading zeros, no -0, no exponent.
func parseInteger(token []byte) (negative bool, magnitude uint64, ok bool) {
	digits := token
	if len(digits) > 0 && digits[0] == '-' {
		negative, digits = true, digits[1:]
	}
	if len(digits) == 0 || digits[0] == '0' && (negative || len(digits) > 1) {
		return false, 0, false
	}
	for _, b := range digits {
		d := uint64(b - '0')
		if d > 9 || magnitude > (math.MaxUint64-d)/10 {
			return false, 0, false
		}
		magnitude = magnitude*10 + d
	}
	return negative, magnitude, true
}

// intPattern is the 64-bit pattern of a number and whether an Int column has it in range.
func (c *Column) intPattern(negative bool, magnitude uint64) (pattern uint64, ok bool) {
	lowest, highest := c.intRange()
	if negative {
		return -magnitude, magnitude <= lowest
	}
	return magnitude, magnitude <= highest
}

// intRange gives the range of an Int column, the lower end without its sign.
func (c *Column) intRange() (lowest, highest uint64) {
	all := uint64(math.MaxUint64) >> (64 - 8*c.Size)
	if c.Unsigned {
		return 0, all
	}
	return all>>1 + 1, all >> 1
}

// wireInt is the pattern of an integer that the driver may have given as any of three Go types: it turns a BIGINT
// UNSIGNED that an int64 cannot hold into text.
func (c *Column) wireInt(v Value) (pattern uint64, ok bool) {
	switch v.kind {
	case kindInt:
		if int64(v.bits) < 0 {
			return c.intPattern(true, -v.bits)
		}
		return c.intPattern(false, v.bits)
	case kindUint:
		return c.intPattern(false, v.bits)
	case kindBytes:
		if negative, magnitude, ok := parseInteger(v.bytes); ok {
			return c.intPattern(negative, magnitude)
		}
	}
	return 0, false
}

func (c *Column) appendInt(dst []byte, pattern uint64) []byte {
	if c.Unsigned {
		return strconv.AppendUint(dst, pattern, 10)
	}
	return strconv.AppendInt(dst, int64(pattern), 10)
}

// A decimal is a DECIMAL taken apart. Its digits are borrowed from the text it was read from.
type decimal struct {
	negative        bool
	whole, fraction []byte // whole is without leading zeros, so it may be empty
}

// parseDecimal reads what servers send: ZEROFILL pads with zeros, and the zero before the point may be left out.
func parseDecimal(text []byte) (d decimal, ok bool) {
	rest := text
	if len(rest) > 0 && rest[0] == '-' {
		d.negative, rest = true, rest[1:]
	}
	whole, fraction, _ := bytes.Cut(rest, []byte{'.'})
	if len(whole)+len(fraction) == 0 || !allDigits(whole) || !allDigits(fraction) {
		return decimal{}, false
	}
	d.whole, d.fraction = bytes.TrimLeft(whole, "0"), fraction
	if len(d.whole) == 0 && len(bytes.TrimLeft(fraction, "0")) == 0 {
		d.negative = false
	}
	return d, true
}

// clientDecimal reads what a client sent for a Decimal column: the canonical form, but for zeros at the end.
func (c *Column) clientDecimal(token []byte) (d decimal, ok bool) {
	d, ok = parseDecimal(token)
	if !ok || len(d.whole) > c.Precision-c.Scale || len(d.fraction) > c.Scale || d.negative && c.Unsigned {
		return decimal{}, false
	}
	length := max(len(d.whole), 1)
	if len(d.fraction) > 0 {
		length += 1 + len(d.fraction)
	}
	if d.negative {
		length++
	}
	// Leading zeros, a bare point and a negative zero all make the token longer than what it stands for.
	return d, length == len(token)
}

// append writes the canonical form with so many digits after the point.
func (d decimal) append(dst []byte, scale int) []byte {
	if d.negative {
		dst = append(dst, '-')
	}
	if len(d.whole) == 0 {
		dst = append(dst, '0')
	}
	dst = append(dst, d.whole...)
	if scale == 0 {
		return dst
	}
	dst = append(dst, '.')
	return appendZeroPadded(dst, d.fraction, scale)
}

// appendZeroPadded writes digits and as many zeros as make them so many.
func appendZeroPadded(dst, digits []byte, length int) []byte {
	dst = append(dst, digits...)
	for range length - len(digits) {
		dst = append(dst, '0')
	}
	return dst
}

func allDigits(b []byte) bool {
	for _, d := range b {
		if d < '0' || d > '9' {
			return false
		}
	}
	return true
}
