package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A scale maps figures onto a stretch of a plot.
type scale struct {
	log      bool
	min, max float64 // figures; min < max, and more than 0 if log
	from, to float64 // where they lie
}

// at returns where a figure lies. What is beyond the scale lies at its end.
func (s scale) at(v float64) float64 {
	low, high := s.min, s.max
	v = min(max(v, low), high)
	if s.log {
		v, low, high = math.Log(v), math.Log(low), math.Log(high)
	}
	return s.from + (v-low)/(high-low)*(s.to-s.from)
}

// A tick is a line of a plot's grid.
type tick struct {
	At   float64
	Text string
}

// steps of a linear axis are these, times a power of ten.
var niceSteps = []float64{1, 2, 5, 10}

// linear returns a scale from 0 to a round figure that is no less than most, and its ticks.
func linear(most, from, to float64, unit string) (scale, []tick) {
	if !(most > 0) || math.IsInf(most, 1) {
		most = 1
	}
	step := 0.0
	for _, n := range niceSteps {
		const lines = 5
		step = n * math.Pow(10, math.Floor(math.Log10(most/lines)))
		if step*lines >= most*0.999 {
			break
		}
	}
	n := int(math.Ceil(most/step - 0.001))
	s := scale{max: float64(n) * step, from: from, to: to}
	ticks := make([]tick, 0, n+1)
	for i := range n + 1 {
		ticks = append(ticks, tick{At: s.at(float64(i) * step), Text: number(float64(i)*step) + unit})
	}
	return s, ticks
}

// latencyScale returns a logarithmic scale of microseconds that holds everything from least to most, and its ticks.
func latencyScale(least, most, from, to float64) (scale, []tick) {
	least, most = max(least, 1), max(most, 2)
	var marks []float64
	low, high := math.Pow(10, math.Floor(math.Log10(least))), math.Pow(10, math.Ceil(math.Log10(most)))
	for decade := low; decade <= high; decade *= 10 {
		marks = append(marks, decade, 2*decade, 5*decade)
	}
	first, last := 0, len(marks)-1
	for first+1 < len(marks) && marks[first+1] <= least {
		first++
	}
	for last > first+1 && marks[last-1] >= most {
		last--
	}
	s := scale{log: true, min: marks[first], max: marks[last], from: from, to: to}
	var ticks []tick
	for i := first; i <= last; i++ {
		t := tick{At: s.at(marks[i])}
		if last-first < 9 || i%3 == 0 {
			t.Text = roundLatency(marks[i])
		}
		ticks = append(ticks, t)
	}
	return s, ticks
}

// roundLatency writes a latency of one digit.
func roundLatency(us float64) string {
	switch {
	case us < 1e3:
		return number(us) + " µs"
	case us < 1e6:
		return number(us/1e3) + " ms"
	default:
		return number(us/1e6) + " s"
	}
}

// timeScale returns a scale of seconds from 0 to most, and its ticks.
func timeScale(most time.Duration, from, to float64) (scale, []tick) {
	s := scale{max: max(most, time.Millisecond).Seconds(), from: from, to: to}
	step := s.max
	for _, nice := range []float64{
		0.001, 0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 6 * 3600, 24 * 3600,
	} {
		const lines = 12
		if s.max/nice <= lines {
			step = nice
			break
		}
	}
	var ticks []tick
	for i := 0; float64(i)*step <= s.max*1.0001; i++ {
		ticks = append(ticks, tick{At: s.at(float64(i) * step), Text: moments(float64(i)*step, s.max)})
	}
	return s, ticks
}

// moments writes a moment of a run that takes so many seconds.
func moments(seconds, all float64) string {
	if all <= 180 {
		return number(math.Round(seconds*1000)/1000) + " s"
	}
	whole := int(math.Round(seconds))
	if all >= 7200 {
		return fmt.Sprintf("%d:%02d:%02d", whole/3600, whole/60%60, whole%60)
	}
	return fmt.Sprintf("%d:%02d", whole/60, whole%60)
}

// timeTitle says what moments is in.
func timeTitle(all float64) string {
	const title = "time since the load began"
	switch {
	case all <= 180:
		return title
	case all >= 7200:
		return title + " (h:min:s)"
	default:
		return title + " (min:s)"
	}
}

// quantileScale returns a scale of 1/(1-q), each decade of which is one more nine, and its ticks.
func quantileScale(samples, from, to float64) (scale, []tick) {
	s := scale{log: true, min: 1, max: max(samples, 10), from: from, to: to}
	ticks := []tick{{At: s.at(1), Text: "0 %"}, {At: s.at(2), Text: "50 %"}}
	for v, text := 10.0, "90"; v <= s.max*1.0001; v *= 10 {
		ticks = append(ticks, tick{At: s.at(v), Text: text + " %"})
		switch text {
		case "90":
			text = "99"
		case "99":
			text = "99.9"
		default:
			text += "9"
		}
	}
	return s, ticks
}

// A path is a line being drawn.
type path struct {
	b     strings.Builder
	drawn int // points since the last gap
}

func (p *path) to(x, y float64) {
	switch p.drawn {
	case 0:
		p.b.WriteByte('M')
	default:
		p.b.WriteByte('L')
	}
	p.point(x, y)
	p.drawn++
}

func (p *path) point(x, y float64) {
	p.b.WriteString(short(x))
	p.b.WriteByte(' ')
	p.b.WriteString(short(y))
}

// gap ends the line. A single point is drawn as a dot.
func (p *path) gap() {
	if p.drawn == 1 {
		p.b.WriteString("h.1")
	}
	p.drawn = 0
}

func (p *path) box(x, y, width, height float64) {
	p.b.WriteByte('M')
	p.point(x, y)
	p.b.WriteString("h" + short(width) + "v" + short(height) + "h" + short(-width) + "z")
}

func (p *path) String() string {
	p.gap()
	return p.b.String()
}

// short writes a coordinate.
func short(v float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}
