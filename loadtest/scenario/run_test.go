package scenario

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/loadtest/features"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// leftOver lists what runs leave in the directory for temporary files.
func leftOver(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"rongate-scenario-*", "rongate-testbed-*"} {
		found, err := filepath.Glob(filepath.Join(os.TempDir(), pattern))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

// short is a scenario that takes a few seconds, and that asserts what cannot be.
const short = `
name: short
about: a node is killed and comes back
database: {kind: mariadb, zones: [a, a, b], rows: 5000}
gateway: |
  deadline: 400ms
load:
  window: 500ms
  views: [{name: account}]
  steps: [{rate: 300, duration: 6s}]
actions:
  - {at: 2s, do: kill, to: node2}
  - {at: 4s, do: start, to: node2}
healthy: {from: 500ms, to: 1500ms}
expect:
  - {figure: nodeShare, node: node2, from: 500ms, to: 2s, least: 0.1}
  - {figure: nodeShare, node: node2, from: 2500ms, to: 4s, most: 0}
  - {figure: eject, node: node2, after: 2s, most: 400ms}
  - {figure: readmit, node: node2, after: 4s, most: 2s}
  - {figure: statementsPerRequest, from: 0s, to: 6s, least: 0.9, most: 1.2}
  - {figure: p50, from: 0s, to: 6s, most: 1us}
`

func TestRun(t *testing.T) {
	testbed.Require(t, testbed.KindMariaDB)
	t.Setenv("TMPDIR", t.TempDir())
	f, err := Parse("short.yaml", []byte(short))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Run(t.Context(), f, Config{Say: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	var passed []bool
	for _, v := range got.Verdicts {
		t.Logf("%v %s: %s; %s", v.Passed, v.What, v.Got, v.Want)
		passed = append(passed, v.Passed)
	}
	// The first is whether the harness was in time, which is the machine's matter.
	if want := []bool{true, true, true, true, true, true, true, false}; !slices.Equal(passed[1:], want) {
		t.Errorf("got %v; want %v", passed[1:], want)
	}
	if len(got.Events) != 2 || got.Stopped != "" || got.Passed() || len(got.Series) != 7 {
		t.Errorf("got %v, %q, %d series", got.Events, got.Stopped, len(got.Series))
	}
	for i, at := range []time.Duration{2 * time.Second, 4 * time.Second} {
		if e := got.Events[i]; e.At < at-50*time.Millisecond || e.At > at+500*time.Millisecond {
			t.Errorf("%v at %v; want it at %v", e.What, e.At, at)
		}
	}
	if got.Loads[0].Result.Total.Failed[features.Wrong] > 0 {
		t.Error(got.Loads[0].Result.Examples)
	}
	if left := leftOver(t); left != nil {
		t.Errorf("%v is left", left)
	}
}

// TestRunIsStopped ends runs while they start and while the load goes on.
func TestRunIsStopped(t *testing.T) {
	testbed.Require(t, testbed.KindMariaDB)
	f, err := Parse("short.yaml", []byte(short))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		said  string
		loads int
	}{{"loading", 0}, {"node2: kill", 1}} {
		t.Run(tc.said, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			got, err := Run(ctx, f, Config{Say: func(line string) {
				if strings.HasPrefix(line, tc.said) {
					cancel()
				}
			}})
			if err != nil {
				t.Fatal(err)
			}
			if got.Stopped == "" || len(got.Loads) != tc.loads || len(got.Events) != tc.loads {
				t.Errorf("stopped %q, %d loads, %v", got.Stopped, len(got.Loads), got.Events)
			}
			for _, v := range got.Verdicts {
				t.Logf("%v %s: %s; %s", v.Passed, v.What, v.Got, v.Want)
			}
			if left := leftOver(t); left != nil {
				t.Errorf("%v is left", left)
			}
		})
	}
}

// twice is a scenario that is repeated, and ends with everything broken.
const twice = `
name: twice
about: all is lost, two times
repeats: 2
database: {kind: mariadb, zones: [a, a, b], rows: 5000}
gateway: |
  deadline: 400ms
load: {window: 500ms, views: [{name: account}], steps: [{rate: 200, duration: 4s}]}
actions:
  - {at: 1500ms, do: down, to: [node1, node2, node3]}
  - {at: 2500ms, do: clear, to: node1}
  - {at: 3400ms, do: configure, to: gateway, text: "deadline: 1ms"}
  - {at: 3500ms, do: down, zone: a}
  - {at: 3600ms, do: kill, to: gateway}
healthy: {from: 0s, to: 1s}
expect:
  - {figure: failed, from: 1500ms, to: 2500ms, least: 10}
  - {figure: unavailable, from: 1500ms, to: 2500ms, most: 450ms}
  - {figure: unready, after: 1500ms, most: 1s}
  - {figure: ready, after: 2500ms, most: 1s}
  - {figure: readmit, node: node1, after: 2500ms, most: 1s}
  - {figure: live, from: 0s, to: 3500ms, least: 1}
  - {figure: nodeLoad, from: 0s, to: 1s, most: 1.9}
  - {figure: retryShare, from: 0s, to: 1s, most: 0.1}
  - {figure: p50, from: 0s, to: 1s, most: 300ms}
`

func TestRepeatsOnOneDatabase(t *testing.T) {
	testbed.Require(t, testbed.KindMariaDB)
	t.Setenv("TMPDIR", t.TempDir())
	f, err := Parse("twice.yaml", []byte(twice))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Run(t.Context(), f, Config{Say: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got.Verdicts {
		t.Logf("%v %s: %s; %s", v.Passed, v.What, v.Got, v.Want)
		if lateness := i%3 == 0 && i < 6; !v.Passed && !lateness {
			t.Errorf("%+v", v)
		}
	}
	if len(got.Loads) != 2 || len(got.Verdicts) != 2*3+9 || len(got.Events) != 8 {
		t.Errorf("%d loads, %d verdicts, %v", len(got.Loads), len(got.Verdicts), got.Events)
	}
	if left := leftOver(t); left != nil {
		t.Errorf("%v is left", left)
	}
}

// everyVerb does everything that can be done on MariaDB.
const everyVerb = `
name: verbs
about: everything is done once
database: {kind: mariadb, zones: [a, b], rows: 5000}
load: {window: 500ms, steps: [{rate: 100, duration: 5s}]}
actions:
  - {at: 100ms, do: delay, to: node1, up: 2ms, down: 3ms}
  - {at: 300ms, do: trickle, to: node1, bytes: 100, every: 1ms}
  - {at: 500ms, do: stragglers, to: node1, fraction: 0.5, delay: 5ms}
  - {at: 700ms, do: noGreeting, to: node1}
  - {at: 800ms, do: reset, to: node1}
  - {at: 1s, do: blackHole, to: node1}
  - {at: 1100ms, do: errors, to: [node1, node2], number: 1296, ndb: 4009, fraction: 0.5}
  - {at: 1150ms, do: refuse, to: node1, number: 1040, message: Too many connections}
  - {at: 1180ms, do: down, zone: b}
  - {at: 1190ms, do: resetAfter, to: node1, bytes: 300, times: 1}
  - {at: 1200ms, do: clear, to: [node1, node2]}
  - {at: 1300ms, do: pause, to: server}
  - {at: 1400ms, do: resume, to: server}
  - {at: 1600ms, do: pause, to: gateway}
  - {at: 1700ms, do: resume, to: gateway}
  - {at: 2s, do: restart, to: gateway}
  - {at: 3s, do: kill, to: gateway}
  - {at: 3200ms, do: start, to: gateway}
  - {at: 4s, do: pause, to: gateway}
expect:
  - {figure: failed, most: 1000}
  - {figure: failed, from: 3s, to: 3500ms, least: 1}
  - {figure: statementsPerRequest, from: 3500ms, to: 4s, least: 1}
`

// TestEveryVerb ends with a gateway that is paused, and has to be ended all the same.
func TestEveryVerb(t *testing.T) {
	testbed.Require(t, testbed.KindMariaDB)
	t.Setenv("TMPDIR", t.TempDir())
	f, err := Parse("verbs.yaml", []byte(everyVerb))
	if err != nil {
		t.Fatal(err)
	}
	f.Load.Timeout = time.Second
	got, err := Run(t.Context(), f, Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range got.Verdicts[1:] { // the first is whether the harness was in time
		if !v.Passed {
			t.Errorf("%+v", v)
		}
	}
	if len(got.Events) < len(f.Actions) || got.Loads[0].Result.Total.Failed[features.Wrong] > 0 {
		t.Errorf("got %v, %v", got.Events, got.Loads[0].Result.Examples)
	}
	if left := leftOver(t); left != nil {
		t.Errorf("%v is left", left)
	}
}

// TestRunFails has rongate refuse its configuration: there is no run, and the error says why.
func TestRunFails(t *testing.T) {
	testbed.Require(t, testbed.KindMariaDB)
	t.Setenv("TMPDIR", t.TempDir())
	f, err := Parse("short.yaml", []byte(short))
	if err != nil {
		t.Fatal(err)
	}
	f.Gateway = "deadline: never\n"
	if got, err := Run(t.Context(), f, Config{}); err == nil || got != nil || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("got %v, %v", got, err)
	}
	if left := leftOver(t); left != nil {
		t.Errorf("%v is left", left)
	}
}
