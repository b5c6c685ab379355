package column

import (
	"slices"
	"strings"
	"testing"
)

func TestNew(t *testing.T) {
	for _, tc := range []struct {
		def  string
		want Column
	}{
		{"tinyint(4)", Column{SQLType: "tinyint", Kind: Int, Size: 1, wire: "TINYINT"}},
		{"tinyint(1)", Column{SQLType: "tinyint(1)", Kind: Int, Size: 1, wire: "TINYINT"}},
		{"smallint(5) unsigned", Column{
			SQLType: "smallint unsigned", Kind: Int, Size: 2, Unsigned: true, wire: "UNSIGNED SMALLINT",
		}},
		{"mediumint(9)", Column{SQLType: "mediumint", Kind: Int, Size: 3, wire: "MEDIUMINT"}},
		{"int(5) unsigned zerofill", Column{
			SQLType: "int(5) unsigned zerofill", Kind: Int, Size: 4, Unsigned: true, wire: "UNSIGNED INT",
		}},
		{"bigint unsigned", Column{SQLType: "bigint unsigned", Kind: Int, Size: 8, Unsigned: true, wire: "UNSIGNED BIGINT"}},
		{"decimal(10,3)", Column{SQLType: "decimal(10,3)", Kind: Decimal, Precision: 10, Scale: 3, wire: "DECIMAL"}},
		{"decimal(9,0) unsigned", Column{
			SQLType: "decimal(9,0) unsigned", Kind: Decimal, Precision: 9, Unsigned: true, wire: "DECIMAL",
		}},
		{"float", Column{SQLType: "float", Kind: Float, wire: "FLOAT"}},
		{"double unsigned", Column{SQLType: "double unsigned", Kind: Double, Unsigned: true, wire: "DOUBLE"}},
		{"bit(20)", Column{SQLType: "bit(20)", Kind: Bit, Size: 20, wire: "BIT"}},
		{"year(4)", Column{SQLType: "year", Kind: Year, wire: "YEAR"}},
		{"date", Column{SQLType: "date", Kind: Date, wire: "DATE"}},
		{"datetime", Column{SQLType: "datetime", Kind: DateTime, wire: "DATETIME"}},
		{"timestamp(6)", Column{SQLType: "timestamp(6)", Kind: Timestamp, Scale: 6, wire: "TIMESTAMP"}},
		{"time(2)", Column{SQLType: "time(2)", Kind: Time, Scale: 2, wire: "TIME"}},
		{"binary(4)", Column{SQLType: "binary(4)", Kind: Binary, Size: 4, wire: "BINARY"}},
		{"varbinary(9)", Column{SQLType: "varbinary(9)", Kind: VarBinary, Size: 9, wire: "VARBINARY"}},
		{"mediumblob", Column{SQLType: "mediumblob", Kind: Blob}},
		{"json", Column{SQLType: "json", Kind: JSON, wire: "JSON"}},
	} {
		got := *col(t, tc.def)
		tc.want.Name = "c"
		if !sameColumn(got, tc.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", tc.def, got, tc.want)
		}
	}
}

// sameColumn compares all but the members, which New only reads for Enum and Set.
func sameColumn(a, b Column) bool {
	return a.Name == b.Name && a.SQLType == b.SQLType && a.Kind == b.Kind && a.Unsigned == b.Unsigned &&
		a.Size == b.Size && a.Precision == b.Precision && a.Scale == b.Scale && a.wire == b.wire &&
		a.Charset == b.Charset && a.Collation == b.Collation && a.match == b.match
}

func TestNewText(t *testing.T) {
	c := col(t, "varchar(20) latin1_swedish_ci")
	want := Column{
		Name: "c", SQLType: "varchar(20)", Kind: VarChar, Size: 20, wire: "VARCHAR",
		Charset: "latin1", Collation: "latin1_swedish_ci",
		match: matchRule{match: MatchASCII, fold: true, strip: true},
	}
	if !sameColumn(*c, want) {
		t.Errorf("\n got %+v\nwant %+v", *c, want)
	}
	if c := col(t, "longtext utf8mb4_bin"); c.Kind != Text || c.Size != 0 || c.Collation != "utf8mb4_bin" {
		t.Errorf("longtext: %+v", *c)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, tc := range []struct {
		def  Def
		want string
	}{
		{Def{Name: "place", DataType: "geometry"}, "column place: the type geometry is not supported"},
		{Def{Name: "v", DataType: "vector"}, "column v: the type vector is not supported"},
		{Def{Name: "d", DataType: "decimal"}, "column d: a DECIMAL of 0 digits, 0 of them after the point"},
		{Def{Name: "b", DataType: "bit", NumericPrecision: 65}, "column b: a BIT of 65 bits"},
		{Def{Name: "t", DataType: "time", DatetimePrecision: 7}, "column t: a time with 7 digits of a second"},
		{Def{Name: "s", DataType: "char", CharMaxLength: -1}, "column s: a length of -1"},
		{Def{Name: "e", DataType: "enum", ColumnType: "enum"}, "column e: the list of members cannot be read"},
		{Def{Name: "e", DataType: "enum", ColumnType: "enum('a'"}, "column e: the list of members cannot be read"},
		{Def{Name: "e", DataType: "enum", ColumnType: "enum('a',)"}, "column e: the list of members cannot be read"},
		{Def{Name: "e", DataType: "enum", ColumnType: "enum('a"}, "column e: the list of members cannot be read"},
		{Def{Name: "e", DataType: "set", ColumnType: "set('a'b)"}, "column e: the list of members cannot be read"},
	} {
		if _, err := New(tc.def); err == nil || err.Error() != tc.want {
			t.Errorf("%+v: %v, want %q", tc.def, err, tc.want)
		}
	}
}

func TestMembers(t *testing.T) {
	c, err := New(Def{DataType: "enum", ColumnType: `enum('it''s','','a,b','c\\d','e\nf\rg\0h',')','ü') charset binary`})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"it's", "", "a,b", `c\d`, "e\nf\rg\x00h", ")", "ü"}
	if !slices.Equal(c.members, want) {
		t.Errorf("got %q, want %q", c.members, want)
	}
}

func TestCheckKey(t *testing.T) {
	for _, sql := range []string{
		"tinyint", "bigint unsigned", "decimal(4,2)", "date", "datetime(3)", "timestamp", "binary(3)", "varbinary(3)",
		"char(3) ascii_bin", "varchar(3) latin1_swedish_ci", "varchar(3) utf8mb4_0900_ai_ci", "varchar(3) utf8_bin",
		"varchar(3) utf8mb3_turkish_ci", "varchar(3) ucs2_general_ci", "char(3) utf16_bin", "char(3) utf16le_bin",
		"char(3) utf32_general_ci",
	} {
		if err := col(t, sql).CheckKey(); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for sql, want := range map[string]string{
		"float":                   "a column of type float cannot be part of a key",
		"double":                  "a column of type double cannot be part of a key",
		"bit(3)":                  "a column of type bit(3) cannot be part of a key",
		"year":                    "a column of type year cannot be part of a key",
		"time":                    "a column of type time cannot be part of a key",
		"enum('a') ascii_bin":     "a column of type enum('a') cannot be part of a key",
		"set('a') ascii_bin":      "a column of type set('a') cannot be part of a key",
		"text utf8mb4_bin":        "a column of type text cannot be part of a key",
		"blob":                    "a column of type blob cannot be part of a key",
		"json":                    "a column of type json cannot be part of a key",
		"char(3) sjis_bin":        "a column of the character set sjis cannot be part of a key",
		"varchar(3) cp1251_bin":   "a column of the character set cp1251 cannot be part of a key",
		"varchar(3) gb18030_bin":  "a column of the character set gb18030 cannot be part of a key",
		"varchar(3) latin2_bin":   "a column of the character set latin2 cannot be part of a key",
		"varchar(3) macroman_bin": "a column of the character set macroman cannot be part of a key",
	} {
		if err := col(t, sql).CheckKey(); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %q", sql, err, want)
		}
	}
	if err := boolean(t, "tinyint(1)").CheckKey(); err == nil || !strings.Contains(err.Error(), "boolean") {
		t.Errorf("boolean: %v", err)
	}
}

func TestCheckEventTime(t *testing.T) {
	for _, sql := range []string{"timestamp(3)", "datetime", "date", "bigint", "int unsigned"} {
		if err := col(t, sql).CheckEventTime(); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for _, sql := range []string{"time", "year", "decimal(10,0)", "double", "varchar(20) utf8mb4_bin"} {
		if err := col(t, sql).CheckEventTime(); err == nil {
			t.Errorf("%s: taken", sql)
		}
	}
	if err := boolean(t, "bigint").CheckEventTime(); err == nil {
		t.Error("boolean: taken")
	}
}

func TestFitsWire(t *testing.T) {
	for _, tc := range []struct {
		sql, wire string
		scale     int
		want      bool
	}{
		{"int", "INT", -1, true},
		{"int", "BIGINT", -1, false},
		{"int", "UNSIGNED INT", -1, false},
		{"int", "VARCHAR", -1, false},
		{"bigint unsigned", "UNSIGNED BIGINT", -1, true},
		{"bigint unsigned", "BIGINT", -1, false},
		{"decimal(10,3)", "DECIMAL", 3, true},
		{"decimal(10,3)", "DECIMAL", 2, false},
		{"datetime(3)", "DATETIME", 3, true},
		{"datetime(3)", "DATETIME", 0, false},
		{"datetime", "TIMESTAMP", 0, false},
		{"time(2)", "TIME", 2, true},
		{"date", "DATE", -1, true},
		{"float", "FLOAT", 1 << 30, true},
		{"float", "DOUBLE", 1 << 30, false},
		{"varchar(3) latin1_bin", "VARCHAR", -1, true},
		{"varchar(3) latin1_bin", "VARBINARY", -1, false},
		{"varchar(3) latin1_bin", "CHAR", -1, false},
		{"varchar(3) latin1_bin", "TEXT", -1, false},
		{"text latin1_bin", "TEXT", -1, true},
		{"tinytext latin1_bin", "LONGTEXT", -1, true},
		{"text latin1_bin", "BLOB", -1, false},
		{"text latin1_bin", "VARCHAR", -1, false},
		{"mediumblob", "BLOB", -1, true},
		{"mediumblob", "TEXT", -1, false},
		{"json", "JSON", -1, true},
		{"json", "TEXT", -1, false},
		{"enum('a') latin1_bin", "ENUM", -1, true},
		{"enum('a') latin1_bin", "CHAR", -1, false},
		{"set('a') latin1_bin", "SET", -1, true},
		{"binary(3)", "BINARY", -1, true},
		{"binary(3)", "CHAR", -1, false},
		{"bit(3)", "BIT", -1, true},
		{"year", "YEAR", -1, true},
	} {
		if got := col(t, tc.sql).FitsWire(tc.wire, tc.scale); got != tc.want {
			t.Errorf("%s from %s, %d: %v", tc.sql, tc.wire, tc.scale, got)
		}
	}
}
