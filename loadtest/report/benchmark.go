package report

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// WriteBenchmark writes lines in the Go benchmark format, for benchstat: BenchmarkLoad/<load>/p99 and the like. A run is
// one iteration, so that a comparison wants several of them, one file or one after the other. A void load has no lines.
func WriteBenchmark(w io.Writer, r *Report) error {
	var b strings.Builder
	if cpu := clean(r.Machine.CPU, maxExample); cpu != "" {
		fmt.Fprintf(&b, "cpu: %s\n", cpu)
	}
	b.WriteString("Unit failed/op better=lower\nUnit answers/s better=higher\n")
	taken := map[string]bool{}
	for i := range r.Loads {
		l := &r.Loads[i]
		name := benchmarkName(l.name(i))
		for taken[name] {
			name += "_"
		}
		taken[name] = true
		switch why := whyVoid(l.Result); {
		case l.Result == nil || l.Result.Total.Sent == 0:
			fmt.Fprintf(&b, "# %s: nothing was sent\n", name)
		case why != "":
			fmt.Fprintf(&b, "# %s: VOID: %s\n", name, why)
		default:
			l.benchmark(&b, "BenchmarkLoad/"+name)
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("report: writing benchmark lines: %w", err)
	}
	return nil
}

func (l *Load) benchmark(b *strings.Builder, name string) {
	total := &l.Result.Total
	for _, p := range percentiles() {
		if us, ok := quantile(total.Latency, p.q); ok {
			fmt.Fprintf(b, "%s/%s 1 %d ns/op\n", name, p.name, us*1000)
		}
	}
	fmt.Fprintf(b, "%s/failed 1 %.9g failed/op\n", name, float64(total.Failures())/float64(total.Due))
	fmt.Fprintf(b, "%s/rate 1 %.9g answers/s\n", name, l.rate(float64(total.Answered)))
}

// benchmarkName replaces what would end a benchmark's name or make a further part of it.
func benchmarkName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) || r == '/' || r == unicode.ReplacementChar {
			return '_'
		}
		return r
	}, name)
}
