package vectors

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rongate/rongate/column"
)

// maxDepth bounds the nesting of a body. The API's own nesting is three; the rest is for JSON passed as a feature.
const maxDepth = 32

// validate checks that body is exactly one JSON value (RFC 8259) in valid UTF-8, with paired surrogates in its strings and
// at most maxDepth levels. Everything after it may walk the body with a cursor, which checks nothing.
func validate(body []byte) *Error {
	v := validator{data: body}
	err := v.value(0)
	if err == nil {
		v.space()
		if v.pos < len(v.data) {
			err = v.fail("something follows the end")
		}
	}
	return err
}

// validator is a position in a text that is being checked.
type validator struct {
	data []byte
	pos  int
}

func (v *validator) fail(what string) *Error {
	return errorf(MalformedJSON, "", "malformed JSON at byte %d: %s", v.pos, what)
}

// unexpected is the error of a text that does not go on as it must.
func (v *validator) unexpected() *Error {
	if v.pos >= len(v.data) {
		return v.fail("unexpected end")
	}
	return v.fail("unexpected byte")
}

func (v *validator) space() { v.pos = skipSpace(v.data, v.pos) }

func skipSpace(data []byte, pos int) int {
	for pos < len(data) {
		switch data[pos] {
		case ' ', '\t', '\n', '\r':
			pos++
		default:
			return pos
		}
	}
	return pos
}

// peek returns the next byte that is no white space, or 0 at the end.
func (v *validator) peek() byte {
	v.space()
	if v.pos < len(v.data) {
		return v.data[v.pos]
	}
	return 0
}

func (v *validator) value(depth int) *Error {
	switch c := v.peek(); {
	case depth == maxDepth && (c == '{' || c == '['):
		return v.fail("nested deeper than " + strconv.Itoa(maxDepth))
	case c == '{':
		return v.members(depth)
	case c == '[':
		return v.items(depth)
	case c == '"':
		return v.str()
	case c == '-' || '0' <= c && c <= '9':
		return v.number()
	case c == 't':
		return v.word("true")
	case c == 'f':
		return v.word("false")
	case c == 'n':
		return v.word("null")
	}
	return v.unexpected()
}

func (v *validator) word(w string) *Error {
	if len(v.data)-v.pos < len(w) || string(v.data[v.pos:v.pos+len(w)]) != w {
		return v.unexpected()
	}
	v.pos += len(w)
	return nil
}

func (v *validator) members(depth int) *Error {
	v.pos++
	if v.peek() == '}' {
		v.pos++
		return nil
	}
	for {
		if v.peek() != '"' {
			return v.unexpected()
		}
		if err := v.str(); err != nil {
			return err
		}
		if v.peek() != ':' {
			return v.unexpected()
		}
		v.pos++
		if err := v.value(depth + 1); err != nil {
			return err
		}
		switch v.peek() {
		case ',':
			v.pos++
		case '}':
			v.pos++
			return nil
		default:
			return v.unexpected()
		}
	}
}

func (v *validator) items(depth int) *Error {
	v.pos++
	if v.peek() == ']' {
		v.pos++
		return nil
	}
	for {
		if err := v.value(depth + 1); err != nil {
			return err
		}
		switch v.peek() {
		case ',':
			v.pos++
		case ']':
			v.pos++
			return nil
		default:
			return v.unexpected()
		}
	}
}

// str checks a string, whose opening quote is next.
func (v *validator) str() *Error {
	v.pos++
	for v.pos < len(v.data) {
		switch c := v.data[v.pos]; {
		case c == '"':
			v.pos++
			return nil
		case c == '\\':
			if err := v.escape(); err != nil {
				return err
			}
		case c < 0x20:
			return v.fail("control character in a string")
		case c < utf8.RuneSelf:
			v.pos++
		default:
			r, size := utf8.DecodeRune(v.data[v.pos:])
			if r == utf8.RuneError && size == 1 {
				return v.fail("invalid UTF-8")
			}
			v.pos += size
		}
	}
	return v.fail("unexpected end")
}

// escape checks an escape sequence, whose backslash is next. A surrogate must be the first half of a pair: a lone one
// is no character, and no column can hold it.
func (v *validator) escape() *Error {
	if len(v.data)-v.pos < 2 {
		return v.fail("unexpected end")
	}
	switch v.data[v.pos+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		v.pos += 2
		return nil
	case 'u':
		r, ok := hexRune(v.data[v.pos:])
		if !ok {
			return v.unexpected()
		}
		if !utf16.IsSurrogate(r) {
			v.pos += 6
			return nil
		}
		low, ok := hexRune(v.data[v.pos+6:])
		if !ok || utf16.DecodeRune(r, low) == utf8.RuneError {
			return v.fail("unpaired surrogate")
		}
		v.pos += 12
		return nil
	}
	return v.unexpected()
}

// hexRune reads an escape of the form \uXXXX at the start of data.
func hexRune(data []byte) (r rune, ok bool) {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	for _, c := range data[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func (v *validator) number() *Error {
	if v.data[v.pos] == '-' {
		v.pos++
	}
	switch {
	case v.at('0'):
		v.pos++
	case !v.digits():
		return v.unexpected()
	}
	if v.at('.') {
		v.pos++
		if !v.digits() {
			return v.unexpected()
		}
	}
	if v.at('e') || v.at('E') {
		v.pos++
		if v.at('+') || v.at('-') {
			v.pos++
		}
		if !v.digits() {
			return v.unexpected()
		}
	}
	return nil
}

func (v *validator) at(c byte) bool { return v.pos < len(v.data) && v.data[v.pos] == c }

// digits passes over digits and reports whether there were any.
func (v *validator) digits() bool {
	start := v.pos
	for v.pos < len(v.data) && '0' <= v.data[v.pos] && v.data[v.pos] <= '9' {
		v.pos++
	}
	return v.pos > start
}

// A cursor walks text that validate has passed. Its strings are slices of the text, or of its arena where they have
// escapes.
type cursor struct {
	data  []byte
	pos   int
	arena []byte
}

// kind returns the JSON type of the next value.
func (c *cursor) kind() column.LiteralKind {
	c.pos = skipSpace(c.data, c.pos)
	switch c.data[c.pos] {
	case '{':
		return column.LiteralObject
	case '[':
		return column.LiteralArray
	case '"':
		return column.LiteralString
	case 't':
		return column.LiteralTrue
	case 'f':
		return column.LiteralFalse
	case 'n':
		return column.LiteralNull
	}
	return column.LiteralNumber
}

// open enters the object or array that is next.
func (c *cursor) open() {
	c.pos = skipSpace(c.data, c.pos) + 1
}

// more moves to the next member or item of the object or array that was entered, or leaves it and reports false.
func (c *cursor) more() bool {
	c.pos = skipSpace(c.data, c.pos)
	switch c.data[c.pos] {
	case '}', ']':
		c.pos++
		return false
	case ',':
		c.pos = skipSpace(c.data, c.pos+1)
	}
	return true
}

// name reads a member's name and passes over the colon.
func (c *cursor) name() []byte {
	name := c.str()
	c.pos = skipSpace(c.data, c.pos) + 1
	return name
}

// literal reads the next value whole.
func (c *cursor) literal() column.Literal {
	kind := c.kind()
	switch kind {
	case column.LiteralString:
		return column.Literal{Kind: kind, Text: c.str()}
	case column.LiteralNumber, column.LiteralArray, column.LiteralObject:
		return column.Literal{Kind: kind, Text: c.raw()}
	}
	c.raw()
	return column.Literal{Kind: kind}
}

// raw passes over the next value and returns its text.
func (c *cursor) raw() []byte {
	c.pos = skipSpace(c.data, c.pos)
	start := c.pos
	for depth := 0; c.pos < len(c.data); {
		switch c.data[c.pos] {
		case '"':
			c.pos = stringEnd(c.data, c.pos)
		case '{', '[':
			depth++
			c.pos++
			continue
		case '}', ']':
			if depth == 0 { // the end of what holds this number or word
				return c.data[start:c.pos]
			}
			depth--
			c.pos++
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return c.data[start:c.pos]
			}
			c.pos++
			continue
		default:
			c.pos++
			continue
		}
		if depth == 0 {
			return c.data[start:c.pos]
		}
	}
	return c.data[start:c.pos]
}

// stringEnd returns the position after the string that begins at pos.
func stringEnd(data []byte, pos int) int {
	for pos++; data[pos] != '"'; pos++ {
		if data[pos] == '\\' {
			pos++
		}
	}
	return pos + 1
}

// str reads the string that is next.
func (c *cursor) str() []byte {
	c.pos = skipSpace(c.data, c.pos)
	start := c.pos + 1
	end := start
	for c.data[end] != '"' && c.data[end] != '\\' {
		end++
	}
	if c.data[end] == '"' {
		c.pos = end + 1
		return c.data[start:end]
	}
	c.pos = stringEnd(c.data, c.pos)
	return c.unescape(c.data[start : c.pos-1])
}

// unescape decodes a string into the arena.
func (c *cursor) unescape(s []byte) []byte {
	start := len(c.arena)
	for i := 0; i < len(s); {
		if s[i] != '\\' {
			c.arena = append(c.arena, s[i])
			i++
			continue
		}
		if s[i+1] != 'u' {
			c.arena = append(c.arena, plainEscape(s[i+1]))
			i += 2
			continue
		}
		r, _ := hexRune(s[i:])
		i += 6
		if utf16.IsSurrogate(r) {
			low, _ := hexRune(s[i:])
			r = utf16.DecodeRune(r, low)
			i += 6
		}
		c.arena = utf8.AppendRune(c.arena, r)
	}
	return c.arena[start:]
}

func plainEscape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}
