package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

const output = `goos: linux
cpu: A <fast> one
BenchmarkCost/entries=100
BenchmarkCost/entries=100-2      	    1000	    716746 ns/op	         3.195 cpu-µs/entry	       319.5 cpu-µs/op
BenchmarkCost/entries=1-2        	    3541	    172743 ns/op	        98.94 cpu-µs/entry	        98.94 cpu-µs/op
BenchmarkCost/entries=1-2        	    3541	    173743 ns/op	        98.94 cpu-µs/entry	        97.94 cpu-µs/op
BenchmarkCost/views=5000         	    3297	  16000000 ns/op	       106.4 cpu-µs/op	       0 B/op	       0 allocs/op
BenchmarkOther/entries=7-2       	    3541	    173743 ns/op
PASS
`

func TestParse(t *testing.T) {
	r, err := parse(strings.NewReader(output))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.curves) != 2 || r.machine != "A <fast> one" {
		t.Fatalf("%d curves of %q", len(r.curves), r.machine)
	}
	entries := r.curves[0].points
	if len(entries) != 2 || entries[0].size != 1 || entries[1].size != 100 {
		t.Fatalf("points %+v", entries)
	}
	if p := entries[0]; math.Abs(p.time-173.243) > 1e-9 || math.Abs(p.cpu-98.44) > 1e-9 {
		t.Errorf("two runs are %v µs and %v µs", p.time, p.cpu)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"BenchmarkCost/entries=1-2 10 5 ns/op 5 cpu-µs/op\n--- FAIL: BenchmarkCost\n",
		"BenchmarkCost/entries=1-2 10 5 ns/op\n",
		"BenchmarkCost/entries-2 10 5 ns/op 5 cpu-µs/op\n",
		"BenchmarkCost/entries=0-2 10 5 ns/op 5 cpu-µs/op\n",
		"BenchmarkCost/entries=1-2 10 x ns/op 5 cpu-µs/op\n",
	} {
		if _, err := parse(strings.NewReader(text)); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	if _, err := parse(strings.NewReader("PASS\n")); !errors.Is(err, errNothing) {
		t.Errorf("nothing to draw: %v", err)
	}
}

// TestDrawing: it is well-formed, whatever there is to draw, and has a place for everything.
func TestDrawing(t *testing.T) {
	var svg strings.Builder
	if err := run(strings.NewReader(output), &svg); err != nil {
		t.Fatal(err)
	}
	circles := 0
	for decoder := xml.NewDecoder(strings.NewReader(svg.String())); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && e.Name.Local == "circle" {
			circles++
		}
	}
	if circles != 6 {
		t.Errorf("%d points are drawn; want 6", circles)
	}
	for _, bad := range []string{"NaN", "Inf", "%!"} {
		if strings.Contains(svg.String(), bad) {
			t.Errorf("it has %s", bad)
		}
	}
	for _, want := range []string{"173 µs", "717 µs", "16 ms", "Entries of a request", "A &lt;fast&gt; one"} {
		if !strings.Contains(svg.String(), want) {
			t.Errorf("it lacks %s", want)
		}
	}
}

func TestRound(t *testing.T) {
	for v, want := range map[float64][2]float64{
		1.7: {1, 2}, 2: {2, 5}, 63: {50, 100}, 999: {500, 1000}, 0.3: {0.2, 0.5},
	} {
		low, high := round(v, false), round(v, true)
		if math.Abs(low-want[0]) > 1e-9 || math.Abs(high-want[1]) > 1e-9 {
			t.Errorf("around %v: %v and %v; want %v", v, low, high, want)
		}
	}
}
