package loadtest

import (
	"context"
	"fmt"
	"time"
)

// A Goal is what a server has to keep for a rate to count.
type Goal struct {
	Quantile float64       // of the latency, such as 0.99
	Limit    time.Duration // that the quantile must not exceed
	Failed   float64       // the share of requests that may fail, such as 0.001
}

// misses returns why a result does not meet the goal, empty if it does, and whether it is the harness that is to blame.
func (g Goal) misses(r *Result) (why string, harness bool) {
	switch q := r.Total.Quantile(g.Quantile); {
	case float64(r.Total.Failures()) > g.Failed*float64(r.Total.Sent):
		return fmt.Sprintf("%d of %d requests failed", r.Total.Failures(), r.Total.Sent), false
	case r.Void():
		return fmt.Sprintf("the harness sent %d of %d requests more than %v late", r.Total.Late, r.Total.Due, lateAfter), true
	case q > g.Limit:
		return fmt.Sprintf("p%g is %v", 100*g.Quantile, q), false
	}
	return "", false
}

// A Trial is one rate that was tried.
type Trial struct {
	Rate    float64
	Missed  string // why it does not count; empty: it does
	Harness bool   // the harness was what could not keep up
	Result  *Result
}

const (
	findFrom      = 100.0 // requests a second: what the search begins with if it is not told
	findPrecision = 0.05  // of the rate: when the search ends
	findTrials    = 40    // at most
)

// FindMax searches for the highest rate at which a server meets a goal: twice the rate until it does not, then in between,
// to within 5 %. Steps has the first rate to be tried and how long every try takes. The trials are returned in their
// order; the greatest rate of those that missed nothing is the answer, and there may be none. tell is told of each.
func FindMax(ctx context.Context, cfg Config, goal Goal, tell func(Trial)) ([]Trial, error) {
	step := Step{Rate: findFrom, Duration: 10 * time.Second}
	if len(cfg.Steps) > 0 {
		step = cfg.Steps[0]
	}
	return search(ctx, step.Rate, func(rate float64) (Trial, error) {
		cfg.Steps = []Step{{Rate: rate, Duration: step.Duration}}
		result, err := Run(ctx, cfg)
		if err != nil {
			return Trial{}, err
		}
		t := Trial{Rate: rate, Result: result}
		t.Missed, t.Harness = goal.misses(result)
		if tell != nil && ctx.Err() == nil {
			tell(t)
		}
		return t, nil
	})
}

// search tries rates, from one on.
func search(ctx context.Context, rate float64, try func(rate float64) (Trial, error)) (trials []Trial, err error) {
	low, high := 0.0, 0.0 // what is met, and what is missed; 0: not known
	for len(trials) < findTrials {
		t, err := try(rate)
		if err != nil || ctx.Err() != nil { // half a trial says nothing
			return trials, err
		}
		trials = append(trials, t)
		if t.Missed == "" {
			low = rate
		} else {
			high = rate
		}
		if high > 0 && (high-low <= findPrecision*high || high < 1) {
			break
		}
		rate = nextRate(low, high)
	}
	return trials, nil
}

// nextRate is the rate to be tried when low is known to be met and high to be missed; 0 stands for not known.
func nextRate(low, high float64) float64 {
	switch {
	case high == 0:
		return min(2*low, maxRate)
	case low == 0:
		return high / 2
	}
	return (low + high) / 2
}

// Best returns the trial of the highest rate that met the goal, and whether there is one.
func Best(trials []Trial) (best Trial, found bool) {
	for _, t := range trials {
		if t.Missed == "" && t.Rate > best.Rate {
			best, found = t, true
		}
	}
	return best, found
}
