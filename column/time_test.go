package column

import (
	"math"
	"testing"
	"time"
)

func TestEpochMillis(t *testing.T) {
	for _, tc := range []struct {
		sql  string
		v    Value
		want int64
	}{
		{"date", bytesOf("1970-01-01"), 0},
		{"date", bytesOf("2026-01-31"), 1769817600000},
		{"datetime", bytesOf("2026-01-31 23:59:59"), 1769903999000},
		{"datetime(6)", bytesOf("2026-01-31 23:59:59.123999"), 1769903999123},
		{"datetime(1)", bytesOf("2026-01-31 23:59:59.5"), 1769903999500},
		{"datetime(6)", bytesOf("1969-12-31 23:59:59.999999"), -1},
		{"timestamp(3)", bytesOf("1970-01-01 00:00:01.001"), 1001},
		{"date", bytesOf("0001-01-01"), minEpochMillis},
		{"datetime(3)", bytesOf("9999-12-31 23:59:59.999"), maxEpochMillis},
		{"bigint", IntValue(1769903999), 1769903999000},
		{"bigint", IntValue(99_999_999_999), 99_999_999_999_000},
		{"bigint", IntValue(100_000_000_000), 100_000_000_000},
		{"bigint", IntValue(1769903999123), 1769903999123},
		{"bigint", IntValue(-1), -1000},
		{"bigint", IntValue(-100_000_000_000), -100_000_000_000},
		{"bigint unsigned", UintValue(1769903999123), 1769903999123},
		{"int", IntValue(0), 0},
	} {
		if got, ok := col(t, tc.sql).EpochMillis(tc.v); got != tc.want || !ok {
			t.Errorf("%s, %+v: %d, %v; want %d", tc.sql, tc.v, got, ok, tc.want)
		}
	}
}

func TestEpochMillisRefuses(t *testing.T) {
	for _, tc := range []struct {
		sql string
		v   Value
	}{
		{"date", Null()},
		{"date", bytesOf("0000-00-00")},
		{"date", bytesOf("2026-00-01")},
		{"date", bytesOf("2026-02-30")},
		{"date", bytesOf("2026")},
		{"date", IntValue(1)},
		{"datetime", bytesOf("0000-00-00 00:00:00")},
		{"datetime", bytesOf("2026-01-31 24:00:00")},
		{"bigint", Null()},
		{"bigint", bytesOf("x")},
		{"bigint", IntValue(math.MaxInt64)},
		{"bigint", IntValue(math.MinInt64)},
		{"bigint", IntValue(-99_999_999_999)},
		{"bigint", IntValue(maxEpochMillis + 1)},
		{"bigint unsigned", UintValue(math.MaxUint64)},
		{"bigint unsigned", UintValue(math.MaxUint64 - 5)},
		{"time", bytesOf("10:00:00")},
		{"double", Float64Value(1)},
	} {
		if got, ok := col(t, tc.sql).EpochMillis(tc.v); ok {
			t.Errorf("%s, %+v: %d", tc.sql, tc.v, got)
		}
	}
}

// TestCalendar holds the arithmetic to package time for every day of more than one cycle of leap years.
func TestCalendar(t *testing.T) {
	c := col(t, "date")
	var text []byte
	day := time.Date(1583, 1, 1, 0, 0, 0, 0, time.UTC)
	for ; day.Year() < 2405; day = day.AddDate(0, 0, 1) {
		text = day.AppendFormat(text[:0], time.DateOnly)
		if got, ok := c.EpochMillis(BytesValue(text)); got != day.UnixMilli() || !ok {
			t.Fatalf("%s: %d, %v; want %d", text, got, ok, day.UnixMilli())
		}
	}
	for year := 1; year < 2405; year++ {
		for month := 1; month <= 12; month++ {
			last := time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
			if got := daysIn(year, month); got != last {
				t.Fatalf("%d-%02d: %d days, want %d", year, month, got, last)
			}
		}
	}
}
