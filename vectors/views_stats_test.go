package vectors

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/internal/hist"
)

// of returns what is counted under a name such as "fraud/1" or "none"; false if nothing is.
func of(s *Service, name string) (ViewStats, bool) {
	name, version, _ := strings.Cut(name, "/")
	for _, v := range s.Stats().ByView {
		if v.Name == name && (version == "" || version == strconv.Itoa(v.Version)) {
			return v, true
		}
	}
	return ViewStats{}, false
}

// counted is the counters of a view that are not zero: the outcomes, then the statuses.
func (v *ViewStats) counted() string {
	var parts []string
	for i, name := range OutcomeNames() {
		if n := v.Outcomes[i]; n > 0 {
			parts = append(parts, fmt.Sprint(name, " ", n))
		}
	}
	for i, name := range StatusNames() {
		if n := v.Vectors[i]; n > 0 {
			parts = append(parts, fmt.Sprint(name, " ", n))
		}
	}
	return strings.Join(parts, ", ")
}

func TestCountsByView(t *testing.T) {
	f := newFixture(t)
	for _, body := range []string{
		`{"featureView":"fraud","entry":{"id":4,"merchant":"m1"}}`,
		`{"featureView":"fraud","entries":[{"id":9,"merchant":"m1"},{"id":8,"merchant":"m1"},{"id":1,"merchant":"m1"}]}`,
		`{"featureView":"fraud","entry":{"id":"x"}}`,
		`{"featureView":"fraud","entry":{"nobody":1}}`,
		`{"featureView":"twice","version":2,"entry":{"id":1}}`,
		`{"featureView":"twice","entry":{"id":1}}`,
		`{"featureView":"nothing","entry":{"id":1}}`,
		`{"featureView":"fraud","entry":`,
	} {
		f.answer(body)
	}
	late := f.request(`{"featureView":"wide","entry":{"id":1}}`)
	late.Received = time.Now().Add(-time.Hour)
	if _, err := f.service.Append(nil, late); err == nil || err.Code != DeadlineExceeded {
		t.Errorf("a late request gets %v", err)
	}
	f.breakTable("merchant_1", errors.New("refused"))
	f.answer(`{"featureView":"fraud","entry":{"id":4,"merchant":"m1"},"options":{"partial":true}}`)
	f.answer(`{"featureView":"fraud","entry":{"id":4,"merchant":"m1"}}`)

	for name, want := range map[string]string{
		"fraud/1": "ok 3, unavailable 1, unknown_key 1, invalid_key 1, COMPLETE 2, MISSING 1, EXPIRED 1, ERROR 1",
		"twice/1": "",
		"twice/2": "ok 1, COMPLETE 1",
		"wide/1":  "deadline_exceeded 1",
		"none":    "malformed_json 1, ambiguous_view 1, unknown_view 1",
		"other":   "",
	} {
		v, ok := of(f.service, name)
		if got := v.counted(); !ok || got != want {
			t.Errorf("%s has %q; want %q", name, got, want)
		}
		requests := uint64(0)
		for _, n := range v.Outcomes {
			requests += n
		}
		if got := v.Latency.Count(); got != requests {
			t.Errorf("%s has %d latencies of %d requests", name, got, requests)
		}
	}
	if v, _ := of(f.service, "wide/1"); v.Latency.Counts[hist.Buckets-1] != 1 || v.Latency.Sum < time.Hour {
		t.Errorf("a request that was received an hour ago took %+v", v.Latency)
	}
	if v, _ := of(f.service, "fraud/1"); v.Store != "payments" {
		t.Errorf("fraud is of store %q", v.Store)
	}
	if got := f.service.Stats().Entries; got != 6 {
		t.Errorf("%d entries were answered; want 6", got)
	}
}

// TestCountsBeforeUse: a Service without a catalogue counts what it refuses.
func TestCountsBeforeUse(t *testing.T) {
	service := New(Config{}, newFixture(t).service.reader)
	f := fixture{t: t, service: service}
	f.answer(`{"featureView":"fraud","entry":{"id":1}}`)
	if v, _ := of(service, "none"); v.counted() != "unavailable 1" {
		t.Errorf("none has %q", v.counted())
	}
}

// views is a snapshot with views v0 and so on of all the numbers given, in order of the numbers.
func views(t *testing.T, numbers ...int) *catalog.Snapshot {
	t.Helper()
	var b strings.Builder
	b.WriteString("featureStores:\n  - name: payments\n    featureGroups: [{name: wide, version: 1}]\n    featureViews:\n")
	for _, n := range numbers {
		fmt.Fprintf(&b, "      - {name: v%03d, version: 1, joins: [{group: wide, version: 1}], features: [f0]}\n", n)
	}
	spec, err := catalog.Parse("catalog.yaml", []byte(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := spec.Resolve(definitions())
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func upTo(first, end int) []int {
	var numbers []int
	for n := first; n < end; n++ {
		numbers = append(numbers, n)
	}
	return numbers
}

// TestCountsOutliveReload: a view keeps its counters for as long as it is in the catalogue, and begins anew when it comes
// back.
func TestCountsOutliveReload(t *testing.T) {
	f := newFixture(t)
	const body = `{"featureView":"v001","entry":{"id":1}}`
	for _, step := range []struct {
		views []int
		want  string // of v001
	}{
		{[]int{0, 1}, "ok 1, COMPLETE 1"},
		{[]int{1, 2}, "ok 2, COMPLETE 2"},
		{[]int{2}, ""},
		{[]int{1}, "ok 1, COMPLETE 1"},
	} {
		if err := f.service.Use(views(t, step.views...)); err != nil {
			t.Fatal(err)
		}
		f.answer(body)
		v, ok := of(f.service, "v001")
		if got := v.counted(); got != step.want || ok != slices.Contains(step.views, 1) {
			t.Errorf("views %v: v001 has %q, %v; want %q", step.views, got, ok, step.want)
		}
		if got, want := len(f.service.Stats().ByView), len(step.views)+2; got != want {
			t.Errorf("views %v: %d have counters; want %d", step.views, got, want)
		}
	}
	if v, _ := of(f.service, "none"); v.counted() != "unknown_view 1" {
		t.Errorf("none has %q", v.counted())
	}
}

// TestFewHaveOwnCounts: the views beyond the bound share their counters, and what has its own keeps it.
func TestFewHaveOwnCounts(t *testing.T) {
	f := newFixture(t)
	use := func(numbers []int) {
		t.Helper()
		if err := f.service.Use(views(t, numbers...)); err != nil {
			t.Fatal(err)
		}
		if got := len(f.service.Stats().ByView); got > maxOwnCounts+2 {
			t.Errorf("%d views have counters", got)
		}
	}
	ask := func(view string) { f.answer(fmt.Sprintf(`{"featureView":%q,"entry":{"id":1}}`, view)) }
	expect := func(name, want string) {
		t.Helper()
		if v, _ := of(f.service, name); v.counted() != want {
			t.Errorf("%s has %q; want %q", name, v.counted(), want)
		}
	}

	use(upTo(100, 400))
	ask("v199")
	ask("v200")
	ask("v399")
	expect("v199", "ok 1, COMPLETE 1")
	expect("other", "ok 2, COMPLETE 2")

	use(upTo(0, 400)) // new ones that come first in order take nobody's place
	ask("v000")
	ask("v199")
	expect("v199", "ok 2, COMPLETE 2")
	expect("other", "ok 3, COMPLETE 3")

	use(upTo(150, 400)) // fifty places become free
	ask("v200")
	ask("v250")
	expect("v199", "ok 2, COMPLETE 2")
	expect("v200", "ok 1, COMPLETE 1")
	expect("other", "ok 4, COMPLETE 4")
}

// TestCodesHaveOutcomes: whatever a Service answers with is counted under its own name.
func TestCodesHaveOutcomes(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Code" {
			return true
		}
		code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found++
		if got := OutcomeNames()[outcomeOf(&Error{Code: Code(code)})]; got != code {
			t.Errorf("%s is counted as %s", code, got)
		}
		return true
	})
	if found != len(codes) {
		t.Errorf("errors.go has %d codes; the outcomes have %d", found, len(codes))
	}
	if got := OutcomeNames()[outcomeOf(&Error{Code: "new"})]; got != "unknown" {
		t.Errorf("a code that is not known is counted as %s", got)
	}
}

func TestCountingAllocates(t *testing.T) {
	s := newStages(t, 10)
	s.read(t)
	counts := &s.f.service.counts
	failed := &Error{Code: UnknownView}
	if got := testing.AllocsPerRun(100, func() { counts.add(&s.q, s.r, nil); counts.add(&s.q, s.r, failed) }); got != 0 {
		t.Errorf("counting a request allocates %v times", got)
	}
}

func BenchmarkCount(b *testing.B) {
	s := newStages(b, 1)
	s.read(b)
	counts := &s.f.service.counts
	b.ReportAllocs()
	for b.Loop() {
		counts.add(&s.q, s.r, nil)
	}
}
