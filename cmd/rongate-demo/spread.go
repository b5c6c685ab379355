package main

import (
	"math"
	"slices"
	"time"
)

// perDoubling is how many buckets a spread has between one latency and twice that: each is 9 % wide.
const perDoubling = 8

// A spread counts latencies from 1 µs to an hour, in buckets that hold for any length of time.
type spread struct {
	counts [32 * perDoubling]int
	n      int
}

func (s *spread) add(d time.Duration) {
	bucket := int(math.Log2(float64(max(d, time.Microsecond))/float64(time.Microsecond)) * perDoubling)
	s.counts[min(bucket, len(s.counts)-1)]++
	s.n++
}

// quantile returns the middle of the bucket that holds it; 0 if nothing was counted.
func (s *spread) quantile(q float64) time.Duration {
	rank := rankOf(q, s.n)
	for i, count := range s.counts {
		if rank -= count; rank < 0 {
			return time.Duration(math.Exp2((float64(i)+0.5)/perDoubling) * float64(time.Microsecond))
		}
	}
	return 0
}

// quantile returns the exact one of a few latencies, which it sorts; 0 if there are none.
func quantile(latencies []time.Duration, q float64) time.Duration {
	if len(latencies) == 0 {
		return 0
	}
	slices.Sort(latencies)
	return latencies[rankOf(q, len(latencies))]
}

// rankOf is the nearest rank, from 0.
func rankOf(q float64, n int) int { return max(0, int(math.Ceil(q*float64(n)))-1) }
