package column

import (
	"bytes"
	"strings"
	"testing"
)

func TestAppendKey(t *testing.T) {
	for _, tc := range []struct{ sql, literal, want string }{
		{"tinyint", "-128", "\xff\xff\xff\xff\xff\xff\xff\x80"},
		{"int", "5", "\x00\x00\x00\x00\x00\x00\x00\x05"},
		{"int", `"5"`, "\x00\x00\x00\x00\x00\x00\x00\x05"},
		{"int", "0", "\x00\x00\x00\x00\x00\x00\x00\x00"},
		{"mediumint unsigned", "16777215", "\x00\x00\x00\x00\x00\xff\xff\xff"},
		{"bigint", "-9223372036854775808", "\x80\x00\x00\x00\x00\x00\x00\x00"},
		{"bigint unsigned", "18446744073709551615", "\xff\xff\xff\xff\xff\xff\xff\xff"},
		{"decimal(5,2)", "1", "\x041.00"},
		{"decimal(5,2)", `"-1.5"`, "\x05-1.50"},
		{"decimal(5,2)", "999.99", "\x06999.99"},
		{"decimal(5,2)", "0.00", "\x040.00"},
		{"decimal(2,2)", "0.5", "\x040.50"},
		{"decimal(5,0)", "12345", "\x0512345"},
		{"date", `"2026-01-31"`, "\x0a2026-01-31"},
		{"date", `"2024-02-29"`, "\x0a2024-02-29"},
		{"datetime", `"1000-01-01 00:00:00"`, "\x131000-01-01 00:00:00"},
		{"datetime(3)", `"2026-01-31 23:59:59"`, "\x172026-01-31 23:59:59.000"},
		{"datetime(3)", `"2026-01-31 23:59:59.1"`, "\x172026-01-31 23:59:59.100"},
		{"timestamp(6)", `"2038-01-19 03:14:07.999999"`, "\x1a2038-01-19 03:14:07.999999"},
		{"timestamp", `"1970-01-01 00:00:01"`, "\x131970-01-01 00:00:01"},
		{"varchar(3) utf8mb4_bin", `"日本 "`, "\x07日本 "},
		{"varchar(3) utf8mb4_bin", `""`, "\x00"},
		{"char(3) latin1_bin", `"åäö     "`, "\x06åäö"},
		{"varbinary(3)", `"AQI="`, "\x02\x01\x02"},
		{"varbinary(3)", `"AQID"`, "\x03\x01\x02\x03"},
		{"binary(4)", `"AQ=="`, "\x04\x01\x00\x00\x00"},
		{"binary(4)", `""`, "\x04\x00\x00\x00\x00"},
	} {
		c := col(t, tc.sql)
		got, err := c.AppendKey([]byte("<"), lit(tc.literal))
		if err != nil || string(got) != "<"+tc.want {
			t.Errorf("%s, %s: %q, %v; want %q", tc.sql, tc.literal, got, err, tc.want)
			continue
		}
		v, rest := c.CutKey(append(got[1:], '>'))
		again, err := c.AppendKeyValue(nil, v)
		if err != nil || string(again) != tc.want || string(rest) != ">" {
			t.Errorf("%s, %s: cut and written again: %q, %v, rest %q", tc.sql, tc.literal, again, err, rest)
		}
	}
}

func TestAppendKeyLong(t *testing.T) {
	text := strings.Repeat("ä", 200)
	c := col(t, "varchar(200) utf8mb4_bin")
	enc, err := c.AppendKey(nil, lit(`"`+text+`"`))
	if err != nil {
		t.Fatal(err)
	}
	v, rest := c.CutKey(enc)
	if b, _ := v.Bytes(); string(b) != text || len(rest) != 0 {
		t.Errorf("got %q, rest %q", b, rest)
	}
}

func TestAppendKeyRefuses(t *testing.T) {
	const (
		tiny     = "must be a whole number from -128 to 127"
		bigger   = "must be a whole number from 0 to 18446744073709551615"
		money    = "must be a decimal number with at most 3 digits before and 2 after the point"
		fraction = "must be a decimal number of at least 0 with at most 0 digits before and 2 after the point"
		date     = "is not a date such as 2026-01-31"
		moment   = "is not a date and time such as 2026-01-31 23:59:59"
		utc      = "is not a date and time in UTC from 1970-01-01 00:00:01 to 2038-01-19 03:14:07 such as 2026-01-31 23:59:59"
		length   = "must be a string of at most 3 characters"
		code     = "must be a string of standard base64 for at most 3 bytes"
	)
	for _, tc := range []struct {
		sql      string
		want     string
		literals []string
	}{
		{"tinyint", tiny, []string{
			"128", "-129", "1.0", "1e1", "-0", `"+1"`, `"01"`, `" 1"`, `"1 "`, `""`, `"-"`, `"x"`,
			"true", "null", "[1]", `"18446744073709551616"`, `"99999999999999999999999"`, `"1１"`,
		}},
		{"bigint unsigned", bigger, []string{"-1", "18446744073709551616"}},
		{"bigint", "must be a whole number from -9223372036854775808 to 9223372036854775807", []string{
			"9223372036854775808", "-9223372036854775809",
		}},
		{"decimal(5,2)", money, []string{
			"1000", "1.234", "1.000", "1e1", `"01"`, `".5"`, `"5."`, `"-.5"`, `"+1"`, "-0", "-0.00", `"-"`, `"."`, `""`,
			`"1.2.3"`, `"00.1"`, "true", "null", `"1 "`,
		}},
		{"decimal(2,2) unsigned", fraction, []string{"1", "-0.5", "0.123"}},
		{"date", date, []string{
			`"2026-02-29"`, `"2026-13-01"`, `"2026-00-10"`, `"2026-01-00"`, `"2026-01-32"`, `"0999-12-31"`, `"0000-00-00"`,
			`"2026-1-1"`, `"2026/01/01"`, `"2026-01-01 00:00:00"`, `"20260101"`, "20260101", `"2100-02-29"`, `"2026-04-31"`,
			`""`, "null", `"-026-01-01"`,
		}},
		{"datetime", moment, []string{
			`"2026-01-31"`, `"2026-01-31 24:00:00"`, `"2026-01-31 23:60:00"`, `"2026-01-31 23:59:60"`,
			`"2026-01-31T23:59:59"`, `"2026-01-31 23:59:59Z"`, `"2026-01-31 23:59:59."`, `"2026-01-31 23:59:59.1"`,
			`"2026-01-31 23:59"`, `"2026-02-30 00:00:00"`, `"2026-01-31 2:59:59"`, `"2026-01-31 -1:59:59"`,
		}},
		{"datetime(2)", moment + ".12", []string{`"2026-01-31 23:59:59.123"`, `"2026-01-31 23:59:59.1x"`}},
		{"timestamp", utc, []string{
			`"1970-01-01 00:00:00"`, `"2038-01-19 03:14:08"`, `"1969-12-31 23:59:59"`, `"2026-02-30 00:00:00"`,
		}},
		{"varchar(3) utf8mb4_bin", length, []string{`"abcd"`, `"abc "`, `"日本日本"`, "1", "true", "null"}},
		{"char(3) utf8mb4_bin", length, []string{`"abcd"`, `"   d"`}},
		{"varchar(3) latin1_bin", "has a character that the column's character set latin1 cannot hold", []string{`"日"`}},
		{"varchar(3) ascii_bin", "has a character that the column's character set ascii cannot hold", []string{`"é"`}},
		{"varchar(3) utf8mb3_bin", "has a character that the column's character set utf8mb3 cannot hold", []string{`"x😀"`}},
		{"varbinary(3)", code, []string{
			`"AQIDBA=="`, `"AQ"`, `"AQ="`, `"A==="`, `"AR=="`, `"AQJ="`, `"AQ==AQ=="`, "1", `"A_=="`,
			"\"AQ\n=\"", "\"AQID\n\n\n\n\"",
			`"===="`, "null",
		}},
		{"json", "is of type json, which cannot be part of a key", []string{"1"}},
	} {
		c := col(t, tc.sql)
		for _, literal := range tc.literals {
			dst := []byte("<")
			got, err := c.AppendKey(dst, lit(literal))
			if err == nil || err.Error() != tc.want || string(got) != "<" {
				t.Errorf("%s, %s: %q, %v; want %q", tc.sql, literal, got, err, tc.want)
			}
		}
	}
}

func TestAppendKeyValue(t *testing.T) {
	for _, tc := range []struct {
		sql  string
		v    Value
		want string
	}{
		{"bigint unsigned", bytesOf("18446744073709551615"), "\xff\xff\xff\xff\xff\xff\xff\xff"},
		{"bigint unsigned", UintValue(1), "\x00\x00\x00\x00\x00\x00\x00\x01"},
		{"bigint unsigned", IntValue(1), "\x00\x00\x00\x00\x00\x00\x00\x01"},
		{"bigint", UintValue(1), "\x00\x00\x00\x00\x00\x00\x00\x01"},
		{"bigint", bytesOf("-1"), "\xff\xff\xff\xff\xff\xff\xff\xff"},
		{"decimal(7,2) unsigned zerofill", bytesOf("00001.50"), "\x041.50"},
		{"decimal(7,2)", bytesOf("-.50"), "\x05-0.50"},
		{"decimal(7,2)", bytesOf("-0.00"), "\x040.00"},
		{"decimal(7,0)", bytesOf("0000000"), "\x010"},
		{"char(3) utf8mb4_bin", bytesOf("a  "), "\x01a"},
		{"varchar(3) utf8mb4_bin", bytesOf("a  "), "\x03a  "},
		{"binary(3)", bytesOf("a"), "\x03a\x00\x00"},
		{"date", bytesOf("2026-01-31"), "\x0a2026-01-31"},
	} {
		got, err := col(t, tc.sql).AppendKeyValue([]byte("<"), tc.v)
		if err != nil || string(got) != "<"+tc.want {
			t.Errorf("%s, %+v: %q, %v; want %q", tc.sql, tc.v, got, err, tc.want)
		}
	}
}

func TestAppendKeyValueRefuses(t *testing.T) {
	for _, tc := range []struct {
		sql string
		v   Value
	}{
		{"int", Null()},
		{"int", Float64Value(1)},
		{"int", bytesOf("1.0")},
		{"int", bytesOf("01")},
		{"tinyint", IntValue(128)},
		{"int unsigned", IntValue(-1)},
		{"bigint", UintValue(1 << 63)},
		{"decimal(5,2)", bytesOf("1.5")},
		{"decimal(5,2)", bytesOf("1.500")},
		{"decimal(5,2)", bytesOf("1000.00")},
		{"decimal(5,2)", bytesOf("x")},
		{"decimal(5,2)", IntValue(1)},
		{"date", bytesOf("2026-01-31 00:00:00")},
		{"datetime(3)", bytesOf("2026-01-31 00:00:00")},
		{"varchar(3) utf8mb4_bin", IntValue(1)},
		{"varchar(3) utf8mb4_bin", Null()},
		{"binary(3)", bytesOf("abcd")},
		{"json", bytesOf("1")},
		{"double", Float64Value(1)},
	} {
		got, err := col(t, tc.sql).AppendKeyValue([]byte("<"), tc.v)
		if err == nil || string(got) != "<" {
			t.Errorf("%s, %+v: %q, %v", tc.sql, tc.v, got, err)
		}
	}
}

// TestCutKeyBorrows checks that appending to what CutKey gives cannot overwrite the next part.
func TestCutKeyBorrows(t *testing.T) {
	c := col(t, "varchar(3) utf8mb4_bin")
	enc := []byte("\x01a\x01b")
	v, _ := c.CutKey(enc)
	b, _ := v.Bytes()
	_ = append(b, 'X')
	if !bytes.Equal(enc, []byte("\x01a\x01b")) {
		t.Errorf("enc is now %q", enc)
	}
}
