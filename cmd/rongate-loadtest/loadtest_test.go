package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rongate/rongate/loadtest"
	"github.com/rongate/rongate/loadtest/report"
)

func command(args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	status = run(args, output{&out, &err, append([]string{"rongate-loadtest"}, args...)})
	return status, out.String(), err.String()
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{
		{"--help"},
		{"run", "--help"},
		{"find-max", "--help"},
		{"compare", "--help"},
		{"scenario", "--help"},
		{"data", "--help"},
	} {
		if status, stdout, stderr := command(args...); status != 0 || !strings.HasPrefix(stdout, "Usage: rongate-loadtest") {
			t.Errorf("%v: %d, %q, %q", args, status, stdout, stderr)
		}
	}
}

func TestMistakes(t *testing.T) {
	const url = "http://127.0.0.1:1"
	for _, test := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{}, 2, "rongate-loadtest"},
		{[]string{"run"}, 2, "<url>"},
		{[]string{"run", url, "--arrivals", "never"}, 2, "--arrivals"},
		{[]string{"run", url, "--steps", "100"}, 1, "--steps: \"100\" is no step"},
		{[]string{"run", url, "--keys", "zipf"}, 1, "--keys: \"zipf\""},
		{[]string{"run", url, "--keys", "hot:1"}, 1, "--keys: \"hot:1\""},
		{[]string{"run", url, "--batch", "1-"}, 1, "--batch: \"1-\""},
		{[]string{"run", url, "--views", "fraud/two"}, 1, "--views: \"fraud/two\""},
		{[]string{"run", url, "--rows", "1"}, 1, "it takes 5000"},
		{[]string{"run", url}, 1, "connection refused"},
		{[]string{"find-max", url, "--goal", "p99"}, 1, "--goal: \"p99\""},
		{[]string{"scenario", "none.yaml"}, 2, "none.yaml"},
	} {
		if status, _, stderr := command(test.args...); status != test.status || !strings.Contains(stderr, test.want) {
			t.Errorf("%v: %d, %q", test.args, status, stderr)
		}
	}
}

func TestFlags(t *testing.T) {
	f := loadFlags{Steps: "10:1s,20.5:200ms", Arrivals: "constant"}
	c, err := f.config("http://h")
	want := []loadtest.Step{{Rate: 10, Duration: time.Second}, {Rate: 20.5, Duration: 200 * time.Millisecond}}
	if err != nil || fmt.Sprint(c.Steps) != fmt.Sprint(want) || c.Arrivals != loadtest.Constant {
		t.Errorf("%+v, %v", c, err)
	}
	sizes, err := parseSizes("1:80,50-100:5,7")
	if err != nil || fmt.Sprint(sizes) != "[{1 1 80} {50 100 5} {7 7 0}]" {
		t.Errorf("%v, %v", sizes, err)
	}
	keys, err := parseKeys("hot:10:0.5")
	if err != nil || keys.Hot != 10 || keys.Share != 0.5 {
		t.Errorf("%+v, %v", keys, err)
	}
	view, err := parseView("fraud/2:3.5")
	if err != nil || view.Name != "fraud" || view.Version != 2 || view.Weight != 3.5 {
		t.Errorf("%+v, %v", view, err)
	}
	goal, err := parseGoal("p99.9=5ms")
	if err != nil || goal.Quantile < 0.9989 || goal.Quantile > 0.9991 || goal.Limit != 5*time.Millisecond {
		t.Errorf("%+v, %v", goal, err)
	}
}

// TestJudge: a result fails a command by being void or by any request that failed, whichever of the results it is.
func TestJudge(t *testing.T) {
	good := &loadtest.Result{Total: loadtest.Count{Due: 100, Sent: 100, Late: 1}}
	late := &loadtest.Result{Total: loadtest.Count{Due: 100, Sent: 100, Late: 2}}
	unsent := &loadtest.Result{Total: loadtest.Count{Due: 100, Sent: 99}}
	failed := &loadtest.Result{Total: loadtest.Count{Due: 100, Sent: 100, Failed: map[string]uint64{"504": 1}}}
	if err := judge(good, good); err != nil {
		t.Error(err)
	}
	for _, bad := range []*loadtest.Result{late, unsent, failed} {
		if judge(good, bad) == nil || judge(bad, good) == nil {
			t.Errorf("%+v passes", bad.Total)
		}
	}
}

// TestEndings: nothing but a run that kept everything passes.
func TestEndings(t *testing.T) {
	passed := &report.Report{Verdicts: []report.Verdict{{What: "failed", Passed: true}}}
	missed := &report.Report{Verdicts: []report.Verdict{{Passed: true}, {What: "p99", Want: "≤ 5 ms", Got: "7 ms"}}}
	late := &loadtest.Result{Total: loadtest.Count{Due: 100, Sent: 100, Late: 2}}
	void := &report.Report{Loads: []report.Load{{Result: late}}}
	for _, test := range []struct {
		r    *report.Report
		err  error
		want ending
	}{
		{passed, nil, ending{"x", "PASS", "all of 1 assertions"}},
		{missed, nil, ending{"x", "FAIL", "1 of 2: p99: 7 ms instead of ≤ 5 ms"}},
		{void, nil, ending{"x", "VOID", "the harness sent too many requests late: this machine was too busy"}},
		{&report.Report{Stopped: "interrupted"}, nil, ending{"x", "stopped", "interrupted"}},
		{nil, fmt.Errorf("no\nserver"), ending{"x", "ERROR", "no; server"}},
	} {
		if got := endingOf("x", test.r, test.err); got != test.want {
			t.Errorf("%+v, want %+v", got, test.want)
		}
	}
}

// TestUntilValid: only what says nothing is run again, and not without end.
func TestUntilValid(t *testing.T) {
	for _, test := range []struct {
		verdicts []string // of one run after the other
		want     ending
	}{
		{[]string{"FAIL"}, ending{"x", "FAIL", "d"}},
		{[]string{void, void, "FAIL"}, ending{"x", "FAIL", "d (attempt 3; those before were void)"}},
		{[]string{void, void, void}, ending{"x", void, "d (attempt 3; those before were void)"}},
	} {
		left := test.verdicts
		got := (&scenarioCmd{Attempts: 3}).untilValid(t.Context(), output{stderr: t.Output()}, func() ending {
			e := ending{"x", left[0], "d"}
			left = left[1:]
			return e
		})
		if got != test.want || len(left) > 0 {
			t.Errorf("%v: %+v", test.verdicts, got)
		}
	}
}
