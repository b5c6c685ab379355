package features

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/rongate/rongate/internal/frauddata"
)

// chiSquare is how far counts are from what is expected of them: near to the degrees of freedom when they are drawn so,
// within a few of their standard deviations.
func chiSquare(t *testing.T, what string, counts []int, expected []float64) {
	t.Helper()
	sum := 0.0
	for i, n := range counts {
		d := float64(n) - expected[i]
		sum += d * d / expected[i]
	}
	freedom := float64(len(counts) - 1)
	if far := 4 * math.Sqrt(2*freedom); math.Abs(sum-freedom) > far {
		t.Errorf("%s: chi-square %.0f with %.0f degrees of freedom", what, sum, freedom)
	}
}

func TestRanks(t *testing.T) {
	const numbers, draws = 1000, 400_000
	for name, tc := range map[string]struct {
		keys Keys
		part func(rank int) float64 // how often it comes, but for a factor
	}{
		"uniform":   {Keys{}, func(int) float64 { return 1 }},
		"zipf 0.5":  {Keys{Zipf: 0.5}, func(n int) float64 { return math.Pow(float64(n+1), -0.5) }},
		"zipf 0.99": {Keys{Zipf: 0.99}, func(n int) float64 { return math.Pow(float64(n+1), -0.99) }},
		"zipf 1":    {Keys{Zipf: 1}, func(n int) float64 { return 1 / float64(n+1) }},
		"zipf 1.1":  {Keys{Zipf: 1.1}, func(n int) float64 { return math.Pow(float64(n+1), -1.1) }},
		"hot": {Keys{Hot: 10, Share: 0.9}, func(n int) float64 {
			if n < 10 {
				return 0.9 / 10
			}
			return 0.1 / (numbers - 10)
		}},
		"all are hot": {Keys{Hot: numbers, Share: 0.9}, func(int) float64 { return 1 }},
	} {
		list := make([]uint32, numbers)
		for i := range list {
			list[i] = uint32(5000 + i)
		}
		r := newRanks(list, &tc.keys)
		rankOf := map[uint32]int{}
		neighbours := 0
		for rank, n := range r.numbers {
			if rankOf[n] = rank; rank > 0 && r.numbers[rank-1]+1 == n {
				neighbours++
			}
		}
		if len(rankOf) != numbers || neighbours > 10 {
			t.Errorf("%s: %d numbers, %d beside one another", name, len(rankOf), neighbours)
		}
		random := rand.New(rand.NewPCG(7, 11))
		counts, expected, sum := make([]int, numbers), make([]float64, numbers), 0.0
		for range draws {
			counts[rankOf[uint32(r.draw(random))]]++
		}
		for i := range expected {
			expected[i] = tc.part(i)
			sum += expected[i]
		}
		for i := range expected {
			expected[i] *= draws / sum
		}
		chiSquare(t, name, counts, expected)
	}
}

// TestZipfBounds draws from few and with exponents that leave hardly a choice.
func TestZipfBounds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 2, 3} {
		for _, s := range []float64{1e-9, 0.5, 1, 1 + 1e-12, 2, maxZipf} {
			z := newZipf(s, n)
			for range 1000 {
				if k := z.draw(random); k < 0 || k >= n {
					t.Fatalf("%d of %d, exponent %v", k, n, s)
				}
			}
		}
	}
}

// TestShape asks many times and counts what was asked for.
func TestShape(t *testing.T) {
	data := newData(t, time.Now())
	source := open(t, newDouble(t, data).start(t), Config{
		Data:  data,
		Views: []View{{Name: "fraud", Version: 2, Weight: 3}, {Name: "account"}},
		Keys:  Keys{Missing: 0.2}, Sizes: []Size{{1, 1, 80}, {10, 10, 15}, {50, 100, 5}}, Passed: 0.25,
	})
	a := source.Asker(rand.New(rand.NewPCG(3, 4))).(*asker)
	const asks = 20_000
	counts := map[string]int{}
	entries, missing, of := 0, 0, map[int]int{}
	for range asks {
		a.Ask(new(fasthttp.Request))
		counts[a.view.name.String()]++
		n := len(a.entries)
		of[n]++
		entries += n
		for i, e := range a.entries {
			if !a.view.complete(e) {
				missing++
			}
			if passes := a.passed[i] >= 0; passes != (a.passed[0] >= 0) {
				t.Fatal("one entry of a request passes a feature and another does not")
			}
		}
		if a.passed[0] >= 0 {
			counts["passed"]++
		}
	}
	chiSquare(t, "views", []int{counts["fraud/2"], counts["account/1"]}, []float64{asks * 0.75, asks * 0.25})
	chiSquare(t, "sizes", []int{of[1], of[10], asks - of[1] - of[10]}, []float64{asks * 0.8, asks * 0.15, asks * 0.05})
	within(t, "missing", missing, float64(entries)*0.2)
	within(t, "passed", counts["passed"], asks*0.75*0.25)
	for n := range of {
		if n != 1 && n != 10 && (n < 50 || n > 100) {
			t.Errorf("a request of %d entries", n)
		}
	}
	if of[50] == 0 || of[100] == 0 {
		t.Error("a span lacks its ends")
	}
}

// within wants a count to be near to what is expected, as one of many independent draws is.
func within(t *testing.T, what string, got int, want float64) {
	t.Helper()
	if math.Abs(float64(got)-want) > 4*math.Sqrt(want) {
		t.Errorf("%s: %d; want about %.0f", what, got, want)
	}
}

// TestSeed wants the same requests from the same seed, and others from another.
func TestSeed(t *testing.T) {
	data := newData(t, time.Now())
	source := open(t, newDouble(t, data).start(t), Config{Data: data, Keys: Keys{Zipf: 1}, Sizes: []Size{{1, 5, 0}}})
	bodies := func(seed uint64) (all string) {
		a := source.Asker(rand.New(rand.NewPCG(seed, 0))).(*asker)
		for range 20 {
			a.Ask(new(fasthttp.Request))
			all += string(a.body)
		}
		return all
	}
	first, again, other := bodies(1), bodies(1), bodies(2)
	if first != again || first == other {
		t.Error("what is asked does not depend on the seed alone")
	}
}

// TestEntriesAreAll wants each entry to be in one of the lists, as the tables say.
func TestEntriesAreAll(t *testing.T) {
	data := newData(t, time.Now())
	source := open(t, newDouble(t, data).start(t), Config{Data: data})
	counts := map[string]int{}
	for _, v := range source.views {
		counts[v.name.String()] = len(v.present.numbers)
		for _, n := range v.present.numbers {
			for _, f := range v.features {
				if _, status := f.AppendWant(nil, v.entry(uint64(n))); status == frauddata.Missing {
					t.Fatalf("%s: %s of %d is missing", v.name, f.name, n)
				}
			}
		}
		for _, n := range v.absent.numbers {
			some := false
			for _, f := range v.features {
				_, status := f.AppendWant(nil, v.entry(uint64(n)))
				some = some || status == frauddata.Missing
			}
			if !some {
				t.Fatalf("%s: %d is not missing", v.name, n)
			}
		}
	}
	groups := data.Groups()
	if counts["account/1"] != groups[0].Count() || counts["fraud/1"] != groups[0].Count() ||
		counts["merchant/1"] != groups[1].Count() || counts["fraud/2"] < groups[2].Count()*9/10 ||
		counts["fraud/3"] >= counts["fraud/2"] || counts["fraud/3"] < groups[4].Count()*8/10 {
		t.Error(fmt.Sprint(counts))
	}
}
