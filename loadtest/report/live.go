package report

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/rongate/rongate/loadtest"
)

// headerEvery is how many lines may pass before they are explained again.
const headerEvery = 20

// Colours of a terminal, for what is broken and for what was done.
const (
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	reset  = "\x1b[0m"
)

// Live shows loads while they go on: a line for each window, of the requests that came to an end in it, whenever they
// were due. A stalled server has none, and then many that took long. Its methods may be called concurrently.
type Live struct {
	terminal bool

	mu    sync.Mutex // guards what follows
	out   io.Writer
	lines int // since the header
}

// NewLive returns a view that writes lines, with colours and bars if out is a terminal.
func NewLive(out io.Writer) *Live {
	return &Live{
		out:      out,
		terminal: isTerminal(out) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
	}
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Load returns what is to be told a load's state every window: its Progress. The name, which may be empty, tells several
// loads apart.
func (l *Live) Load(name string) func(*loadtest.Result) {
	before := &loadtest.Result{}
	return func(now *loadtest.Result) {
		reading := between(before, now)
		reading.name = clean(name, 12)
		before = now
		l.show(reading)
	}
}

// Event shows what happened, between the lines.
func (l *Live) Event(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.out, l.paint(bold, time.Now().Format(time.TimeOnly)+" > "+clean(what, maxExample)))
}

func (l *Live) paint(colour, text string) string {
	if !l.terminal || colour == "" {
		return text
	}
	return colour + text + reset
}

// A reading is what became of a load between two moments.
type reading struct {
	name     string
	at       time.Duration // from the start of the load
	due      float64       // a second
	done     float64       // a second
	inFlight uint64
	late     uint64
	failed   map[string]uint64
	latency  *hdrhistogram.Histogram // nil: not known
}

func between(before, now *loadtest.Result) reading {
	seconds := max(now.Length-before.Length, time.Millisecond).Seconds()
	r := reading{
		at:   now.Length,
		due:  float64(less(now.Total.Due, before.Total.Due)) / seconds,
		done: float64(less(now.Total.Sent, before.Total.Sent)) / seconds,
		late: less(now.Total.Late, before.Total.Late),

		// A request is counted as sent when it has come to its end.
		inFlight: less(now.Total.Due, now.Total.Sent),
		failed:   map[string]uint64{},
		latency:  since(before.Total.Latency, now.Total.Latency),
	}
	for kind, n := range now.Total.Failed {
		if n = less(n, before.Total.Failed[kind]); n > 0 {
			r.failed[kind] = n
		}
	}
	return r
}

func less(now, before uint64) uint64 { return now - min(before, now) }

// since returns what a histogram has got since it was another.
func since(before, now *hdrhistogram.Histogram) *hdrhistogram.Histogram {
	if before == nil || now == nil {
		return now
	}
	counts, old := now.Export(), before.Export()
	if len(old.Counts) != len(counts.Counts) {
		return now
	}
	for i := range counts.Counts {
		counts.Counts[i] = max(counts.Counts[i]-old.Counts[i], 0)
	}
	return hdrhistogram.Import(counts)
}

func (l *Live) show(r reading) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines%headerEvery == 0 {
		fmt.Fprintln(l.out, l.paint(dim, l.header(r)))
	}
	l.lines++
	fmt.Fprintln(l.out, l.line(r))
}

func (l *Live) header(r reading) string {
	return fmt.Sprintf("%8s%s%9s%9s%9s%9s%s%8s%8s%10s", "time", column(r.name, "load"), "due/s", "done/s", "p50", "p99",
		l.bar(0), "failed", "late", "in flight")
}

func (l *Live) line(r reading) string {
	failed := uint64(0)
	for _, n := range r.failed {
		failed += n
	}
	p50, p99, bar := "–", "–", 0.0
	if us, ok := quantile(r.latency, 0.5); ok {
		p50 = latency(float64(us))
	}
	if us, ok := quantile(r.latency, 0.99); ok {
		p99, bar = latency(float64(us)), float64(us)
	}
	text := fmt.Sprintf("%8s%s%9s%9s%9s%9s%s", clock(r.at), column(r.name, r.name), number(math.Round(r.due)),
		number(math.Round(r.done)), p50, p99, l.bar(bar))
	text += l.paint(colourIf(failed > 0, red), fmt.Sprintf("%8s", count(failed)))
	text += l.paint(colourIf(r.late > 0, yellow), fmt.Sprintf("%8s", count(r.late)))
	text += fmt.Sprintf("%10s", count(r.inFlight))
	var texts []string
	for _, f := range kinds(r.failed, nil) {
		texts = append(texts, clean(f.Kind, 40)+": "+count(f.Count))
	}
	if len(texts) > 0 {
		text += l.paint(red, "  "+strings.Join(texts, ", "))
	}
	return text
}

// column is there only if loads have names.
func column(name, text string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf("  %-12s", text)
}

func colourIf(so bool, colour string) string {
	if so {
		return colour
	}
	return ""
}

// clock writes how much of a run has passed.
func clock(d time.Duration) string {
	seconds := int(d.Round(time.Second) / time.Second)
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

// A bar is so many characters wide, and logarithmic from the least to the greatest latency that it can tell, in
// microseconds.
const (
	barWidth    = 5
	barLeast    = 500
	barGreatest = 1_000_000
)

// bar draws a latency, so that the lines of a minute are a picture. It is for terminals.
func (l *Live) bar(us float64) string {
	if !l.terminal {
		return ""
	}
	fraction := 0.0
	if us > barLeast {
		fraction = min(1, math.Log(us/barLeast)/math.Log(barGreatest/barLeast))
	}
	eighths := int(fraction*barWidth*8 + 0.5)
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return " " + text + strings.Repeat(" ", barWidth-(eighths+7)/8)
}
