package loadtest

import (
	"context"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
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
	b := echo(t, func(w http.ResponseWriter, r *http.Request) { time.Sleep(3 * time.Millisecond); ok(w, r) })
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
	if len(c.Ratios) != 3 || c.Ratios[0].What != "p50" || c.Ratios[0].Low < 1.5 || c.Ratios[0].B < 0.003 {
		t.Errorf("ratios %+v", c.Ratios)
	}
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

// TestFindMax looks for the rate of a server that answers one request at a time, each in 2 ms.
func TestFindMax(t *testing.T) {
	var one sync.Mutex
	url := echo(t, func(w http.ResponseWriter, r *http.Request) {
		one.Lock()
		defer one.Unlock()
		time.Sleep(2 * time.Millisecond)
		ok(w, r)
	})
	told := 0
	trials, err := FindMax(t.Context(), Config{
		URL: url, Source: plain{}, Arrivals: Constant, Steps: []Step{{Rate: 100, Duration: 400 * time.Millisecond}},
	}, Goal{Quantile: 0.9, Limit: 20 * time.Millisecond}, func(Trial) { told++ })
	if err != nil || told != len(trials) {
		t.Fatalf("%v, told of %d of %d", err, told, len(trials))
	}
	best, found := Best(trials)
	if !found || best.Rate < 150 || best.Rate > 550 {
		for _, trial := range trials {
			t.Logf("%v: %q", trial.Rate, trial.Missed)
		}
		t.Errorf("found %t, %v", found, best.Rate)
	}
}

func TestNextRate(t *testing.T) {
	for _, test := range [][3]float64{{100, 0, 200}, {0, 100, 50}, {100, 200, 150}, {maxRate, 0, maxRate}} {
		if got := nextRate(test[0], test[1]); got != test[2] {
			t.Errorf("between %v and %v: %v", test[0], test[1], got)
		}
	}
}
