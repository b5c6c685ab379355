package report

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// rates draws how many requests a second were asked for, sent and answered.
func (d *drawing) rates(index int) *plot {
	l := &d.r.Loads[index]
	windows, width := l.windows()
	if windows == nil {
		return nil
	}
	p := d.overTime(d.title("Rate", index), "Requests a second by when they were due: where sent lies below asked the "+
		"harness did not keep up, where answered lies below sent some requests got no answer at all.", false)
	asked := hoverRow{Name: "asked", Unit: "/s"}
	sent, answered := hoverRow{Name: "sent", Unit: "/s"}, hoverRow{Name: "answered", Unit: "/s"}
	most := 0.0
	for i := range windows {
		w := &windows[i]
		// What remains of the run may be next to nothing, of which there is no rate.
		whole := min(width, l.Result.Length-w.Start)
		if whole < width/2 {
			continue
		}
		p.hover.X = append(p.hover.X, d.middle(w.Start, width))
		p.hover.At = append(p.hover.At, moments(w.Start.Seconds(), d.x.max))
		asked.V = append(asked.V, l.asked(w.Start, w.Start+whole)/whole.Seconds())
		sent.V = append(sent.V, float64(w.Sent)/whole.Seconds())
		answered.V = append(answered.V, float64(w.Answered)/whole.Seconds())
		most = max(most, slices.Max([]float64{asked.V[len(asked.V)-1], sent.V[len(sent.V)-1]}))
	}
	y, ticks := linear(most, p.Bottom, p.Top, "")
	p.YTicks, p.YTitle = ticks, "requests a second"
	if l.Closed == 0 {
		p.line(asked, "dashed c7", y)
	}
	p.line(sent, "wide c0", y)
	p.line(answered, "c1", y)
	return p
}

// line draws a row of figures, one at each of the plot's points.
func (p *plot) line(row hoverRow, class string, y scale) {
	var drawn path
	for i, v := range row.V {
		if known(v) == nil {
			drawn.gap()
			continue
		}
		drawn.to(p.hover.X[i], y.at(v))
	}
	p.add(layer{Name: row.Name, Class: class, Path: drawn.String()})
	p.hover.Rows = append(p.hover.Rows, row)
}

// maxKindsDrawn is how many kinds of failures have a colour of their own.
const maxKindsDrawn = colours - 1

// failed draws failures by kind, on top of one another.
func (d *drawing) failed(index int) *plot {
	l := &d.r.Loads[index]
	windows, width := l.windows()
	if windows == nil || l.Result.Total.Failures() == 0 {
		return nil
	}
	p := d.overTime(d.title("Failures", index), "Requests a second that failed, by when they were due and by kind, on top "+
		"of one another: not answered with 200, answered with a vector that could not be read or with a wrong value, or not "+
		"answered.", false)
	list := kinds(l.Result.Total.Failed, nil)
	names, totals := make([]string, 0, colours), map[string]uint64{}
	kindOf := map[string]string{}
	for i, f := range list {
		name := f.Kind
		if i >= maxKindsDrawn && len(list) > colours {
			name = "others"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		kindOf[f.Kind] = name
		totals[name] += f.Count
	}
	rows, most := make([]hoverRow, len(names)), 0.0
	for i := range windows {
		w := &windows[i]
		sum := 0.0
		counts := map[string]float64{}
		for kind, n := range w.Failed {
			counts[kindOf[kind]] += float64(n) / width.Seconds()
			sum += float64(n) / width.Seconds()
		}
		for k, name := range names {
			rows[k].V = append(rows[k].V, counts[name])
		}
		most = max(most, sum)
		p.hover.X = append(p.hover.X, d.middle(w.Start, width))
		p.hover.At = append(p.hover.At, moments(w.Start.Seconds(), d.x.max))
	}
	y, ticks := linear(most, p.Bottom, p.Top, "")
	p.YTicks, p.YTitle = ticks, "failures a second"
	starts := make([]time.Duration, len(windows))
	for i := range windows {
		starts[i] = windows[i].Start
	}
	for k, name := range names {
		rows[k].Name, rows[k].Unit = clean(name, 40)+" ("+count(totals[name])+")", "/s"
	}
	d.stack(p, rows, starts, width, y)
	return p
}

// stack draws rows on top of one another, each figure as wide as its window.
func (d *drawing) stack(p *plot, rows []hoverRow, starts []time.Duration, width time.Duration, y scale) {
	below := make([]float64, len(starts))
	for k, row := range rows {
		var drawn, edge path
		for i := range starts {
			v := row.V[i]
			if known(v) == nil || v <= 0 {
				edge.gap()
				continue
			}
			ended := starts[i] + width
			if i+1 < len(starts) {
				ended = min(ended, starts[i+1])
			}
			from, to := d.x.at(starts[i].Seconds()), d.x.at(ended.Seconds())
			top := y.at(below[i] + v)
			drawn.box(from, top, max(to-from, 1), y.at(below[i])-top)
			edge.to(from, top)
			edge.to(to, top)
			below[i] += v
		}
		p.add(layer{Name: row.Name, Class: colour(k), Area: true, Path: drawn.String()})
		p.Layers = append(p.Layers, layer{Class: "edge", Path: edge.String()})
		p.hover.Rows = append(p.hover.Rows, row)
	}
}

// series draws the series of a group: shares of a whole on top of one another, others each for itself.
func (d *drawing) series(group string) *plot {
	var starts []time.Duration
	var list []Series
	for _, s := range d.r.Series {
		n := min(len(s.Start), len(s.Value))
		if s.Group != group || n == 0 {
			continue
		}
		s.Start, s.Value = s.Start[:n], s.Value[:n]
		list = append(list, s)
		starts = append(starts, s.Start...)
	}
	if len(list) == 0 || d.length == 0 {
		return nil
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	rows := make([]hoverRow, len(list))
	for k, s := range list {
		rows[k] = hoverRow{Name: clean(s.Name, 40), Unit: " " + clean(s.Unit, 12), V: at(starts, s)}
	}
	unit := clean(list[0].Unit, 20)
	stacked, most := unit == "%", 0.0
	for i := range starts {
		sum := 0.0
		for _, row := range rows {
			if known(row.V[i]) != nil {
				sum += max(row.V[i], 0)
				most = max(most, row.V[i])
			}
		}
		stacked = stacked && sum < 101 // shares of several wholes are no stack
	}
	how := "Each line is one of them."
	if stacked {
		how, most = "The height of a colour is its share of the whole at that time.", 100
	}
	p := d.overTime(clean(group, 80), how, false)
	y, ticks := linear(most, p.Bottom, p.Top, "")
	p.YTicks, p.YTitle = ticks, unit
	width := d.length
	if len(starts) > 1 {
		width = starts[1] - starts[0]
	}
	for _, start := range starts {
		p.hover.X = append(p.hover.X, d.middle(start, width))
		p.hover.At = append(p.hover.At, moments(start.Seconds(), d.x.max))
	}
	if stacked {
		d.stack(p, rows, starts, width, y)
		return p
	}
	for k, row := range rows {
		class := colour(k)
		if k >= colours {
			class = fmt.Sprintf("dashed %s", class)
		}
		p.line(row, class, y)
	}
	return p
}

// at returns a series' figures at some moments, none where it has none.
func at(starts []time.Duration, s Series) []float64 {
	byStart := map[time.Duration]float64{}
	for i, start := range s.Start {
		byStart[start] = s.Value[i]
	}
	values := make([]float64, len(starts))
	for i, start := range starts {
		v, ok := byStart[start]
		if !ok {
			v = math.NaN()
		}
		values[i] = v
	}
	return values
}
