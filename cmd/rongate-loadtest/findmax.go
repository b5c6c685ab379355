package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rongate/rongate/loadtest"
	"github.com/rongate/rongate/loadtest/report"
)

type findMaxCmd struct {
	URL    string  `arg:"" help:"The gateway: http://host:port, or unix:///path of its socket."`
	Goal   string  `default:"p99=10ms" help:"A quantile of the latency and what it must not exceed."`
	Failed float64 `help:"Share of the requests that may fail."`
	loadFlags
	sourceFlags
	reportFlags
}

// Run searches from --rate on, each try as long as --duration.
func (c *findMaxCmd) Run(ctx context.Context, out output) error {
	goal, err := parseGoal(c.Goal)
	if err != nil {
		return err
	}
	goal.Failed = c.Failed
	cfg, source, err := open(ctx, c.URL, &c.loadFlags, &c.sourceFlags)
	if err != nil {
		return err
	}
	tellSkipped(out, source)
	started := time.Now()
	trials, err := loadtest.FindMax(ctx, cfg, goal, func(t loadtest.Trial) {
		verdict := "kept"
		if t.Missed != "" {
			verdict = "missed: " + t.Missed
		}
		fmt.Fprintf(out.stderr, "%8.0f/s  p50 %v  p99 %v  %s\n", t.Rate, t.Result.Total.Quantile(0.5),
			t.Result.Total.Quantile(0.99), verdict)
	})
	if err != nil {
		return err
	}
	r := newReport(out, "Highest rate of "+c.URL+" that keeps "+c.Goal, started)
	if ctx.Err() != nil {
		r.Stopped = context.Cause(ctx).Error()
	}
	best, found := loadtest.Best(trials)
	verdict := report.Verdict{What: "a rate at which " + c.Goal + " is kept", Want: "any", Got: "none", Passed: found}
	if found {
		verdict.Got = fmt.Sprintf("%.0f requests a second", best.Rate)
		r.Loads = []report.Load{{
			Name: "best", URL: c.URL, Steps: []loadtest.Step{{Rate: best.Rate, Duration: cfg.Steps[0].Duration}},
			Result: best.Result,
		}}
	}
	for _, t := range trials {
		if t.Harness {
			verdict.What += "; the harness itself could send no more on this machine"
			break
		}
	}
	r.Verdicts = []report.Verdict{verdict}
	if err := c.write(out, r); err != nil {
		return err
	}
	if !found {
		return errFailed
	}
	return nil
}

// parseGoal reads such as p99=10ms.
func parseGoal(text string) (g loadtest.Goal, err error) {
	name, limit, ok := strings.Cut(text, "=")
	percent, err := strconv.ParseFloat(strings.TrimPrefix(name, "p"), 64)
	d, err2 := time.ParseDuration(limit)
	if !ok || !strings.HasPrefix(name, "p") || err != nil || err2 != nil || !(percent > 0 && percent <= 100) || d <= 0 {
		return g, fmt.Errorf("--goal: %q is not understood; write such as p99=10ms", text)
	}
	return loadtest.Goal{Quantile: percent / 100, Limit: d}, nil
}
