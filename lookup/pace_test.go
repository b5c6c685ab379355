package lookup

import (
	"testing"
	"time"
)

const ms = time.Millisecond

// TestTypical: the running median follows a change of all nodes within a hundred statements, and a node that is slow
// not at all.
func TestTypical(t *testing.T) {
	var typ typical
	within := func(what string, least, most time.Duration) {
		t.Helper()
		if typ[3] < least || typ[3] > most {
			t.Errorf("%s: %v, want %v to %v", what, typ[3], least, most)
		}
	}
	typ.note(3, ms)
	within("the first", ms, ms)
	for range 200 {
		typ.note(3, ms)
		typ.note(3, ms)
		typ.note(3, 100*ms)
	}
	within("a third slow", ms/2, 2*ms)
	for range 100 {
		typ.note(3, 10*ms)
	}
	within("all slow", 9*ms, 11*ms)
	if typ[2] != 0 {
		t.Error("another size has changed")
	}
	if typ.slow(2, time.Second) || typ.slow(3, 50*ms) || !typ.slow(3, 100*ms) {
		t.Error("slow")
	}
	typ[2] = ms / 10
	if typ.slow(2, 9*ms) { // ninety times as slow, but nobody would notice
		t.Error("slow within what callers do not notice")
	}
}

// TestPace: a node that is slow, or fails, has a pace that says so within a few statements; left alone it comes back to
// 1.
func TestPace(t *testing.T) {
	var p pace
	now := time.Unix(0, 0)
	note := func(multiple float64) { p.note(multiple, time.Duration(multiple*float64(ms)), now) }
	if got := p.now(now); got != 1 {
		t.Errorf("of nothing: %g", got)
	}
	for range 50 {
		note(0.5)
		note(1.5)
	}
	if got := p.now(now); got > evenPace {
		t.Errorf("of a node like others: %g", got)
	}
	note(1e6)
	if got := p.now(now); got < 4 || got > maxPace {
		t.Errorf("after one that took ages: %g", got)
	}
	for range 20 {
		note(maxPace)
	}
	if got := p.now(now); got < maxPace-1 {
		t.Errorf("after many: %g", got)
	}
	for _, step := range []struct{ after, most float64 }{{0.9, 20}, {1, 11}, {2, 6}, {4, 2.5}, {100, 1.2}} {
		if got := p.now(now.Add(time.Duration(step.after * float64(paceDecay)))); got > step.most {
			t.Errorf("idle for %g times paceDecay: %g, want %g at most", step.after, got, step.most)
		}
	}
}

// TestRecent: the quantiles are those of the last ten seconds, once there are enough of them.
func TestRecent(t *testing.T) {
	var r recent
	now := time.Unix(100, 0)
	second := func(n int, took time.Duration) {
		for range n {
			r.took.Record(took)
		}
		now = now.Add(time.Second)
		r.update(now)
	}
	want := func(what string, p99, patience time.Duration) {
		t.Helper()
		if r.p99 != p99 || r.patience() != patience {
			t.Errorf("%s: %v, patience %v; want %v and %v", what, r.p99, r.patience(), p99, patience)
		}
	}
	second(99, ms)
	want("of 99 statements", 0, newPatience)
	second(1, ms)
	want("of 100", ms, minPatience)
	second(10, 10*ms)
	want("with ten that take ten times as long", 10*ms, 40*ms)
	second(10, 100*ms)
	want("with ten that the machine held up", 100*ms, newPatience)
	second(1000, 5*ms)
	want("when most take longer", 10*ms, 40*ms)
	for range 11 {
		second(100, 2*ms)
	}
	want("eleven seconds later", 2*ms, minPatience)
	r.took.Record(time.Hour)
	r.update(now.Add(time.Second - 1))
	want("within the second", 2*ms, minPatience)
	second(1000, time.Hour)
	if got := r.patience(); got != maxPatience {
		t.Errorf("the longest patience is %v", got)
	}
}

func TestBudget(t *testing.T) {
	b := budget{share: 0.1}
	expect := func(what string, want int) {
		t.Helper()
		got := 0
		for b.spend() {
			got++
		}
		if got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	b.afford(2)
	expect("new, it is full", 2)
	for range 9 {
		b.earn()
	}
	expect("of nine tenths", 0)
	b.earn()
	b.earn()
	expect("of eleven tenths", 1)
	for range 1000 {
		b.earn()
	}
	expect("of a hundred", 2)
	for range 1000 {
		b.earn()
	}
	b.afford(1)
	expect("of two, when one can be saved up", 1)
}
