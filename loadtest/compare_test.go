package loadtest

import (
	"context"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

func TestStudentT(t *testing.T) {
	for degrees, want := range map[int]float64{
		1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 9: 2.262, 19: 2.093, 30: 2.042, 1000: 1.962,
	} {
		if got := studentT(degrees); math.Abs(got-want) > 0.01 {
			t.Errorf("%d degrees of freedom: %v, want %v", degrees, got, want)
		}
	}
}

// TestRatio draws pairs whose ratio is known, and wants intervals that hold it as often as they say.
func TestRatio(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	held, found := 0, 0
	const runs = 400
	for range runs {
		var a, b, c []float64
		for range 20 {
			drift := random.NormFloat64() * 0.5 // befalls both
			a = append(a, drift+0.05*random.NormFloat64())
			b = append(b, drift+0.05*random.NormFloat64())
			c = append(c, drift+0.05*random.NormFloat64()+math.Log(1.1))
		}
		if r := ratioOf("x", "s", a, b); r.Low <= 1 && r.High >= 1 {
			held++
		}
		if r := ratioOf("x", "s", a, c); r.Low > 1 && math.Abs(r.Ratio-1.1) < 0.08 {
			found++
		}
	}
	if held < runs*92/100 || held > runs*98/100 || found < runs*99/100 {
		t.Errorf("of %d intervals %d hold 1, %d find 1.1", runs, held, found)
	}
}

func TestCompare(t *testing.T) {
	a := echo(t, ok)
	b := echo(t, func(w http.ResponseWriter, r *http.Request) { time.Sleep(30 * time.Millisecond); ok(w, r) })
	pairs := 0
	c, err := Compare(t.Context(), Comparing{
		Config: Config{
			URL: a, Source: plain{}, Arrivals: Constant, Steps: []Step{{Rate: 200, Duration: 100 * time.Millisecond}},
		},
		B: b, Pairs: 5, Process: [2]int{os.Getpid(), 0}, Tell: func(int) { pairs++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	if pairs != 5 || c.Results[0].Total.Sent != 100 || c.Results[1].Total.Sent != 100 {
		t.Errorf("%d pairs, %d and %d requests", pairs, c.Results[0].Total.Sent, c.Results[1].Total.Sent)
	}
	if c.Results[0].Service.TotalCount() != 100 || c.Results[0].Length < 400*time.Millisecond {
		t.Errorf("%d latencies, %v", c.Results[0].Service.TotalCount(), c.Results[0].Length)
	}
	if len(c.Ratios) != 3 || c.Ratios[0].What != "p50" || c.Ratios[0].Ratio < 2 || c.Ratios[0].B < 0.03 {
		t.Errorf("ratios %+v", c.Ratios)
	}
}

// TestCompareClosed: of servers that are asked as fast as they answer, the rates are compared too.
func TestCompareClosed(t *testing.T) {
	c, err := Compare(t.Context(), Comparing{
		Config: Config{
			URL: echo(t, ok), Source: plain{}, Callers: 3, Steps: []Step{{Duration: 100 * time.Millisecond}},
		},
		B:     echo(t, func(w http.ResponseWriter, r *http.Request) { time.Sleep(30 * time.Millisecond); ok(w, r) }),
		Pairs: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range c.Ratios {
		if r.What == "rate" {
			if r.B < 10 || r.B > 100 || r.Ratio > 0.5 { // three callers get at most 33 answers a second each
				t.Errorf("%+v", r)
			}
			return
		}
	}
	t.Errorf("no rate: %+v", c.Ratios)
}

func TestCompareMistakes(t *testing.T) {
	cfg := Config{URL: "http://127.0.0.1:1", Source: plain{}, Steps: []Step{{Rate: 10, Duration: 50 * time.Millisecond}}}
	if _, err := Compare(t.Context(), Comparing{Config: cfg, B: "nothing", Pairs: 3}); err == nil {
		t.Error("compares with nothing")
	}
	if _, err := Compare(t.Context(), Comparing{Config: cfg, B: cfg.URL, Pairs: 2}); err == nil {
		t.Error("two pairs are enough")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Compare(ctx, Comparing{Config: cfg, B: cfg.URL}); err == nil {
		t.Error("a comparison that was stopped has a result")
	}
}

// TestSearch looks for the rate of servers that keep a goal up to a known one.
func TestSearch(t *testing.T) {
	for _, most := range []float64{0.1, 3, 99, 100, 101, 790, 123_456} {
		trials, err := search(t.Context(), 100, func(rate float64) (Trial, error) {
			missed := ""
			if rate > most {
				missed = "too much"
			}
			return Trial{Rate: rate, Missed: missed}, nil
		})
		best, found := Best(trials)
		if err != nil || found != (most >= 1) || found && (best.Rate > most || best.Rate < 0.94*most) || len(trials) > 25 {
			t.Errorf("most %v: found %t, %v after %d trials, %v", most, found, best.Rate, len(trials), err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	trials, err := search(ctx, 100, func(rate float64) (Trial, error) {
		if rate > 300 {
			cancel()
		}
		return Trial{Rate: rate}, nil
	})
	if err != nil || len(trials) != 2 {
		t.Errorf("stopped in its third: %d trials, %v", len(trials), err)
	}
}

// TestFindMax asks a server that fails everything: there is no rate that it keeps.
func TestFindMax(t *testing.T) {
	url := echo(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
	var told []string
	trials, err := FindMax(t.Context(), Config{
		URL: url, Source: plain{}, Arrivals: Constant, Steps: []Step{{Rate: 8, Duration: 100 * time.Millisecond}},
	}, Goal{Quantile: 0.9, Limit: time.Minute}, func(t Trial) { told = append(told, t.Missed) })
	if _, found := Best(trials); err != nil || found || len(trials) != 5 || len(told) != 5 ||
		!strings.Contains(told[0], "1 of 1 requests failed") {
		t.Errorf("%v, %q", err, told)
	}
}

func TestNextRate(t *testing.T) {
	for _, test := range [][3]float64{{100, 0, 200}, {0, 100, 50}, {100, 200, 150}, {maxRate, 0, maxRate}} {
		if got := nextRate(test[0], test[1]); got != test[2] {
			t.Errorf("between %v and %v: %v", test[0], test[1], got)
		}
	}
}
