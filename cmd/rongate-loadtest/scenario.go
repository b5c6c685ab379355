package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/rongate/rongate/loadtest"
	"github.com/rongate/rongate/loadtest/report"
	"github.com/rongate/rongate/loadtest/scenario"
)

type scenarioCmd struct {
	Files   []string `arg:"" type:"existingfile" help:"${scenarioFiles}"`
	Out     string   `placeholder:"DIR" type:"path" help:"Write the report of each into a directory of its name there."`
	Rongate string   `placeholder:"FILE" type:"existingfile" help:"${scenarioRongate}"`
	Seed    uint64   `help:"Of everything that is drawn (default: another each time)."`
	API     string   `placeholder:"API" enum:",native,rdrs" default:"" help:"${scenarioAPI}"`

	Attempts int `default:"3" help:"${scenarioAttempts}"`
}

// An ending is what became of one scenario.
type ending struct {
	name, verdict, detail string
}

// Run runs one scenario after the other, and ends with a table of what became of each. It fails if one of them did.
func (c *scenarioCmd) Run(ctx context.Context, out output) error {
	files := make([]scenario.File, len(c.Files))
	var mistakes []error
	for i, path := range c.Files {
		var err error
		if files[i], err = scenario.ReadFile(path); err != nil {
			mistakes = append(mistakes, err)
		}
		if c.API != "" {
			files[i].Load.RDRS = c.API == "rdrs"
		}
	}
	if len(mistakes) > 0 {
		return errors.Join(mistakes...)
	}
	var endings []ending
	failed := false
	for _, f := range files {
		if ctx.Err() != nil {
			endings = append(endings, ending{f.Name, "not run", "stopped before"})
			continue
		}
		e := c.untilValid(ctx, out, func() ending { return c.one(ctx, out, f) })
		failed = failed || e.verdict != "PASS"
		endings = append(endings, e)
	}
	writeEndings(out, endings)
	if failed || ctx.Err() != nil {
		return errFailed
	}
	return nil
}

const void = "VOID"

// untilValid runs a scenario, and again when the run says nothing about rongate because the harness was what was slow.
func (c *scenarioCmd) untilValid(ctx context.Context, out output, run func() ending) ending {
	for n := 1; ; n++ {
		e := run()
		if e.verdict != void || n >= c.Attempts || ctx.Err() != nil {
			if n > 1 {
				e.detail += fmt.Sprintf(" (attempt %d; those before were void)", n)
			}
			return e
		}
		fmt.Fprintf(out.stderr, "scenario %s: void, so once more\n", e.name)
	}
}

// one runs a scenario, and tells its report.
func (c *scenarioCmd) one(ctx context.Context, out output, f scenario.File) ending {
	fmt.Fprintf(out.stderr, "scenario %s: %s\n", f.Name, f.About)
	live := report.NewLive(out.stderr)
	r, err := scenario.Run(ctx, f, scenario.Config{
		Rongate: c.Rongate, Seed: c.Seed, Command: out.args, Say: live.Event,
		Progress: func() func(*loadtest.Result) { return live.Load("") },
	})
	if r != nil {
		if writeErr := report.WriteText(out.stdout, r); writeErr != nil {
			err = errors.Join(err, writeErr)
		}
		if c.Out != "" {
			err = errors.Join(err, writeFiles(filepath.Join(c.Out, f.Name), r, out.stderr))
		}
	}
	return endingOf(f.Name, r, err)
}

// endingOf sums a scenario up in a line.
func endingOf(name string, r *report.Report, err error) ending {
	switch {
	case err != nil:
		return ending{name, "ERROR", strings.ReplaceAll(err.Error(), "\n", "; ")}
	case r.Stopped != "":
		return ending{name, "stopped", r.Stopped}
	case slices.ContainsFunc(r.Loads, func(l report.Load) bool { return l.Result.Void() }):
		return ending{name, void, "the harness sent too many requests late: this machine was too busy"}
	case r.Passed():
		return ending{name, "PASS", fmt.Sprintf("all of %d assertions", len(r.Verdicts))}
	}
	var missed []string
	for _, v := range r.Verdicts {
		if !v.Passed {
			missed = append(missed, fmt.Sprintf("%s: %s instead of %s", v.What, v.Got, v.Want))
		}
	}
	return ending{name, "FAIL", fmt.Sprintf("%d of %d: %s", len(missed), len(r.Verdicts), strings.Join(missed, "; "))}
}

func writeEndings(out output, endings []ending) {
	w := tabwriter.NewWriter(out.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nSCENARIO\tVERDICT\t")
	for _, e := range endings {
		fmt.Fprintf(w, "%s\t%s\t%s\n", e.name, e.verdict, e.detail)
	}
	_ = w.Flush() // to where the reports went
}
