package hist

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestBounds(t *testing.T) {
	b := Bounds()
	if !slices.IsSorted(b) || len(slices.Compact(slices.Clone(b))) != len(b) {
		t.Errorf("the bounds do not ascend: %v", b)
	}
	if len(b) != Buckets-1 || b[0] != 50*time.Microsecond {
		t.Errorf("%d bounds from %v for %d buckets", len(b), b[0], Buckets)
	}
	b[0] = time.Hour
	if Bounds()[0] == time.Hour {
		t.Error("a caller can change the bounds")
	}
}

// TestRecord puts latencies around every bound and looks for each in its bucket.
func TestRecord(t *testing.T) {
	for i, bound := range Bounds() {
		for _, test := range []struct {
			latency time.Duration
			bucket  int
		}{{bound - 1, i}, {bound, i}, {bound + 1, i + 1}} {
			var h Histogram
			h.Record(test.latency)
			s := h.Snapshot()
			if s.Counts[test.bucket] != 1 || s.Count() != 1 || s.Sum != test.latency {
				t.Errorf("%v is counted as %+v; want it in bucket %d", test.latency, s, test.bucket)
			}
		}
	}
	var h Histogram
	h.Record(0)
	h.Record(time.Hour)
	if s := h.Snapshot(); s.Counts[0] != 1 || s.Counts[Buckets-1] != 1 {
		t.Errorf("the extremes are counted as %+v", s)
	}
}

// TestConcurrentRecord: nothing is lost, and what a snapshot sees only grows.
func TestConcurrentRecord(t *testing.T) {
	const writers, each = 4, 2000
	var h Histogram
	var writing sync.WaitGroup
	for range writers {
		writing.Go(func() {
			for i := range each {
				h.Record(time.Duration(i) * time.Microsecond)
			}
		})
	}
	written := make(chan struct{})
	go func() { writing.Wait(); close(written) }()
	for seen, done := uint64(0), false; !done; {
		select {
		case <-written:
			done = true
		default:
		}
		s := h.Snapshot()
		if s.Count() < seen {
			t.Fatalf("%d latencies after %d", s.Count(), seen)
		}
		seen = s.Count()
	}
	s := h.Snapshot()
	if got := s.Count(); got != writers*each {
		t.Errorf("%d latencies are counted of %d", got, writers*each)
	}
	if got, want := s.Sum, writers*each*(each-1)/2*time.Microsecond; got != want {
		t.Errorf("the sum is %v; want %v", got, want)
	}
}

func TestRecordAllocates(t *testing.T) {
	var h Histogram
	var s Snapshot
	if got := testing.AllocsPerRun(100, func() { h.Record(time.Millisecond); s = h.Snapshot() }); got != 0 {
		t.Errorf("Record and Snapshot allocate %v times", got)
	}
	if s.Count() == 0 {
		t.Error("nothing was counted")
	}
}

// spread is latencies such as requests have: a median near 600 us and a tail to 50 ms.
func spread() []time.Duration {
	random := rand.New(rand.NewPCG(1, 2))
	latencies := make([]time.Duration, 1024)
	for i := range latencies {
		latencies[i] = time.Duration(400e3 + 200e3*random.ExpFloat64()*random.ExpFloat64()*random.ExpFloat64())
	}
	return latencies
}

func BenchmarkRecord(b *testing.B) {
	latencies := spread()
	var h Histogram
	i := 0
	for b.Loop() {
		h.Record(latencies[i%len(latencies)])
		i++
	}
}

func BenchmarkRecordParallel(b *testing.B) {
	latencies := spread()
	var h Histogram
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			h.Record(latencies[i%len(latencies)])
		}
	})
}

func BenchmarkSnapshot(b *testing.B) {
	var h Histogram
	var s Snapshot
	for b.Loop() {
		s = h.Snapshot()
	}
	_ = s
}
