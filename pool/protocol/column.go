package protocol

import (
	"encoding/binary"
	"fmt"
)

// A Column is one column of a result as the server describes it. Type is its SQL name, such as "UNSIGNED BIGINT". Scale
// is the number of decimals of DECIMAL, DATETIME, TIMESTAMP and TIME; -1 for other types.
type Column struct {
	Name, Type string
	Scale      int
}

// The type codes of the protocol.
const (
	codeDecimal    = 0x00
	codeTiny       = 0x01
	codeShort      = 0x02
	codeLong       = 0x03
	codeFloat      = 0x04
	codeDouble     = 0x05
	codeNull       = 0x06
	codeTimestamp  = 0x07
	codeLongLong   = 0x08
	codeInt24      = 0x09
	codeDate       = 0x0a
	codeTime       = 0x0b
	codeDateTime   = 0x0c
	codeYear       = 0x0d
	codeNewDate    = 0x0e
	codeVarChar    = 0x0f
	codeBit        = 0x10
	codeVector     = 0xf2
	codeJSON       = 0xf5
	codeNewDecimal = 0xf6
	codeEnum       = 0xf7
	codeSet        = 0xf8
	codeTinyBlob   = 0xf9
	codeMediumBlob = 0xfa
	codeLongBlob   = 0xfb
	codeBlob       = 0xfc
	codeVarString  = 0xfd
	codeString     = 0xfe
	codeGeometry   = 0xff
)

const (
	flagUnsigned = 1 << 5
	flagEnum     = 1 << 8
	flagSet      = 1 << 11

	collationBinary = 63 // of bytes that are no text
)

// anyScale is what servers say for a number of decimals that is not fixed. Times have no fraction then.
const anyScale = 0x1f

// definition is what a column definition says, besides names.
type definition struct {
	code      byte
	flags     uint16
	collation uint16
	decimals  byte
}

// parseColumn reads a column definition: catalogue, schema, table, table's own name, name and own name, then the length
// of what has a fixed length: collation, display length, type, flags, decimals.
func parseColumn(p packet) (Column, cell, error) {
	const names, name, fixed = 6, 4, 10
	var col Column
	malformed := fmt.Errorf("%w: a column definition", ErrMalformed)
	for i := range names {
		text, rest, ok := p.text()
		if !ok {
			return Column{}, cell{}, malformed
		}
		if i == name {
			col.Name = string(text)
		}
		p = rest
	}
	_, p, ok := p.integer()
	if !ok || len(p) < fixed {
		return Column{}, cell{}, malformed
	}
	d := definition{
		code: p[6], flags: binary.LittleEndian.Uint16(p[7:]), collation: binary.LittleEndian.Uint16(p), decimals: p[9],
	}
	if d.temporal() && d.decimals != anyScale && d.decimals > 6 {
		return Column{}, cell{}, fmt.Errorf("%w: a time of %d decimals", ErrMalformed, d.decimals)
	}
	col.Type, col.Scale = d.typeName(), d.scale()
	c, ok := d.cell()
	if !ok {
		return Column{}, cell{}, fmt.Errorf("%w: a column of type 0x%02x", ErrMalformed, d.code)
	}
	return col, c, nil
}

func (d definition) temporal() bool {
	return d.code == codeDateTime || d.code == codeTimestamp || d.code == codeTime
}

func (d definition) scale() int {
	switch {
	case d.code == codeDecimal || d.code == codeNewDecimal:
		return int(d.decimals)
	case !d.temporal():
		return -1
	case d.decimals == anyScale:
		return 0
	}
	return int(d.decimals)
}

// typeName is the SQL name of the type.
func (d definition) typeName() string {
	switch d.code {
	case codeTiny:
		return d.integer("TINYINT")
	case codeShort:
		return d.integer("SMALLINT")
	case codeInt24:
		return d.integer("MEDIUMINT")
	case codeLong:
		return d.integer("INT")
	case codeLongLong:
		return d.integer("BIGINT")
	case codeTinyBlob:
		return d.text("TINYTEXT", "TINYBLOB")
	case codeMediumBlob:
		return d.text("MEDIUMTEXT", "MEDIUMBLOB")
	case codeLongBlob:
		return d.text("LONGTEXT", "LONGBLOB")
	case codeBlob:
		return d.text("TEXT", "BLOB")
	case codeVarChar, codeVarString:
		return d.text("VARCHAR", "VARBINARY")
	case codeString:
		switch {
		case d.flags&flagEnum != 0:
			return "ENUM"
		case d.flags&flagSet != 0:
			return "SET"
		}
		return d.text("CHAR", "BINARY")
	}
	return d.plainName()
}

// plainName is the name of a type that depends on its code alone.
func (d definition) plainName() string {
	switch d.code {
	case codeDecimal, codeNewDecimal:
		return "DECIMAL"
	case codeFloat:
		return "FLOAT"
	case codeDouble:
		return "DOUBLE"
	case codeNull:
		return "NULL"
	case codeTimestamp:
		return "TIMESTAMP"
	case codeDate, codeNewDate:
		return "DATE"
	case codeTime:
		return "TIME"
	case codeDateTime:
		return "DATETIME"
	case codeYear:
		return "YEAR"
	case codeBit:
		return "BIT"
	case codeJSON:
		return "JSON"
	case codeEnum:
		return "ENUM"
	case codeSet:
		return "SET"
	case codeGeometry:
		return "GEOMETRY"
	case codeVector:
		return "VECTOR"
	}
	return ""
}

func (d definition) integer(name string) string {
	if d.flags&flagUnsigned == 0 {
		return name
	}
	return "UNSIGNED " + name
}

func (d definition) text(text, binary string) string {
	if d.collation == collationBinary {
		return binary
	}
	return text
}
