package scenario

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/faultnet"
	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/loadtest"
	"github.com/rongate/rongate/loadtest/features"
)

const everything = `
name: all
about: everything there is
repeats: 3
database: {kind: ndb, zones: [a, b], proxies: true, rows: 6000}
gateway: "deadline: 1s"
load:
  arrivals: constant
  window: 250ms
  timeout: 3s
  missing: 0
  views: [{name: fraud, version: 2, weight: 3}, {name: account}]
  capacity: {callers: 5, duration: 1s}
  steps: [{name: low, fraction: 0.5, duration: 2s}, {rate: 10, duration: 1s}]
actions:
  - {at: 0s, do: delay, to: node1, up: 1ms, down: 2ms}
  - {at: 100ms, do: trickle, to: node2, bytes: 3, every: 4ms}
  - {at: 200ms, do: stragglers, to: node2, fraction: 0.01, delay: 5ms}
  - {at: 300ms, do: noGreeting, to: node2}
  - {at: 300ms, do: blackHole, to: node2}
  - {at: 400ms, do: clear, to: node2}
  - {at: 500ms, do: reset, to: node2}
  - {at: 600ms, do: restart, to: gateway}
  - {at: 700ms, do: pause, to: data2}
  - {at: 800ms, do: kill, to: management}
  - {at: 900ms, do: errors, to: [node1, node2], number: 1297, ndb: 410, fraction: 0.5, times: 9}
  - {at: 1s, do: refuse, to: node1, number: 1045, state: "28000", message: Access denied}
  - {at: 1100ms, do: resetAfter, to: node1, bytes: 700}
  - {at: 1200ms, do: down, zone: b}
  - {at: 1300ms, do: configure, to: gateway, text: "hedging: off"}
healthy: {from: 1500ms, to: 2s}
expect:
  - {figure: p99.9, from: 1s, to: 2s, every: 250ms, most: 1.3 x healthy + 2ms}
  - {figure: p50, least: 5ms}
  - {figure: zoneShare, zone: b, least: 0.25, most: 2 x healthy}
  - {figure: readmit, node: node2, after: 400ms, most: 1s}
  - {figure: failed, except: "503", most: 0}
  - {figure: failedShare, except: ["503", "504"], most: 0}
  - {figure: unavailable, most: 505ms}
  - {figure: longest, most: 1 x healthy + 25ms}
  - {figure: p99, most: 0.2 x 1s..2s}
  - {figure: nodeLoad, most: 1.25}
  - {figure: nodeLoad, zone: b, most: 2 x healthy}
  - {figure: retryShare, most: 0.03}
  - {figure: metric, name: rongate_panics_total, most: 0}
  - {figure: metric, name: rongate_node_probes_total, node: node1, least: 1}
  - {figure: live, least: 1}
  - {figure: unready, after: 1200ms, most: 1s}
  - {figure: ready, after: 1200ms, most: 1s}
`

func TestParse(t *testing.T) {
	got, err := Parse("all.yaml", []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	const ms = time.Millisecond
	all := Range{0, 3 * time.Second}
	overloaded := faultnet.Fault{Errors: 0.5, Times: 9, Error: faultnet.Error{
		Number: 1297, Message: "Got temporary error 410 'Unknown error code' from NDBCLUSTER",
	}}
	want := File{
		Name: "all", About: "everything there is", Gateway: "deadline: 1s",
		Database: Database{Kind: testbed.KindNDB, Zones: []string{"a", "b"}, Proxies: true, Rows: 6000},
		Load: Load{
			Steps:    []Step{{Name: "low", Fraction: 0.5, Duration: 2 * time.Second}, {Rate: 10, Duration: time.Second}},
			Arrivals: loadtest.Constant, Capacity: Capacity{Callers: 5, Duration: time.Second},
			Window: 250 * ms, Timeout: 3 * time.Second,
			Views: []features.View{{Name: "fraud", Version: 2, Weight: 3}, {Name: "account"}},
		},
		Actions: []Action{
			{At: 0, Do: Delay, To: "node1", Fault: faultnet.Fault{DelayUp: ms, DelayDown: 2 * ms}},
			{At: 100 * ms, Do: Trickle, To: "node2", Fault: faultnet.Fault{Trickle: 3, TrickleEvery: 4 * ms}},
			{At: 200 * ms, Do: Stragglers, To: "node2", Fault: faultnet.Fault{Stragglers: 0.01, StragglerDelay: 5 * ms}},
			{At: 300 * ms, Do: NoGreeting, To: "node2", Fault: faultnet.Fault{NoGreeting: true}},
			{At: 300 * ms, Do: BlackHole, To: "node2", Fault: faultnet.Fault{BlackHole: true}},
			{At: 400 * ms, Do: Clear, To: "node2"},
			{At: 500 * ms, Do: Reset, To: "node2"},
			{At: 600 * ms, Do: Restart, To: "gateway"},
			{At: 700 * ms, Do: Pause, To: "data2"},
			{At: 800 * ms, Do: Kill, To: "management"},
			{At: 900 * ms, Do: Errors, To: "node1", Fault: overloaded},
			{At: 900 * ms, Do: Errors, To: "node2", Fault: overloaded},
			{At: 1000 * ms, Do: Refuse, To: "node1", Fault: faultnet.Fault{Refusal: faultnet.Error{Number: 1045, State: "28000", Message: "Access denied"}}},
			{At: 1100 * ms, Do: ResetAfter, To: "node1", Fault: faultnet.Fault{ResetAfter: 700}},
			{At: 1200 * ms, Do: Down, To: "node2", Fault: faultnet.Fault{Refuse: true}},
			{At: 1300 * ms, Do: Configure, To: "gateway", Text: "hedging: off"},
		},
		Healthy: Range{1500 * ms, 2000 * ms}, Repeats: 3,
		Expect: []Assertion{
			{Figure: P999, Range: Range{time.Second, 2 * time.Second}, Every: 250 * ms, Most: &Bound{Value: 1.3, TimesHealthy: true, Plus: 2 * ms}},
			{Figure: P50, Range: Range{0, 3 * time.Second}, Least: &Bound{Value: 0.005}},
			{
				Figure: ZoneShare, Zone: "b", Range: Range{0, 3 * time.Second},
				Least: &Bound{Value: 0.25}, Most: &Bound{Value: 2, TimesHealthy: true},
			},
			{Figure: Readmit, Node: "node2", After: 400 * ms, Most: &Bound{Value: 1}},
			{Figure: Failed, Range: all, Except: []string{"503"}, Most: &Bound{}},
			{Figure: FailedShare, Range: all, Except: []string{"503", "504"}, Most: &Bound{}},
			{Figure: Unavailable, Range: all, Most: &Bound{Value: 0.505}},
			{Figure: Longest, Range: all, Most: &Bound{Value: 1, TimesHealthy: true, Plus: 25 * ms}},
			{Figure: P99, Range: all, Most: &Bound{Value: 0.2, TimesHealthy: true, Of: Range{second, 2 * second}}},
			{Figure: NodeLoad, Zone: "a", Range: all, Most: &Bound{Value: 1.25}},
			{Figure: NodeLoad, Zone: "b", Range: all, Most: &Bound{Value: 2, TimesHealthy: true}},
			{Figure: RetryShare, Range: all, Most: &Bound{Value: 0.03}},
			{Figure: Metric, Name: "rongate_panics_total", Range: all, Most: &Bound{}},
			{Figure: Metric, Name: "rongate_node_probes_total", Node: "node1", Range: all, Least: &Bound{Value: 1}},
			{Figure: Live, Range: all, Least: &Bound{Value: 1}},
			{Figure: Unready, After: 1200 * ms, Most: &Bound{Value: 1}},
			{Figure: Ready, After: 1200 * ms, Most: &Bound{Value: 1}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for i, want := range []string{
		"node1: delay, 1ms up, 2ms down", "node2: trickle, 3 bytes every 4ms", "node2: stragglers, 1 % by 5ms",
		"node2: no greeting", "node2: black hole", "node2: clear", "node2: reset", "gateway: restart",
		"data2: pause", "management: kill",
		"node1: errors, 50 % with 1297 Got temporary error 410 'Unknown error code' from NDBCLUSTER, 9 times",
		"node2: errors, 50 % with 1297 Got temporary error 410 'Unknown error code' from NDBCLUSTER, 9 times",
		"node1: refuse, 1045 Access denied", "node1: reset after 700 bytes", "node2: down",
	} {
		if said := got.Actions[i].String(); said != want {
			t.Errorf("%q; want %q", said, want)
		}
	}
}

// good is a scenario without mistakes, to be made some in.
const good = `name: good
about: nothing
database: {kind: mariadb, zones: [a, b]}
load: {steps: [{rate: 10, duration: 4s}]}
actions:
  - {at: 2s, do: kill, to: node1}
healthy: {from: 0s, to: 1s}
expect:
  - {figure: failed, most: 0}
`

func TestMistakes(t *testing.T) {
	if _, err := Parse("x.yaml", []byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ old, new, want string }{
		{"name: good\n", "", "x.yaml:1: name: is required"},
		{"mariadb", "oracle", "x.yaml:3: database.kind: must be one of"},
		{"[a, b]", "[a, 5]", "x.yaml:3: database.zones[1]: must be text"},
		{"rate: 10", "rate: 10, fraction: 0.5", "x.yaml:4: load.steps[0]: has to have a rate or a fraction"},
		{"rate: 10, ", "", "x.yaml:4: load.steps[0]: has to have a rate or a fraction"},
		{"duration: 4s", "duration: 4", "x.yaml:4: load.steps[0].duration: must be a duration"},
		{"duration: 4s}", "duration: 40m}, {rate: 1, duration: 40m}", "x.yaml:4: load.steps: take 1h20m0s together"},
		{"at: 2s", "at: 4s", "x.yaml:6: actions[0].at: must be a duration"},
		{"kill", "maim", "x.yaml:6: actions[0].do: must be one of pause,"},
		{"node1", "node3", "x.yaml:6: actions[0].to: must be one of gateway, node1, node2, server,"},
		{"node1", "data1", "x.yaml:6: actions[0].to: must be one of"},
		{"kill, to: node1", "clear, to: server", "x.yaml:6: actions[0].do: takes a node with a proxy; server has none"},
		{"kill", "delay", "x.yaml:6: actions[0].do: takes up, down or both"},
		{"kill", "trickle, bytes: 1", "x.yaml:6: actions[0].every: is required"},
		{"kill", "kill, bytes: 1", "x.yaml:6: actions[0].bytes: unknown field"},
		{", to: node1", "", "x.yaml:6: actions[0]: has to say what it is done to, by to or by zone"},
		{"to: node1", "to: node1, zone: a", "x.yaml:6: actions[0]: has to say what it is done to, by to or by zone"},
		{"to: node1", "to: [node1, node7]", "x.yaml:6: actions[0].to[1]: must be one of"},
		{"to: node1", "zone: c", "x.yaml:6: actions[0].zone: must be one of a, b"},
		{"kill", "errors, number: 1297", "x.yaml:6: actions[0].do: takes message or ndb, one of the two"},
		{"kill", "errors, number: 1040, ndb: 410", "x.yaml:6: actions[0].ndb: is of an error 1296 or 1297"},
		{"kill", "refuse, message: no", "x.yaml:6: actions[0].number: is required"},
		{"kill", "refuse, number: 1045, state: 28, message: no", "x.yaml:6: actions[0].state: must be text"},
		{"kill", "refuse, number: 1045, state: HY, message: no", "x.yaml:6: actions[0].state: has to have five characters"},
		{"kill, to: node1", "down, to: server", "x.yaml:6: actions[0].do: takes a node with a proxy; server has none"},
		{"name: good\n", "name: good\nrepeats: 0\n", "x.yaml:2: repeats: must be"},
		{"failed", "metric, name: rongate_node_up", "x.yaml:9: expect[0].name: is no counter"},
		{"failed, most: 0", "ready, after: 2s, most: 1 x healthy", "x.yaml:9: expect[0].most: is of a figure"},
		{"failed", "nodeLoad, zone: c", "x.yaml:9: expect[0].zone: must be one of a, b"},
		{"failed", "retryShare, except: \"503\"", "x.yaml:9: expect[0].except: unknown field"},
		{"2s, do: kill, to: node1}", "3s, do: kill, to: node1}\n  - {at: 2s, do: kill, to: node2}", "x.yaml:5: actions: are not in the order"},
		{"to: 1s", "to: 500ms", "x.yaml:7: healthy.to: is not between two windows of 1s"},
		{"from: 0s, to: 1s", "from: 3s, to: 2s", "x.yaml:7: healthy: goes from 3s to 2s"},
		{"to: 1s", "to: 2s", "x.yaml:7: healthy: has to end a window before node1: kill at 2s"},
		{"failed", "joy", "x.yaml:9: expect[0].figure: must be one of failed,"},
		{", most: 0", "", "x.yaml:9: expect[0]: says neither least nor most"},
		{"most: 0", "most: a lot", "x.yaml:9: expect[0].most: must be a number"},
		{"most: 0", "most: some x healthy", "x.yaml:9: expect[0].most: must be such as \"1.3 x healthy\""},
		{"most: 0", "most: 1 x healthy +2ms", "x.yaml:9: expect[0].most: must be such as \"1.3 x healthy\""},
		{"most: 0", "most: 1 x healthy + 2ms", "x.yaml:9: expect[0].most: adds a duration to a figure that is none"},
		{"failed, most: 0", "p99, most: 0.5", "x.yaml:9: expect[0].most: must be a duration"},
		{"failed, most: 0", "p99, every: 1500ms, most: 5ms", "x.yaml:9: expect[0].every: is not a number of windows"},
		{"failed", "nodeShare, node: node3", "x.yaml:9: expect[0].node: is none of the nodes"},
		{"failed", "zoneShare, zone: c", "x.yaml:9: expect[0].zone: must be one of a, b"},
		{"failed, most: 0", "eject, node: node1, after: 1s, most: 1s", "x.yaml:9: expect[0].after: is the time of no action"},
		{"failed, most: 0", "eject, node: node1, after: 2s, most: 1 x healthy", "x.yaml:9: expect[0].most: is of a figure"},
		{
			"healthy: {from: 0s, to: 1s}\nexpect:\n  - {figure: failed, most: 0}", "expect: [{figure: p99, most: 1 x healthy}]",
			"x.yaml:7: expect[0].most: needs a healthy stretch",
		},
	} {
		text := strings.Replace(good, tc.old, tc.new, 1)
		_, err := Parse("x.yaml", []byte(text))
		if err == nil || text == good {
			t.Errorf("%q instead of %q: no mistake is found", tc.new, tc.old)
			continue
		}
		if lines := strings.Split(err.Error(), "\n"); len(lines) != 1 || !strings.HasPrefix(lines[0], tc.want) {
			t.Errorf("%q instead of %q: got %q; want %q", tc.new, tc.old, lines, tc.want)
		}
	}
}

// FuzzParse wants of a file that is read that whatever it names is there.
func FuzzParse(f *testing.F) {
	f.Add(everything)
	f.Add(good)
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("x.yaml", []byte(text))
		if err != nil {
			return
		}
		for _, a := range file.Actions {
			if a.At >= file.Load.Length() || a.Do == "" || a.String() == "" {
				t.Errorf("%+v", a)
			}
		}
		for i := range file.Expect {
			a := &file.Expect[i]
			if a.Least == nil && a.Most == nil || a.To > file.Load.Length() || len(a.stretches()) == 0 || a.String() == "" {
				t.Errorf("%+v", a)
			}
		}
	})
}
