package report

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rongate/rongate/loadtest"
)

func TestWriteBenchmark(t *testing.T) {
	r := whole()
	r.Loads[1].Name = "a peer/of ours"
	r.Loads = append(r.Loads, r.Loads[1], void().Loads[0], Load{})
	r.Loads[2].Name = "a peer of ours"
	var out strings.Builder
	if err := WriteBenchmark(&out, r); err != nil {
		t.Fatal(err)
	}
	golden(t, "whole.bench", out.String())
	line := regexp.MustCompile(`^(BenchmarkLoad/[^\s/]+/[^\s/]+ 1 [0-9.e+-]+ (ns/op|failed/op|answers/s)` +
		`|Unit [^\s]+ better=(lower|higher)|[a-z]+: .*|# .*)$`)
	names := map[string]bool{}
	for text := range strings.Lines(out.String()) {
		if !line.MatchString(strings.TrimSuffix(text, "\n")) {
			t.Errorf("no line that benchstat reads: %q", text)
		}
		name, _, _ := strings.Cut(text, " ")
		if strings.HasPrefix(name, "Benchmark") && names[name] {
			t.Errorf("%s twice", name)
		}
		names[name] = true
	}
	for name, r := range odd() {
		out.Reset()
		if err := WriteBenchmark(&out, r); err != nil || strings.Contains(out.String(), "NaN") {
			t.Errorf("%s: %v: %s", name, err, out.String())
		}
	}
}

func TestMachine(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"cpuinfo":              "processor\t: 0\nmodel name\t: Some CPU @ 3.00GHz\n\nmodel name\t: Another\n",
		"meminfo":              "MemTotal:        8388608 kB\nMemFree: 1 kB\n",
		"sys/kernel/osrelease": "6.1.0\n",
		"os-release":           "NAME=\"x\"\nPRETTY_NAME=\"Some Linux 12\"\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := machineIn(dir, dir+"/os-release")
	if m.CPU != "Some CPU @ 3.00GHz" || m.Memory != 8<<30 || !strings.HasSuffix(m.OS, " 6.1.0, Some Linux 12") || m.Cores < 1 {
		t.Errorf("read %+v", m)
	}
	if m := machineIn(dir+"/none", dir+"/none"); m.CPU != "" || m.Memory != 0 || m.OS == "" {
		t.Errorf("where there are no such files: %+v", m)
	}
	if (Machine{}).String() != "" || Here().Cores < 1 {
		t.Error("an empty machine is something, or this one nothing")
	}
}

// grow returns the state of a load after so many requests, the last of which took so long.
func grow(r *loadtest.Result, requests int, us int64, failure string) *loadtest.Result {
	next := &loadtest.Result{Length: r.Length + time.Second, Total: newCount(3), Service: newHistogram(3), Lateness: newHistogram(2)}
	addCount(&next.Total, &r.Total)
	w := loadtest.Window{Count: newCount(2)}
	for range requests {
		add(next, &w, us, failure)
	}
	return next
}

func TestLive(t *testing.T) {
	var out strings.Builder
	live := &Live{out: &out}
	progress := live.Load("")
	first := grow(&loadtest.Result{}, 1000, 850, "")
	progress(first)
	stalled := grow(first, 0, 0, "")
	stalled.Total.Due += 1000
	progress(stalled)
	live.Event("node2 \x1b[2J")
	after := grow(stalled, 2000, 1_500_000, "50\x1b3")
	after.Total.Due, after.Total.Late = 3000, 7
	progress(after)
	got := regexp.MustCompile(`\d\d:\d\d:\d\d >`).ReplaceAllString(out.String(), "15:04:05 >")
	golden(t, "live.txt", got)

	live.terminal = true
	progress(grow(after, 1, 1_100_000, "503"))
	if text := out.String(); !strings.Contains(text, red) || !strings.Contains(text, "█████") {
		t.Errorf("no colour or no bar on a terminal: %q", text)
	}
}

func TestLiveOfSeveralLoads(t *testing.T) {
	var out strings.Builder
	live := NewLive(&out)
	var loads sync.WaitGroup
	for _, name := range []string{"A", "B"} {
		progress := live.Load(name)
		loads.Go(func() {
			r := &loadtest.Result{}
			for range 2 * headerEvery {
				r = grow(r, 10, 1000, "")
				progress(r)
			}
		})
	}
	loads.Wait()
	if got := strings.Count(out.String(), "\n"); got != 4*headerEvery+4 {
		t.Errorf("%d lines, headers included:\n%s", got, &out)
	}
}

func TestBarGrows(t *testing.T) {
	live := &Live{terminal: true}
	for _, test := range []struct {
		us   float64
		want string
	}{{0, "      "}, {500, "      "}, {1e6, " █████"}, {math.MaxInt64, " █████"}, {22361, " ██▌  "}} {
		if got := live.bar(test.us); got != test.want {
			t.Errorf("%v µs: %q; want %q", test.us, got, test.want)
		}
	}
}
