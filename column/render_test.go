package column

import (
	"encoding/json"
	"math"
	"testing"
)

func TestAppendJSON(t *testing.T) {
	for _, tc := range []struct {
		sql  string
		v    Value
		want string
	}{
		{"int", Null(), "null"},
		{"int", IntValue(-5), "-5"},
		{"bigint", IntValue(math.MinInt64), "-9223372036854775808"},
		{"bigint unsigned", bytesOf("18446744073709551615"), "18446744073709551615"},
		{"bigint unsigned", UintValue(math.MaxUint64), "18446744073709551615"},
		{"decimal(9,2)", bytesOf("0001.50"), "1.50"},
		{"decimal(9,2)", bytesOf("-.50"), "-0.50"},
		{"decimal(9,2)", bytesOf(".00"), "0.00"},
		{"decimal(9,0)", bytesOf("-12"), "-12"},
		{"decimal(9,2)", bytesOf("-0.00"), "0.00"},
		{"float", Float32Value(0.1), "0.1"},
		{"float", Float32Value(float32(math.NaN())), "null"},
		{"float", Float32Value(float32(math.Inf(-1))), "null"},
		{"float", Float32Value(math.MaxFloat32), "3.4028235e+38"},
		{"double", Float64Value(math.Copysign(0, -1)), "-0"},
		{"double", Float64Value(math.NaN()), "null"},
		{"double", Float64Value(math.Inf(1)), "null"},
		{"double", Float64Value(1e-7), "1e-7"},
		{"double", Float64Value(1e-10), "1e-10"},
		{"double", Float64Value(0.000001), "0.000001"},
		{"bit(1)", bytesOf("\x01"), "1"},
		{"bit(20)", bytesOf("\x01\x02\x03"), "66051"},
		{"bit(64)", bytesOf("\xff\xff\xff\xff\xff\xff\xff\xff"), "18446744073709551615"},
		{"year", IntValue(2026), "2026"},
		{"year", IntValue(0), "0"},
		{"date", bytesOf("0000-00-00"), `"0000-00-00"`},
		{"datetime(3)", bytesOf("2026-01-31 23:59:59.123"), `"2026-01-31 23:59:59.123"`},
		{"timestamp", bytesOf("2026-01-31 23:59:59"), `"2026-01-31 23:59:59"`},
		{"time", bytesOf("-838:59:59"), `"-838:59:59"`},
		{"char(3) latin1_bin", bytesOf("a"), `"a"`},
		{"varchar(9) latin1_bin", bytesOf("<&>\u2028'/\x7f"), "\"<&>\u2028'/\x7f\""},
		{"varchar(9) latin1_bin", bytesOf("\x00\x1f\b\f\n\r\t\"\\"), `"\u0000\u001f\b\f\n\r\t\"\\"`},
		{"varchar(9) latin1_bin", bytesOf("a\xffb\xe6\x97c"), "\"a\uFFFDb\uFFFD\uFFFDc\""},
		{"text latin1_bin", bytesOf("日本😀\uFFFD"), "\"日本😀\uFFFD\""},
		{"enum('a') latin1_bin", bytesOf("a"), `"a"`},
		{"set('a','b') latin1_bin", bytesOf("a,b"), `"a,b"`},
		{"binary(2)", bytesOf("\x00\xff"), `"AP8="`},
		{"varbinary(2)", bytesOf(""), `""`},
		{"blob", bytesOf("abc"), `"YWJj"`},
		{"json", bytesOf(`{"a": [1, "ü"]}`), `{"a": [1, "ü"]}`},
	} {
		got, err := col(t, tc.sql).AppendJSON([]byte("<"), tc.v)
		if err != nil || string(got) != "<"+tc.want {
			t.Errorf("%s, %+v: %q, %v; want %q", tc.sql, tc.v, got, err, tc.want)
		}
	}
	c := boolean(t, "tinyint")
	for v, want := range map[int64]string{0: "false", 1: "true", -2: "true"} {
		if got, err := c.AppendJSON(nil, IntValue(v)); err != nil || string(got) != want {
			t.Errorf("boolean %d: %q, %v", v, got, err)
		}
	}
}

func TestAppendJSONRefuses(t *testing.T) {
	for _, tc := range []struct {
		sql string
		v   Value
	}{
		{"int", bytesOf("x")},
		{"int", bytesOf("1.0")},
		{"int", Float64Value(1)},
		{"tinyint", IntValue(1000)},
		{"decimal(4,1)", bytesOf("1e5")},
		{"decimal(4,1)", bytesOf("")},
		{"decimal(4,1)", bytesOf("-")},
		{"decimal(4,1)", IntValue(1)},
		{"float", Float64Value(1)},
		{"double", Float32Value(1)},
		{"double", bytesOf("1")},
		{"bit(3)", IntValue(1)},
		{"bit(64)", bytesOf("123456789")},
		{"year", bytesOf("2026")},
		{"year", IntValue(-1)},
		{"date", IntValue(1)},
		{"varchar(3) latin1_bin", IntValue(1)},
		{"json", bytesOf(`{"a":}`)},
		{"json", bytesOf("")},
		{"json", bytesOf("\"\xff\"")},
	} {
		got, err := col(t, tc.sql).AppendJSON([]byte("<"), tc.v)
		if err == nil || string(got) != "<" {
			t.Errorf("%s, %+v: %q, %v", tc.sql, tc.v, got, err)
		}
	}
}

// TestAppendFloatAsJSON holds the rendering to the standard library's, which follows ECMAScript.
func TestAppendFloatAsJSON(t *testing.T) {
	sizes := []float64{1, 9.999999e-7, 1e-6, 1e-7, 1.5e-9, 1e-10, 1e20, 1e21, 123456789, 0.1, 1e-300, 1e300, 5e-324, 1e100}
	for _, size := range sizes {
		for _, f := range []float64{size, -size, size * 1.0000001} {
			want, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			if got := appendFloat(nil, f, 64); string(got) != string(want) {
				t.Errorf("%v: %s, want %s", f, got, want)
			}
			f32 := float32(f)
			if math.IsInf(float64(f32), 0) {
				continue
			}
			if want, err = json.Marshal(f32); err != nil {
				t.Fatal(err)
			}
			if got := appendFloat(nil, float64(f32), 32); string(got) != string(want) {
				t.Errorf("float32 %v: %s, want %s", f32, got, want)
			}
		}
	}
}
