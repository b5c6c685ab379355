package hist

import (
	"testing"
	"time"
)

// TestQuantile counts latencies of 1 ms, and some that are longer.
func TestQuantile(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		short, long int
		of          time.Duration // the long ones
		share       float64
		want        time.Duration
	}{
		{0, 0, 0, 0.99, 0},
		{1, 0, 0, 0.99, ms},
		{0, 1, 20 * ms, 0.99, 20 * ms},
		{99, 1, 20 * ms, 0.99, ms},
		{98, 2, 20 * ms, 0.99, 20 * ms},
		{99, 1, 20 * ms, 1, 20 * ms},
		{60, 40, 11 * ms, 0.5, ms},
		{40, 60, 11 * ms, 0.5, 15 * ms},
		{1, 1, time.Hour, 0.99, 2 * time.Second},
		{1, 1, 1, 0, 50 * time.Microsecond},
	} {
		var h Histogram
		for range test.short {
			h.Record(ms)
		}
		for range test.long {
			h.Record(test.of)
		}
		s := h.Snapshot()
		if got := s.Quantile(test.share); got != test.want {
			t.Errorf("%d of 1ms, %d of %v: the quantile %g is %v, want %v", test.short, test.long, test.of, test.share, got, test.want)
		}
	}
}

// TestSince: what was counted before an earlier snapshot does not count.
func TestSince(t *testing.T) {
	var h Histogram
	h.Record(time.Second)
	before := h.Snapshot()
	h.Record(time.Millisecond)
	after := h.Snapshot()
	d := after.Since(&before)
	if d.Count() != 1 || d.Sum != time.Millisecond || d.Quantile(1) != time.Millisecond {
		t.Errorf("%+v", d)
	}
}
