package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/rongate/rongate/loadtest"
)

// fewSamples is how many requests there must be for a thousandth of them to be more than a handful.
const fewSamples = 10_000

// quantile returns a quantile in microseconds, and false where there are no samples. q is from 0 to 1.
func quantile(h *hdrhistogram.Histogram, q float64) (us int64, ok bool) {
	if h == nil || h.TotalCount() == 0 {
		return 0, false
	}
	if q >= 1 {
		return h.Max(), true
	}
	return h.ValueAtQuantile(100 * q), true
}

// A percentile is one of those that every part of a report shows.
type percentile struct {
	name string
	q    float64
}

func percentiles() []percentile {
	return []percentile{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}}
}

// asked returns how many requests were asked for in a stretch of the run. A closed loop is asked for none.
func (l *Load) asked(from, to time.Duration) float64 {
	if l.Closed > 0 {
		return 0
	}
	sum, began := 0.0, time.Duration(0)
	for _, s := range l.Steps {
		ended := began + s.Duration
		if part := min(to, ended) - max(from, began); part > 0 {
			sum += s.Rate * part.Seconds()
		}
		began = ended
	}
	return sum
}

// rate returns how many a second a count comes to over the whole run.
func (l *Load) rate(n float64) float64 {
	if l.Result == nil || l.Result.Length <= 0 {
		return 0
	}
	return n / l.Result.Length.Seconds()
}

// window returns the length of the load's windows.
func (l *Load) window() time.Duration {
	switch w := l.Result.Windows; {
	case len(w) > 1:
		return max(w[1].Start-w[0].Start, time.Millisecond)
	default:
		return max(l.Result.Length, time.Millisecond)
	}
}

// part returns a load's figures within a stretch of the run: of the windows that lie in it from end to end.
func (l *Load) part(from, to time.Duration) loadtest.Count {
	sum := loadtest.Count{Failed: map[string]uint64{}}
	if l.Result == nil {
		return sum
	}
	const rounding = time.Millisecond
	width := l.window()
	for i := range l.Result.Windows {
		w := &l.Result.Windows[i]
		if w.Start+rounding < from || w.Start+width > to+rounding {
			continue
		}
		addCount(&sum, &w.Count)
	}
	return sum
}

// addCount adds what another Count has. A latency of nil is none.
func addCount(sum, c *loadtest.Count) {
	sum.Due, sum.Sent, sum.Late, sum.Answered = sum.Due+c.Due, sum.Sent+c.Sent, sum.Late+c.Late, sum.Answered+c.Answered
	for kind, n := range c.Failed {
		sum.Failed[kind] += n
	}
	switch {
	case c.Latency == nil:
	case sum.Latency == nil:
		sum.Latency = c.Latency.Clone()
	default:
		sum.Latency.Merge(c.Latency)
	}
}

// whyVoid returns why a load says nothing about the server, empty if it does.
func whyVoid(r *loadtest.Result) string {
	if r == nil || !r.Void() {
		return ""
	}
	if r.Total.Sent < r.Total.Due {
		return fmt.Sprintf("%s of %s requests that were due were never sent, so this says nothing about the server",
			count(r.Total.Due-r.Total.Sent), count(r.Total.Due))
	}
	return fmt.Sprintf("the harness sent %s of the requests more than 1 ms late, where 1 %% are allowed, so this says "+
		"nothing about the server", share(r.Total.Late, r.Total.Due))
}

// voids returns why loads are void, each with its name.
func (r *Report) voids() []string {
	var texts []string
	for i := range r.Loads {
		if why := whyVoid(r.Loads[i].Result); why != "" {
			if len(r.Loads) > 1 {
				why = r.Loads[i].name(i) + ": " + why
			}
			texts = append(texts, why)
		}
	}
	return texts
}

// name is what a load is called, which is the one at some index.
func (l *Load) name(index int) string {
	if l.Name != "" {
		return l.Name
	}
	return "load " + string(rune('A'+index%26))
}

// shape says what the load was asked to be, in words.
func (l *Load) shape() string {
	var texts []string
	for _, s := range l.Steps {
		text := s.Duration.String()
		if l.Closed == 0 {
			text = number(s.Rate) + "/s for " + text
		}
		if s.Name != "" {
			text = s.Name + ": " + text
		}
		texts = append(texts, text)
	}
	if len(texts) > 6 {
		texts = append(texts[:5], fmt.Sprintf("%d more steps", len(l.Steps)-5))
	}
	text := strings.Join(texts, ", then ")
	if l.Closed > 0 {
		return fmt.Sprintf("closed loop, %s callers, %s", number(float64(l.Closed)), text)
	}
	return "open loop, " + text
}

// A failure is one kind of failures.
type failure struct {
	Kind    string
	Count   uint64
	Example string
}

// kinds returns what failed, the most frequent kind first.
func kinds(failed map[string]uint64, examples map[string]string) []failure {
	var list []failure
	for _, kind := range slices.Sorted(maps.Keys(failed)) {
		if n := failed[kind]; n > 0 {
			list = append(list, failure{Kind: kind, Count: n, Example: examples[kind]})
		}
	}
	slices.SortStableFunc(list, func(a, b failure) int {
		switch {
		case a.Count > b.Count:
			return -1
		case a.Count < b.Count:
			return 1
		}
		return 0
	})
	return list
}

// latency writes microseconds with three digits, for people.
func latency(us float64) string {
	switch {
	case us < 999.5:
		return digits(us) + " µs"
	case us < 999_500:
		return digits(us/1e3) + " ms"
	default:
		return digits(us/1e6) + " s"
	}
}

// digits writes a number with three digits, or with all those before the point.
func digits(v float64) string {
	switch a := math.Abs(v); {
	case v == 0:
		return "0"
	case a < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case a < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return thousands(strconv.FormatFloat(v, 'f', 0, 64))
	}
}

// number writes a number that may be of any size, without zeros behind the point.
func number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	text := digits(v)
	if a := math.Abs(v); a > 0 && a < 0.1 {
		text = strconv.FormatFloat(v, 'g', 3, 64)
	}
	if strings.Contains(text, ".") && !strings.Contains(text, "e") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

func count(n uint64) string { return thousands(strconv.FormatUint(n, 10)) }

// thousands sets commas into a number that has no point.
func thousands(text string) string {
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}

// share writes a part of a whole. What is not none is never written as none.
func share(part, whole uint64) string {
	if part == 0 || whole == 0 {
		return "0 %"
	}
	if p := 100 * float64(part) / float64(whole); p >= 0.001 {
		return number(math.Round(p*1000)/1000) + " %"
	}
	return "< 0.001 %"
}

// memory writes a size of memory.
func memory(n int64) string {
	switch {
	case n <= 0:
		return ""
	case n < 1<<30:
		return number(float64(n)/(1<<20)) + " MiB"
	default:
		return number(float64(n)/(1<<30)) + " GiB"
	}
}

func (m Machine) String() string {
	var texts []string
	if m.CPU != "" {
		texts = append(texts, m.CPU)
	}
	switch {
	case m.Cores == 1:
		texts = append(texts, "1 core")
	case m.Cores > 1:
		texts = append(texts, fmt.Sprintf("%d cores", m.Cores))
	}
	for _, text := range []string{memory(m.Memory), m.OS} {
		if text != "" {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, ", ")
}

// command writes a command line so that it can be pasted into a shell.
func command(args []string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = arg
		special := func(r rune) bool {
			return r <= ' ' || r > '~' || strings.ContainsRune("\"'`$\\|&;<>()*?[]#~!{}", r)
		}
		if arg == "" || strings.ContainsFunc(arg, special) {
			quoted[i] = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

func versions(v map[string]string) string {
	var texts []string
	for _, what := range slices.Sorted(maps.Keys(v)) {
		texts = append(texts, what+" "+v[what])
	}
	return strings.Join(texts, ", ")
}
