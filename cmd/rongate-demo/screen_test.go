package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func aSecond() reading {
	return reading{
		at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), answers: 50, p50: 1800 * time.Microsecond, p99: 54 * time.Millisecond,
		failed: map[string]int{}, nodes: []nodeReading{
			{"node1", up, 0.52}, {"node2", frozen, 0.48}, {"node3", killed, 0},
		},
	}
}

func TestLiveLine(t *testing.T) {
	good := aSecond()
	bad := aSecond()
	bad.failed, bad.wrong = map[string]int{"504": 1, "503": 2}, 4
	bad.nodes = []nodeReading{{"node1", up, -1}, {"node2", starting, -1}, {"node3", slow, 0.1}}
	for _, tc := range []struct {
		r    reading
		want string
	}{
		{good, "03:04:05    50  1.8ms   54ms      0     0        52% frozen 48%     killed"},
		{bad, "03:04:05    50  1.8ms   54ms      3     4          -   starting   slow 10%  503: 2, 504: 1"},
	} {
		s := &screen{}
		if got := s.line(tc.r); got != tc.want {
			t.Errorf("got  %q\nwant %q", got, tc.want)
		}
	}
	s := &screen{}
	if a, b := len(s.header(good)), len(s.line(good)); a != b {
		t.Errorf("the header is %d wide, the line %d", a, b)
	}
}

func TestLiveLineOnATerminal(t *testing.T) {
	s := &screen{terminal: true}
	good := aSecond()
	good.nodes = []nodeReading{{"node1", up, 0.52}, {"node2", up, 0.48}, {"node3", up, 0}}
	line := s.line(good)
	if width := utf8.RuneCountInString(line); width != 80 || strings.Contains(line, "\x1b") {
		t.Errorf("%d wide: %q", width, line)
	}
	if a, b := utf8.RuneCountInString(s.header(good)), utf8.RuneCountInString(line); a != b {
		t.Errorf("the header is %d wide, the line %d", a, b)
	}
	bad := aSecond()
	bad.wrong = 1
	line = s.line(bad)
	for _, want := range []string{red + "     1" + reset, cyan + " frozen 48%" + reset, red + "     killed" + reset} {
		if !strings.Contains(line, want) {
			t.Errorf("%q lacks %q", line, want)
		}
	}
}

func TestBarGrows(t *testing.T) {
	s := &screen{terminal: true}
	last := -1
	for _, d := range []time.Duration{
		0, time.Millisecond, 3 * time.Millisecond, 20 * time.Millisecond, 200 * time.Millisecond, time.Second, time.Hour,
	} {
		bar := s.bar(d)
		eighths := 0
		for _, r := range bar {
			if i := strings.IndexRune(" ▏▎▍▌▋▊▉█", r); i > 0 {
				eighths += utf8.RuneCountInString(" ▏▎▍▌▋▊▉█"[:i])
			}
		}
		if utf8.RuneCountInString(bar) != barWidth+1 || eighths < last || (eighths == last && d != time.Hour) {
			t.Errorf("%v: %q has %d eighths after %d", d, bar, eighths, last)
		}
		last = eighths
	}
	if last != 8*barWidth {
		t.Errorf("the longest bar has %d eighths", last)
	}
}

func TestHeaderComesAgain(t *testing.T) {
	var out bytes.Buffer
	s := &screen{out: &out}
	for range headerEvery + 1 {
		s.second(aSecond())
	}
	s.say("something else")
	s.second(aSecond())
	if n := strings.Count(out.String(), "req/s"); n != 3 {
		t.Errorf("%d headers:\n%s", n, &out)
	}
}

func TestCounting(t *testing.T) {
	for _, tc := range []struct {
		terminal bool
		want     string
	}{
		{false, "rows 200 of 1,000\nrows 1,000 of 1,000\nready\n"},
		{true, "\rrows 100 of 1,000\rrows 200 of 1,000\rrows 1,000 of 1,000\nready\n"},
	} {
		var out bytes.Buffer
		s := &screen{out: &out, terminal: tc.terminal}
		for _, n := range []int{100, 200, 1000} {
			s.count("rows", n, 1000)
		}
		s.say("ready")
		if out.String() != tc.want {
			t.Errorf("terminal %v: got %q, want %q", tc.terminal, &out, tc.want)
		}
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "-", 40 * time.Microsecond: "0.0ms", 1849 * time.Microsecond: "1.8ms", 54 * time.Millisecond: "54ms",
		501 * time.Millisecond: "501ms", 1500 * time.Millisecond: "1.5s",
	} {
		if got := short(d); got != want {
			t.Errorf("%v: %s; want %s", d, got, want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %s; want %s", n, got, want)
		}
	}
}

func TestQuantiles(t *testing.T) {
	var s spread
	var exact []time.Duration
	for i := 1; i <= 1000; i++ {
		d := time.Duration(i) * 100 * time.Microsecond
		s.add(d)
		exact = append(exact, d)
	}
	for _, q := range []float64{0.01, 0.5, 0.99, 1} {
		a, b := s.quantile(q), quantile(exact, q)
		if ratio := float64(a) / float64(b); ratio < 0.95 || ratio > 1.05 {
			t.Errorf("the %v quantile is %v, and estimated as %v", q, b, a)
		}
	}
	if quantile(exact, 0.5) != 50*time.Millisecond || quantile(nil, 0.5) != 0 || new(spread).quantile(0.5) != 0 {
		t.Error("the exact quantile, or that of nothing, is wrong")
	}
	s.add(1000 * time.Hour)
	s.add(0)
}
