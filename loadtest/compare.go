package loadtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// Comparing is two servers under the same load, in turn.
type Comparing struct {
	Config         // of the load on both: the first step's rate, and how long a slice of it is; URL is A's
	B       string // the URL of the other
	SourceB Source // what B is asked for; nil: Source too
	Pairs   int    // of slices; 80
	Process [2]int // the process ids of A and B, for CPU time and memory; 0: not known
	Tell    func(pair int)
}

// A Ratio is one figure of B to that of A, over all pairs.
type Ratio struct {
	What      string
	Unit      string
	A, B      float64 // geometric means
	Ratio     float64
	Low, High float64 // with a confidence of 95 %
}

// Compared is what became of a comparison.
type Compared struct {
	Ratios  []Ratio
	Results [2]*Result // of all slices of A and of B
}

// slice is what was measured in one.
type slice map[string]float64

// Compare puts the load on A and B in turn, a slice at a time and the second of each pair first in every other one, so that
// whatever else happens on the machine befalls both alike. What is compared is the ratio within each pair: its mean, and
// how far the mean of so many pairs may be off.
func Compare(ctx context.Context, c Comparing) (*Compared, error) {
	if c.Pairs == 0 {
		c.Pairs = 80
	}
	if c.Pairs < 3 {
		return nil, errors.New("loadtest: a comparison takes at least 3 pairs")
	}
	if err := c.fill(); err != nil {
		return nil, err
	}
	c.Steps = c.Steps[:1]
	urls := [2]string{c.URL, c.B}
	compared := &Compared{}
	for side := range compared.Results {
		compared.Results[side] = merge(nil, c.Window)
	}
	var slices [2][]slice
	for pair := -1; pair < c.Pairs; pair++ { // the first warms up, and does not count
		for turn := range 2 {
			side := (turn + pair + 2) % 2
			cfg := c.Config
			cfg.URL, cfg.Seed = urls[side], c.Seed+uint64(pair+1) // both sides of a pair get the same requests
			if side == 1 && c.SourceB != nil {
				cfg.Source = c.SourceB
			}
			s, result, err := measure(ctx, cfg, c.Process[side])
			if err != nil {
				return nil, err
			}
			if err := ctx.Err(); err != nil {
				return nil, fmt.Errorf("the comparison was stopped in pair %d: %w", pair+1, context.Cause(ctx))
			}
			if pair >= 0 {
				slices[side] = append(slices[side], s)
				compared.Results[side].extend(result)
			}
		}
		if c.Tell != nil && pair >= 0 {
			c.Tell(pair + 1)
		}
	}
	compared.Ratios = ratios(slices)
	return compared, nil
}

// extend adds what another run on the same server has, but for its windows.
func (r *Result) extend(o *Result) {
	if r.Started.IsZero() {
		r.Started, r.Examples = o.Started, map[string]string{}
	}
	r.Length += o.Length
	r.Total.add(&o.Total)
	r.Service.Merge(o.Service)
	r.Lateness.Merge(o.Lateness)
	for kind, detail := range o.Examples {
		if r.Examples[kind] == "" {
			r.Examples[kind] = detail
		}
	}
}

// figures are what is compared, in order, with their units.
func figures() [][2]string {
	return [][2]string{{"p50", "s"}, {"p90", "s"}, {"p99", "s"}, {"rate", "/s"}, {"CPU a request", "s"}, {"memory", "B"}}
}

// settling is how long a server has for taking the connections of a slice, which would else count as the requests' cost.
const settling = 20 * time.Millisecond

// measure puts one slice of load on a server.
func measure(ctx context.Context, cfg Config, process int) (slice, *Result, error) {
	r, err := newRun(cfg)
	if err != nil {
		return nil, nil, err
	}
	time.Sleep(settling)
	before, cpuErr := cpuTime(process)
	result := r.load(ctx)
	s := slice{}
	for name, q := range map[string]float64{"p50": 0.5, "p90": 0.9, "p99": 0.99} {
		s[name] = result.Total.Quantile(q).Seconds()
	}
	if cfg.Callers > 0 && result.Length > 0 { // an open loop has the rate that it is told
		s["rate"] = float64(result.Total.Answered) / result.Length.Seconds()
	}
	after, err := cpuTime(process)
	if cpuErr == nil && err == nil && result.Total.Answered > 0 {
		s["CPU a request"] = (after - before).Seconds() / float64(result.Total.Answered)
	}
	if memory, err := residentBytes(process); err == nil {
		s["memory"] = float64(memory)
	}
	return s, result, nil
}

// ratios compares what both sides have measured in every slice.
func ratios(slices [2][]slice) (all []Ratio) {
	for _, f := range figures() {
		var a, b []float64
		for i := range slices[0] {
			x, y := slices[0][i][f[0]], slices[1][i][f[0]]
			if x > 0 && y > 0 {
				a, b = append(a, math.Log(x)), append(b, math.Log(y))
			}
		}
		if len(a) == len(slices[0]) && len(a) > 2 {
			all = append(all, ratioOf(f[0], f[1], a, b))
		}
	}
	return all
}

// ratioOf compares the logarithms of paired figures: the mean of their differences, give or take Student's t for their
// number times the standard error.
func ratioOf(what, unit string, a, b []float64) Ratio {
	n := float64(len(a))
	var sumA, sumB, sum, squares float64
	for i := range a {
		d := b[i] - a[i]
		sumA, sumB, sum, squares = sumA+a[i], sumB+b[i], sum+d, squares+d*d
	}
	mean := sum / n
	deviation := math.Sqrt(max(0, squares-n*mean*mean) / (n - 1))
	half := studentT(len(a)-1) * deviation / math.Sqrt(n)
	return Ratio{
		What: what, Unit: unit, A: math.Exp(sumA / n), B: math.Exp(sumB / n),
		Ratio: math.Exp(mean), Low: math.Exp(mean - half), High: math.Exp(mean + half),
	}
}

// studentT is the 0.975 quantile of Student's t distribution, by the expansion of Cornish and Fisher, which is good to
// three digits from 4 degrees of freedom on; below that the values themselves.
func studentT(degrees int) float64 {
	const z = 1.959964
	switch degrees {
	case 1:
		return 12.706
	case 2:
		return 4.303
	case 3:
		return 3.182
	}
	v := float64(degrees)
	z2 := z * z
	return z * (1 + (z2+1)/(4*v) + ((5*z2+16)*z2+3)/(96*v*v) + (((3*z2+19)*z2+17)*z2-15)/(384*v*v*v))
}
