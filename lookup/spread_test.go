package lookup

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestSpreadBuckets: every multiple is in a bucket that ends no lower, and no more than an eighth higher.
func TestSpreadBuckets(t *testing.T) {
	last := 0
	for m := 0.1; m < 200; m *= 1.001 {
		b := spreadBucket(m)
		bound := spreadBound(b)
		if b < last || b >= spreadBuckets {
			t.Fatalf("%v is in bucket %d after %d", m, b, last)
		}
		last = b
		if m > 1/float64(spreadUnit) && b < spreadBuckets-1 && (m > bound || bound > m*1.1251) {
			t.Fatalf("%v is in a bucket that ends at %v", m, bound)
		}
	}
	for _, m := range []float64{0, math.SmallestNonzeroFloat64, 1e12} {
		if b := spreadBucket(m); b < 0 || b >= spreadBuckets {
			t.Errorf("%v is in bucket %d", m, b)
		}
	}
}

// TestSpreadBeyond compares with a sorted list.
func TestSpreadBeyond(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	now := time.Now()
	for _, n := range []int{spreadLeast - 1, spreadLeast, 10_000} {
		var w spread
		var all []float64
		for range n {
			m := 0.5 + random.ExpFloat64()*random.ExpFloat64()
			all = append(all, m)
			w.note(m, now)
		}
		slices.Sort(all)
		got, want := w.beyond(hedgeShare, now), 0.0
		if n >= spreadLeast {
			want = all[len(all)-1-int(hedgeShare*float64(n))]
		}
		if got < want || got > want*1.1251 {
			t.Errorf("of %d: %v; want %v or a little more", n, got, want)
		}
	}
}

// TestSpreadTurns: what is older than the window does not count.
func TestSpreadTurns(t *testing.T) {
	var w spread
	now := time.Now()
	fill := func(multiple float64) {
		for range spreadLeast {
			w.note(multiple, now)
		}
	}
	fill(4)
	now = now.Add(spreadTurn)
	fill(1)
	if got := w.beyond(hedgeShare, now); got < 4 {
		t.Errorf("%v while what was slow is in the window", got)
	}
	now = now.Add(spreadTurn)
	fill(1)
	if got := w.beyond(hedgeShare, now); got > 1.13 {
		t.Errorf("%v when it is not any more", got)
	}
	now = now.Add(spreadTurn + time.Second) // the half before is still there
	if got := w.beyond(hedgeShare, now); got == 0 {
		t.Error("not known")
	}
	now = now.Add(3 * spreadTurn)
	if got := w.beyond(hedgeShare, now); got != 0 {
		t.Errorf("%v after a long silence", got)
	}
}

func TestSpreadAllocations(t *testing.T) {
	var w spread
	now := time.Now()
	if n := testing.AllocsPerRun(1000, func() {
		now = now.Add(time.Millisecond)
		w.note(1.5, now)
		w.beyond(hedgeShare, now)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestHedgeAfterPause: after a pause of the process nothing is hedged before answers had a moment to be read.
func TestHedgeAfterPause(t *testing.T) {
	r := &Reader{gap: time.Second}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hedgeAt = time.Now().Add(-2 * lateTend)
	r.hedgeDue()
	if !r.hedgeAt.After(time.Now().Add(-minHedge)) {
		t.Error("it is time at once")
	}
	r.closed = true
	r.tender.Stop()
}
