package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/rongate/rongate/internal/faultnet"
	"github.com/rongate/rongate/internal/frauddata"
	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/loadtest"
	"github.com/rongate/rongate/loadtest/features"
	"github.com/rongate/rongate/loadtest/report"
)

// Config says how scenarios are run.
type Config struct {
	// Rongate is the binary. Empty: the one beside this program's, or else one built from the module that this process
	// stands in.
	Rongate string

	Seed    uint64   // of everything that is drawn. 0: one that no other run has.
	Command []string // for the report

	Say func(line string) // is told what goes on, from several goroutines. Nil: nobody is.

	// Progress is called before each load, and what it returns is told the state of that load every window. Nil: nobody is.
	Progress func() func(*loadtest.Result)
}

// A runner is one run of a scenario.
type runner struct {
	file    File
	cfg     Config
	dir     string
	cluster testbed.Cluster
	gateway *gateway
	data    *frauddata.Data
	source  *features.Source
	targets map[string]target
	report  *report.Report
}

// Run starts the test bed and rongate, sends the load, does the scenario's actions at their times, judges what the run
// showed, and ends all that it started. When ctx ends, so does the run: the report is then of what was done. An error
// says that there was no run, or comes with the report that there is.
func Run(ctx context.Context, f File, cfg Config) (*report.Report, error) {
	if cfg.Say == nil {
		cfg.Say = func(string) {}
	}
	r := &runner{file: f, cfg: cfg, report: &report.Report{
		Title: f.Name + ": " + f.About, Command: cfg.Command, Machine: report.Here(), Started: time.Now(),
		Versions: map[string]string{"harness": ownVersion(), "Go": runtime.Version()},
	}}
	err := r.run(ctx)
	err = errors.Join(err, r.close())
	if ctx.Err() != nil {
		r.report.Stopped = context.Cause(ctx).Error()
		if errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx)) {
			err = nil // that is what it says
		}
	}
	if err != nil && len(r.report.Loads) == 0 {
		return nil, err
	}
	return r.report, err
}

func (r *runner) run(ctx context.Context) error {
	if err := r.prepare(ctx); err != nil {
		return err
	}
	steps, err := r.steps(ctx)
	if err != nil {
		return err
	}
	repeats, err := r.repeat(ctx, steps)
	if len(repeats) > 0 {
		r.conclude(repeats)
	}
	return err
}

// repeat goes through the load and the actions as often as is asked for. A repeat that says nothing of rongate is gone
// through again, if there are others that need not be for that.
func (r *runner) repeat(ctx context.Context, steps []loadtest.Step) (repeats []*evidence, err error) {
	again := r.file.Repeats - 1
	over := func() bool { return ctx.Err() != nil || r.gateway.death() != nil }
	for first := true; len(repeats) < max(r.file.Repeats, 1); first = false {
		if !first {
			if over() {
				break
			}
			if err := r.mend(ctx); err != nil {
				return repeats, err
			}
		}
		e, err := r.load(ctx, steps)
		if err != nil {
			return repeats, err
		}
		if n := len(repeats); again > 0 && !over() && r.report.Loads[n].Result.Void() {
			again--
			r.report.Loads = r.report.Loads[:n]
			r.cfg.Say("the harness was late, so this one is gone through again")
			continue
		}
		repeats = append(repeats, e)
	}
	return repeats, nil
}

// conclude tells what the repeats have shown. What was done, and to what effect on the nodes, is shown of the first.
func (r *runner) conclude(repeats []*evidence) {
	for i, e := range repeats {
		r.report.Verdicts = append(r.report.Verdicts, r.conduct(e, i)...)
	}
	if left := r.file.Repeats - len(repeats); left > 0 {
		r.report.Verdicts = append(r.report.Verdicts, report.Verdict{
			What: "the load is repeated", Want: fmt.Sprintf("%d times", r.file.Repeats), Got: fmt.Sprintf("%d were not", left),
		})
	}
	if err := r.gateway.death(); err != nil {
		died := report.Verdict{What: "rongate runs to the end", Want: "yes", Got: err.Error()}
		r.report.Verdicts = append(r.report.Verdicts, died)
	}
	r.report.Verdicts = append(r.report.Verdicts, judge(repeats, r.file.Expect)...)
	r.report.Events, r.report.Series = repeats[0].events(), repeats[0].series()
}

// settleFor is how long rongate has between the mending of everything and the next load, to find out about it.
const settleFor = 2 * time.Second

// mend makes everything well again before the next load.
func (r *runner) mend(ctx context.Context) error {
	r.cfg.Say("mending everything for the next repeat")
	if err := r.cluster.Mend(ctx); err != nil {
		return err
	}
	if err := r.mendGateway(ctx); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(settleFor):
		return nil
	}
}

// mendGateway has the gateway run, under the configuration that the file gives it.
func (r *runner) mendGateway(ctx context.Context) error {
	g, more := r.gateway, r.file.Gateway
	switch {
	case !g.Alive():
		return errors.Join(g.writeConfig(more), g.start(ctx))
	case g.more == more:
		return errors.Join(g.Resume(), g.await(ctx))
	}
	return errors.Join(g.Resume(), g.await(ctx), g.configure(ctx, more))
}

// prepare starts everything and returns when rongate can answer.
func (r *runner) prepare(ctx context.Context) (err error) {
	if r.dir, err = os.MkdirTemp("", "rongate-scenario-"); err != nil {
		return err
	}
	binary, err := findRongate(ctx, r.cfg.Rongate, r.dir)
	if err != nil {
		return err
	}
	r.cfg.Say(fmt.Sprintf("starting %s with %d nodes", r.file.Database.Kind, len(r.file.Database.Zones)))
	if r.cluster, err = startCluster(ctx, &r.file.Database); err != nil {
		return err
	}
	if r.data, err = frauddata.New(frauddata.Config{Rows: r.file.Database.Rows}); err != nil {
		return err
	}
	r.cfg.Say(fmt.Sprintf("loading %d rows", r.file.Database.Rows))
	if err := r.data.Load(ctx, r.cluster.Exec, r.cluster.Engine(), r.cluster.KeyOptions(), nil); err != nil {
		return err
	}
	if r.gateway, err = newGateway(binary, r.dir, r.file.Gateway, r.cluster.Nodes()); err != nil {
		return err
	}
	r.cfg.Say("starting rongate")
	if err := r.gateway.start(ctx); err != nil {
		return err
	}
	r.targets = targetsOf(r.cluster, r.gateway)
	r.report.Versions["rongate"] = r.gateway.version(ctx)
	if rows, err := r.cluster.Query(ctx, "SELECT VERSION()"); err == nil {
		r.report.Versions["database"] = rows[0][0].Text
	}
	r.source, err = features.Open(ctx, r.url(), features.Config{
		Data: r.data, RDRS: r.file.Load.RDRS, Views: r.file.Load.Views, Keys: features.Keys{Missing: r.file.Load.Missing},
	})
	return err
}

func (r *runner) url() string { return "http://" + r.gateway.public }

// steps returns the load in requests a second, having found out the capacity if it takes that.
func (r *runner) steps(ctx context.Context) ([]loadtest.Step, error) {
	capacity := 0.0
	steps := make([]loadtest.Step, len(r.file.Load.Steps))
	for i, s := range r.file.Load.Steps {
		steps[i] = loadtest.Step{Name: s.Name, Rate: s.Rate, Duration: s.Duration}
		if s.Fraction == 0 {
			continue
		}
		if capacity == 0 {
			var err error
			if capacity, err = r.capacity(ctx); err != nil {
				return nil, err
			}
		}
		steps[i].Rate = s.Fraction * capacity
	}
	return steps, nil
}

// capacity is how many requests a second are answered in a closed loop.
func (r *runner) capacity(ctx context.Context) (float64, error) {
	c := r.file.Load.Capacity
	result, err := loadtest.Run(ctx, loadtest.Config{
		URL: r.url(), Source: r.source, Seed: r.cfg.Seed, Callers: c.Callers, Timeout: r.file.Load.Timeout,
		Steps: []loadtest.Step{{Duration: c.Duration}},
	})
	switch {
	case err != nil:
		return 0, err
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case result.Total.Failures() > 0:
		return 0, fmt.Errorf("%d of %d requests failed before anything was broken, such as: %v",
			result.Total.Failures(), result.Total.Sent, result.Examples)
	}
	rate := float64(result.Total.Answered) / result.Length.Seconds()
	r.cfg.Say(fmt.Sprintf("%d callers in a closed loop get %.0f answers/s", c.Callers, rate))
	return rate, nil
}

// load sends the load and does the actions meanwhile.
func (r *runner) load(ctx context.Context, steps []loadtest.Step) (*evidence, error) {
	names := map[string]string{}
	for i, n := range r.cluster.Nodes() {
		names[n.Address] = nodeName(i)
	}
	witnesses, err := newWitnesses(&r.file, r.targets)
	if err != nil {
		return nil, err
	}
	actor := &actor{targets: r.targets, say: r.cfg.Say}
	actor.align(time.Now())
	scraper := newScraper(r.gateway, names, &r.file, &actor.start)
	scraper.scrape(ctx)
	during, over := context.WithCancel(ctx)
	defer over()
	var beside sync.WaitGroup
	beside.Go(func() { scraper.run(during) })
	for _, w := range witnesses {
		beside.Go(func() { w.run(during, actor) })
	}
	actor.align(time.Now())
	beside.Go(func() { actor.run(during, r.file.Actions) })

	r.cfg.Say(fmt.Sprintf("%s: %v of load", r.file.Name, r.file.Load.Length()))
	result, err := r.send(ctx, steps, actor)
	over()
	beside.Wait()
	if err != nil {
		return nil, err
	}
	e := &evidence{
		file: &r.file, windows: result.Windows, length: r.file.Load.Length(), deeds: actor.since(result.Started),
		asked: map[question][]testimony{},
	}
	e.scrapes, e.pulses = scraper.since(result.Started)
	if ctx.Err() != nil {
		e.length = result.Length
	}
	for _, w := range witnesses {
		e.asked[w.question] = w.since(result.Started)
	}
	return e, nil
}

// send sends the load.
func (r *runner) send(ctx context.Context, steps []loadtest.Step, a *actor) (*loadtest.Result, error) {
	progress := func(*loadtest.Result) {}
	if r.cfg.Progress != nil {
		progress = r.cfg.Progress()
	}
	result, err := loadtest.Run(ctx, loadtest.Config{
		URL: r.url(), Source: r.source, Seed: r.cfg.Seed, Steps: steps, Arrivals: r.file.Load.Arrivals,
		Window: r.file.Load.Window, Timeout: r.file.Load.Timeout,
		Progress: func(result *loadtest.Result) {
			a.align(result.Started)
			progress(result)
		},
	})
	if err != nil {
		return nil, err
	}
	load := report.Load{Name: "rongate", URL: r.url(), Steps: steps, Result: result}
	if n := len(r.report.Loads); n == 0 {
		r.report.Started = result.Started
	} else {
		load.Name = fmt.Sprintf("rongate, repeat %d", n+1)
	}
	r.report.Loads = append(r.report.Loads, load)
	return result, nil
}

// conduct judges a repeat itself.
func (r *runner) conduct(e *evidence, repeat int) []report.Verdict {
	result := r.report.Loads[repeat].Result
	total := &result.Total
	verdicts := []report.Verdict{{
		What: "the harness sends requests when they are due", Want: "≤ 1 % late by more than 1ms, all sent",
		Got:    fmt.Sprintf("%d of %d late, %d not sent", total.Late, total.Due, total.Due-min(total.Sent, total.Due)),
		Passed: !result.Void(),
	}}
	done := report.Verdict{What: "what is to be done during the load is done", Want: "all", Got: "all", Passed: true}
	for _, d := range e.deeds {
		if d.err != nil {
			done.Got, done.Passed = fmt.Sprintf("%v: %v", &d.Action, d.err), false
		}
	}
	if left := len(r.file.Actions) - len(e.deeds); done.Passed && left > 0 {
		done.Got, done.Passed = fmt.Sprintf("%d were not", left), false
	}
	verdicts = append(verdicts, done)
	if r.file.Healthy != (Range{}) {
		healthy := Assertion{Figure: Failed, Range: r.file.Healthy, Most: &Bound{}}
		verdicts = append(verdicts, verdict([]*evidence{e}, &healthy))
	}
	for i := range verdicts {
		verdicts[i].What += inRepeat(repeat, max(r.file.Repeats, 1))
	}
	return verdicts
}

// close ends everything that was started.
func (r *runner) close() error {
	var errs []error
	if r.cluster != nil {
		for _, n := range r.cluster.Nodes() {
			if n.Proxy != nil {
				_ = n.Proxy.Set(faultnet.Fault{}) // lest rongate waits for it; it ends in any case
			}
		}
	}
	if r.gateway != nil {
		errs = append(errs, r.gateway.Stop(context.Background()))
		r.gateway.client.CloseIdleConnections()
	}
	if r.cluster != nil {
		errs = append(errs, r.cluster.Close())
	}
	if r.dir != "" {
		errs = append(errs, os.RemoveAll(r.dir))
	}
	return errors.Join(errs...)
}

// ownVersion is that of the program that runs this.
func ownVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
