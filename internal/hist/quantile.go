package hist

import "time"

// Since returns what was counted after an earlier snapshot of the same histogram.
func (s *Snapshot) Since(earlier *Snapshot) Snapshot {
	d := Snapshot{Sum: s.Sum - earlier.Sum}
	for i := range s.Counts {
		d.Counts[i] = s.Counts[i] - earlier.Counts[i]
	}
	return d
}

// Quantile returns the bound that a share of the latencies does not exceed; of the last bucket, which has none, twice the
// greatest bound. It is 0 where nothing was counted.
func (s *Snapshot) Quantile(share float64) time.Duration {
	total := s.Count()
	if total == 0 {
		return 0
	}
	beyond := uint64((1 - share) * float64(total)) // how many may exceed it
	for i := Buckets - 1; i > 0; i-- {
		if s.Counts[i] > beyond {
			return bound(i)
		}
		beyond -= s.Counts[i]
	}
	return bound(0)
}

func bound(bucket int) time.Duration {
	if bucket == len(bounds) {
		return 2 * bounds[len(bounds)-1]
	}
	return bounds[bucket]
}
