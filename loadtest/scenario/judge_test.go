package scenario

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/rongate/rongate/loadtest"
)

const second = time.Second

// planted is a run of 10 s. It has 100 requests a second: in each window 98 of the first latency and 2 of the second, and
// so many of them fail. Nodes 1 and 2 are sent 50 statements a second each, but node 2 none from 4.2 s to 7.05 s, when
// node 1 is sent all. Node 2 answers for good from 6.95 s on.
func planted() *evidence {
	mute := errors.New("mute")
	e := &evidence{
		file: &File{
			Database: Database{Zones: []string{"a", "a", "b"}}, Healthy: Range{0, 4 * second},
			Load: Load{Window: second, Steps: []Step{{Rate: 100, Duration: 10 * second}}},
		},
		length: 10 * second,
		asked: map[question][]testimony{
			{"node2", 6 * second}: {{ms(6100), mute}, {ms(6200), nil}, {ms(6900), mute}, {ms(6950), nil}, {ms(7000), nil}},
			{"node1", 6 * second}: {{ms(6100), nil}, {ms(6200), mute}},
			{"node3", 6 * second}: {{ms(6100), nil}},
		},
		deeds: []deed{
			{Action: Action{At: 4 * second, To: "node2", Do: Pause}, began: 4*second + ms(3), ended: 4*second + ms(5), done: true},
			{Action: Action{At: 6 * second, To: "node2", Do: Start}, began: 6 * second, ended: 7 * second, done: true},
			{Action: Action{At: 8 * second, To: "node1", Do: Kill}, began: 8 * second, err: errors.New("it would not")},
			{Action: Action{At: 9 * second, To: "node3", Do: Restart}, began: 9 * second, ended: 10 * second},
		},
	}
	for i := range 10 {
		w := loadtest.Window{Start: time.Duration(i) * second}
		w.Due, w.Sent, w.Failed = 100, 100, map[string]uint64{}
		w.Latency = hdrhistogram.New(1, 1e6, 2)
		fast, slow := int64(1000), int64(2000)
		if i == 5 {
			fast, slow = 3000, 90_000
			w.Failed["503"], w.Failed["lost"] = 2, 1
			w.Slowest = map[string]time.Duration{"503": ms(80), "lost": ms(90)}
		}
		_ = w.Latency.RecordValues(fast, 98)
		_ = w.Latency.RecordValues(slow, 2)
		e.windows = append(e.windows, w)
	}
	one, two := 0.0, 0.0
	for at := time.Duration(0); at <= 10*second; at += ms(100) {
		e.scrapes = append(e.scrapes, scrape{at: at, counters: map[series]float64{
			{statementsMetric, "node1"}: one, {statementsMetric, "node2"}: two, {statementsMetric, "node3"}: 0,
			{"rongate_lookup_retries_total", ""}: one / 100, {"rongate_node_probes_total", "node2"}: two / 50,
			{"rongate_node_probes_total", "node3"}: 7,
		}})
		e.pulses = append(e.pulses, pulse{at: at, ready: at < ms(4500) || at >= ms(7250), live: at != 0})
		if at >= ms(4200) && at < ms(7000) {
			one += 10
		} else {
			one, two = one+5, two+5
		}
	}
	return e
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func TestJudge(t *testing.T) {
	number := func(v float64) *Bound { return &Bound{Value: v} }
	healthy := func(v float64) *Bound { return &Bound{Value: v, TimesHealthy: true} }
	all := Range{0, 10 * second}
	for _, tc := range []struct {
		name      string
		a         Assertion
		passed    bool
		want, got string
	}{
		{"some failed", Assertion{Figure: Failed, Range: all, Most: number(2)}, false, "≤ 2", "3"},
		{"as many as may", Assertion{Figure: Failed, Range: all, Most: number(3)}, true, "≤ 3", "3"},
		{"none before", Assertion{Figure: Failed, Range: Range{0, 5 * second}, Most: number(0)}, true, "≤ 0", "0"},
		{"none after", Assertion{Figure: Failed, Range: Range{6 * second, 10 * second}, Most: number(0)}, true, "≤ 0", "0"},
		{"the share", Assertion{Figure: FailedShare, Range: all, Most: number(0.002)}, false, "≤ 0.2 %", "0.3 %"},
		{
			"in the worst second",
			Assertion{Figure: FailedShare, Range: all, Every: second, Most: number(0.002)},
			false, "≤ 0.2 %", "3 %, from 5s to 6s",
		},
		{"p50", Assertion{Figure: P50, Range: all, Least: number(0.0005), Most: number(0.0011)}, true, "≥ 500µs, ≤ 1.1ms", "1.003ms"},
		{"too fast", Assertion{Figure: P50, Range: all, Least: number(0.002)}, false, "≥ 2ms", "1.003ms"},
		{
			"p99 of the stall",
			Assertion{Figure: P99, Range: Range{5 * second, 6 * second}, Most: healthy(1.3)},
			false, "≤ 1.3 × healthy, 2.609ms", "90.1ms",
		},
		{"p99 beside it", Assertion{Figure: P99, Range: Range{6 * second, 10 * second}, Most: healthy(1.3)}, true, "≤ 1.3 × healthy, 2.609ms", "2.007ms"},
		{
			"p99 with an allowance",
			Assertion{Figure: P99, Range: Range{5 * second, 6 * second}, Most: &Bound{Value: 1, TimesHealthy: true, Plus: ms(90)}},
			true, "≤ 1 × healthy + 90ms, 92ms", "90.1ms",
		},
		{
			"p99.9 in stretches",
			Assertion{Figure: P999, Range: Range{4 * second, 9 * second}, Every: 2 * second, Most: healthy(3)},
			false, "≤ 3 × healthy, 6.021ms", "90.1ms, from 4s to 6s",
		},
		{"per request", Assertion{Figure: StatementsPerRequest, Range: all, Most: healthy(1.03)}, true, "≤ 1.03 × healthy, 1.03", "1"},
		{"half each", Assertion{Figure: NodeShare, Node: "node2", Range: Range{0, 4 * second}, Least: number(0.5)}, true, "≥ 50 %", "50 %"},
		{
			"nothing",
			Assertion{Figure: NodeShare, Node: "node2", Range: Range{5 * second, 7 * second}, Most: number(0)},
			true, "≤ 0 %", "0 %",
		},
		{"the zone has all", Assertion{Figure: ZoneShare, Zone: "a", Range: all, Least: number(1)}, true, "≥ 100 %", "100 %"},
		{"the other has none", Assertion{Figure: ZoneShare, Zone: "b", Range: all, Least: number(0.1)}, false, "≥ 10 %", "0 %"},
		{"ejected", Assertion{Figure: Eject, Node: "node2", After: 4 * second, Most: number(0.2)}, true, "≤ 200ms", "197ms"},
		{"not so soon", Assertion{Figure: Eject, Node: "node2", After: 4 * second, Most: number(0.1)}, false, "≤ 100ms", "197ms"},
		{"not ejected", Assertion{Figure: Eject, Node: "node1", After: 4 * second, Most: number(1)}, false, "≤ 1s", "never within 5.997s"},
		{
			"too idle to tell",
			Assertion{Figure: Eject, Node: "node3", After: 4 * second, Most: number(1)},
			false, "≤ 1s", "node3 had 0 statements a second before, too few to tell",
		},
		{"back", Assertion{Figure: Readmit, Node: "node2", After: 6 * second, Most: number(0.2)}, true, "≤ 200ms", "150ms"},
		{"never back", Assertion{Figure: Readmit, Node: "node3", After: 6 * second, Most: number(1)}, false, "≤ 1s", "never within 3.9s"},
		{
			"not there",
			Assertion{Figure: Readmit, Node: "node1", After: 6 * second, Most: number(1)},
			false, "≤ 1s", "node1, asked directly: mute",
		},
		{"only 503", Assertion{Figure: Failed, Range: all, Except: []string{"503", "lost"}, Most: number(0)}, true, "≤ 0", "0"},
		{"not only", Assertion{Figure: FailedShare, Range: all, Except: []string{"503"}, Most: number(0)}, false, "≤ 0 %", "0.1 %"},
		{"the longest", Assertion{Figure: Longest, Range: Range{5 * second, 6 * second}, Most: number(0.091)}, true, "≤ 91ms", "90.1ms"},
		{
			"as in another stretch",
			Assertion{Figure: P50, Range: Range{5 * second, 6 * second}, Most: &Bound{Value: 3, TimesHealthy: true, Of: Range{second, 3 * second}}},
			true, "≤ 3 × 1s..3s, 3.009ms", "3.007ms",
		},
		{"503 in time", Assertion{Figure: Unavailable, Range: all, Most: number(0.08)}, true, "≤ 80ms", "80ms"},
		{
			"no 503",
			Assertion{Figure: Unavailable, Range: Range{0, second}, Most: number(1)},
			false, "≤ 1s", "no answer was 503",
		},
		{
			"evenly", Assertion{Figure: NodeLoad, Zone: "a", Range: Range{0, 4 * second}, Most: number(1)}, true, "≤ 1", "1",
		},
		{
			"one has all",
			Assertion{Figure: NodeLoad, Zone: "a", Range: Range{5 * second, 7 * second}, Most: number(1.2)},
			false, "≤ 1.2", "2",
		},
		{"nobody has any", Assertion{Figure: NodeLoad, Zone: "b", Range: all, Most: number(2)}, false, "≤ 2", "there were no statements"},
		{
			"retries",
			Assertion{Figure: RetryShare, Range: Range{0, 4 * second}, Most: number(0.015)},
			true, "≤ 1.5 %", "1.5 %",
		},
		{
			"a counter",
			Assertion{Figure: Metric, Name: "rongate_node_probes_total", Node: "node2", Range: Range{0, 4 * second}, Most: number(3)},
			false, "≤ 3", "4",
		},
		{
			"all of it",
			Assertion{Figure: Metric, Name: "rongate_node_probes_total", Range: Range{0, 4 * second}, Least: number(4)},
			true, "≥ 4", "4",
		},
		{
			"no counter",
			Assertion{Figure: Metric, Name: "rongate_joy_total", Range: all, Most: number(4)},
			false, "≤ 4", "rongate has no such metric",
		},
		{"unready", Assertion{Figure: Unready, After: 4 * second, Most: number(0.5)}, true, "≤ 500ms", "497ms"},
		{"ready", Assertion{Figure: Ready, After: 6 * second, Most: number(0.3)}, true, "≤ 300ms", "300ms"},
		{"still ready", Assertion{Figure: Unready, After: ms(9500), Most: number(1)}, false, "≤ 1s", "the run ended before 9.5s"},
		{"dead at first", Assertion{Figure: Live, Range: Range{0, second}, Least: number(1)}, false, "≥ 100 %", "90 %"},
		{"live", Assertion{Figure: Live, Range: Range{second, 9 * second}, Least: number(1)}, true, "≥ 100 %", "100 %"},
		{"in vain", Assertion{Figure: Eject, Node: "node1", After: 8 * second, Most: number(1)}, false, "≤ 1s", "it would not"},
		{
			"under way",
			Assertion{Figure: Readmit, Node: "node3", After: 9 * second, Most: number(1)},
			false, "≤ 1s", "what was done there was not over at the end",
		},
		{"not done", Assertion{Figure: Readmit, Node: "node3", After: ms(9500), Most: number(1)}, false, "≤ 1s", "the run ended before 9.5s"},
		{"beyond the end", Assertion{Figure: Failed, Range: Range{0, 11 * second}, Most: number(9)}, false, "≤ 9", "the run ended before 11s"},
	} {
		v := verdict([]*evidence{planted()}, &tc.a)
		if v.Passed != tc.passed || v.Want != tc.want || v.Got != tc.got {
			t.Errorf("%s: %v, %q, %q; want %v, %q, %q", tc.name, v.Passed, v.Want, v.Got, tc.passed, tc.want, tc.got)
		}
	}
}

// TestNothingIsNoSuccess judges a run in which nothing was asked: no figure of it holds.
func TestNothingIsNoSuccess(t *testing.T) {
	for _, figure := range figures() {
		e := planted()
		e.windows, e.scrapes, e.pulses, e.asked = nil, nil, nil, nil
		a := Assertion{
			Figure: figure, Node: "node1", Zone: "a", Name: "rongate_node_probes_total", Range: Range{0, second},
			After: 6 * second, Most: &Bound{Value: 1e9},
		}
		if v := verdict([]*evidence{e}, &a); v.Passed {
			t.Errorf("%s: %+v", figure, v)
		}
	}
}

// TestRepeats judges latencies by the median repeat, and everything else in each of them.
func TestRepeats(t *testing.T) {
	repeats := make([]*evidence, 3)
	for i, us := range []int64{9000, 4000, 1000} {
		repeats[i] = planted()
		for w := range repeats[i].windows[5:] {
			_ = repeats[i].windows[5+w].Latency.RecordValues(us, 10_000)
		}
	}
	repeats[1].windows[7].Failed["504"] = 1
	after := Range{6 * second, 10 * second}
	for _, tc := range []struct {
		a         Assertion
		passed    bool
		want, got string
	}{
		{
			Assertion{Figure: P50, Range: after, Most: &Bound{Value: 4.1, TimesHealthy: true}},
			true, "≤ 4.1 × healthy, 4.112ms", "4.015ms, the median of 9.023ms, 4.015ms, 1.003ms",
		},
		{
			Assertion{Figure: P50, Range: after, Every: 2 * second, Most: &Bound{Value: 0.003}},
			false, "≤ 3ms", "4.015ms, from 6s to 8s, the median of 9.023ms, 4.015ms, 1.003ms",
		},
		{Assertion{Figure: Failed, Range: after, Most: &Bound{}}, false, "≤ 0", "1, in repeat 2"},
		{Assertion{Figure: Failed, Range: after, Most: &Bound{Value: 1}}, true, "≤ 1", "1, in repeat 2"},
	} {
		v := verdict(repeats, &tc.a)
		if v.Passed != tc.passed || v.Want != tc.want || v.Got != tc.got {
			t.Errorf("%v: %v, %q, %q; want %v, %q, %q", &tc.a, v.Passed, v.Want, v.Got, tc.passed, tc.want, tc.got)
		}
	}
	repeats[2].length = 5 * second
	a := Assertion{Figure: P50, Range: after, Most: &Bound{Value: 1}}
	if v := verdict(repeats, &a); v.Passed || v.Got != "the run ended before 10s, in repeat 3" {
		t.Errorf("got %+v", v)
	}
}

func TestShown(t *testing.T) {
	e := planted()
	var events []string
	for _, event := range e.events() {
		events = append(events, event.At.String()+" "+event.What)
	}
	if want := []string{
		"4.003s node2: pause", "6s node2: start", "7s node2: start is done", "8s node1: kill, in vain: it would not",
		"9s node3: restart, not over at the end",
	}; !slices.Equal(events, want) {
		t.Errorf("got %q; want %q", events, want)
	}
	series := e.series()
	if len(series) != 7 {
		t.Fatalf("%d series", len(series))
	}
	shares, rate, perRequest := series[2], series[3], series[6]
	if shares.Name != "node2 (a)" || shares.Value[0] != 50 || shares.Value[5] != 0 || rate.Value[0] != 50 ||
		perRequest.Value[5] != 1 || len(shares.Start) != 10 {
		t.Errorf("got %v, %v, %v", shares, rate, perRequest)
	}
}
