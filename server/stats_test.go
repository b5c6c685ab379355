package server

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/hist"
	"github.com/rongate/rongate/vectors"
)

// TestEveryStatIsAMetric fills every number there is in Stats with one of its own, and looks for each in the metrics.
func TestEveryStatIsAMetric(t *testing.T) {
	elsewhere := []string{
		"Open",    // the sum of other states
		"Version", // a label
		"LastError", "LastErrorTime",
	}
	var stats vectors.Stats
	stats.ByView = make([]vectors.ViewStats, 1)
	stats.Lookup.Nodes = slices.Grow(stats.Lookup.Nodes, 1)[:1]
	want := map[string]string{} // the name of a field by its number
	var fill func(reflect.Value, string)
	fill = func(v reflect.Value, name string) {
		if slices.Contains(elsewhere, name) {
			return
		}
		number := 1_000_003 + 17*len(want)
		switch v.Kind() {
		case reflect.Struct:
			if h, ok := v.Addr().Interface().(*hist.Snapshot); ok {
				h.Counts[0] = uint64(number)
				want[strconv.Itoa(number)] = name
				return
			}
			if v.Type() == reflect.TypeFor[time.Time]() {
				v.Set(reflect.ValueOf(time.Unix(int64(number), 0)))
				want[strconv.Itoa(number)] = name
				return
			}
			for i := range v.NumField() {
				fill(v.Field(i), v.Type().Field(i).Name)
			}
		case reflect.Array, reflect.Slice:
			for i := range v.Len() {
				fill(v.Index(i), fmt.Sprint(name, i))
			}
		case reflect.Int, reflect.Int64:
			v.SetInt(int64(number))
			if d, ok := v.Interface().(time.Duration); ok {
				want[strconv.FormatFloat(d.Seconds(), 'f', -1, 64)] = name
				return
			}
			want[strconv.Itoa(number)] = name
		case reflect.Float64:
			v.SetFloat(float64(number))
			want[strconv.Itoa(number)] = name
		case reflect.Uint64:
			v.SetUint(uint64(number))
			want[strconv.Itoa(number)] = name
		case reflect.String, reflect.Bool:
		default:
			t.Errorf("%s is a %v, which this test does not know", name, v.Kind())
		}
	}
	fill(reflect.ValueOf(&stats).Elem(), "Stats")

	s, err := New(Config{}, &fixedStats{stats: stats})
	if err != nil {
		t.Fatal(err)
	}
	families, err := s.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			delete(want, strconv.FormatFloat(m.GetGauge().GetValue(), 'f', -1, 64))
			delete(want, strconv.FormatFloat(m.GetCounter().GetValue(), 'f', -1, 64))
			below := uint64(0)
			for _, b := range m.GetHistogram().GetBucket() {
				delete(want, strconv.FormatUint(b.GetCumulativeCount()-below, 10))
				below = b.GetCumulativeCount()
			}
		}
		if strings.HasPrefix(family.GetName(), "rongate_") && !strings.HasSuffix(family.GetHelp(), ".") {
			t.Errorf("%s is explained as %q", family.GetName(), family.GetHelp())
		}
	}
	for _, name := range want {
		t.Errorf("no metric has %s", name)
	}
}

// fixedStats is a service that has counted something.
type fixedStats struct {
	fakeService
	stats vectors.Stats
}

func (f *fixedStats) Stats() vectors.Stats { return f.stats }
