package column

import "testing"

func TestMatchRule(t *testing.T) {
	exact := func(strip bool) matchRule { return matchRule{match: MatchExact, strip: strip} }
	fold := func(strip bool) matchRule { return matchRule{match: MatchASCII, fold: true, strip: strip} }
	for collation, want := range map[string]matchRule{
		"utf8mb4_bin":                   exact(true),
		"latin1_bin":                    exact(true),
		"utf8mb4_0900_bin":              exact(false),
		"utf8mb4_nopad_bin":             exact(false),
		"binary":                        exact(false),
		"utf8mb4_general_ci":            fold(true),
		"utf8mb3_general_ci":            fold(true),
		"utf8_general_ci":               fold(true),
		"utf8_general_nopad_ci":         fold(false),
		"latin1_swedish_ci":             fold(true),
		"latin1_swedish_nopad_ci":       fold(false),
		"latin1_general_ci":             fold(true),
		"ascii_general_ci":              fold(true),
		"ucs2_general_ci":               fold(true),
		"utf16le_general_ci":            fold(true),
		"utf8mb4_unicode_ci":            fold(true),
		"utf8mb4_unicode_520_ci":        fold(true),
		"utf8mb4_unicode_520_nopad_ci":  fold(false),
		"utf8mb4_0900_ai_ci":            fold(false),
		"utf8mb4_0900_as_ci":            fold(false),
		"utf8mb4_0900_as_cs":            {match: MatchASCII},
		"utf8mb4_uca1400_ai_ci":         fold(true),
		"utf8mb3_uca1400_nopad_as_ci":   fold(false),
		"utf8mb4_de_pb_0900_ai_ci":      {match: MatchUnknown},
		"utf8mb4_tr_0900_ai_ci":         {match: MatchUnknown},
		"utf8mb4_ja_0900_as_cs":         {match: MatchUnknown},
		"utf8mb4_turkish_ci":            {match: MatchUnknown},
		"utf8mb4_hungarian_ci":          {match: MatchUnknown},
		"utf8mb4_czech_ci":              {match: MatchUnknown},
		"utf8mb4_uca1400_turkish_ai_ci": {match: MatchUnknown},
		"utf8mb4_uca1400_as_cs":         {match: MatchUnknown},
		"latin1_general_cs":             {match: MatchUnknown},
		"latin1_german2_ci":             {match: MatchUnknown},
		"utf8mb4_general_mysql500_ci":   {match: MatchUnknown},
		"latin2_general_ci":             {match: MatchUnknown},
		"sjis_japanese_ci":              {match: MatchUnknown},
		"utf8mb4_unicode_520_as_new_cs": {match: MatchUnknown},
		"":                              {match: MatchUnknown},
	} {
		if got := matchRuleOf(VarChar, collation); got != want {
			t.Errorf("%s: %+v, want %+v", collation, got, want)
		}
		want.strip = true
		if got := matchRuleOf(Char, collation); got != want {
			t.Errorf("CHAR, %s: %+v, want %+v", collation, got, want)
		}
	}
	if got := matchRuleOf(Binary, "binary"); got != (matchRule{}) {
		t.Errorf("BINARY: %+v", got)
	}
}

func TestAppendMatch(t *testing.T) {
	const no = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	for _, tc := range []struct {
		sql   string
		v     Value
		want  string
		ascii bool
	}{
		{"int", IntValue(1), "\x00\x00\x00\x00\x00\x00\x00\x01", false},
		{"decimal(4,1)", bytesOf("01.5"), "\x031.5", false},
		{"binary(2)", bytesOf("A "), "\x02A ", false},
		{"varbinary(2)", bytesOf("A "), "\x02A ", false},
		{"varchar(9) utf8mb4_bin", bytesOf("A "), "\x01A", true},
		{"varchar(9) utf8mb4_0900_bin", bytesOf("A "), "\x02A ", true},
		{"varchar(9) utf8mb4_general_ci", bytesOf("KeY@[`{ "), "\x07key@[`{", true},
		{"varchar(9) utf8mb4_0900_ai_ci", bytesOf("KeY "), "\x04key ", true},
		{"varchar(9) utf8mb4_0900_as_cs", bytesOf("KeY "), "\x04KeY ", true},
		{"varchar(9) latin1_swedish_ci", bytesOf("ÅB"), "\x03Åb", false},
		{"varchar(9) latin1_swedish_ci", bytesOf("a\tb"), "\x03a\tb", false},
		{"varchar(9) latin1_swedish_ci", bytesOf("a\x7f"), "\x02a\x7f", false},
		{"varchar(9) utf8mb4_turkish_ci", bytesOf("I "), "\x02I ", true},
		{"char(9) utf8mb4_turkish_ci", bytesOf("I "), "\x01I", true},
		{"char(9) utf8mb4_0900_ai_ci", bytesOf("I "), "\x01i", true},
		{"int", Null(), no, false},
		{"int", bytesOf("x"), no, false},
		{"varchar(9) utf8mb4_bin", IntValue(1), no, false},
		{"varchar(9) utf8mb4_bin", Null(), no, false},
	} {
		got, ascii := col(t, tc.sql).AppendMatch([]byte("<"), tc.v)
		if string(got) != "<"+tc.want || ascii != tc.ascii {
			t.Errorf("%s, %+v: %q, %v; want %q, %v", tc.sql, tc.v, got, ascii, tc.want, tc.ascii)
		}
	}
}

// TestAppendMatchLeavesValue checks that folding does not write into the row.
func TestAppendMatchLeavesValue(t *testing.T) {
	row := []byte("KEY")
	col(t, "varchar(9) utf8mb4_general_ci").AppendMatch(nil, BytesValue(row))
	if string(row) != "KEY" {
		t.Errorf("the row is now %q", row)
	}
}
