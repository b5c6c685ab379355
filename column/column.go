package column

import (
	"errors"
	"math"
	"slices"
)

// Kind is the family a column's type belongs to. It decides which client values the column takes as a key or passed
// feature, and how a stored value is rendered.
type Kind uint8

// The kinds, in the order of the MySQL manual's chapters on types.
const (
	Invalid   Kind = iota
	Int            // TINYINT, SMALLINT, MEDIUMINT, INT, BIGINT; Size is 1, 2, 3, 4 or 8 bytes
	Decimal        // DECIMAL(Precision, Scale)
	Float          // FLOAT: four bytes
	Double         // DOUBLE: eight bytes
	Bit            // BIT(Size)
	Year           // YEAR
	Date           // DATE
	DateTime       // DATETIME(Scale), read as UTC
	Timestamp      // TIMESTAMP(Scale), UTC because every session runs at +00:00
	Time           // TIME(Scale)
	Char           // CHAR(Size): the server strips trailing spaces
	VarChar        // VARCHAR(Size)
	Text           // TINYTEXT to LONGTEXT
	Enum           // ENUM
	Set            // SET
	Binary         // BINARY(Size): zero-padded
	VarBinary      // VARBINARY(Size)
	Blob           // TINYBLOB to LONGBLOB
	JSON           // JSON
)

// A Column is one column of a table as information_schema describes it. Columns are immutable once made and safe for
// concurrent use.
type Column struct {
	Name     string
	SQLType  string // COLUMN_TYPE, such as "bigint unsigned" or "varchar(20)"
	Kind     Kind
	Unsigned bool
	Nullable bool

	// Boolean marks an Int column whose offline type is boolean: it is rendered as true or false.
	Boolean bool

	// Complex renders the cells of a VarBinary or Blob column that holds complex features; nil: there are none in it.
	Complex Decoder

	// Size is bytes for Int, Binary and VarBinary, characters for Char and VarChar, bits for Bit; else 0.
	Size int

	// Precision is the number of digits of a Decimal. Scale is its digits after the point, or the digits of the
	// fractional second of DateTime, Timestamp and Time.
	Precision, Scale int

	// Charset and Collation are set for the text kinds, as information_schema names them.
	Charset, Collation string

	// Set by New from the fields above and the definition.
	wire    string    // how the driver names the type; "" for the families of TEXT and BLOB
	members []string  // of Enum and Set, in declared order and spelling
	match   matchRule // how the collation compares
}

// A Decoder renders the datum of a complex feature as JSON. It may be used concurrently.
type Decoder interface {
	// AppendJSON appends at most limit bytes, or the error is ErrLimit. Any other says that the datum does not fit. On an
	// error dst is returned as it was.
	AppendJSON(dst, datum []byte, limit int) ([]byte, error)
}

// ErrLimit is a datum that would be rendered as more bytes than there may be.
var ErrLimit = errors.New("it takes more JSON than allowed")

// Equal reports whether two columns are the same in every respect: what holds of the values of one holds of the other's.
func (c *Column) Equal(o *Column) bool {
	return c == o || c.Name == o.Name && c.SQLType == o.SQLType && c.Kind == o.Kind && c.Unsigned == o.Unsigned &&
		c.Nullable == o.Nullable && c.Boolean == o.Boolean && c.Complex == o.Complex && c.Size == o.Size &&
		c.Precision == o.Precision && c.Scale == o.Scale && c.Charset == o.Charset && c.Collation == o.Collation &&
		c.wire == o.wire && slices.Equal(c.members, o.members) // match follows from the others
}

// Large reports whether reading the column costs NDB a round trip a row, so that it is read in a statement of its own.
func (c *Column) Large() bool { return c.Kind == Text || c.Kind == Blob || c.Kind == JSON }

// Quotable reports whether a value of the column may exceed what a float64 holds exactly, so that `numbers: "string"`
// quotes it.
func (c *Column) Quotable() bool {
	return c.Kind == Decimal || c.Kind == Int && c.Size == 8 && !c.Boolean
}

// valueKind tells which field of a Value holds it.
type valueKind uint8

const (
	kindNull valueKind = iota
	kindInt
	kindUint
	kindFloat32
	kindFloat64
	kindBytes
)

// A Value is one cell of a row or one parameter of a statement, in the form the wire protocol gives it, without the
// allocation that an interface costs. The zero Value is NULL.
type Value struct {
	kind  valueKind
	bits  uint64
	bytes []byte
}

// Null is the SQL NULL.
func Null() Value { return Value{} }

// IntValue is a signed integer.
func IntValue(i int64) Value { return Value{kind: kindInt, bits: uint64(i)} }

// UintValue is an unsigned integer.
func UintValue(u uint64) Value { return Value{kind: kindUint, bits: u} }

// Float32Value is a FLOAT.
func Float32Value(f float32) Value {
	return Value{kind: kindFloat32, bits: uint64(math.Float32bits(f))}
}

// Float64Value is a DOUBLE.
func Float64Value(f float64) Value { return Value{kind: kindFloat64, bits: math.Float64bits(f)} }

// BytesValue is text, binary data or anything the protocol sends as text (DECIMAL, dates). The Value keeps b: it is
// valid for as long as b is.
func BytesValue(b []byte) Value { return Value{kind: kindBytes, bytes: b} }

// IsNull reports whether v is NULL.
func (v Value) IsNull() bool { return v.kind == kindNull }

// Int returns a signed integer and whether v is one.
func (v Value) Int() (int64, bool) { return int64(v.bits), v.kind == kindInt }

// Uint returns an unsigned integer and whether v is one.
func (v Value) Uint() (uint64, bool) { return v.bits, v.kind == kindUint }

// Float32 returns a FLOAT and whether v is one.
func (v Value) Float32() (float32, bool) {
	return math.Float32frombits(uint32(v.bits)), v.kind == kindFloat32
}

// Float64 returns a DOUBLE and whether v is one.
func (v Value) Float64() (float64, bool) { return math.Float64frombits(v.bits), v.kind == kindFloat64 }

// Bytes returns the bytes of a text or binary value and whether v is one. They are valid for as long as the slice that
// v was made from.
func (v Value) Bytes() ([]byte, bool) { return v.bytes, v.kind == kindBytes }

// LiteralKind is the JSON type of a value that a client sent.
type LiteralKind uint8

// The JSON types.
const (
	LiteralNull LiteralKind = iota
	LiteralTrue
	LiteralFalse
	LiteralNumber
	LiteralString
	LiteralArray
	LiteralObject
)

// A Literal is one JSON value that a client sent, already checked to be well-formed. Text is the number's token as it
// was sent, the string's decoded text as valid UTF-8, or the JSON text of an array or object; empty otherwise. It is
// borrowed: valid for as long as the request's body.
type Literal struct {
	Kind LiteralKind
	Text []byte
}
