package vectors

import (
	"fmt"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// wideBody is a batch of n entries of view wide: 20 features each.
func wideBody(n int) string {
	var b strings.Builder
	b.WriteString(`{"featureView":"wide","entries":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d}`, i)
	}
	b.WriteString(`]}`)
	return b.String()
}

var sizes = []int{1, 10, 100, 1000}

// stages runs one stage of a batch of n entries, again and again, on a scratch that has grown to it.
type stages struct {
	f *fixture
	r *Request
	q request
}

func newStages(tb testing.TB, n int) *stages {
	f := newFixture(tb)
	return &stages{f: f, r: f.request(wideBody(n))}
}

func (s *stages) decode(tb testing.TB) {
	if err := s.q.decode(s.f.service.program.Load(), s.r, 1000); err != nil {
		tb.Fatal(err)
	}
}

// read brings the scratch to where encode begins. Its rows are to be released.
func (s *stages) read(tb testing.TB) {
	s.decode(tb)
	s.q.plan()
	s.f.service.reader.Read(&s.q.call, time.Now().Add(time.Minute))
	if err := s.q.assemble(time.Unix(now, 0)); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.q.call.Release)
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
			s := newStages(b, n)
			b.SetBytes(int64(len(s.r.Body)))
			b.ReportAllocs()
			for b.Loop() {
				s.decode(b)
			}
		})
	}
}

// BenchmarkPlan is decode and plan: what it takes longer than BenchmarkDecode is the plan, most of it finding the
// distinct keys.
func BenchmarkPlan(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
			s := newStages(b, n)
			b.ReportAllocs()
			for b.Loop() {
				s.decode(b)
				s.q.plan()
				s.q.call.Release()
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
			s := newStages(b, n)
			s.read(b)
			dst, _ := s.q.encode(nil, 1<<30)
			b.SetBytes(int64(len(dst)))
			b.ReportAllocs()
			for b.Loop() {
				dst, _ = s.q.encode(dst[:0], 1<<30)
			}
		})
	}
}

// BenchmarkAppend is a request from body to answer over nodes that answer from memory.
func BenchmarkAppend(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
			s := newStages(b, n)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				r, dst := *s.r, []byte(nil)
				for pb.Next() {
					r.Received = time.Now()
					var err *Error
					if dst, err = s.f.service.Append(dst[:0], &r); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// TestAllocations holds the budgets of the stages that run for every key and every cell: none at all.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, n := range sizes {
		s := newStages(t, n)
		s.read(t)
		dst, _ := s.q.encode(nil, 1<<30)
		if got := testing.AllocsPerRun(20, func() { dst, _ = s.q.encode(dst[:0], 1<<30) }); got != 0 {
			t.Errorf("encode of %d entries allocates %v times", n, got)
		}
		s = newStages(t, n)
		s.decode(t)
		if got := testing.AllocsPerRun(20, func() { s.decode(t) }); got != 0 {
			t.Errorf("decode of %d entries allocates %v times", n, got)
		}
		s.decode(t)
		s.q.plan()
		s.q.call.Release()
		if got := testing.AllocsPerRun(20, func() { s.decode(t); s.q.plan(); s.q.call.Release() }); got != 0 {
			t.Errorf("plan of %d entries allocates %v times", n, got)
		}
	}
}

// TestAppendAllocations holds whole requests to a budget that does not depend on how many keys, rows and cells there are.
func TestAppendAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const budget = 0
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // the collector empties pools, which are filled again then
	f := newFixture(t)
	bodies := map[string]string{
		"two groups": `{"featureView":"fraud","version":1,"entry":{"id":1,"merchant":"m1"}}`,
		"missing":    `{"featureView":"fraud","version":1,"entry":{"id":9,"merchant":"m3"}}`,
		"all options": `{"featureView":"fraud","version":1,"entry":{"id":1,"merchant":"m1"},"passedFeatures":{"amount":1.5},` +
			`"options":{"types":true,"detail":true,"numbers":"string","deadlineMs":400}}`,
	}
	for _, n := range sizes {
		bodies[fmt.Sprintf("%d entries", n)] = wideBody(n)
	}
	for name, body := range bodies {
		r, dst := f.request(body), []byte(nil)
		run := func() {
			r.Received = time.Now()
			var err *Error
			if dst, err = f.service.Append(dst[:0], r); err != nil {
				t.Fatal(name, err)
			}
		}
		for range 100 { // every scratch grows to its size
			run()
		}
		if got := testing.AllocsPerRun(100, run); got > budget {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}
