package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Results are what there is to draw.
type results struct {
	machine string // its processor, as the benchmark names it
	curves  []*curve
}

// A curve is the cost of more and more of something.
type curve struct {
	name   string
	points []point // by size
}

// A point is what one size costs, in µs: the medians of what was measured.
type point struct {
	size      float64
	time, cpu float64
	times     []float64
	cpus      []float64
}

var errNothing = errors.New("no results of BenchmarkCost; it is skipped where there is no database server")

// parse reads the output of go test. It refuses that of a test that failed.
func parse(in io.Reader) (*results, error) {
	r := &results{}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "FAIL") || strings.HasPrefix(line, "--- FAIL") {
			return nil, fmt.Errorf("a benchmark failed: %s", line)
		}
		if machine, ok := strings.CutPrefix(line, "cpu: "); ok {
			r.machine = machine
		}
		if rest, ok := strings.CutPrefix(line, "BenchmarkCost/"); ok {
			if err := r.add(rest); err != nil {
				return nil, fmt.Errorf("%w: %s", err, line)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(r.curves) == 0 {
		return nil, errNothing
	}
	for _, c := range r.curves {
		c.settle()
	}
	return r, nil
}

// add takes in a line such as "entries=10-2  2880  248573 ns/op  153.3 cpu-µs/op": what there is so many of, how often it
// was run, and pairs of a figure and its unit. A name alone, as -v writes it, has no figures.
func (r *results) add(line string) error {
	fields := strings.Fields(line)
	if len(fields) < 2 {
		return nil
	}
	name, size, ok := strings.Cut(fields[0], "=")
	size, _, _ = strings.Cut(size, "-") // GOMAXPROCS
	n, err := strconv.ParseFloat(size, 64)
	if !ok || err != nil || n <= 0 {
		return errors.New("no size")
	}
	figures := map[string]float64{}
	for i := 2; i+1 < len(fields); i += 2 {
		if figures[fields[i+1]], err = strconv.ParseFloat(fields[i], 64); err != nil {
			return err
		}
	}
	time, cpu := figures["ns/op"]/1000, figures["cpu-µs/op"]
	if time <= 0 || cpu <= 0 { // a logarithmic scale has no place for them
		return errors.New("no time, or no CPU time")
	}
	p := r.curve(name).point(n)
	p.times, p.cpus = append(p.times, time), append(p.cpus, cpu)
	return nil
}

func (r *results) curve(name string) *curve {
	for _, c := range r.curves {
		if c.name == name {
			return c
		}
	}
	c := &curve{name: name}
	r.curves = append(r.curves, c)
	return c
}

func (c *curve) point(size float64) *point {
	for i := range c.points {
		if c.points[i].size == size {
			return &c.points[i]
		}
	}
	c.points = append(c.points, point{size: size})
	return &c.points[len(c.points)-1]
}

func (c *curve) settle() {
	slices.SortFunc(c.points, func(a, b point) int { return cmp.Compare(a.size, b.size) })
	for i := range c.points {
		p := &c.points[i]
		p.time, p.cpu = median(p.times), median(p.cpus)
	}
}

func median(v []float64) float64 {
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
