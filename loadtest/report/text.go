package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// maxExample bounds how much is shown of what a server said, in characters.
const maxExample = 200

// WriteText writes a summary for a terminal.
func WriteText(w io.Writer, r *Report) error {
	t := &text{}
	t.head(r)
	for i := range r.Loads {
		t.load(&r.Loads[i], i)
	}
	t.events(r.Events)
	t.comparison(r.Comparison)
	t.verdicts(r.Verdicts)
	t.files(r.Files)
	if _, err := io.WriteString(w, t.String()); err != nil {
		return fmt.Errorf("report: writing the summary: %w", err)
	}
	return nil
}

// text is what is written so far.
type text struct{ strings.Builder }

func (t *text) line(format string, args ...any) {
	t.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " "))
	t.WriteByte('\n')
}

// fact writes one line of those that have a name each.
func (t *text) fact(name, value string) {
	if value != "" {
		t.line("  %-10s  %s", name, value)
	}
}

func (t *text) head(r *Report) {
	title := r.Title
	if title == "" {
		title = "Load test"
	}
	t.line("%s", clean(title, maxExample))
	t.fact("command", clean(command(r.Command), 10*maxExample))
	if !r.Started.IsZero() {
		t.fact("started", r.Started.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	t.fact("versions", clean(versions(r.Versions), 2*maxExample))
	t.fact("machine", clean(r.Machine.String(), maxExample))
	if r.Stopped != "" {
		t.fact("STOPPED", clean(r.Stopped, maxExample))
	}
}

func (t *text) load(l *Load, index int) {
	t.line("")
	title := l.name(index)
	if l.URL != "" {
		title += " at " + l.URL
	}
	t.line("%s", clean(title, maxExample))
	t.fact("load", clean(l.shape(), 3*maxExample))
	result := l.Result
	if result == nil {
		t.fact("result", "none")
		return
	}
	total := &result.Total
	rates := fmt.Sprintf("%s/s sent, %s/s answered, over %s", number(l.rate(float64(total.Sent))),
		number(l.rate(float64(total.Answered))), result.Length.Round(time.Millisecond))
	if l.Closed == 0 {
		rates = number(l.rate(l.asked(0, result.Length))) + "/s asked, " + rates
	}
	t.fact("rate", rates)
	t.fact("requests", fmt.Sprintf("%s due, %s sent, %s late (%s)",
		count(total.Due), count(total.Sent), count(total.Late), share(total.Late, total.Due)))
	t.fact("VOID", whyVoid(result))
	t.latencies(l)
	t.steps(l)
	t.failures(l)
}

func (t *text) latencies(l *Load) {
	head := ""
	for _, p := range percentiles() {
		head += fmt.Sprintf("%10s", p.name)
	}
	t.line("  %-12s%s", "latency", head)
	t.latency("from due", l.Result.Total.Latency, "")
	t.latency("from sent", l.Result.Service, "   for comparison")
	if n := l.Result.Total.Sent; n > 0 && n < fewSamples {
		t.fact("", fmt.Sprintf("p99.9 of %s requests is of few; %s or more say something", count(n), count(fewSamples)))
	}
	if l.Closed > 0 {
		t.fact("", "a closed loop waits while the server stalls, and so hides most of what callers would wait")
	}
}

func (t *text) latency(name string, h *hdrhistogram.Histogram, remark string) {
	values := ""
	for _, p := range percentiles() {
		value := "–"
		if us, ok := quantile(h, p.q); ok {
			value = latency(float64(us))
		}
		values += fmt.Sprintf("%10s", value)
	}
	t.line("  %-12s%s%s", "  "+name, values, remark)
}

// steps tells the steps apart, if there is more than one.
func (t *text) steps(l *Load) {
	if len(l.Steps) < 2 {
		return
	}
	t.line("  %-16s%10s%10s%10s%10s%10s%10s", "steps", "asked/s", "sent/s", "p50", "p99", "max", "failed")
	for _, s := range stepFigures(l) {
		t.line("  %-16s%10s%10s%10s%10s%10s%10s", "  "+clean(s.Name, 14), s.Asked, s.Sent, s.P50, s.P99, s.Max, s.Failed)
	}
}

// A stepFigure is what became of a step, written.
type stepFigure struct{ Name, From, Length, Asked, Sent, P50, P99, P999, Max, Failed string }

func stepFigures(l *Load) []stepFigure {
	var list []stepFigure
	began := time.Duration(0)
	for i, s := range l.Steps {
		ended := began + s.Duration
		c := l.part(began, ended)
		f := stepFigure{Name: s.Name, From: began.String(), Length: s.Duration.String(), Asked: number(s.Rate)}
		if f.Name == "" {
			f.Name = "step " + strconv.Itoa(i+1)
		}
		if l.Closed > 0 {
			f.Asked = "–"
		}
		f.Sent, f.P50, f.P99, f.P999, f.Max, f.Failed = "–", "–", "–", "–", "–", "–"
		if c.Due > 0 {
			f.Sent, f.Failed = number(float64(c.Sent)/s.Duration.Seconds()), count(c.Failures())
		}
		for q, text := range map[float64]*string{0.5: &f.P50, 0.99: &f.P99, 0.999: &f.P999, 1: &f.Max} {
			if us, ok := quantile(c.Latency, q); ok {
				*text = latency(float64(us))
			}
		}
		list = append(list, f)
		began = ended
	}
	return list
}

func (t *text) failures(l *Load) {
	total := &l.Result.Total
	if total.Failures() == 0 {
		t.fact("failed", "none")
		return
	}
	t.fact("failed", fmt.Sprintf("%s (%s)", count(total.Failures()), share(total.Failures(), total.Due)))
	list := kinds(total.Failed, l.Result.Examples)
	wide := 0
	for _, f := range list {
		wide = max(wide, utf8.RuneCountInString(clean(f.Kind, 40)))
	}
	for _, f := range list {
		example := ""
		if f.Example != "" {
			example = "   first: " + clean(f.Example, maxExample)
		}
		t.line("    %-*s%10s%s", wide, clean(f.Kind, 40), count(f.Count), example)
	}
}

func (t *text) events(events []Event) {
	if len(events) == 0 {
		return
	}
	t.line("")
	t.line("Events")
	for _, e := range events {
		t.line("  %10s  %s", e.At.Round(time.Millisecond), clean(e.What, maxExample))
	}
}

func (t *text) comparison(list []Comparison) {
	if len(list) == 0 {
		return
	}
	t.line("")
	t.line("B against A; the interval holds the true ratio with 95 %% confidence")
	t.line("  %-20s%14s%14s%8s   %-16s", "", "A", "B", "B/A", "interval")
	for _, c := range list {
		t.line("  %-20s%14s%14s%8s   %-16s  %s", clean(c.What, 20), figure(c.A, c.Unit), figure(c.B, c.Unit),
			ratio(c.Ratio), c.interval(), c.found())
	}
}

// found says what an interval says.
func (c *Comparison) found() string {
	switch {
	case known(c.Low) == nil || known(c.High) == nil:
		return "cannot be told"
	case c.Low > 1:
		return "B has more"
	case c.High < 1:
		return "B has less"
	default:
		return "no difference found"
	}
}

func (c *Comparison) interval() string { return ratio(c.Low) + " to " + ratio(c.High) }

func ratio(v float64) string {
	if known(v) == nil {
		return "–"
	}
	return strconv.FormatFloat(v, 'f', 3, 64)
}

func figure(v float64, unit string) string {
	if unit = clean(unit, 12); unit != "" {
		unit = " " + unit
	}
	return number(v) + unit
}

func (t *text) verdicts(verdicts []Verdict) {
	if len(verdicts) == 0 {
		return
	}
	t.line("")
	failed := 0
	for _, v := range verdicts {
		if !v.Passed {
			failed++
		}
	}
	t.line("Verdicts: %d passed, %d failed", len(verdicts)-failed, failed)
	for _, v := range verdicts {
		word := "PASS"
		if !v.Passed {
			word = "FAIL"
		}
		t.line("  %s  %s", word, clean(v.What, maxExample))
		t.line("        want %s", clean(v.Want, maxExample))
		t.line("        got  %s", clean(v.Got, maxExample))
	}
}

func (t *text) files(files []string) {
	if len(files) == 0 {
		return
	}
	t.line("")
	t.line("Files")
	for _, f := range files {
		t.line("  %s", clean(f, 10*maxExample))
	}
}

// clean makes one line of text that came from elsewhere, and takes from it what would move a terminal's cursor.
func clean(s string, most int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == most {
			b.WriteString("…")
			break
		}
		n++
		if unicode.IsPrint(r) && r != utf8.RuneError {
			b.WriteRune(r)
		} else {
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}
