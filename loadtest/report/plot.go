package report

import (
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-json"
)

// The geometry of plots, in the units of their drawing: about a pixel.
const (
	plotWidth  = 960.0
	plotLeft   = 72.0
	plotRight  = 944.0
	plotInside = 240.0 // the height of what the axes enclose
	plotBelow  = 44.0
	laneHeight = 17.0
	charWidth  = 7.4 // of the labels of events
	colours    = 8   // that the page has
)

// A plot is what the page draws.
type plot struct {
	Title string
	How   string // one sentence that says how to read it

	Width, Height            float64
	Left, Right, Top, Bottom float64 // of what the axes enclose
	MiddleX, MiddleY         float64 // of them
	TickX, TickY, TitleY     float64 // where their texts are
	XTitle, YTitle           string
	XTicks, YTicks           []tick
	Layers                   []layer // in the order in which they are drawn
	Legend                   []layer
	Marks                    []mark
	Hover                    string // JSON, of which the page's script makes a read-out

	hover hover
}

// A layer is one line or area.
type layer struct {
	Name  string
	Class string
	Area  bool
	Path  string
}

// A mark is an event.
type mark struct {
	X, TextX, TextY float64
	Anchor          string
	Text            string
}

// hover is what is shown of the point that somebody points at.
type hover struct {
	X    []float64  `json:"x"` // where points lie
	At   []string   `json:"at"`
	Rows []hoverRow `json:"rows"`
}

type hoverRow struct {
	Name string  `json:"n"`
	Unit string  `json:"u"` // "µs" is written in what unit suits
	V    figures `json:"v"`
}

// figures are numbers in JSON; those that are none are null.
type figures []float64

// MarshalJSON writes four digits, which is what people read.
func (f figures) MarshalJSON() ([]byte, error) {
	out := []byte{'['}
	for i, v := range f {
		if i > 0 {
			out = append(out, ',')
		}
		if known(v) == nil {
			out = append(out, "null"...)
			continue
		}
		if a := math.Abs(v); a >= 1000 {
			v = math.Round(v)
		}
		out = strconv.AppendFloat(out, v, 'g', significant(v), 64)
	}
	return append(out, ']'), nil
}

// significant is how many digits are written of a number.
func significant(v float64) int {
	if math.Abs(v) >= 1000 {
		return -1
	}
	return 4
}

// newPlot returns an empty plot with so many lanes above it for the labels of events.
func newPlot(title, how string, lanes int) *plot {
	top := 12 + float64(lanes)*laneHeight
	return &plot{
		Title: title, How: how, Width: plotWidth, Height: top + plotInside + plotBelow,
		Left: plotLeft, Right: plotRight, Top: top, Bottom: top + plotInside,
		MiddleX: (plotLeft + plotRight) / 2, MiddleY: top + plotInside/2,
		TickX: plotLeft - 8, TickY: top + plotInside + 18, TitleY: top + plotInside + 38,
	}
}

func colour(i int) string { return "c" + strconv.Itoa(i%colours) }

// add adds a line or area, which the legend tells of.
func (p *plot) add(l layer) {
	p.Layers = append(p.Layers, l)
	key := l
	key.Path = ""
	p.Legend = append(p.Legend, key)
}

// done returns the plot, ready to be shown.
func (p *plot) done() (plot, error) {
	if len(p.hover.X) > 0 {
		for i, x := range p.hover.X {
			p.hover.X[i] = math.Round(10*x) / 10
		}
		text, err := json.Marshal(p.hover)
		if err != nil {
			return plot{}, fmt.Errorf("%s: %w", p.Title, err)
		}
		p.Hover = string(text)
	}
	return *p, nil
}

// maxLanes bounds the height of the labels of events. Those that find no room are only numbered, as on all plots but the
// first.
const maxLanes = 6

// maxLabel bounds the label of an event, in characters.
const maxLabel = 36

// A placed event is one that lies within the run, with its number in the table of events.
type placed struct {
	number int
	at     time.Duration
	text   string
	lane   int // -1: its label finds no room
	end    bool
}

// place gives each event that lies within the run a lane in which its label covers no other.
func place(events []Event, x scale) (list []placed, lanes int) {
	var ends [maxLanes]float64
	for i, e := range events {
		if e.At < 0 || e.At.Seconds() > x.max {
			continue
		}
		one := placed{number: i + 1, at: e.At, text: strconv.Itoa(i+1) + " " + clean(e.What, maxLabel), lane: -1}
		at := x.at(e.At.Seconds())
		width := charWidth*float64(utf8.RuneCountInString(one.text)) + 10
		begin := at
		if at+width > plotRight {
			begin, one.end = at-width, true
		}
		for lane := range ends {
			if ends[lane] <= begin {
				one.lane, ends[lane] = lane, begin+width
				lanes = max(lanes, lane+1)
				break
			}
		}
		list = append(list, one)
	}
	return list, lanes
}

// mark draws events, with their labels or with their numbers alone.
func (p *plot) mark(events []placed, x scale, labels bool) {
	last := math.Inf(-1)
	for _, e := range events {
		at := x.at(e.at.Seconds())
		m := mark{X: at, TextX: at + 4, Anchor: "start"}
		switch {
		case labels && e.lane >= 0:
			m.Text, m.TextY = e.text, 12+laneHeight*float64(e.lane)
			if e.end {
				m.TextX, m.Anchor = at-4, "end"
			}
		case !labels && at-last > 3*charWidth:
			m.Text, m.TextX, m.TextY, m.Anchor = strconv.Itoa(e.number), at, 12, "middle"
			last = at
		}
		p.Marks = append(p.Marks, m)
	}
}
