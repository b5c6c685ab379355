package column

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// A Def is one row of information_schema.COLUMNS. NULL is the zero value.
type Def struct {
	Name, DataType, ColumnType                        string
	Nullable                                          bool
	CharMaxLength                                     int64
	Charset, Collation                                string
	NumericPrecision, NumericScale, DatetimePrecision int
}

// The server's limits on what a definition may say.
const (
	maxPrecision = 65
	maxScale     = 38 // MariaDB's; MySQL stops at 30
	maxFraction  = 6
)

// New makes the Column of a definition. A type that rongate cannot serve is an error.
func New(d Def) (*Column, error) {
	c := &Column{
		Name:      d.Name,
		SQLType:   sqlType(d.ColumnType),
		Nullable:  d.Nullable,
		Charset:   strings.ToLower(d.Charset),
		Collation: strings.ToLower(d.Collation),
	}
	if err := c.setType(d); err != nil {
		return nil, fmt.Errorf("column %s: %w", d.Name, err)
	}
	return c, nil
}

// setType fills in all that depends on the type.
func (c *Column) setType(d Def) error {
	dataType := strings.ToLower(d.DataType)
	c.Kind = kindOf(dataType)
	c.wire = strings.ToUpper(dataType)
	switch c.Kind {
	case Int:
		c.Size = intSize(dataType)
	case Float, Double:
	case Decimal:
		c.Precision, c.Scale = d.NumericPrecision, d.NumericScale
		if c.Precision < 1 || c.Precision > maxPrecision || c.Scale < 0 || c.Scale > min(c.Precision, maxScale) {
			return fmt.Errorf("a DECIMAL of %d digits, %d of them after the point", c.Precision, c.Scale)
		}
	case Bit:
		c.Size = d.NumericPrecision
		if c.Size < 1 || c.Size > 64 {
			return fmt.Errorf("a BIT of %d bits", c.Size)
		}
	case DateTime, Timestamp, Time:
		c.Scale = d.DatetimePrecision
		if c.Scale < 0 || c.Scale > maxFraction {
			return fmt.Errorf("a time with %d digits of a second", c.Scale)
		}
	case Char, VarChar, Binary, VarBinary:
		if d.CharMaxLength < 0 || d.CharMaxLength > math.MaxInt32 {
			return fmt.Errorf("a length of %d", d.CharMaxLength)
		}
		c.Size = int(d.CharMaxLength)
	case Text, Blob:
		c.wire = "" // servers give any member of the family for any other
	case Enum, Set:
		var err error
		if c.members, err = parseMembers(d.ColumnType); err != nil {
			return err
		}
	case Invalid:
		return fmt.Errorf("the type %s is not supported", d.DataType)
	}
	c.setUnsigned(d)
	c.match = matchRuleOf(c.Kind, c.Collation)
	return nil
}

func (c *Column) setUnsigned(d Def) {
	switch c.Kind {
	case Int, Decimal, Float, Double:
		c.Unsigned = strings.Contains(strings.ToLower(d.ColumnType), "unsigned")
		if c.Unsigned && c.Kind == Int {
			c.wire = "UNSIGNED " + c.wire
		}
	}
}

func kindOf(dataType string) Kind {
	switch dataType {
	case "tinyint", "smallint", "mediumint", "int", "bigint":
		return Int
	case "decimal":
		return Decimal
	case "float":
		return Float
	case "double":
		return Double
	case "bit":
		return Bit
	case "year":
		return Year
	case "date":
		return Date
	case "datetime":
		return DateTime
	case "timestamp":
		return Timestamp
	case "time":
		return Time
	case "char":
		return Char
	case "varchar":
		return VarChar
	case "tinytext", "text", "mediumtext", "longtext":
		return Text
	case "enum":
		return Enum
	case "set":
		return Set
	case "binary":
		return Binary
	case "varbinary":
		return VarBinary
	case "tinyblob", "blob", "mediumblob", "longblob":
		return Blob
	case "json":
		return JSON
	}
	return Invalid
}

func intSize(dataType string) int {
	switch dataType {
	case "tinyint":
		return 1
	case "smallint":
		return 2
	case "mediumint":
		return 3
	case "int":
		return 4
	}
	return 8
}

// sqlType is COLUMN_TYPE without the display width of integers and years, which MySQL dropped and MariaDB still shows,
// so that clients see one name for one type. MySQL keeps the width, and so does rongate, where it means something:
// tinyint(1) is how a boolean is declared, and ZEROFILL pads to it.
func sqlType(columnType string) string {
	name, rest, ok := strings.Cut(columnType, "(")
	if !ok || strings.HasPrefix(columnType, "tinyint(1)") || strings.Contains(rest, "zerofill") {
		return columnType
	}
	switch kindOf(name) {
	case Int, Year:
		_, rest, _ = strings.Cut(rest, ")")
		return name + rest
	}
	return columnType
}

// CheckKey tells why the column may not be part of a key. Approximate numbers have no canonical form, and rongate must
// know what a character set can hold: on NDB one value that the column cannot hold turns the whole statement into a
// table scan or an error.
func (c *Column) CheckKey() error {
	switch c.Kind {
	case Int:
		if c.Boolean {
			return errors.New("a boolean column cannot be part of a key")
		}
		return nil
	case Decimal, Date, DateTime, Timestamp, Binary, VarBinary:
		return nil
	case Char, VarChar:
		if charsetOf(c.Charset) == unknownCharset {
			return fmt.Errorf("a column of the character set %s cannot be part of a key", c.Charset)
		}
		return nil
	}
	return fmt.Errorf("a column of type %s cannot be part of a key", c.SQLType)
}

// CheckEventTime tells why the column may not be a feature group's event time.
func (c *Column) CheckEventTime() error {
	switch c.Kind {
	case Timestamp, DateTime, Date:
		return nil
	case Int:
		if !c.Boolean {
			return nil
		}
		return errors.New("a boolean column cannot be an event time")
	}
	return fmt.Errorf("a column of type %s cannot be an event time", c.SQLType)
}

// FitsWire reports whether a result column could still be this one: wireType is the driver's name for its type and
// scale its digits after the point, -1 where it has none. After an ALTER TABLE the server answers a prepared statement
// with the new types and no error, so every execution is checked. Lengths, character sets, collations and nullability
// do not show here: a change of those alone is seen when the definition is read again.
func (c *Column) FitsWire(wireType string, scale int) bool {
	switch c.Kind {
	case Decimal, DateTime, Timestamp, Time:
		return wireType == c.wire && scale == c.Scale
	case Text:
		return wireType == "TEXT" || wireType == "LONGTEXT" || wireType == "MEDIUMTEXT" || wireType == "TINYTEXT"
	case Blob:
		return wireType == "BLOB" || wireType == "LONGBLOB" || wireType == "MEDIUMBLOB" || wireType == "TINYBLOB"
	}
	return wireType == c.wire
}
