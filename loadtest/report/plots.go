package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/rongate/rongate/loadtest"
)

// maxPoints bounds how many points a line has. Windows beyond it are put together.
const maxPoints = 3600

// A drawing is what all plots of a report share.
type drawing struct {
	r      *Report
	length time.Duration
	x      scale // of time
	xTicks []tick
	events []placed
	lanes  int
	plots  []plot
}

func newDrawing(r *Report) *drawing {
	d := &drawing{r: r}
	for i := range r.Loads {
		l := &r.Loads[i]
		if l.Result == nil || len(l.Result.Windows) == 0 {
			continue
		}
		last := l.Result.Windows[len(l.Result.Windows)-1].Start
		d.length = max(d.length, l.Result.Length, last+min(l.window(), max(l.Result.Length-last, 0)))
	}
	d.x, d.xTicks = timeScale(d.length, plotLeft, plotRight)
	d.events, d.lanes = place(r.Events, d.x)
	return d
}

// all draws every plot that there is something for.
func (d *drawing) all() ([]plot, error) {
	for i := range d.r.Loads {
		if err := d.finish(d.latency(i)); err != nil {
			return nil, err
		}
	}
	if err := d.finish(d.curve()); err != nil {
		return nil, err
	}
	for i := range d.r.Loads {
		if err := d.finish(d.rates(i)); err != nil {
			return nil, err
		}
		if err := d.finish(d.failed(i)); err != nil {
			return nil, err
		}
	}
	var groups []string
	for _, s := range d.r.Series {
		if !slices.Contains(groups, s.Group) {
			groups = append(groups, s.Group)
		}
	}
	for _, group := range groups {
		if err := d.finish(d.series(group)); err != nil {
			return nil, err
		}
	}
	return d.plots, nil
}

// finish takes a plot, or nil for none.
func (d *drawing) finish(p *plot) error {
	if p == nil {
		return nil
	}
	done, err := p.done()
	if err != nil {
		return err
	}
	d.plots = append(d.plots, done)
	return nil
}

// title adds a load's name where there are several.
func (d *drawing) title(text string, index int) string {
	if len(d.r.Loads) > 1 {
		text += ": " + clean(d.r.Loads[index].name(index), 60)
	}
	return text
}

// overTime returns a plot of time with the events marked.
func (d *drawing) overTime(title, how string, labels bool) *plot {
	lanes := min(1, d.lanes)
	if labels {
		lanes = d.lanes
	}
	p := newPlot(title, how, lanes)
	p.XTitle, p.XTicks = timeTitle(d.x.max), d.xTicks
	p.mark(d.events, d.x, labels)
	return p
}

// windows returns a load's windows, put together where there are too many of them to be drawn, and their length.
func (l *Load) windows() ([]loadtest.Window, time.Duration) {
	if l.Result == nil || len(l.Result.Windows) == 0 {
		return nil, 0
	}
	all, width := l.Result.Windows, l.window()
	together := (len(all) + maxPoints - 1) / maxPoints
	if together == 1 {
		return all, width
	}
	var list []loadtest.Window
	for part := range slices.Chunk(all, together) {
		w := loadtest.Window{Start: part[0].Start, Count: loadtest.Count{Failed: map[string]uint64{}}}
		for i := range part {
			addCount(&w.Count, &part[i].Count)
		}
		list = append(list, w)
	}
	return list, time.Duration(together) * width
}

// middle returns where a window lies.
func (d *drawing) middle(start, width time.Duration) float64 {
	return d.x.at((start + min(width, max(d.length-start, 0))/2).Seconds())
}

// latencyLines are what is shown of every window.
func latencyLines() []struct {
	percentile
	class string
} {
	return []struct {
		percentile
		class string
	}{
		{percentile{"p50", 0.5}, "c0"},
		{percentile{"p99", 0.99}, "c1"},
		{percentile{"p99.9", 0.999}, "c2"},
		{percentile{"max", 1}, "dots c7"}, // over p99.9, which it often equals
	}
}

// latency draws the latencies of a load's windows. All loads have the same axis.
func (d *drawing) latency(index int) *plot {
	windows, width := d.r.Loads[index].windows()
	if windows == nil {
		return nil
	}
	p := d.overTime(d.title("Latency over time", index), fmt.Sprintf("Each point stands for the requests that were due "+
		"within %s: half of them were answered no later than p50 after they were due, 99 in 100 no later than p99, and none "+
		"later than max; the axis is logarithmic.", written(width)), true)
	least, most := d.latencyRange()
	y, ticks := latencyScale(least, most, p.Bottom, p.Top)
	p.YTicks, p.YTitle = ticks, "latency"
	for i := range windows {
		p.hover.X = append(p.hover.X, d.middle(windows[i].Start, width))
		p.hover.At = append(p.hover.At, moments(windows[i].Start.Seconds(), d.x.max))
	}
	for _, line := range latencyLines() {
		var drawn path
		row := hoverRow{Name: line.name, Unit: "µs"}
		for i := range windows {
			us, ok := quantile(windows[i].Latency, line.q)
			if !ok {
				drawn.gap()
				row.V = append(row.V, math.NaN())
				continue
			}
			drawn.to(p.hover.X[i], y.at(float64(us)))
			row.V = append(row.V, float64(us))
		}
		p.add(layer{Name: line.name, Class: line.class, Path: drawn.String()})
		p.hover.Rows = append(p.hover.Rows, row)
	}
	return p
}

// latencyRange returns the least p50 of all windows of all loads, and the longest latency, in microseconds.
func (d *drawing) latencyRange() (least, most float64) {
	least = math.Inf(1)
	for i := range d.r.Loads {
		windows, _ := d.r.Loads[i].windows()
		for j := range windows {
			if us, ok := quantile(windows[j].Latency, 0.5); ok {
				least = min(least, float64(us))
			}
			if us, ok := quantile(windows[j].Latency, 1); ok {
				most = max(most, float64(us))
			}
		}
	}
	if most == 0 {
		return 1000, 10_000
	}
	return least, most
}

// curveDensity is how many points a percentile curve has for each nine.
const curveDensity = 40

// curve draws the percentiles of all loads over one another.
func (d *drawing) curve() *plot {
	type line struct {
		layer
		h *hdrhistogram.Histogram
	}
	var lines []line
	samples, least, most := 0.0, math.Inf(1), 0.0
	for i := range d.r.Loads {
		result := d.r.Loads[i].Result
		if result == nil {
			continue
		}
		prefix := ""
		if len(d.r.Loads) > 1 {
			prefix = clean(d.r.Loads[i].name(i), 40) + ", "
		}
		for _, l := range []line{
			{layer{Name: prefix + "from sent", Class: "dashed " + colour(i)}, result.Service},
			{layer{Name: prefix + "from due", Class: colour(i)}, result.Total.Latency},
		} {
			if l.h == nil || l.h.TotalCount() == 0 {
				continue
			}
			lines = append(lines, l)
			samples = max(samples, float64(l.h.TotalCount()))
			least, most = min(least, float64(l.h.Min())), max(most, float64(l.h.Max()))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	p := newPlot("Percentile curve", "Of all requests of the run, the share below (0 % to 99.9… %) took no longer than the "+
		"line's height; a curve that stays low far to the right has a short tail. Dashed lines count from when a request was "+
		"really sent: the gap is what the harness itself was late by.", 0)
	x, xTicks := quantileScale(samples, p.Left, p.Right)
	y, yTicks := latencyScale(least, most, p.Bottom, p.Top)
	p.XTicks, p.YTicks = xTicks, yTicks
	p.XTitle, p.YTitle = "share of requests (each step to the right is one more nine)", "latency"
	grid := quantileGrid(x.max)
	for _, v := range grid {
		p.hover.X = append(p.hover.X, x.at(v))
		p.hover.At = append(p.hover.At, nines(v))
	}
	for _, l := range lines {
		l.Path, l.Area = "", false
		row := hoverRow{Name: l.Name, Unit: "µs", V: onGrid(l.h, grid)}
		var drawn path
		for i, us := range row.V {
			if !math.IsNaN(us) {
				drawn.to(p.hover.X[i], y.at(us))
			}
		}
		drawn.to(x.at(float64(l.h.TotalCount())), y.at(float64(l.h.Max())))
		l.Path = drawn.String()
		p.add(l.layer)
		p.hover.Rows = append(p.hover.Rows, row)
	}
	return p
}

// quantileGrid returns values of 1/(1-q), from 1 on.
func quantileGrid(most float64) []float64 {
	var grid []float64
	for i := 0; ; i++ {
		v := math.Pow(10, float64(i)/curveDensity)
		if v > most*1.0001 {
			return grid
		}
		grid = append(grid, v)
	}
}

// onGrid returns a histogram's values at those of quantileGrid, none beyond what it has samples for.
func onGrid(h *hdrhistogram.Histogram, grid []float64) []float64 {
	var percents []float64
	for _, v := range grid {
		percents = append(percents, 100*(1-1/v))
	}
	values := make([]float64, len(grid))
	for i, us := range h.ValueAtPercentilesSlice(percents) {
		values[i] = float64(us)
		if grid[i] > float64(h.TotalCount()) {
			values[i] = math.NaN()
		}
	}
	return values
}

// nines writes the share that a value of 1/(1-q) stands for, with as many digits as tell it from its neighbours.
func nines(v float64) string {
	places := max(0, int(math.Ceil(math.Log10(v)))-1)
	text := strconv.FormatFloat(100*(1-1/v), 'f', places, 64)
	if places > 0 {
		text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	}
	return text + " %"
}

// written writes a length of time in words.
func written(d time.Duration) string {
	if d == time.Second {
		return "one second"
	}
	return number(d.Seconds()) + " s"
}
