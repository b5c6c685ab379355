package features

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// Keys says which entries are asked for: each as often as the others, or as one of the fields says. Which of them come
// often is the same in every run.
type Keys struct {
	Zipf    float64 // the n-th most frequent entry comes as often as n to the power of minus this; 0: not so
	Hot     int     // so many entries, and each as often as the others of them, get a share of the requests; 0: not so
	Share   float64 // that the Hot ones get; all others the rest, each as often as the others of them
	Missing float64 // share of entries that lack a row in at least one feature group, and are drawn in the same way
}

const maxZipf = 10 // beyond it nearly every entry is the first

func (k *Keys) check() error {
	switch {
	case k.Zipf != 0 && k.Hot != 0:
		return errors.New("keys are drawn by Zipf's law or from a hot set, not both")
	case !(k.Zipf >= 0 && k.Zipf <= maxZipf):
		return fmt.Errorf("an exponent of %v for Zipf's law; it must be from 0 to %d", k.Zipf, maxZipf)
	case k.Hot < 0 || k.Hot > 0 && !(k.Share > 0 && k.Share <= 1):
		return fmt.Errorf("a hot set of %d entries with a share of %v; give more than 0 of each", k.Hot, k.Share)
	case !(k.Missing >= 0 && k.Missing <= 1):
		return fmt.Errorf("a share of %v of missing entries; it must be from 0 to 1", k.Missing)
	}
	return nil
}

// ranks draws some of the numbers of entries, which are in the order of how often they come.
type ranks struct {
	numbers []uint32
	hot     int
	share   float64
	zipf    *zipf
}

// newRanks takes the numbers over. Those that come often are not neighbours, which would share a database's pages.
func newRanks(numbers []uint32, k *Keys) ranks {
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(numbers), func(i, j int) { numbers[i], numbers[j] = numbers[j], numbers[i] })
	r := ranks{numbers: numbers, hot: min(k.Hot, len(numbers)), share: k.Share}
	if k.Zipf > 0 && len(numbers) > 0 {
		r.zipf = newZipf(k.Zipf, len(numbers))
	}
	return r
}

func (r *ranks) draw(random *rand.Rand) uint64 {
	n := len(r.numbers)
	switch {
	case r.zipf != nil:
		return uint64(r.numbers[r.zipf.draw(random)])
	case r.hot > 0 && r.hot < n:
		if random.Float64() < r.share {
			return uint64(r.numbers[random.IntN(r.hot)])
		}
		return uint64(r.numbers[r.hot+random.IntN(n-r.hot)])
	}
	return uint64(r.numbers[random.IntN(n)])
}

// zipf draws ranks by Zipf's law for any positive exponent, by rejection-inversion (Hörmann and Derflinger, 1996): a
// point is drawn under a curve that lies above the bars of a histogram, and drawn again if it is above its bar. The
// math/rand one takes exponents above 1 only.
type zipf struct {
	s         float64
	n         float64
	low, high float64 // of the integral, where points are drawn
	sure      float64 // points so near to the middle of their bar are within it
}

func newZipf(s float64, n int) *zipf {
	z := &zipf{s: s, n: float64(n)}
	z.low, z.high = z.integral(1.5)-1, z.integral(z.n+0.5)
	z.sure = 2 - z.inverse(z.integral(2.5)-math.Pow(2, -s))
	return z
}

// integral is that of x to the power of -s, but for a constant.
func (z *zipf) integral(x float64) float64 {
	if z.s == 1 {
		return math.Log(x)
	}
	return math.Expm1((1-z.s)*math.Log(x)) / (1 - z.s)
}

func (z *zipf) inverse(y float64) float64 {
	if z.s == 1 {
		return math.Exp(y)
	}
	return math.Exp(math.Log1p(max((1-z.s)*y, -1)) / (1 - z.s))
}

// draw returns a rank from 0, which is the most frequent one.
func (z *zipf) draw(random *rand.Rand) int {
	for {
		u := z.low + random.Float64()*(z.high-z.low)
		x := z.inverse(u)
		k := min(max(math.Floor(x+0.5), 1), z.n)
		if k-x <= z.sure || u >= z.integral(k+0.5)-math.Exp(-z.s*math.Log(k)) {
			return int(k) - 1
		}
	}
}

// A Size is how many entries some requests have: from Low to High, each number as often as the others.
type Size struct {
	Low, High int
	Weight    float64 // how often, compared with the other sizes; 0: 1
}

// maxSize is more than any gateway takes.
const maxSize = 100_000

func (s *Size) check() error {
	if s.Low < 1 || s.High < s.Low || s.High > maxSize {
		return fmt.Errorf("requests of %d to %d entries; it takes 1 to %d", s.Low, s.High, maxSize)
	}
	return checkWeight(s.Weight)
}

func (s *Size) draw(random *rand.Rand) int {
	if s.High == s.Low {
		return s.Low
	}
	return s.Low + random.IntN(s.High-s.Low+1)
}

func checkWeight(given float64) error {
	if !(given >= 0) || math.IsInf(given, 1) {
		return fmt.Errorf("a weight of %v; it must be more than 0", given)
	}
	return nil
}

func weightOf(given float64) float64 {
	if given == 0 {
		return 1
	}
	return given
}

// pick draws an index, each as often as its weight says.
func pick(random *rand.Rand, weights []float64) int {
	if len(weights) == 1 {
		return 0
	}
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	at := random.Float64() * sum
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	return len(weights) - 1
}
