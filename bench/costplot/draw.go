package main

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// The geometry, in the units of the drawing: about a pixel.
const (
	columns     = 2
	panelWidth  = 520.0
	panelHeight = 340.0
	headHeight  = 64.0 // above all panels
	left        = 68.0 // of what the axes of a panel enclose, from the panel's own edges
	right       = 24.0
	top         = 36.0
	bottom      = 44.0
)

const style = `
text { font: 12px system-ui, sans-serif; fill: #444; stroke: #fff; stroke-width: 3; paint-order: stroke }
.title { font-size: 14px; font-weight: 600; fill: #111 }
.head { font-size: 18px; font-weight: 600; fill: #111 }
.grid { stroke: #e4e4e4 }
.frame { stroke: #bbb; fill: none }
path.time { stroke: #1f6fb5 } path.cpu { stroke: #c2571a }
.curve { fill: none; stroke-width: 2 }
.proportional { stroke-dasharray: 5 4; stroke-opacity: .6 }
circle.time { fill: #1f6fb5 } circle.cpu { fill: #c2571a }
text.time, tspan.time { fill: #1f6fb5 } text.cpu, tspan.cpu { fill: #c2571a }
`

// draw returns an SVG with a panel for every curve.
func draw(r *results) string {
	var b strings.Builder
	rows := (len(r.curves) + columns - 1) / columns
	width, height := columns*panelWidth, headHeight+float64(rows)*panelHeight
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%g" height="%g" viewBox="0 0 %g %g"><style>%s</style>`+"\n",
		width, height, width, height, style)
	fmt.Fprintf(&b, `<rect width="%g" height="%g" fill="#fff"/>`+"\n", width, height)
	writeText(&b, 20, 28, "head", "start", "What a request costs, one at a time")
	b.WriteString(`<text x="20" y="50"><tspan class="time">● time to the answer</tspan> ` +
		`<tspan class="cpu" dx="12">● CPU time of rongate, without the database's</tspan> ` +
		`<tspan dx="12">dashed: in proportion to the first`)
	if r.machine != "" {
		b.WriteString(" · " + html.EscapeString(r.machine))
	}
	b.WriteString("</tspan></text>\n")
	for i, c := range r.curves {
		x, y := float64(i%columns)*panelWidth, headHeight+float64(i/columns)*panelHeight
		drawPanel(&b, c, x, y)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// writeText writes a text. anchor is which of its ends is at x.
func writeText(b *strings.Builder, x, y float64, class, anchor, text string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>`+"\n",
		x, y, class, anchor, html.EscapeString(text))
}

// A scale maps figures onto a stretch of the drawing, logarithmically.
type scale struct{ min, max, from, to float64 }

func (s scale) at(v float64) float64 {
	return s.from + math.Log(v/s.min)/math.Log(s.max/s.min)*(s.to-s.from)
}

// A line is one of the two of a panel.
type line struct {
	class string
	above float64 // where its figures stand beside its points
	cost  func(*point) float64
}

func lines() []line {
	return []line{
		{"time", -9, func(p *point) float64 { return p.time }},
		{"cpu", 18, func(p *point) float64 { return p.cpu }},
	}
}

func drawPanel(b *strings.Builder, c *curve, x, y float64) {
	writeText(b, x+left, y+top-12, "title", "start", title(c.name))
	across := scale{c.points[0].size, c.points[len(c.points)-1].size, x + left + 24, x + panelWidth - right - 24}
	if across.min == across.max { // one point alone stands in the middle
		across.min, across.max = across.min/2, across.max*2
	}
	up := scale{from: y + panelHeight - bottom, to: y + top}
	up.min, up.max = bounds(c)
	for v := math.Pow(10, math.Ceil(math.Log10(up.min))); v <= up.max; v *= 10 {
		drawGrid(b, x, up.at(v), duration(v))
	}
	for _, v := range []float64{up.min, up.max} {
		if decade := math.Log10(v); decade != math.Trunc(decade) {
			drawGrid(b, x, up.at(v), duration(v))
		}
	}
	fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" class="frame"/>`+"\n",
		x+left, y+top, panelWidth-left-right, panelHeight-top-bottom)
	for i := range c.points {
		size := c.points[i].size
		writeText(b, across.at(size), y+panelHeight-bottom+18, "", "middle", strconv.FormatFloat(size, 'f', -1, 64))
	}
	for _, l := range lines() {
		drawLine(b, c, l, across, up)
	}
}

func drawGrid(b *strings.Builder, x, y float64, text string) {
	fmt.Fprintf(b, `<path d="M%.1f %.1fH%.1f" class="grid"/>`+"\n", x+left, y, x+panelWidth-right)
	writeText(b, x+left-8, y+4, "", "end", text)
}

func drawLine(b *strings.Builder, c *curve, l line, across, up scale) {
	first := &c.points[0]
	cost := l.cost(first)
	// The proportional line ends where the panel does, at its side or at its top.
	end := min(c.points[len(c.points)-1].size, first.size*up.max/cost)
	fmt.Fprintf(b, `<path d="M%.1f %.1fL%.1f %.1f" class="%s proportional"/>`+"\n",
		across.at(first.size), up.at(cost), across.at(end), up.at(cost*end/first.size), l.class)
	path := "M"
	for i := range c.points {
		p := &c.points[i]
		if i > 0 {
			path += "L"
		}
		path += fmt.Sprintf("%.1f %.1f", across.at(p.size), up.at(l.cost(p)))
	}
	fmt.Fprintf(b, `<path d="%s" class="%s curve"/>`+"\n", path, l.class)
	for i := range c.points {
		p := &c.points[i]
		x, y := across.at(p.size), up.at(l.cost(p))
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3.5" class="%s"/>`+"\n", x, y, l.class)
		writeText(b, x, y+l.above, l.class, "middle", duration(l.cost(p)))
	}
}

// bounds are round figures around all costs, with room for what is written beside the points.
func bounds(c *curve) (low, high float64) {
	low, high = math.Inf(1), 0
	for i := range c.points {
		low, high = min(low, c.points[i].time, c.points[i].cpu), max(high, c.points[i].time, c.points[i].cpu)
	}
	low, high = low/1.5, high*1.5
	return round(low, false), round(high, true)
}

// round returns 1, 2 or 5 times a power of ten: the last that is not above v, or the first that is above.
func round(v float64, up bool) float64 {
	decade := math.Pow(10, math.Floor(math.Log10(v)))
	steps := []float64{1, 2, 5, 10}
	i := 1
	for i < len(steps)-1 && v >= steps[i]*decade {
		i++
	}
	if !up {
		i--
	}
	return steps[i] * decade
}

// duration writes µs with three digits, in the unit that suits.
func duration(us float64) string {
	unit := "µs"
	switch {
	case us >= 1e6:
		us, unit = us/1e6, "s"
	case us >= 1e3:
		us, unit = us/1e3, "ms"
	}
	digits := 2 - int(math.Floor(math.Log10(us)))
	text := strconv.FormatFloat(us, 'f', max(digits, 0), 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + " " + unit
}

// title says what there is more or less of.
func title(name string) string {
	switch name {
	case "entries":
		return "Entries of a request"
	case "features":
		return "Features of a view"
	case "groups":
		return "Feature groups of a view"
	case "views":
		return "Feature views in the catalogue"
	}
	return name
}
