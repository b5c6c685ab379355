package column

import (
	"fmt"
	"strings"
	"testing"
)

// col makes a column of an SQL type as information_schema would describe it. For text the collation follows the type:
// "varchar(20) latin1_swedish_ci".
func col(t testing.TB, sql string) *Column {
	t.Helper()
	c, err := New(defOf(sql))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func boolean(t testing.TB, sql string) *Column {
	c := col(t, sql)
	c.Boolean = true
	return c
}

func defOf(sql string) Def {
	d := Def{Name: "c", ColumnType: sql}
	end := strings.IndexAny(sql, "( ")
	if end < 0 {
		end = len(sql)
	}
	d.DataType = sql[:end]
	var a, b int
	_, _ = fmt.Sscanf(sql[end:], "(%d,%d)", &a, &b)
	switch kindOf(d.DataType) {
	case Decimal:
		d.NumericPrecision, d.NumericScale = a, b
	case Bit:
		d.NumericPrecision = a
	case DateTime, Timestamp, Time:
		d.DatetimePrecision = a
	case Char, VarChar, Text, Enum, Set:
		if space := strings.LastIndexByte(sql, ' '); space > 0 {
			d.ColumnType, d.Collation = sql[:space], sql[space+1:]
			d.Charset, _, _ = strings.Cut(d.Collation, "_")
		}
		d.CharMaxLength = int64(a)
	case Binary, VarBinary:
		d.CharMaxLength = int64(a)
	}
	return d
}

// lit makes a Literal of JSON text whose strings have no escapes.
func lit(text string) Literal {
	switch {
	case text == "null":
		return Literal{}
	case text == "true":
		return Literal{Kind: LiteralTrue}
	case text == "false":
		return Literal{Kind: LiteralFalse}
	case text[0] == '"':
		return Literal{Kind: LiteralString, Text: []byte(text[1 : len(text)-1])}
	case text[0] == '[':
		return Literal{Kind: LiteralArray, Text: []byte(text)}
	case text[0] == '{':
		return Literal{Kind: LiteralObject, Text: []byte(text)}
	}
	return Literal{Kind: LiteralNumber, Text: []byte(text)}
}

func bytesOf(s string) Value { return BytesValue([]byte(s)) }

func TestValue(t *testing.T) {
	if !(Value{}).IsNull() || !Null().IsNull() || IntValue(0).IsNull() {
		t.Error("only the zero Value is NULL")
	}
	if i, ok := IntValue(-5).Int(); i != -5 || !ok {
		t.Errorf("Int: %d, %v", i, ok)
	}
	if u, ok := UintValue(1 << 63).Uint(); u != 1<<63 || !ok {
		t.Errorf("Uint: %d, %v", u, ok)
	}
	if f, ok := Float32Value(0.1).Float32(); f != 0.1 || !ok {
		t.Errorf("Float32: %v, %v", f, ok)
	}
	if f, ok := Float64Value(0.1).Float64(); f != 0.1 || !ok {
		t.Errorf("Float64: %v, %v", f, ok)
	}
	if b, ok := bytesOf("x").Bytes(); string(b) != "x" || !ok {
		t.Errorf("Bytes: %q, %v", b, ok)
	}
	if _, ok := UintValue(1).Int(); ok {
		t.Error("an unsigned integer was given as a signed one")
	}
	if _, ok := Null().Bytes(); ok {
		t.Error("NULL was given as bytes")
	}
}

func TestQuotableAndLarge(t *testing.T) {
	for _, tc := range []struct {
		c               *Column
		quotable, large bool
	}{
		{col(t, "bigint"), true, false},
		{boolean(t, "bigint"), false, false},
		{col(t, "int"), false, false},
		{col(t, "decimal(4,1)"), true, false},
		{col(t, "text utf8mb4_bin"), false, true},
		{col(t, "json"), false, true},
		{col(t, "blob"), false, true},
	} {
		if tc.c.Quotable() != tc.quotable || tc.c.Large() != tc.large {
			t.Errorf("%s: quotable %v, large %v", tc.c.SQLType, tc.c.Quotable(), tc.c.Large())
		}
	}
}
