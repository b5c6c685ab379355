package column

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// AppendLiteral checks a passed feature or a default and renders it exactly as AppendJSON renders the same value when
// it is stored. NULL passes for every column. The error is fit for the client: it completes a sentence that begins
// with the feature's name.
//
// Three things are not checked: the length of TEXT and BLOB, which a request's size bounds; whether text is in a
// character set that rongate does not know; the digits of the deprecated FLOAT(M,D), which is not rounded to them. On
// an error dst is returned as it was.
func (c *Column) AppendLiteral(dst []byte, l Literal) ([]byte, error) {
	if l.Kind == LiteralNull {
		return append(dst, "null"...), nil
	}
	switch c.Kind {
	case Int:
		return c.appendIntLiteral(dst, l)
	case Decimal:
		d, ok := c.clientNumber(l)
		if !ok {
			return dst, c.errDecimal()
		}
		return d.append(dst, c.Scale), nil
	case Float, Double:
		return c.appendFloatLiteral(dst, l)
	case Bit, Year:
		return c.appendNaturalLiteral(dst, l)
	case Date, DateTime, Timestamp, Time:
		if l.Kind != LiteralString || !c.validTime(l.Text) {
			return dst, c.errTime()
		}
		return append(c.appendTime(append(dst, '"'), l.Text), '"'), nil
	case Char, VarChar, Text:
		text, err := c.clientText(l)
		if err != nil {
			return dst, err
		}
		return appendString(dst, text), nil
	case Enum, Set:
		return c.appendMemberLiteral(dst, l)
	case Binary, VarBinary, Blob:
		return c.appendBinaryLiteral(dst, l)
	case JSON:
		return appendJSONLiteral(dst, l), nil
	}
	return dst, errNotOfType
}

// clientInt takes a number token or a string that holds just such a token, since JavaScript has no more than 53 bits.
func (c *Column) clientInt(l Literal) (pattern uint64, ok bool) {
	if l.Kind != LiteralNumber && l.Kind != LiteralString {
		return 0, false
	}
	negative, magnitude, ok := parseInteger(l.Text)
	if !ok {
		return 0, false
	}
	return c.intPattern(negative, magnitude)
}

// clientNumber is clientInt for a Decimal.
func (c *Column) clientNumber(l Literal) (d decimal, ok bool) {
	if l.Kind != LiteralNumber && l.Kind != LiteralString {
		return decimal{}, false
	}
	return c.clientDecimal(l.Text)
}

func (c *Column) appendIntLiteral(dst []byte, l Literal) ([]byte, error) {
	if !c.Boolean {
		pattern, ok := c.clientInt(l)
		if !ok {
			return dst, c.errInt()
		}
		return c.appendInt(dst, pattern), nil
	}
	switch l.Kind {
	case LiteralTrue:
		return append(dst, "true"...), nil
	case LiteralFalse:
		return append(dst, "false"...), nil
	}
	return dst, errors.New("must be true or false")
}

func (c *Column) appendFloatLiteral(dst []byte, l Literal) ([]byte, error) {
	bits := 64
	if c.Kind == Float {
		bits = 32
	}
	if l.Kind != LiteralNumber {
		return dst, errors.New("must be a number")
	}
	f, err := strconv.ParseFloat(string(l.Text), bits)
	if err != nil {
		return dst, fmt.Errorf("must be a number that %d-bit floating point can hold", bits)
	}
	if c.Unsigned && f < 0 {
		return dst, errors.New("must be a number of at least 0")
	}
	return appendFloat(dst, f, bits), nil
}

// appendNaturalLiteral takes what is never negative.
func (c *Column) appendNaturalLiteral(dst []byte, l Literal) ([]byte, error) {
	negative, n, ok := parseInteger(l.Text)
	ok = ok && !negative && l.Kind == LiteralNumber
	if c.Kind == Year {
		if !ok || n != 0 && (n < 1901 || n > 2155) {
			return dst, errors.New("must be 0 or a year from 1901 to 2155")
		}
	} else if highest := uint64(math.MaxUint64) >> (64 - c.Size); !ok || n > highest {
		return dst, fmt.Errorf("must be a whole number from 0 to %d", highest)
	}
	return strconv.AppendUint(dst, n, 10), nil
}

// clientText checks a string against a text column. CHAR loses its trailing spaces, as it does when it is stored.
func (c *Column) clientText(l Literal) ([]byte, error) {
	if l.Kind != LiteralString {
		return nil, c.errText()
	}
	text := l.Text
	if c.Kind == Char {
		text = trimSpaces(text)
	}
	if c.Kind != Text && len(text) > c.Size && utf8.RuneCount(text) > c.Size {
		return nil, c.errText()
	}
	if !charsetOf(c.Charset).holds(text) {
		return nil, fmt.Errorf("has a character that the column's character set %s cannot hold", c.Charset)
	}
	return text, nil
}

// appendMemberLiteral writes members as they were declared, a set's in the order of the declaration.
func (c *Column) appendMemberLiteral(dst []byte, l Literal) ([]byte, error) {
	if l.Kind != LiteralString {
		return dst, errors.New("must be a string")
	}
	if c.Kind == Enum {
		i := c.member(l.Text)
		if i < 0 {
			return dst, fmt.Errorf("is not one of the values of %s", c.SQLType)
		}
		return appendString(dst, []byte(c.members[i])), nil
	}
	set, ok := c.memberSet(l.Text)
	if !ok {
		return dst, fmt.Errorf("is not a list of the values of %s, separated by commas", c.SQLType)
	}
	return appendString(dst, set), nil
}

// base64Length is the length of the value that base64 text stands for, as it is stored, and whether the column can
// hold it.
func (c *Column) base64Length(l Literal) (length int, ok bool) {
	if l.Kind != LiteralString || len(l.Text)%4 != 0 {
		return 0, false
	}
	length = len(l.Text) / 4 * 3
	for i := len(l.Text) - 1; i >= 0 && i >= len(l.Text)-2 && l.Text[i] == '='; i-- {
		length--
	}
	switch c.Kind {
	case Binary:
		return c.Size, length <= c.Size
	case VarBinary:
		return length, length <= c.Size
	}
	return length, true
}

// appendBase64 decodes text that has the right length, and pads BINARY with zeros.
func (c *Column) appendBase64(dst, text []byte) ([]byte, error) {
	start, room := len(dst), base64.StdEncoding.DecodedLen(len(text))
	dst = slices.Grow(dst, room+c.Size)
	n, err := base64.StdEncoding.Decode(dst[start:start+room], text)
	if err != nil || !canonicalBase64(dst[start:start+n], text) {
		return dst, c.errBase64()
	}
	dst = dst[:start+n]
	if c.Kind == Binary {
		dst = appendZeroBytes(dst, c.Size-n)
	}
	return dst, nil
}

// canonicalBase64 reports whether text is what the standard encoding makes of content: its decoder skips line breaks
// and takes any bits in the last character.
func canonicalBase64(content, text []byte) bool {
	if base64.StdEncoding.EncodedLen(len(content)) != len(text) {
		return false
	}
	var last [4]byte
	tail := len(content) / 3 * 3
	if tail == len(content) {
		return true
	}
	base64.StdEncoding.Encode(last[:], content[tail:])
	return string(last[:]) == string(text[len(text)-4:])
}

func (c *Column) appendBinaryLiteral(dst []byte, l Literal) ([]byte, error) {
	if _, ok := c.base64Length(l); !ok {
		return dst, c.errBase64()
	}
	content, err := c.appendBase64(nil, l.Text)
	if err != nil {
		return dst, err
	}
	return appendBase64String(dst, content), nil
}

func appendJSONLiteral(dst []byte, l Literal) []byte {
	switch l.Kind {
	case LiteralTrue:
		return append(dst, "true"...)
	case LiteralFalse:
		return append(dst, "false"...)
	case LiteralString:
		return appendString(dst, l.Text)
	}
	return append(dst, l.Text...)
}
