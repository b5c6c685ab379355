package loadtest

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestConstant(t *testing.T) {
	s := newSchedule([]Step{{Rate: 10, Duration: time.Second}, {Rate: 4, Duration: 500 * time.Millisecond}}, Constant, nil)
	var got []time.Duration
	for {
		due, step, ok := s.next()
		if !ok {
			break
		}
		if (step == 1) != (due >= time.Second) {
			t.Errorf("%v is in step %d", due, step)
		}
		got = append(got, due.Round(time.Microsecond))
	}
	const ms = time.Millisecond
	if len(got) != 12 || got[0] != 0 || got[9] != 900*ms || got[10] != 1000*ms || got[11] != 1250*ms {
		t.Errorf("got %v", got)
	}
}

// TestPoisson: as many as asked for, and gaps whose spread is that of independent arrivals.
func TestPoisson(t *testing.T) {
	const rate, seconds = 5000, 20
	s := newSchedule([]Step{{Rate: rate, Duration: seconds * time.Second}}, Poisson, rand.New(rand.NewPCG(1, 2)))
	var n int
	var last time.Duration
	var sum, squares float64
	for {
		due, _, ok := s.next()
		if !ok {
			break
		}
		if due < last {
			t.Fatalf("%v after %v", due, last)
		}
		gap := (due - last).Seconds() * rate
		sum, squares = sum+gap, squares+gap*gap
		last = due
		n++
	}
	if math.Abs(float64(n)-rate*seconds) > 4*math.Sqrt(rate*seconds) {
		t.Errorf("%d requests", n)
	}
	mean := sum / float64(n)
	if spread := math.Sqrt(squares/float64(n) - mean*mean); math.Abs(mean-1) > 0.02 || math.Abs(spread-1) > 0.03 {
		t.Errorf("gaps of mean %v, deviation %v", mean, spread)
	}
}

func TestStepMistakes(t *testing.T) {
	for _, s := range []Step{
		{},
		{Rate: -1, Duration: time.Second},
		{Rate: math.NaN(), Duration: time.Second},
		{Rate: 1e9, Duration: time.Second},
		{Rate: math.Inf(1), Duration: time.Second},
		{Rate: 1, Duration: time.Microsecond},
	} {
		if s.check() == nil {
			t.Errorf("%+v is accepted", s)
		}
	}
	if err := (Step{Rate: 1, Duration: time.Second}).check(); err != nil {
		t.Error(err)
	}
}
