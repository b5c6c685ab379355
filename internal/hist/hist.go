package hist

import (
	"slices"
	"sync/atomic"
	"time"
)

// bounds are the buckets' upper ends, themselves included. They begin where a request that needs no database ends, and
// are dense where a deadline lies.
var bounds = [...]time.Duration{
	50 * time.Microsecond, 100 * time.Microsecond, 200 * time.Microsecond, 350 * time.Microsecond,
	500 * time.Microsecond, 750 * time.Microsecond,
	1 * time.Millisecond, 1500 * time.Microsecond, 2 * time.Millisecond, 3 * time.Millisecond, 5 * time.Millisecond,
	7500 * time.Microsecond, 10 * time.Millisecond, 15 * time.Millisecond, 20 * time.Millisecond, 35 * time.Millisecond,
	50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second,
}

// Buckets is how many buckets a Histogram has: one for each bound, and the last for what is beyond them.
const Buckets = len(bounds) + 1

// Bounds returns the upper ends of all buckets but the last, which has none. A latency that is equal to a bound is in
// its bucket.
func Bounds() []time.Duration { return slices.Clone(bounds[:]) }

// A Histogram counts latencies. The zero Histogram is ready for use; its methods may be called concurrently.
type Histogram struct {
	counts [Buckets]atomic.Uint64
	sum    atomic.Int64 // nanoseconds
}

// Record counts one latency.
func (h *Histogram) Record(d time.Duration) {
	h.counts[bucket(d)].Add(1)
	h.sum.Add(int64(d))
}

// bucket goes through the bounds from the least: latencies are mostly short, and for the longer ones the search is of
// no account.
func bucket(d time.Duration) int {
	for i, bound := range bounds {
		if d <= bound {
			return i
		}
	}
	return len(bounds)
}

// A Snapshot is what a Histogram has counted.
type Snapshot struct {
	Counts [Buckets]uint64 // by bucket, each without those below it
	Sum    time.Duration   // of all; it may lack, or be ahead by, what was being recorded
}

// Snapshot returns a copy of the counts.
func (h *Histogram) Snapshot() Snapshot {
	s := Snapshot{Sum: time.Duration(h.sum.Load())}
	for i := range h.counts {
		s.Counts[i] = h.counts[i].Load()
	}
	return s
}

// Count is how many latencies were recorded.
func (s *Snapshot) Count() uint64 {
	n := uint64(0)
	for _, c := range s.Counts {
		n += c
	}
	return n
}
