package report

import (
	_ "embed" // of the page
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

//go:embed page.html
var pageText string

// WriteHTML writes one page that needs nothing else: its plots are drawn in it, and all it loads is itself.
func WriteHTML(w io.Writer, r *Report) error {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return fmt.Errorf("report: the page: %w", err)
	}
	p, err := newPage(r)
	if err != nil {
		return fmt.Errorf("report: drawing: %w", err)
	}
	if err := t.Execute(w, p); err != nil {
		return fmt.Errorf("report: writing the page: %w", err)
	}
	return nil
}

// A page is what the template shows. Its texts hold nothing that cannot be printed.
type page struct {
	Title      string
	Banner     banner
	Facts      []fact
	Loads      []summary
	Verdicts   []Verdict
	Comparison *forest
	Plots      []plot
	Events     []eventRow
	Steps      []stepTable
	Failures   []failureTable
	Closed     bool // a load is a closed loop
	Few        bool // a load has too few requests for its p99.9
	LateLimit  string
}

// A banner says how the run went.
type banner struct {
	Class, Word, Text string
	Also              []string
}

// A fact is something with a name.
type fact struct {
	Name, Value string
	Code        bool
}

// A summary is one load in figures.
type summary struct {
	Name, URL, Shape                     string
	Asked, Sent, Answered                string
	FromDue, FromSent                    []string // at percentiles
	Failed, FailedShare, Late, LateShare string
	Bad, Void                            bool
}

type eventRow struct {
	Number   int
	At, What string
}

type stepTable struct {
	Load string
	Rows []stepFigure
}

type failureTable struct {
	Load string
	Rows []failureRow
}

type failureRow struct{ Kind, Count, Share, Example string }

// maxShown bounds a text on the page, in characters.
const maxShown = 500

func newPage(r *Report) (*page, error) {
	p := &page{Title: clean(r.Title, maxShown), Banner: newBanner(r), LateLimit: "1 %"}
	if p.Title == "" {
		p.Title = "Load test"
	}
	p.facts(r)
	for i := range r.Loads {
		l := &r.Loads[i]
		p.Loads = append(p.Loads, newSummary(l, i))
		p.Closed = p.Closed || l.Closed > 0
		p.Few = p.Few || l.Result != nil && l.Result.Total.Sent < fewSamples
		p.tables(l, i)
	}
	for i, e := range r.Events {
		at := e.At.Round(time.Millisecond).String()
		p.Events = append(p.Events, eventRow{Number: i + 1, At: at, What: clean(e.What, maxShown)})
	}
	for _, v := range r.Verdicts {
		p.Verdicts = append(p.Verdicts, Verdict{
			What: clean(v.What, maxShown), Want: clean(v.Want, maxShown), Got: clean(v.Got, maxShown), Passed: v.Passed,
		})
	}
	p.Comparison = newForest(r)
	var err error
	p.Plots, err = newDrawing(r).all()
	return p, err
}

func (p *page) facts(r *Report) {
	add := func(name, value string, code bool) {
		if value != "" {
			p.Facts = append(p.Facts, fact{Name: name, Value: clean(value, 10*maxShown), Code: code})
		}
	}
	add("Command", command(r.Command), true)
	if !r.Started.IsZero() {
		add("Started", r.Started.UTC().Format("2 January 2006, 15:04:05 UTC"), false)
	}
	length := time.Duration(0)
	for i := range r.Loads {
		if result := r.Loads[i].Result; result != nil {
			length = max(length, result.Length)
		}
	}
	if length > 0 {
		add("Length", length.Round(100*time.Millisecond).String(), false)
	}
	add("Versions", versions(r.Versions), false)
	add("Machine", r.Machine.String(), false)
}

func newBanner(r *Report) banner {
	b := banner{}
	failed, all := 0, len(r.Verdicts)
	for _, v := range r.Verdicts {
		if !v.Passed {
			failed++
		}
	}
	verdicts := fmt.Sprintf("%d of %s did not hold.", failed, counted(all, "assertion"))
	if failed == 0 {
		verdicts = fmt.Sprintf("%s held, %d failed.", counted(all, "assertion"), failed)
	}
	voids := r.voids()
	switch {
	case len(voids) > 0:
		b.Class, b.Word, b.Text = "void", "VOID", sentence(strings.Join(voids, "; "))
		if all > 0 {
			b.Also = append(b.Also, "For what it is worth: "+verdicts)
		}
	case failed > 0:
		b.Class, b.Word, b.Text = "failed", "FAILED", verdicts
	case all > 0:
		b.Class, b.Word, b.Text = "passed", "PASSED", verdicts
	default:
		b.Class, b.Word, b.Text = "measured", "MEASURED", "Nothing was asserted."
	}
	if r.Stopped != "" {
		b.Also = append(b.Also, "The run ended before its end: "+sentence(r.Stopped))
	}
	failures, due := uint64(0), uint64(0)
	for i := range r.Loads {
		if result := r.Loads[i].Result; result != nil {
			failures, due = failures+result.Total.Failures(), due+result.Total.Due
		}
	}
	switch {
	case due == 0:
		b.Also = append(b.Also, "No request was due.")
	case failures == 0:
		b.Also = append(b.Also, fmt.Sprintf("None of %s requests failed.", count(due)))
	default:
		b.Also = append(b.Also, fmt.Sprintf("%s of %s requests failed (%s).", count(failures), count(due), share(failures, due)))
	}
	return b
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// sentence makes one of a text.
func sentence(text string) string {
	text = clean(text, 2*maxShown)
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func newSummary(l *Load, index int) summary {
	s := summary{
		Name: clean(l.name(index), 60), URL: clean(l.URL, 200), Shape: clean(l.shape(), maxShown),
		Asked: "–", Sent: "–", Answered: "–", Failed: "–", Late: "–",
	}
	if l.Result == nil {
		s.FromDue, s.FromSent = atPercentiles(nil), atPercentiles(nil)
		return s
	}
	total := &l.Result.Total
	if l.Closed == 0 {
		s.Asked = number(l.rate(l.asked(0, l.Result.Length))) + "/s"
	}
	s.Sent = number(l.rate(float64(total.Sent))) + "/s"
	s.Answered = number(l.rate(float64(total.Answered))) + "/s"
	s.FromDue, s.FromSent = atPercentiles(total.Latency), atPercentiles(l.Result.Service)
	s.Failed, s.FailedShare = count(total.Failures()), share(total.Failures(), total.Due)
	s.Late, s.LateShare = count(total.Late), share(total.Late, total.Due)
	s.Bad, s.Void = total.Failures() > 0, l.Result.Void()
	return s
}

func atPercentiles(h *hdrhistogram.Histogram) []string {
	var texts []string
	for _, p := range percentiles() {
		text := "–"
		if us, ok := quantile(h, p.q); ok {
			text = latency(float64(us))
		}
		texts = append(texts, text)
	}
	return texts
}

// tables adds a load's steps and failures.
func (p *page) tables(l *Load, index int) {
	if l.Result == nil {
		return
	}
	name := clean(l.name(index), 60)
	if len(l.Steps) > 0 {
		rows := stepFigures(l)
		for i := range rows {
			rows[i].Name = clean(rows[i].Name, 80)
		}
		p.Steps = append(p.Steps, stepTable{Load: name, Rows: rows})
	}
	table := failureTable{Load: name}
	for _, f := range kinds(l.Result.Total.Failed, l.Result.Examples) {
		table.Rows = append(table.Rows, failureRow{
			Kind: clean(f.Kind, 80), Count: count(f.Count), Share: share(f.Count, l.Result.Total.Due),
			Example: clean(f.Example, maxShown),
		})
	}
	if len(table.Rows) > 0 {
		p.Failures = append(p.Failures, table)
	}
}

// A forest is a comparison: each figure with its interval, drawn on a common scale of ratios.
type forest struct {
	A, B       string // what the loads are called; empty: not known
	Rows       []forestRow
	One, Width float64 // where a ratio of 1 lies; the drawing's width
}

type forestRow struct {
	What, A, B, Ratio, Interval, Found string
	Drawn                              bool
	X, From, Length                    float64
	Differs                            bool
}

// newForest returns nil where nothing was compared.
func newForest(r *Report) *forest {
	if len(r.Comparison) == 0 {
		return nil
	}
	const width, edge, least = 240.0, 8.0, 1.05
	f := &forest{Width: width}
	if len(r.Loads) == 2 {
		f.A, f.B = clean(r.Loads[0].name(0), 30), clean(r.Loads[1].name(1), 30)
	}
	reach := least
	for _, c := range r.Comparison {
		if c.drawn() {
			reach = max(reach, c.High, 1/c.Low, c.Ratio, 1/c.Ratio)
		}
	}
	reach = min(reach*1.02, 100)
	x := scale{log: true, min: 1 / reach, max: reach, from: edge, to: width - edge}
	f.One = x.at(1)
	for _, c := range r.Comparison {
		row := forestRow{
			What: clean(c.What, 80), A: figure(c.A, c.Unit), B: figure(c.B, c.Unit), Ratio: ratio(c.Ratio),
			Interval: c.interval(), Found: c.found(), Drawn: c.drawn(), Differs: c.drawn() && (c.Low > 1 || c.High < 1),
		}
		if row.Drawn {
			row.X, row.From = x.at(c.Ratio), x.at(c.Low)
			row.Length = max(x.at(c.High)-row.From, 1)
		}
		f.Rows = append(f.Rows, row)
	}
	return f
}

// drawn reports whether a ratio has a place on a logarithmic scale.
func (c *Comparison) drawn() bool {
	for _, v := range []float64{c.Ratio, c.Low, c.High} {
		if math.IsNaN(v) || math.IsInf(v, 0) || v <= 0 {
			return false
		}
	}
	return c.Low <= c.High
}
