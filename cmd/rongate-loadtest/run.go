package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/rongate/rongate/loadtest"
	"github.com/rongate/rongate/loadtest/features"
	"github.com/rongate/rongate/loadtest/report"
)

type runCmd struct {
	URL     string `arg:"" help:"The gateway: http://host:port, or unix:///path of its socket."`
	Callers int    `placeholder:"N" help:"${runCallers}"`
	loadFlags
	sourceFlags
	reportFlags
}

// Run sends the load, whose report says whether any request failed.
func (c *runCmd) Run(ctx context.Context, out output) error {
	cfg, source, err := open(ctx, c.URL, &c.loadFlags, &c.sourceFlags)
	if err != nil {
		return err
	}
	cfg.Callers = c.Callers
	tellSkipped(out, source)
	started := time.Now()
	cfg.Progress = report.NewLive(out.stderr).Load("")
	result, err := loadtest.Run(ctx, cfg)
	if err != nil {
		return err
	}
	r := newReport(out, "Load on "+c.URL, started)
	r.Loads = []report.Load{{Name: "load", URL: c.URL, Steps: cfg.Steps, Closed: c.Callers, Result: result}}
	if err := ctx.Err(); err != nil {
		r.Stopped = context.Cause(ctx).Error()
	}
	if err := c.write(out, r); err != nil {
		return err
	}
	return judge(result)
}

// judge fails a command whose results say nothing of a server, or that requests failed.
func judge(results ...*loadtest.Result) error {
	for _, r := range results {
		if r.Void() || r.Total.Failures() > 0 {
			return errFailed
		}
	}
	return nil
}

// open makes the configuration of a load and what it asks for.
func open(
	ctx context.Context, url string, load *loadFlags, what *sourceFlags,
) (loadtest.Config, *features.Source, error) {
	cfg, err := load.config(url)
	if err != nil {
		return cfg, nil, err
	}
	asked, err := what.config()
	if err != nil {
		return cfg, nil, err
	}
	source, err := features.Open(ctx, url, asked)
	if err != nil {
		return cfg, nil, err
	}
	cfg.Source = source
	return cfg, source, nil
}

func tellSkipped(out output, source *features.Source) {
	for _, line := range source.Skipped {
		fmt.Fprintln(out.stderr, "not asked for:", line)
	}
}

// newReport is a report of what this command line did.
func newReport(out output, title string, started time.Time) *report.Report {
	return &report.Report{
		Title: title, Command: out.args, Started: started, Machine: report.Here(),
		Versions: map[string]string{"harness": version(), "Go": runtime.Version()},
	}
}

// version is the module's, or the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(len(s.Value), 12)]
		}
	}
	return info.Main.Version
}
