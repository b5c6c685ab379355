package lookup

import (
	"math/bits"
	"time"

	"github.com/rongate/rongate/internal/hist"
)

// sizeOf is the class of statements for so many keys: one key, up to 2, up to 4 and so on.
func sizeOf(keys int) int { return bits.Len(uint(keys - 1)) }

// typical is what a plan's statements take, by size: a running median over all nodes, which a node that is slow does
// not move, and a cluster that is does.
type typical [sizes]time.Duration

// note counts a statement that was answered. A step of a thirty-second follows a change tenfold within some 70
// statements.
func (t *typical) note(size int, took time.Duration) {
	m := &t[size]
	switch {
	case *m == 0:
		*m = took
	case took > *m:
		*m += *m/32 + 1
	default:
		*m -= *m / 32
	}
}

const (
	// maxPace bounds what one statement says of a node, and is what a failed one says: a node that fails fast is not fast.
	maxPace = 20

	// paceStep is how many times what was known of a node one statement may say that it is not suspected for: one straggler in
	// a hundred does not have its node avoided, three slow ones in a row do.
	paceStep = 4

	// paceShare is the weight of a statement in the moving averages of its node.
	paceShare = 0.2

	// paceDecay is how long a node's pace counts that has got nothing to do since; then it gets a statement again.
	paceDecay = time.Second

	// evenPace is what nodes are taken for equals up to: the order among them would be noise, and all would go to one.
	evenPace = 2
)

// pace is how a node does in comparison: the moving average of what its statements take, as a multiple of what is
// typical.
type pace struct {
	multiple float64
	average  time.Duration // of what they take
	at       time.Time     // of the last one
}

// note counts a statement that took so many times what is typical.
func (p *pace) note(multiple float64, took time.Duration, now time.Time) {
	if p.multiple == 0 {
		p.multiple, p.average = 1, took
	}
	p.multiple = p.now(now)
	p.multiple += paceShare * (min(multiple, maxPace) - p.multiple)
	p.average += time.Duration(paceShare * float64(took-p.average))
	p.at = now
}

// now is the multiple after a time without statements: halfway back to 1 in each paceDecay.
func (p *pace) now(now time.Time) float64 {
	if p.multiple <= evenPace {
		return max(p.multiple, 1)
	}
	rest := p.multiple - 1
	for age := now.Sub(p.at); age >= paceDecay && rest > 0.1; age -= paceDecay {
		rest /= 2
	}
	return 1 + rest
}

const (
	recentMarks = 10
	recentStep  = time.Second

	// recentLeast is how many statements it takes to know their p99.
	recentLeast = 100
)

// recent is what a node's statements of the last ten seconds or so took, those that were answered elsewhere left out: they
// would have it be waited for longer the next time.
type recent struct {
	took  hist.Histogram
	marks [recentMarks]hist.Snapshot // the counts at the end of each second
	next  int
	at    time.Time // of the newest mark

	p50, p99 time.Duration // zero: not known
}

// update brings the quantiles up to date once a second.
func (r *recent) update(now time.Time) {
	if now.Sub(r.at) < recentStep {
		return
	}
	s := r.took.Snapshot()
	last := s.Since(&r.marks[r.next])
	r.marks[r.next], r.at = s, now
	r.next = (r.next + 1) % recentMarks
	r.p50, r.p99 = 0, 0
	if last.Count() >= recentLeast {
		r.p50, r.p99 = last.Quantile(0.5), last.Quantile(0.99)
	}
}

const (
	// minPatience is the least age at which a statement makes its node suspect: more than a pause of the machine, and of a
	// garbage collector, mostly takes.
	minPatience = 20 * time.Millisecond
	// maxPatience is the greatest: half of the default deadline, so that a second attempt is in time.
	maxPatience = 250 * time.Millisecond
	// newPatience is that of a node of which not enough is known.
	newPatience = 50 * time.Millisecond
	// patienceFactor is the small multiple of a node's own p99 that its statements may take.
	patienceFactor = 4
	// medianFactor is the multiple of their median that they may take at most, where that is more than newPatience: a node
	// that pauses again and again is not to be waited for ever longer.
	medianFactor = 30
	// sizeFactor is the multiple of what is typical for a statement's size that it may take, where that is more.
	sizeFactor = 10
)

// patience is the age at which statements make the node suspect.
func (r *recent) patience() time.Duration {
	if r.p99 == 0 {
		return newPatience
	}
	most := min(max(medianFactor*r.p50, newPatience), maxPatience)
	return min(max(patienceFactor*r.p99, minPatience), most)
}

const (
	// slowFactor and slowLeast say which answers are slow calls to a breaker: far from what is typical, and long enough
	// for a caller to notice.
	slowFactor = 8
	slowLeast  = 10 * time.Millisecond
)

// slow reports whether a statement that was answered took too long to be of use.
func (t *typical) slow(size int, took time.Duration) bool {
	return took > slowLeast && t[size] > 0 && took > slowFactor*t[size]
}

// multiple is how many times what is typical a statement took.
func (t *typical) multiple(size int, took time.Duration) float64 {
	if t[size] == 0 {
		return 1
	}
	return float64(took) / float64(t[size])
}
