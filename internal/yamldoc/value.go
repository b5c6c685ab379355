package yamldoc

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// The short tags that the YAML parser resolves a scalar to.
const (
	tagText  = "!!str"
	tagInt   = "!!int"
	tagFloat = "!!float"
	tagBool  = "!!bool"
	tagNull  = "!!null"
	tagTime  = "!!timestamp" // a date or time without quotes
)

// A Value is one value of a file, or its absence. Its typed methods return the default they are given if the value is
// absent or null, and, having recorded the problem, if it is wrong. Bounds are not applied to a default.
type Value struct {
	doc      *Doc
	at       Pos
	node     *yaml.Node // nil: absent
	required bool
}

// At is where the value is, or, if it is absent, the line of the mapping that lacks it.
func (v Value) At() Pos { return v.at }

// Written reports whether the file has the field, if only as null.
func (v Value) Written() bool { return v.node != nil }

// Present reports whether the file gives a value other than null.
func (v Value) Present() bool { return v.node != nil && !isNull(v.node) }

// IsText, IsList and IsMap report what a value is, where more than one is allowed.
func (v Value) IsText() bool { return v.node != nil && isScalar(v.node, tagText) }

// IsList reports whether the value is a list.
func (v Value) IsList() bool { return v.node != nil && v.node.Kind == yaml.SequenceNode }

// IsMap reports whether the value is a mapping.
func (v Value) IsMap() bool { return v.node != nil && v.node.Kind == yaml.MappingNode }

// Fail records that the value is wrong in a way that only the caller knows.
func (v Value) Fail(format string, args ...any) { v.doc.Add(v.at, format, args...) }

// Text reads text. A required text is never empty.
func (v Value) Text(def string) string {
	switch {
	case !v.given():
		return def
	case v.node.Kind == yaml.ScalarNode && isScalar(v.node, tagInt, tagFloat, tagBool, tagTime):
		v.Fail("must be text; write it in quotes") // without the value, which may be a secret
		return def
	case !isScalar(v.node, tagText):
		v.Fail("must be text, not %s", describe(v.node))
		return def
	case v.required && v.node.Value == "":
		v.Fail("is empty; give it a value")
		return def
	}
	return v.node.Value
}

// OneOf reads one of a few words.
func (v Value) OneOf(def string, words ...string) string {
	if !v.given() {
		return def
	}
	if isScalar(v.node, tagText) {
		for _, word := range words {
			if word == v.node.Value {
				return word
			}
		}
	}
	v.Fail("must be one of %s, not %s", strings.Join(words, ", "), describe(v.node))
	return def
}

// Bool reads true or false.
func (v Value) Bool(def bool) bool {
	switch {
	case !v.given():
		return def
	case !isScalar(v.node, tagBool):
		v.Fail("must be true or false, not %s", describe(v.node))
		return def
	}
	return strings.EqualFold(v.node.Value, "true")
}

// Int reads a whole number from low to high.
func (v Value) Int(def, low, high int64) int64 {
	if !v.given() {
		return def
	}
	n, err := strconv.ParseInt(v.node.Value, 10, 64)
	if err != nil || !isScalar(v.node, tagInt) || n < low || n > high {
		v.Fail("must be a whole number%s, not %s", bounds(low, high, math.MinInt64, math.MaxInt64), describe(v.node))
		return def
	}
	return n
}

// Float reads a number from low to high.
func (v Value) Float(def, low, high float64) float64 {
	if !v.given() {
		return def
	}
	f, err := strconv.ParseFloat(v.node.Value, 64)
	if err != nil || !isScalar(v.node, tagInt, tagFloat) || !(f >= low && f <= high) {
		v.Fail("must be a number%s, not %s", bounds(low, high, math.Inf(-1), math.Inf(1)), describe(v.node))
		return def
	}
	return f
}

// Duration reads a duration from low to high: Go's form, such as 1h30m, with d for days in front.
func (v Value) Duration(def, low, high time.Duration) time.Duration {
	if !v.given() {
		return def
	}
	d, err := ParseDuration(v.node.Value)
	if err != nil || !isScalar(v.node, tagText, tagInt) || d < low || d > high {
		v.Fail("must be a duration such as 250ms, 30s or 7d%s, not %s",
			bounds(low, high, 0, math.MaxInt64), describe(v.node))
		return def
	}
	return d
}

// Scalar reads a text, number or boolean; ok is false if the value is absent, null or none of these. A date without
// quotes is a text.
func (v Value) Scalar() (s Scalar, ok bool) {
	if !v.given() {
		return Scalar{}, false
	}
	if v.node.Kind == yaml.ScalarNode {
		switch v.node.ShortTag() {
		case tagText, tagTime:
			return Scalar{Text, v.node.Value}, true
		case tagInt, tagFloat:
			return Scalar{Number, v.node.Value}, true
		case tagBool:
			return Scalar{Bool, strings.ToLower(v.node.Value)}, true
		}
	}
	v.Fail("must be text, a number, true or false, not %s", describe(v.node))
	return Scalar{}, false
}

// A Scalar is a value whose kind the caller does not know beforehand.
type Scalar struct {
	Kind ScalarKind
	Text string // the text; the number as the file has it; "true" or "false"
}

// ScalarKind is what a Scalar is.
type ScalarKind uint8

// The kinds of scalars.
const (
	Text ScalarKind = iota
	Number
	Bool
)

// Map opens a mapping. An absent one has no fields, and does not report that a required field of its own is missing.
func (v Value) Map() *Map {
	switch {
	case !v.given():
		return v.doc.emptyMap(v.at)
	case v.node.Kind != yaml.MappingNode:
		v.Fail("must be a mapping of names to values, not %s", describe(v.node))
		return v.doc.emptyMap(v.at)
	}
	return newMap(v.doc, v.at, v.node)
}

// List reads a list, whose items must have values. A required list has at least one.
func (v Value) List() []Value {
	switch {
	case !v.given():
		return nil
	case v.node.Kind != yaml.SequenceNode:
		v.Fail("must be a list, not %s", describe(v.node))
		return nil
	case v.required && len(v.node.Content) == 0:
		v.Fail("is empty; give it at least one item")
	}
	items := make([]Value, len(v.node.Content))
	for i, node := range v.node.Content {
		at := Pos{File: v.at.File, Line: node.Line, Field: v.at.Field + "[" + strconv.Itoa(i) + "]"}
		items[i] = Value{doc: v.doc, at: at, node: node, required: true}
	}
	return items
}

// OneOrMore reads a list that is not empty, or a single value as a list of one.
func (v Value) OneOrMore() []Value {
	if !v.Present() {
		return nil
	}
	v.required = true
	if v.IsList() {
		return v.List()
	}
	return []Value{v}
}

// given reports whether there is a value to be read, and records what is wrong if there should be.
func (v Value) given() bool {
	switch {
	case v.node == nil: // Required has reported it
		return false
	case v.node.Kind == yaml.AliasNode:
		v.Fail("aliases are not supported; write the value out")
		return false
	case isNull(v.node):
		if v.required {
			v.Fail("is empty; give it a value")
		}
		return false
	}
	return true
}

func isNull(node *yaml.Node) bool { return isScalar(node, tagNull) }

func isScalar(node *yaml.Node, tags ...string) bool {
	if node.Kind != yaml.ScalarNode {
		return false
	}
	short := node.ShortTag()
	for _, tag := range tags {
		if tag == short {
			return true
		}
	}
	return false
}

// describe says what a node is, for a message that says what it should be.
func describe(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	switch tag := node.ShortTag(); tag {
	case tagText:
		return "the text " + strconv.Quote(clip(node.Value))
	case tagNull:
		return "null"
	case tagInt, tagFloat, tagBool, tagTime:
		return clip(node.Value)
	default:
		return "a value tagged " + clip(tag)
	}
}

// clip keeps messages to a line.
func clip(s string) string {
	const most = 60
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most]) + "…"
}

// bounds says what a number is bounded by, where it is.
func bounds[T int64 | float64 | time.Duration](low, high, lowest, highest T) string {
	switch {
	case low > lowest && high < highest:
		return fmt.Sprintf(" from %v to %v", low, high)
	case low > lowest:
		return fmt.Sprintf(" of at least %v", low)
	case high < highest:
		return fmt.Sprintf(" of at most %v", high)
	}
	return ""
}

// daysFirst is a duration that has days.
var daysFirst = regexp.MustCompile(`^(\d+(?:\.\d+)?)d(.*)$`)

// ParseDuration reads a Go duration that is not negative and may have days in front: 7d, 1d12h, 250ms.
func ParseDuration(s string) (time.Duration, error) {
	var days time.Duration
	rest := s
	if m := daysFirst.FindStringSubmatch(s); m != nil {
		d, err := time.ParseDuration(m[1] + "h")
		if err != nil || d > math.MaxInt64/24 {
			return 0, fmt.Errorf("duration %q is too long", s)
		}
		if days, rest = d*24, m[2]; rest == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || strings.ContainsAny(rest, "+-") || days > math.MaxInt64-d {
		return 0, fmt.Errorf("%q is not a duration such as 250ms, 30s or 7d", s)
	}
	return days + d, nil
}
