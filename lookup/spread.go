package lookup

import (
	"math/bits"
	"time"
)

const (
	// A spread's buckets: eight for each power of two, so that a quantile is told to an eighth, of a multiple of
	// 1/spreadUnit to 256. What is beyond is in the last.
	spreadUnit    = 16
	spreadBuckets = 12 * 8

	// spreadTurn is half of the window: counts are of this time and of as much before it.
	spreadTurn = 5 * time.Second

	// spreadStep is how long a quantile is in force.
	spreadStep = 250 * time.Millisecond

	// spreadLeast is how many statements it takes to know a quantile that two or three in a hundred exceed: ten of them.
	spreadLeast = 400
)

// A spread is how far the statements of one size are from what is typical of their plans, over the last five to ten
// seconds, all nodes together. Every statement that was answered is in it with the whole time that it took, whether or not
// somebody still waited: what is begun elsewhere because it is slow ends all the same, and one that did not end yet is as
// good as one of the slowest. The zero spread is empty. Reader.mu guards it.
type spread struct {
	counts [2][spreadBuckets]uint32
	totals [2]uint32
	turn   int       // of the two, which is counted in
	turned time.Time // since when

	multiple float64 // the quantile in force; 0: not known
	measured time.Time
}

// note counts a statement that took so many times what is typical.
func (w *spread) note(multiple float64, now time.Time) {
	w.turnOver(now)
	w.counts[w.turn][spreadBucket(multiple)]++
	w.totals[w.turn]++
}

// turnOver begins a new half of the window when it is time.
func (w *spread) turnOver(now time.Time) {
	switch age := now.Sub(w.turned); {
	case age < spreadTurn:
		return
	case age >= 2*spreadTurn: // what was counted last is too old too
		w.counts[w.turn], w.totals[w.turn] = [spreadBuckets]uint32{}, 0
	}
	w.turn = 1 - w.turn
	w.counts[w.turn], w.totals[w.turn], w.turned = [spreadBuckets]uint32{}, 0, now
}

// beyond returns the multiple that no more than a share of the statements exceeds; 0 while it is not known. It is
// reckoned anew every spreadStep.
func (w *spread) beyond(share float64, now time.Time) float64 {
	if now.Sub(w.measured) < spreadStep {
		return w.multiple
	}
	w.turnOver(now)
	w.measured, w.multiple = now, 0
	total := w.totals[0] + w.totals[1]
	if total < spreadLeast {
		return 0
	}
	above, most := uint32(0), uint32(share*float64(total))
	for i := spreadBuckets - 1; i >= 0; i-- {
		if above += w.counts[0][i] + w.counts[1][i]; above > most {
			w.multiple = spreadBound(i)
			break
		}
	}
	return w.multiple
}

// spreadBucket is the bucket of a multiple: its power of two, and the three bits after the first.
func spreadBucket(multiple float64) int {
	n := max(uint64(multiple*spreadUnit*8), 8)
	power := bits.Len64(n) - 4
	return min(power*8+int(n>>power)-8, spreadBuckets-1)
}

// spreadBound is the upper end of a bucket.
func spreadBound(bucket int) float64 {
	power, part := bucket/8, bucket%8
	return float64(uint64(8+part+1)<<power) / (spreadUnit * 8)
}
