package column

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// fuzzTypes has every kind, with the variations that take another path.
func fuzzTypes() []string {
	return []string{
		"tinyint", "int unsigned", "bigint", "bigint unsigned", "decimal(10,3)", "decimal(4,4) unsigned", "decimal(65,0)",
		"float", "double", "bit(1)", "bit(64)", "year", "date", "datetime", "datetime(3)", "timestamp(6)", "time", "time(2)",
		"char(5) latin1_swedish_ci", "varchar(5) utf8mb4_0900_ai_ci", "varchar(300) utf8mb3_bin", "text utf8mb4_bin",
		"enum('Low','High','it''s') utf8mb4_bin", "set('x','y','Z') utf8mb4_bin", "binary(4)", "varbinary(200)", "blob",
		"json",
	}
}

func fuzzColumns(f *testing.F) []*Column {
	var columns []*Column
	for _, sql := range fuzzTypes() {
		columns = append(columns, col(f, sql))
	}
	return append(columns, boolean(f, "tinyint(1)"))
}

// seeds are values near the edge of one kind or another; all of them are tried on all columns.
func seeds() []string {
	return []string{
		"", "0", "-0", "-1", "127", "18446744073709551615", "1.5", "-0.000", "1e5", "00012.300", "-.5", "2026-01-31",
		"0000-00-00", "2026-01-31 23:59:59", "2026-01-31 23:59:59.999999", "-838:59:59", "12:00:00.50", "AQIDBA==", "AQ",
		"Åäö  ", "日本😀", "a\xff\x00\"\\", "low", "Z,x", `{"a":[1,null]}`, `"x"`, "null", strings.Repeat("x", 200),
	}
}

func literalOf(kind uint8, text []byte) (Literal, bool) {
	l := Literal{Kind: LiteralKind(kind % 7), Text: text}
	switch l.Kind {
	case LiteralNumber:
		return l, json.Valid(text) && len(text) > 0 && (text[0] == '-' || text[0] >= '0' && text[0] <= '9') &&
			!bytes.ContainsAny(text, " \t\r\n")
	case LiteralString:
		return l, utf8.Valid(text)
	case LiteralArray:
		return l, json.Valid(text) && utf8.Valid(text) && text[0] == '['
	case LiteralObject:
		return l, json.Valid(text) && utf8.Valid(text) && text[0] == '{'
	}
	return Literal{Kind: l.Kind}, true
}

func FuzzAppendKey(f *testing.F) {
	columns := fuzzColumns(f)
	for _, seed := range seeds() {
		f.Add(uint8(LiteralNumber), []byte(seed))
		f.Add(uint8(LiteralString), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, kind uint8, text []byte) {
		l, ok := literalOf(kind, text)
		if !ok {
			return
		}
		for _, c := range columns {
			if c.CheckKey() != nil {
				continue
			}
			enc, err := c.AppendKey([]byte("<"), l)
			if err != nil {
				if string(enc) != "<" {
					t.Fatalf("%s: an error and %q", c.SQLType, enc)
				}
				continue
			}
			v, rest := c.CutKey(append(slices.Clip(enc[1:]), '>'))
			again, err := c.AppendKeyValue(nil, v)
			if err != nil || !bytes.Equal(again, enc[1:]) || string(rest) != ">" {
				t.Fatalf("%s: %q was written again as %q, %v, rest %q", c.SQLType, enc[1:], again, err, rest)
			}
			checkEcho(t, c, v, l)
		}
	})
}

// checkEcho holds what a key looks like in the answer to what the same value looks like as a passed feature.
func checkEcho(t *testing.T, c *Column, v Value, l Literal) {
	echo, err := c.AppendJSON(nil, v)
	if err != nil {
		t.Fatalf("%s: no echo: %v", c.SQLType, err)
	}
	passed, err := c.AppendLiteral(nil, l)
	if err != nil || !bytes.Equal(echo, passed) {
		t.Fatalf("%s: echo %q, passed %q, %v", c.SQLType, echo, passed, err)
	}
}

func FuzzAppendKeyValue(f *testing.F) {
	columns := fuzzColumns(f)
	for _, seed := range seeds() {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, c := range columns {
			enc, err := c.AppendKeyValue(nil, BytesValue(text))
			if err != nil {
				continue
			}
			v, rest := c.CutKey(enc)
			again, err := c.AppendKeyValue(nil, v)
			if err != nil || !bytes.Equal(again, enc) || len(rest) != 0 {
				t.Fatalf("%s: %q was written again as %q, %v, rest %q", c.SQLType, enc, again, err, rest)
			}
			form, _ := c.AppendMatch(nil, BytesValue(text))
			same, _ := c.AppendMatch(nil, v)
			if !bytes.Equal(form, same) {
				t.Fatalf("%s: %q has the form %q, its key %q", c.SQLType, text, form, same)
			}
		}
	})
}

func FuzzAppendJSON(f *testing.F) {
	columns := fuzzColumns(f)
	for _, seed := range seeds() {
		f.Add(uint8(kindBytes), uint64(0), []byte(seed))
	}
	f.Add(uint8(kindFloat32), uint64(0x7FC00000), []byte(nil))
	f.Add(uint8(kindFloat64), uint64(0x7FF0000000000000), []byte(nil))
	f.Add(uint8(kindInt), uint64(1<<63), []byte(nil))
	f.Add(uint8(kindUint), uint64(1<<63), []byte(nil))
	f.Fuzz(func(t *testing.T, kind uint8, bits uint64, text []byte) {
		v := Value{kind: valueKind(kind % uint8(kindBytes+1)), bits: bits, bytes: text}
		for _, c := range columns {
			c.EpochMillis(v)
			got, err := c.AppendJSON([]byte("<"), v)
			if err != nil {
				if string(got) != "<" {
					t.Fatalf("%s: an error and %q", c.SQLType, got)
				}
				continue
			}
			if !json.Valid(got[1:]) || !utf8.Valid(got) {
				t.Fatalf("%s: %q is not JSON", c.SQLType, got[1:])
			}
		}
	})
}

func FuzzAppendLiteral(f *testing.F) {
	columns := fuzzColumns(f)
	for _, seed := range seeds() {
		for kind := range uint8(7) {
			f.Add(kind, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, text []byte) {
		l, ok := literalOf(kind, text)
		if !ok {
			return
		}
		for _, c := range columns {
			got, err := c.AppendLiteral([]byte("<"), l)
			if err != nil {
				if string(got) != "<" {
					t.Fatalf("%s: an error and %q", c.SQLType, got)
				}
				continue
			}
			if !json.Valid(got[1:]) || !utf8.Valid(got) {
				t.Fatalf("%s: %q is not JSON", c.SQLType, got[1:])
			}
			again, err := c.AppendLiteral(nil, literalFromJSON(t, got[1:]))
			if err != nil || !bytes.Equal(again, got[1:]) {
				t.Fatalf("%s: %q was written again as %q, %v", c.SQLType, got[1:], again, err)
			}
		}
	})
}

func literalFromJSON(t *testing.T, text []byte) Literal {
	if text[0] != '"' {
		return lit(string(text))
	}
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return Literal{Kind: LiteralString, Text: []byte(s)}
}

func FuzzAppendString(f *testing.F) {
	for _, seed := range seeds() {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var got string
		enc := appendString(nil, text)
		if err := json.Unmarshal(enc, &got); err != nil {
			t.Fatalf("%q: %v", enc, err)
		}
		if want := strings.Join(runes(text), ""); got != want {
			t.Fatalf("%q was read back as %q, want %q", text, got, want)
		}
	})
}

// runes is text character by character, with U+FFFD for each byte that is not part of one.
func runes(text []byte) []string {
	var all []string
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		all = append(all, string(r))
		text = text[size:]
	}
	return all
}

func FuzzMembers(f *testing.F) {
	for _, seed := range []string{
		"enum('a','b')", "enum('it''s')", `set('\\','\n')`, "enum('')", "enum('a') charset binary",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, columnType string) {
		members, err := parseMembers(columnType)
		if err == nil && len(members) == 0 {
			t.Fatalf("%q: no members and no error", columnType)
		}
	})
}
