package avro

import (
	"strconv"
	"strings"

	"github.com/rongate/rongate/column"
)

// A Record is a record schema as Parse has read it: the types of a feature group's fields. It is immutable and safe for
// concurrent use.
type Record struct {
	fields map[string]*Type // by name
	folded map[string]*Type // by name in lower case; nil where several fields have it
}

// Field returns the type of the field of that name, or else of the only one whose name differs from it in nothing but
// case; nil if there is none.
func (r *Record) Field(name string) *Type {
	if t, ok := r.fields[name]; ok {
		return t
	}
	return r.folded[strings.ToLower(name)]
}

// A Type renders the datums of one Avro type. It is immutable and safe for concurrent use. A record type may contain
// itself.
type Type struct {
	kind kind
	name string // the full name of a record, enum or fixed type

	// empty tells that a datum may have no bytes at all, so that not even bytes left bound how many of it there are.
	empty bool

	cell             *column.Column // of Float, Double, Text, Bytes, Fixed, and of the keys of Map: renders what was read
	size             int            // of a fixed type and of a decimal in one; -1 for a decimal in bytes
	precision, scale int            // of Decimal
	symbols          []string       // of Enum, as JSON
	inner            []*Type        // the items of Array, the values of Map, the branches of Union
	fields           []field        // of a record
}

// A field of a record.
type field struct {
	name string
	open string // what is written before the value: a brace or a comma, and the name
	of   *Type
}

// kind is how a datum is laid out and rendered.
type kind uint8

const (
	kindNull kind = iota
	kindBoolean
	kindInt
	kindLong
	kindFloat
	kindDouble
	kindText // string, and its logical type uuid
	kindBytes
	kindFixed
	kindEnum
	kindDecimal
	kindDate
	kindTimeMillis
	kindTimeMicros
	kindTimestampMillis // and local-timestamp-millis: both are rendered as they are
	kindTimestampMicros // and local-timestamp-micros
	kindArray
	kindMap
	kindRecord
	kindUnion
)

func (k kind) String() string {
	return [...]string{
		"null", "boolean", "int", "long", "float", "double", "string", "bytes", "fixed", "enum", "decimal", "date",
		"time-millis", "time-micros", "timestamp-millis", "timestamp-micros", "array", "map", "record", "union",
	}[k]
}

// String describes the type for messages, such as array<null|double>. Records, enums and fixed types go by their names.
func (t *Type) String() string {
	var b strings.Builder
	t.describe(&b)
	return b.String()
}

// describe ends even for a record that contains itself, because a record is only named.
func (t *Type) describe(b *strings.Builder) {
	switch t.kind {
	case kindRecord, kindEnum, kindFixed:
		b.WriteString(t.name)
	case kindDecimal:
		b.WriteString("decimal(" + strconv.Itoa(t.precision) + "," + strconv.Itoa(t.scale) + ")")
	case kindArray, kindMap:
		b.WriteString(t.kind.String() + "<")
		t.inner[0].describe(b)
		b.WriteByte('>')
	case kindUnion:
		for i, branch := range t.inner {
			if i > 0 {
				b.WriteByte('|')
			}
			branch.describe(b)
		}
	default:
		b.WriteString(t.kind.String())
	}
}
