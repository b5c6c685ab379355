package loadtest

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Arrivals is how the moments at which requests are due lie to one another.
type Arrivals int

const (
	// Poisson arrivals are independent of one another, as those of many callers are: some come together.
	Poisson Arrivals = iota
	// Constant arrivals are evenly spaced, which is the kindest load of its rate.
	Constant
)

// A Step is a stretch of load.
type Step struct {
	Name     string        // for reports; may be empty
	Rate     float64       // requests a second
	Duration time.Duration // at least a millisecond
}

func (s Step) check() error {
	if !(s.Rate > 0) || s.Rate > maxRate {
		return fmt.Errorf("a rate of %v requests a second; it must be more than 0 and at most %d", s.Rate, int(maxRate))
	}
	if s.Duration < time.Millisecond {
		return fmt.Errorf("a step of %v; it must be at least 1ms", s.Duration)
	}
	return nil
}

// maxRate is beyond what one machine sends, and keeps the gaps between requests well above a nanosecond.
const maxRate = 1e7

// A schedule yields the moments at which requests are due, from the start of the load on.
type schedule struct {
	steps    []Step
	arrivals Arrivals
	random   *rand.Rand
	step     int           // the one at hand
	began    time.Duration // when it did
	at       float64       // of the latest request of the step, in nanoseconds from its beginning; negative: none yet
}

func newSchedule(steps []Step, arrivals Arrivals, random *rand.Rand) *schedule {
	return &schedule{steps: steps, arrivals: arrivals, random: random, at: -1}
}

// next returns when the next request is due, and in which step; false when there is none any more. A step begins at its
// time, whatever gap the last one ended in.
func (s *schedule) next() (due time.Duration, step int, ok bool) {
	for s.step < len(s.steps) {
		current := s.steps[s.step]
		s.at = s.after(s.at, float64(time.Second)/current.Rate)
		if due := time.Duration(s.at); due < current.Duration {
			return s.began + due, s.step, true
		}
		s.began, s.at = s.began+current.Duration, -1
		s.step++
	}
	return 0, 0, false
}

// after returns the moment of the request that follows the one at some moment.
func (s *schedule) after(at, gap float64) float64 {
	switch {
	case s.arrivals == Poisson:
		return max(at, 0) + gap*s.random.ExpFloat64()
	case at < 0:
		return 0
	}
	return at + gap
}

// length is how long all steps take.
func length(steps []Step) (sum time.Duration) {
	for _, s := range steps {
		sum += s.Duration
	}
	return sum
}
