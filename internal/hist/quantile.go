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

// Quantile returns the bound below which a share of the latencies is, that itself included; of the last bucket, which
// has none, twice the greatest bound. It is 0 where nothing was counted.
func (s *Snapshot) Quantile(share float64) time.Duration {
	total := s.Count()
	if total == 0 {
		return 0
	}
	rest := total - min(total-1, uint64(share*float64(total))) // how many are to be beyond, or the last one within
	for i := Buckets - 1; i > 0; i-- {
		if s.Counts[i] >= rest {
			return bound(i)
		}
		rest -= s.Counts[i]
	}
	return bound(0)
}

func bound(bucket int) time.Duration {
	if bucket == len(bounds) {
		return 2 * bounds[len(bounds)-1]
	}
	return bounds[bucket]
}
