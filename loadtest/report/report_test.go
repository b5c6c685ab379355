package report

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/goccy/go-json"

	"github.com/rongate/rongate/loadtest"
)

// update is for whoever has changed what is written, and has read what it has become.
var update = flag.Bool("update", false, "write testdata anew")

func newHistogram(digits int) *hdrhistogram.Histogram {
	return hdrhistogram.New(1, (10 * time.Minute).Microseconds(), digits)
}

func newCount(digits int) loadtest.Count {
	return loadtest.Count{Failed: map[string]uint64{}, Latency: newHistogram(digits)}
}

// made returns a result of so many seconds at a rate, whose server stalls for a second at stall and answers 503 to every
// 50th request in the second after. It is the same each time.
func made(seconds, rate, stall int) *loadtest.Result {
	r := &loadtest.Result{
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Length: time.Duration(seconds) * time.Second,
		Total: newCount(3), Service: newHistogram(3), Lateness: newHistogram(2), Examples: map[string]string{},
	}
	for second := range seconds {
		w := loadtest.Window{Start: time.Duration(second) * time.Second, Count: newCount(2)}
		for n := range rate {
			us := int64(800 + n*7%400)
			if n%100 == 99 {
				us *= 4
			}
			failure := ""
			if second == stall {
				us += int64(1_000_000 * (rate - n) / rate)
			}
			if second == stall+1 && n%50 == 0 {
				failure = "503"
				r.Examples[failure] = `{"code":"NO_NODE"}`
			}
			add(r, &w, us, failure)
		}
		r.Windows = append(r.Windows, w)
	}
	return r
}

// add adds one request.
func add(r *loadtest.Result, w *loadtest.Window, us int64, failure string) {
	for _, c := range []*loadtest.Count{&r.Total, &w.Count} {
		c.Due++
		c.Sent++
		c.Answered++
		if failure != "" {
			c.Failed[failure]++
		}
		_ = c.Latency.RecordValue(us)
	}
	_ = r.Service.RecordValue(us - 10)
	_ = r.Lateness.RecordValue(10)
}

// whole returns a report that has something of everything.
func whole() *Report {
	steps := []loadtest.Step{
		{Name: "warm", Rate: 1000, Duration: 2 * time.Second}, {Name: "hold", Rate: 1000, Duration: 10 * time.Second},
	}
	r := &Report{
		Title:    "One of three nodes paused",
		Command:  []string{"rongate-loadtest", "scenario", "pause", "--rate=1000", "--title=One of three"},
		Versions: map[string]string{"rongate": "v0.3.0", "Go": "go1.26.8", "database": "MariaDB 10.11"},
		Machine:  Machine{CPU: "Some CPU @ 3.00GHz", Cores: 2, Memory: 8 << 30, OS: "Linux 6.1"},
		Started:  time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC),
		Loads: []Load{
			{Name: "gateway", URL: "http://127.0.0.1:8080", Steps: steps, Result: made(12, 1000, 5)},
			{Name: "peer", URL: "unix:///run/peer", Steps: steps[1:], Closed: 16, Result: made(10, 100, -5)},
		},
		Events: []Event{{At: 5 * time.Second, What: "node2 paused"}, {At: 8 * time.Second, What: "node2 resumed"}},
		Verdicts: []Verdict{
			{What: "p99 of every window ≤ 1.3 × healthy", Want: "≤ 5.2 ms", Got: "1.0 s, in the window from 5 s"},
			{What: "nothing lost", Want: "0", Got: "0", Passed: true},
		},
		Comparison: []Comparison{
			{What: "p99", A: 4.02, B: 4.06, Unit: "ms", Ratio: 1.01, Low: 0.97, High: 1.05},
			{What: "CPU a request", A: 80, B: 91.5, Unit: "µs", Ratio: 1.144, Low: 1.12, High: 1.17},
			{What: "memory", A: 0, B: 12, Unit: "MiB", Ratio: math.NaN(), Low: math.NaN(), High: math.Inf(1)},
		},
		Files: []string{"/tmp/run/report.html", "/tmp/run/report.json"},
	}
	for node := range 3 {
		s := Series{Group: "Statements by node", Name: fmt.Sprintf("node%d", node+1), Unit: "%"}
		for second := range 12 {
			s.Start, s.Value = append(s.Start, time.Duration(second)*time.Second), append(s.Value, 100.0/3)
		}
		r.Series = append(r.Series, s)
	}
	return r
}

// void returns a report of a harness that was too slow, with something hostile wherever a server has its say.
func void() *Report {
	const hostile = "\x1b[2J</script><script>alert(1)</script>\u202e\xff\n\"' onload=\"x"
	result := made(3, 50, -5)
	result.Total.Late, result.Total.Failed[hostile], result.Examples[hostile] = 40, 3, hostile
	result.Windows[1].Failed[hostile] = 3
	return &Report{
		Title: hostile, Command: []string{hostile}, Versions: map[string]string{hostile: hostile}, Stopped: hostile,
		Machine:  Machine{CPU: hostile, OS: hostile},
		Loads:    []Load{{Name: hostile, URL: hostile, Steps: []loadtest.Step{{Name: hostile, Rate: 50, Duration: 3e9}}, Result: result}},
		Events:   []Event{{At: time.Second, What: hostile}},
		Series:   []Series{{Group: hostile, Name: hostile, Unit: hostile, Start: []time.Duration{0, 1e9}, Value: []float64{1, 2}}},
		Verdicts: []Verdict{{What: hostile, Want: hostile, Got: hostile}}, Files: []string{hostile},
		Comparison: []Comparison{{What: hostile, Unit: hostile, Low: 0.9, High: 1.1}},
	}
}

// odd returns reports that have next to nothing.
func odd() map[string]*Report {
	one := made(1, 1, -5)
	never := &loadtest.Result{Total: loadtest.Count{Due: 5}}
	last := made(2, 10, -5)
	last.Windows[1].Latency = newHistogram(2)
	return map[string]*Report{
		"nothing":         {},
		"no result":       {Loads: []Load{{}}},
		"an empty result": {Loads: []Load{{Result: &loadtest.Result{}}}},
		"nothing sent":    {Loads: []Load{{Steps: []loadtest.Step{{Rate: 5, Duration: 1e9}}, Result: never}}},
		"one sample":      {Loads: []Load{{Steps: []loadtest.Step{{Rate: 1, Duration: 1e9}}, Result: one}}},
		"an empty window": {Loads: []Load{{Result: last}, {Result: one}}},
		"odd series": {
			Loads: []Load{{Result: one}},
			Series: []Series{
				{},
				{Group: "a", Unit: "%", Start: []time.Duration{0}},
				{Group: "b", Value: []float64{1}},
				{Group: "c", Start: []time.Duration{0, 1, 2}, Value: []float64{math.NaN(), math.Inf(1), -1}},
			},
			Events: []Event{{At: -time.Hour}, {At: time.Hour}},
		},
	}
}

// golden compares what is written with a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("not what %s holds:\n%s", path, got)
	}
}

func TestWriteText(t *testing.T) {
	for name, r := range map[string]*Report{"whole.txt": whole(), "void.txt": void()} {
		var out strings.Builder
		if err := WriteText(&out, r); err != nil {
			t.Fatal(err)
		}
		golden(t, name, out.String())
		if strings.ContainsAny(out.String(), "\x1b\u202e") || !utf8.ValidString(out.String()) {
			t.Errorf("%s: what a server said reaches the terminal as it was", name)
		}
		if isVoid := strings.Contains(out.String(), "\n  VOID "); isVoid != (name == "void.txt") {
			t.Errorf("%s: VOID: %v", name, isVoid)
		}
	}
}

func TestWriteJSON(t *testing.T) {
	var out strings.Builder
	r := whole()
	r.Loads[0].Result = made(2, 100, 0)
	if err := WriteJSON(&out, r); err != nil {
		t.Fatal(err)
	}
	golden(t, "whole.json", out.String())
	var back jsonReport
	if err := json.Unmarshal([]byte(out.String()), &back); err != nil {
		t.Fatal(err)
	}
	load := back.Loads[0]
	if load.Latency.Max != r.Loads[0].Result.Total.Latency.Max() || len(load.Windows) != 2 || load.Requests.Failed != 2 {
		t.Errorf("read back: %+v", load)
	}
	rising := func(a, b jsonPoint) int { return int(a.Us - b.Us) }
	if !slices.IsSortedFunc(load.Curve, rising) || load.Curve[len(load.Curve)-1].Us != load.Latency.Max {
		t.Errorf("the curve does not rise to the maximum: %+v", load.Curve)
	}
}

func TestOddReports(t *testing.T) {
	for name, r := range odd() {
		var text, file strings.Builder
		if err := WriteText(&text, r); err != nil || text.Len() == 0 {
			t.Errorf("%s: text: %v", name, err)
		}
		if err := WriteJSON(&file, r); err != nil || !json.Valid([]byte(file.String())) {
			t.Errorf("%s: JSON: %v", name, err)
		}
	}
}

func TestLatency(t *testing.T) {
	for us, want := range map[float64]string{
		0: "0 µs", 1: "1.00 µs", 850: "850 µs", 999.6: "1.00 ms", 1000: "1.00 ms", 9996: "10.0 ms", 12_345: "12.3 ms",
		123_456: "123 ms", 999_600: "1.00 s", 61e6: "61.0 s", 1200e6: "1,200 s",
	} {
		if got := latency(us); got != want {
			t.Errorf("%v µs: %q; want %q", us, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1", 1.5: "1.5", -2.25: "-2.25", 10: "10", 99.97: "100", 1000: "1,000", -1234567.8: "-1,234,568",
		0.012: "0.012", 1e-9: "1e-09", math.Inf(1): "–",
	} {
		if got := number(v); got != want {
			t.Errorf("%v: %q; want %q", v, got, want)
		}
	}
	for _, test := range []struct {
		part, whole uint64
		want        string
	}{{0, 5, "0 %"}, {1, 0, "0 %"}, {1, 8, "12.5 %"}, {1, 1e9, "< 0.001 %"}, {999_999, 1e6, "100 %"}} {
		if got := share(test.part, test.whole); got != test.want {
			t.Errorf("%d of %d: %q; want %q", test.part, test.whole, got, test.want)
		}
	}
}

func TestCommand(t *testing.T) {
	got := command([]string{"rongate-loadtest", "--url=http://a/b", "a b", "it's", "", "\x1b"})
	if want := `rongate-loadtest --url=http://a/b 'a b' 'it'\''s' '' '` + "\x1b'"; got != want {
		t.Errorf("got %s; want %s", got, want)
	}
}

func TestPartIsOfWholeWindows(t *testing.T) {
	l := Load{Steps: []loadtest.Step{{Rate: 10, Duration: 2500 * time.Millisecond}}, Result: made(4, 10, -5)}
	if c := l.part(0, 2500*time.Millisecond); c.Due != 20 {
		t.Errorf("%d requests; want those of two windows", c.Due)
	}
	if got := l.asked(2*time.Second, 4*time.Second); got != 5 {
		t.Errorf("asked %v in the last half second of the step; want 5", got)
	}
}
