package column

import "testing"

// TestNoAllocation covers what runs once a key or once a cell.
func TestNoAllocation(t *testing.T) {
	buf := make([]byte, 0, 1024)
	for _, tc := range []struct{ sql, key, cell string }{
		{"bigint", "-4711", ""},
		{"bigint unsigned", `"18446744073709551615"`, "18446744073709551615"},
		{"decimal(10,3)", "12.5", "12.500"},
		{"date", `"2026-01-31"`, "2026-01-31"},
		{"datetime(3)", `"2026-01-31 23:59:59"`, "2026-01-31 23:59:59.000"},
		{"timestamp(3)", `"2026-01-31 23:59:59"`, "2026-01-31 23:59:59.000"},
		{"char(20) latin1_swedish_ci", `"Åäö abc"`, "Åäö abc"},
		{"varchar(20) utf8mb4_0900_ai_ci", `"merchant-93"`, "a\nb\"c\xff日本"},
		{"varbinary(20)", `"AQIDBA=="`, "\x01\x02\x03\x04"},
		{"binary(20)", `"AQIDBA=="`, "\x01\x02\x03\x04"},
		{"bit(20)", "", "\x01\x02\x03"},
		{"json", "", `[1, 2.5, null, "a"]`}, // flat: json.Valid pools its state, and the race detector empties pools
		{"blob", "", "some bytes"},
		{"text utf8mb4_bin", "", "some text"},
		{"time(3)", "", "10:00:00.000"},
	} {
		c := col(t, tc.sql)
		if tc.key != "" {
			l := lit(tc.key)
			noAllocation(t, "key of "+tc.sql, func() {
				enc, err := c.AppendKey(buf[:0], l)
				if err != nil {
					t.Fatal(err)
				}
				v, rest := c.CutKey(enc)
				if len(rest) != 0 {
					t.Fatal("a rest")
				}
				c.AppendMatch(enc, v)
			})
		}
		if tc.cell != "" {
			v := bytesOf(tc.cell)
			noAllocation(t, "cell of "+tc.sql, func() {
				if _, err := c.AppendJSON(buf[:0], v); err != nil {
					t.Fatal(err)
				}
				c.EpochMillis(v)
			})
		}
	}
	float, double := col(t, "float"), col(t, "double")
	noAllocation(t, "floating point", func() {
		_, _ = float.AppendJSON(buf[:0], Float32Value(0.1))
		_, _ = double.AppendJSON(buf[:0], Float64Value(1e-7))
	})
}

func noAllocation(t *testing.T, what string, f func()) {
	t.Helper()
	if n := testing.AllocsPerRun(100, f); n != 0 {
		t.Errorf("%s: %v allocations", what, n)
	}
}
