package scenario

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/rongate/rongate/loadtest/report"
)

// judge holds what the repeats of a scenario have shown against every assertion.
func judge(repeats []*evidence, expect []Assertion) []report.Verdict {
	verdicts := make([]report.Verdict, len(expect))
	for i := range expect {
		verdicts[i] = verdict(repeats, &expect[i])
	}
	return verdicts
}

// A finding is what a figure was in a stretch of a repeat, and what it was held to.
type finding struct {
	repeat int
	value  float64
	beyond float64 // by how much it is outside of its bounds; negative: it is within them
	want   string
	err    error
}

// verdict judges the worst stretch. In each it is the median repeat that counts if the figure is a latency, as the machine
// has its moments, and else the worst one.
func verdict(repeats []*evidence, a *Assertion) report.Verdict {
	var worst finding
	var text string
	for i, r := range a.stretches() {
		found := make([]finding, len(repeats))
		for n, e := range repeats {
			found[n] = e.find(a, r)
			found[n].repeat = n
			if err := found[n].err; err != nil {
				return report.Verdict{What: a.String(), Want: found[n].want, Got: err.Error() + inRepeat(n, len(repeats))}
			}
		}
		picked, how := pick(found, a.Figure)
		if i > 0 && picked.beyond <= worst.beyond {
			continue
		}
		worst, text = picked, a.Figure.format(picked.value)
		if a.Every > 0 {
			text += fmt.Sprintf(", from %v to %v", r.From, r.To)
		}
		text += how
	}
	return report.Verdict{What: a.String(), Want: worst.want, Got: text, Passed: worst.beyond <= 0}
}

// pick chooses the repeat that counts, and says how.
func pick(found []finding, figure Figure) (picked finding, how string) {
	byBeyond := slices.SortedStableFunc(slices.Values(found), func(a, b finding) int { return cmp.Compare(a.beyond, b.beyond) })
	if len(found) == 1 || !figure.isLatency() {
		picked = byBeyond[len(found)-1]
		return picked, inRepeat(picked.repeat, len(found))
	}
	var all []string
	for _, f := range found {
		all = append(all, figure.format(f.value))
	}
	return byBeyond[len(found)/2], fmt.Sprintf(", the median of %s", strings.Join(all, ", "))
}

func inRepeat(repeat, of int) string {
	if of == 1 {
		return ""
	}
	return fmt.Sprintf(", in repeat %d", repeat+1)
}

// find measures a figure and holds it against its bounds.
func (e *evidence) find(a *Assertion, r Range) (f finding) {
	least, want, err := e.bound(a, a.Least, "≥", math.Inf(-1))
	f.want = want
	if err != nil {
		f.err = err
		return f
	}
	most, want, err := e.bound(a, a.Most, "≤", math.Inf(1))
	if f.want != "" && want != "" {
		f.want += ", "
	}
	f.want += want
	if err != nil {
		f.err = err
		return f
	}
	f.value, f.err = e.measure(a, r)
	f.beyond = max(least-f.value, f.value-most)
	return f
}

// bound returns the number that a bound comes to, and how it is written.
func (e *evidence) bound(a *Assertion, b *Bound, sign string, none float64) (value float64, want string, err error) {
	if b == nil {
		return none, "", nil
	}
	if !b.TimesHealthy {
		return b.Value, sign + " " + a.Figure.format(b.Value), nil
	}
	stretch, name := e.file.Healthy, "healthy"
	if b.Of != (Range{}) {
		stretch, name = b.Of, fmt.Sprintf("%v..%v", b.Of.From, b.Of.To)
	}
	want = fmt.Sprintf("%s %v × %s", sign, b.Value, name)
	if b.Plus > 0 {
		want += fmt.Sprintf(" + %v", b.Plus)
	}
	yardstick := *a
	if a.Figure == Longest { // of the stretch, which is of another length, it would be another rank
		yardstick.Figure = P999
	}
	healthy, err := e.measure(&yardstick, stretch)
	if err != nil {
		return 0, want, fmt.Errorf("in the stretch to compare with: %w", err)
	}
	value = b.Value*healthy + b.Plus.Seconds()
	return value, want + ", " + a.Figure.format(value), nil
}

// String says what is asserted, without its bounds.
func (a *Assertion) String() string {
	text := string(a.Figure)
	switch a.Figure {
	case Failed:
		text = "requests that failed"
	case FailedShare:
		text = "share of the requests that failed"
	case NodeShare:
		text = a.Node + "'s share of the statements"
	case ZoneShare:
		text = a.Zone + "'s share of the statements"
	case StatementsPerRequest:
		text = "statements per request"
	case NodeLoad:
		text = "the most that a node of " + a.Zone + " was sent, compared with their mean"
	case RetryShare:
		text = "retries, rescues, hedges and probes compared with all statements"
	case Longest:
		text = "the longest latency"
	case Unavailable:
		text = "the longest latency of an answer 503"
	case Live:
		text = "how often /livez says yes"
	case Metric:
		text = strings.TrimSpace(a.Name + " " + a.Node)
	case Ready:
		return fmt.Sprintf("time until /readyz says yes, after what was done at %v", a.After)
	case Unready:
		return fmt.Sprintf("time until /readyz says no, after what was done at %v", a.After)
	case Eject:
		return fmt.Sprintf("time until %s gets no more statements, after what was done at %v", a.Node, a.After)
	case Readmit:
		return fmt.Sprintf("time from when %s answers again until it gets statements, after what was done at %v", a.Node, a.After)
	}
	if len(a.Except) > 0 {
		text += ", other than by " + strings.Join(a.Except, ", ")
	}
	text += fmt.Sprintf(", from %v to %v", a.From, a.To)
	if a.Every > 0 {
		text += fmt.Sprintf(", in every %v", a.Every)
	}
	return text
}

// stretches are what is held to the assertion's bounds.
func (a *Assertion) stretches() []Range {
	if a.Every == 0 {
		return []Range{a.Range}
	}
	var all []Range
	for from := a.From; from < a.To; from += a.Every {
		all = append(all, Range{from, min(from+a.Every, a.To)})
	}
	return all
}
