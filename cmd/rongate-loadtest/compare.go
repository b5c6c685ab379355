package main

import (
	"context"
	"fmt"
	"time"

	"github.com/rongate/rongate/loadtest"
	"github.com/rongate/rongate/loadtest/report"
)

type compareCmd struct {
	A        string        `arg:"" help:"The one server: http://host:port, or unix:///path."`
	B        string        `arg:"" help:"The other."`
	Slice    time.Duration `default:"500ms" help:"How long each has the load at a time: short, so that noise evens out."`
	Pairs    int           `default:"80" help:"Slices of each."`
	ProcessA int           `name:"pid-a" placeholder:"PID" help:"A's process, if CPU time and memory are to be compared."`
	ProcessB int           `name:"pid-b" placeholder:"PID" help:"B's process."`
	APIB     string        `name:"api-b" placeholder:"API" enum:",native,rdrs" default:"" help:"${compareAPI}"`
	Callers  int           `placeholder:"N" help:"${runCallers}"`
	loadFlags
	sourceFlags
	reportFlags
}

// tellPairs is after how many pairs it is said how far it is: every ten seconds or so.
const tellPairs = 10

// Run compares. What it finds is no failure, but requests that failed are, and a harness that was late.
func (c *compareCmd) Run(ctx context.Context, out output) error {
	cfg, source, err := open(ctx, c.A, &c.loadFlags, &c.sourceFlags)
	if err != nil {
		return err
	}
	tellSkipped(out, source)
	sourceB := source
	if c.APIB != "" {
		other := c.sourceFlags
		other.API = c.APIB
		if _, sourceB, err = open(ctx, c.B, &c.loadFlags, &other); err != nil {
			return err
		}
	}
	cfg.Callers = c.Callers
	cfg.Steps = []loadtest.Step{{Rate: c.Rate, Duration: c.Slice}}
	started := time.Now()
	compared, err := loadtest.Compare(ctx, loadtest.Comparing{
		Config: cfg, B: c.B, SourceB: sourceB, Pairs: c.Pairs, Process: [2]int{c.ProcessA, c.ProcessB},
		Tell: func(pair int) {
			if pair%tellPairs == 0 || pair == c.Pairs {
				fmt.Fprintf(out.stderr, "pair %d of %d\n", pair, c.Pairs)
			}
		},
	})
	if err != nil {
		return err
	}
	r := newReport(out, "B, "+c.B+", against A, "+c.A, started)
	cfg.Steps[0].Duration *= time.Duration(c.Pairs) // all slices of one side
	for i, url := range []string{c.A, c.B} {
		r.Loads = append(r.Loads, report.Load{
			Name: []string{"A", "B"}[i], URL: url, Steps: cfg.Steps, Closed: c.Callers, Result: compared.Results[i],
		})
	}
	for _, ratio := range compared.Ratios {
		r.Comparison = append(r.Comparison, report.Comparison{
			What: ratio.What, Unit: ratio.Unit, A: ratio.A, B: ratio.B, Ratio: ratio.Ratio, Low: ratio.Low, High: ratio.High,
		})
	}
	if err := c.write(out, r); err != nil {
		return err
	}
	return judge(compared.Results[0], compared.Results[1])
}
