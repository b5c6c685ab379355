package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// headerEvery is how many lines may pass before they are explained again.
const headerEvery = 20

// Colours of a terminal, used with moderation: for what is broken, and for what people did.
const (
	plain  = ""
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
	reset  = "\x1b[0m"
)

// A screen is where the demo writes: lines, which stay. Its methods may be called concurrently.
type screen struct {
	terminal bool // colours, bars, and a line that counts in place

	mu       sync.Mutex // guards what follows
	out      io.Writer
	lines    int  // since the header
	counting bool // the last line is one that counts in place
}

func newScreen(out io.Writer) *screen {
	file, ok := out.(*os.File)
	return &screen{out: out, terminal: ok && isTerminal(file) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (s *screen) paint(colour, text string) string {
	if !s.terminal || colour == plain {
		return text
	}
	return colour + text + reset
}

func (s *screen) printLocked(text string) {
	if s.counting {
		s.counting = false
		text = "\n" + text
	}
	fmt.Fprint(s.out, text)
}

// say prints text that stands by itself.
func (s *screen) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.printLocked(fmt.Sprintf(format, args...) + "\n")
	s.lines = headerEvery // what follows is explained again
}

// event prints what happened, between the lines.
func (s *screen) event(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.printLocked(s.paint(bold, time.Now().Format(time.TimeOnly)+" > "+text) + "\n")
}

// count prints how far something has come: in place on a terminal, else where it is a round number.
func (s *screen) count(what string, done, all int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := fmt.Sprintf("%s %s of %s", what, thousands(done), thousands(all))
	switch {
	case s.terminal:
		fmt.Fprint(s.out, "\r"+text)
		s.counting = true
	case done == all || done*5%all == 0:
		fmt.Fprintln(s.out, text)
	}
}

// thousands writes a number for people.
func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// A reading is what the live line shows of one second.
type reading struct {
	at       time.Time
	answers  int
	p50, p99 time.Duration
	failed   map[string]int
	wrong    int
	nodes    []nodeReading
}

// A nodeReading is a node's part of it.
type nodeReading struct {
	name  string
	state condition
	share float64 // of all statements, 0 to 1; negative if there were none
}

// second prints the live line.
func (s *screen) second(r reading) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lines%headerEvery == 0 {
		s.printLocked(s.paint(dim, s.header(r)) + "\n")
		s.lines = 0
	}
	s.lines++
	s.printLocked(s.line(r) + "\n")
}

func (s *screen) header(r reading) string {
	text := fmt.Sprintf("%8s%6s%7s%7s%s%7s%6s", "time", "req/s", "p50", "p99", s.bar(0), "failed", "wrong")
	for _, n := range r.nodes {
		text += fmt.Sprintf("%11s", n.name)
	}
	return text
}

func (s *screen) line(r reading) string {
	failures := sum(r.failed)
	text := fmt.Sprintf("%8s%6d%7s%7s%s", r.at.Format(time.TimeOnly), r.answers, short(r.p50), short(r.p99), s.bar(r.p99))
	text += s.paint(redIf(failures > 0), fmt.Sprintf("%7d", failures))
	text += s.paint(redIf(r.wrong > 0), fmt.Sprintf("%6d", r.wrong))
	for _, n := range r.nodes {
		text += s.paint(colourOf(n.state), fmt.Sprintf("%11s", n.String()))
	}
	if failures > 0 {
		text += s.paint(red, "  "+kinds(r.failed))
	}
	return text
}

func sum(failed map[string]int) int {
	n := 0
	for _, count := range failed {
		n += count
	}
	return n
}

// kinds lists failures, such as "503: 2, 504: 1".
func kinds(failed map[string]int) string {
	var texts []string
	for _, kind := range slices.Sorted(maps.Keys(failed)) {
		texts = append(texts, fmt.Sprintf("%s: %d", kind, failed[kind]))
	}
	return strings.Join(texts, ", ")
}

func redIf(bad bool) string {
	if bad {
		return red
	}
	return plain
}

func colourOf(c condition) string {
	switch c {
	case killed:
		return red
	case frozen:
		return cyan
	case slow, starting:
		return yellow
	default:
		return plain
	}
}

func (n nodeReading) String() string {
	share := "-"
	if n.share >= 0 {
		share = fmt.Sprintf("%.0f%%", 100*n.share)
	}
	switch n.state {
	case up:
		return share
	case killed, starting:
		return string(n.state)
	default:
		return string(n.state) + " " + share
	}
}

// short writes a latency in at most six characters.
func short(d time.Duration) string {
	switch ms := float64(d) / float64(time.Millisecond); {
	case d == 0:
		return "-"
	case ms < 10:
		return fmt.Sprintf("%.1fms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0fms", ms)
	default:
		return fmt.Sprintf("%.1fs", ms/1000)
	}
}

// A bar is so many characters wide, and logarithmic from the least to the greatest latency that it can tell.
const (
	barWidth    = 5
	barLeast    = 500 * time.Microsecond
	barGreatest = time.Second
)

// bar draws a latency, so that the lines of a minute are a picture. It is for terminals.
func (s *screen) bar(d time.Duration) string {
	if !s.terminal {
		return ""
	}
	fraction := 0.0
	if d > barLeast {
		fraction = min(1, math.Log(float64(d)/float64(barLeast))/math.Log(float64(barGreatest)/float64(barLeast)))
	}
	eighths := int(fraction*barWidth*8 + 0.5)
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return " " + text + strings.Repeat(" ", barWidth-(eighths+7)/8)
}
