package column

import "testing"

func TestAppendLiteral(t *testing.T) {
	for _, tc := range []struct{ sql, literal, want string }{
		{"int", "null", "null"},
		{"int", "-5", "-5"},
		{"bigint unsigned", `"18446744073709551615"`, "18446744073709551615"},
		{"bigint", `"-9223372036854775808"`, "-9223372036854775808"},
		{"decimal(5,2)", "1", "1.00"},
		{"decimal(5,2)", `"-0.5"`, "-0.50"},
		{"float", "0.1", "0.1"},
		{"float", "16777217", "16777216"},
		{"float", "1e-7", "1e-7"},
		{"double", "-0", "-0"},
		{"double", "1e21", "1e+21"},
		{"double", "100000000000000000000", "100000000000000000000"},
		{"double", "1.50", "1.5"},
		{"double unsigned", "0.5", "0.5"},
		{"bit(1)", "1", "1"},
		{"bit(64)", "18446744073709551615", "18446744073709551615"},
		{"year", "0", "0"},
		{"year", "2155", "2155"},
		{"date", `"2026-01-31"`, `"2026-01-31"`},
		{"datetime(3)", `"2026-01-31 23:59:59.5"`, `"2026-01-31 23:59:59.500"`},
		{"timestamp", `"2026-01-31 23:59:59"`, `"2026-01-31 23:59:59"`},
		{"time", `"23:59:59"`, `"23:59:59"`},
		{"time", `"-838:59:59"`, `"-838:59:59"`},
		{"time", `"012:00:00"`, `"12:00:00"`},
		{"time", `"-00:00:00"`, `"00:00:00"`},
		{"time(2)", `"-00:00:00.0"`, `"00:00:00.00"`},
		{"time(2)", `"-00:00:00.01"`, `"-00:00:00.01"`},
		{"time(2)", `"838:59:59.0"`, `"838:59:59.00"`},
		{"time(6)", `"838:59:58.999999"`, `"838:59:58.999999"`},
		{"char(3) utf8mb4_bin", `"a    "`, `"a"`},
		{"varchar(3) utf8mb4_bin", `"a  "`, `"a  "`},
		{"varchar(3) utf8mb4_bin", `"日本😀"`, `"日本😀"`},
		{"varchar(9) gbk_bin", `"😀"`, `"😀"`},
		{"text latin1_bin", "\"a\t\\\"", `"a\t\\"`},
		{"enum('Low','High') latin1_bin", `"high"`, `"High"`},
		{"enum('a','A') latin1_bin", `"A"`, `"A"`},
		{"enum('a','A') latin1_bin", `"a"`, `"a"`},
		{"set('x','y','z') latin1_bin", `"z,X,z"`, `"x,z"`},
		{"set('x','y') latin1_bin", `""`, `""`},
		{"binary(4)", `"AQ=="`, `"AQAAAA=="`},
		{"varbinary(4)", `"AQ=="`, `"AQ=="`},
		{"varbinary(4)", `""`, `""`},
		{"blob", `"AQIDBAUG"`, `"AQIDBAUG"`},
		{"json", `[1, {"a":null}]`, `[1, {"a":null}]`},
		{"json", `{"a": 1}`, `{"a": 1}`},
		{"json", "\"a\"b\"", `"a\"b"`},
		{"json", "1.50", "1.50"},
		{"json", "true", "true"},
		{"json", "false", "false"},
		{"json", "null", "null"},
	} {
		got, err := col(t, tc.sql).AppendLiteral([]byte("<"), lit(tc.literal))
		if err != nil || string(got) != "<"+tc.want {
			t.Errorf("%s, %s: %q, %v; want %q", tc.sql, tc.literal, got, err, tc.want)
		}
	}
}

func TestAppendLiteralBoolean(t *testing.T) {
	c := boolean(t, "tinyint(1)")
	for literal, want := range map[string]string{"true": "true", "false": "false", "null": "null"} {
		if got, err := c.AppendLiteral(nil, lit(literal)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", literal, got, err)
		}
	}
	for _, literal := range []string{"1", "0", `"true"`} {
		if got, err := c.AppendLiteral(nil, lit(literal)); err == nil || err.Error() != "must be true or false" {
			t.Errorf("%s: %q, %v", literal, got, err)
		}
	}
	if _, err := col(t, "tinyint(1)").AppendLiteral(nil, lit("true")); err == nil {
		t.Error("true taken for an integer")
	}
}

func TestAppendLiteralRefuses(t *testing.T) {
	const (
		clock = "is not a time from -838:59:59 to 838:59:59 such as 23:59:59"
		year  = "must be 0 or a year from 1901 to 2155"
		enum  = "is not one of the values of enum('a','b')"
		set   = "is not a list of the values of set('a','b'), separated by commas"
	)
	for _, tc := range []struct {
		sql      string
		want     string
		literals []string
	}{
		{"tinyint unsigned", "must be a whole number from 0 to 255", []string{"256", "-1", "-0", "1.5", `"a"`, "false"}},
		{"float", "must be a number that 32-bit floating point can hold", []string{"3.5e38", "-1e39"}},
		{"double", "must be a number that 64-bit floating point can hold", []string{"1e309"}},
		{"double", "must be a number", []string{`"1"`, "true", "[]"}},
		{"double unsigned", "must be a number of at least 0", []string{"-0.5"}},
		{"bit(3)", "must be a whole number from 0 to 7", []string{"8", "-1", "1.0", `"1"`, "true"}},
		{"year", year, []string{"1900", "2156", "1", `"2000"`, "-1"}},
		{"time", clock, []string{
			`"839:00:00"`, `"1:00:00"`, `"00:60:00"`, `"00:00:60"`, `"00:00"`, `"0000:00:00"`, `"00:00:00.1"`, `"--1:00:00"`,
			`"00:00:00."`, `""`, `"-"`, "1", `"12:00:00 "`,
		}},
		{"time(1)", clock + ".1", []string{`"838:59:59.1"`, `"00:00:00.12"`}},
		{"text utf8mb4_bin", "must be a string", []string{"1", "[]"}},
		{"text latin1_bin", "has a character that the column's character set latin1 cannot hold", []string{`"日"`}},
		{"varchar(1) utf8mb4_bin", "must be a string of at most 1 characters", []string{`"ab"`}},
		{"enum('a','b') latin1_bin", enum, []string{`"c"`, `""`, `"a,b"`, `"a "`}},
		{"enum('a','b') latin1_bin", "must be a string", []string{"1"}},
		{"set('a','b') latin1_bin", set, []string{`"c"`, `"a,"`, `",a"`, `"a,,b"`, `"a, b"`}},
		{"set('a','b') latin1_bin", "must be a string", []string{"1"}},
		{"blob", "must be a string of standard base64", []string{`"A"`, `"AR=="`, "1"}},
		{"binary(1)", "must be a string of standard base64 for at most 1 bytes", []string{`"AQI="`}},
	} {
		c := col(t, tc.sql)
		for _, literal := range tc.literals {
			got, err := c.AppendLiteral([]byte("<"), lit(literal))
			if err == nil || err.Error() != tc.want || string(got) != "<" {
				t.Errorf("%s, %s: %q, %v; want %q", tc.sql, literal, got, err, tc.want)
			}
		}
	}
}
