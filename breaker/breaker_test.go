package breaker

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func updating() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

func TestMain(m *testing.M) {
	flag.Bool("update", false, "rewrite the golden files")
	os.Exit(m.Run())
}

// TestTimelines runs the stories in testdata in virtual time. A line says when statements end, how many of them, how, and
// for how long they have run (1 ms if it does not say); what the breaker makes of it follows each, after an arrow:
//
//	at 100ms: 4 fail
//	  -> closed
//	at 300ms: 1 slow after 200ms
//	  -> open, soft: 5 statements in a row …
//
// Lines between the first and the last of a story that begin with # tell what goes on. -update writes the arrows anew.
func TestTimelines(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got []byte
			synctest.Test(t, func(t *testing.T) { got = play(t, want) })
			if bytes.Equal(got, want) {
				return
			}
			if !updating() {
				t.Fatalf("%s\n\nis now\n\n%s", want, got)
			}
			if err := os.WriteFile(file, got, 0o600); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// play tells a story with what comes of it.
func play(t *testing.T, story []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	b := New(Config{})
	start := time.Now()
	lines := bufio.NewScanner(bytes.NewReader(story))
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "  ->") {
			continue
		}
		fmt.Fprintln(&out, line)
		if !strings.HasPrefix(line, "at ") {
			continue
		}
		when, what, _ := strings.Cut(strings.TrimPrefix(line, "at "), ": ")
		time.Sleep(time.Until(start.Add(duration(t, when))))
		happen(t, b, what)
		fmt.Fprintf(&out, "  -> %s\n", state(b, start))
	}
	return out.Bytes()
}

// happen has statements end.
func happen(t *testing.T, b *Breaker, what string) {
	t.Helper()
	if what == "reset" {
		b.Reset("for the story")
		return
	}
	what, ran, _ := strings.Cut(what, " after ")
	took := time.Millisecond
	if ran != "" {
		took = duration(t, ran)
	}
	every := time.Duration(0)
	if rest, each, ok := strings.Cut(what, " every "); ok {
		what, every = rest, duration(t, each)
	}
	var n int
	var how string
	if _, err := fmt.Sscanf(what, "%d %s", &n, &how); err != nil {
		t.Fatalf("%q: %v", what, err)
	}
	outcome, ok := map[string]Outcome{"answered": Success, "fail": Failure, "slow": Slow, "excluded": Excluded}[how]
	if !ok {
		t.Fatalf("%q: how?", what)
	}
	for range n {
		time.Sleep(every)
		b.Record(time.Now().Add(-took), outcome)
	}
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func state(b *Breaker, start time.Time) string {
	why, since := b.Why()
	text := "closed"
	if b.Open() {
		text = "open"
		if b.Soft() {
			text += ", soft"
		}
	}
	return fmt.Sprintf("%s since %v, opened %d times: %s", text, since.Sub(start), b.Trips(), why)
}

// TestShare: how many statements run at once does not change what share of them has to fail for the breaker to open,
// though those that one event has failed count once.
func TestShare(t *testing.T) {
	for _, running := range []int{1, 4, 16, 64} {
		for share, opens := range map[float64]bool{0.02: false, 0.3: true, 0.5: true, 0.8: true, 1: true} {
			synctest.Test(t, func(t *testing.T) {
				b := New(Config{})
				fail(b, running, share, rand.New(rand.NewPCG(1, 2)))
				if b.Open() != opens {
					t.Errorf("%d at once, of which a share of %v fails: open is %v", running, share, b.Open())
				}
			})
		}
	}
}

// fail has statements end, some of them badly, until the breaker opens; for two seconds at most.
func fail(b *Breaker, running int, share float64, random *rand.Rand) {
	start := time.Now()
	begun := make([]time.Time, running)
	ends := make([]time.Time, running)
	begin := func(i int) {
		begun[i] = time.Now()
		ends[i] = begun[i].Add(time.Duration(500+random.IntN(1000)) * time.Microsecond)
	}
	for i := range running {
		begin(i)
	}
	for time.Since(start) < 2*time.Second && !b.Open() {
		next := slices.Index(ends, slices.MinFunc(ends, time.Time.Compare))
		time.Sleep(time.Until(ends[next]))
		o := Success
		if random.Float64() < share {
			o = Failure
		}
		b.Record(begun[next], o)
		begin(next)
	}
}

// TestRecordTells: Record reports the changes, and no more.
func TestRecordTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Config{})
		for i, step := range []struct {
			outcome Outcome
			changed bool
		}{
			{Failure, false},
			{Slow, false},
			{Excluded, false},
			{Failure, false},
			{Failure, false},
			{Slow, true}, // opens
			{Failure, false},
			{Success, false},
			{Success, true}, // closes
			{Success, false},
		} {
			time.Sleep(time.Second)
			if got := b.Record(time.Now(), step.outcome); got != step.changed {
				t.Errorf("step %d: changed is %v", i, got)
			}
		}
	})
}

// TestLongRun: more in a row than the breaker can tell apart.
func TestLongRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(Config{Consecutive: 100, Rate: 2})
		for range 100 {
			time.Sleep(time.Millisecond)
			b.Record(time.Now(), Slow)
		}
		const want = "100 statements in a row did not do well: 0 failed, 100 were slow"
		if why, _ := b.Why(); why != want || !b.Open() || !b.Soft() {
			t.Errorf("open is %v, soft is %v: %s", b.Open(), b.Soft(), why)
		}
	})
}

// TestAllocations: a record that changes nothing costs none, closed or open.
func TestAllocations(t *testing.T) {
	for name, outcomes := range mixtures() {
		b := New(Config{Consecutive: 5, Rate: 0.9})
		if name == "open" {
			b = New(Config{Pause: time.Hour})
			for range 5 {
				b.Record(time.Now(), Failure)
			}
		}
		trips, next := b.Trips(), 0
		n := testing.AllocsPerRun(1000, func() {
			b.Record(time.Now(), outcomes[next%len(outcomes)])
			next++
		})
		if n > 0 || b.Trips() != trips || b.Open() != (name == "open") {
			t.Errorf("%s: %v allocations, open is %v", name, n, b.Open())
		}
	}
}

// mixtures are outcomes that come again and again.
func mixtures() map[string][]Outcome {
	return map[string][]Outcome{
		"answered": {Success},
		"mixed":    {Success, Failure, Success, Slow, Excluded},
		"excluded": {Excluded},
		"open":     {Failure, Slow, Success, Excluded},
	}
}

func BenchmarkRecord(b *testing.B) {
	for name, outcomes := range mixtures() {
		if name == "open" {
			continue
		}
		b.Run(name, func(b *testing.B) {
			br := New(Config{Rate: 0.9})
			b.ReportAllocs()
			next := 0
			for b.Loop() {
				br.Record(time.Now(), outcomes[next])
				if next++; next == len(outcomes) {
					next = 0
				}
			}
		})
	}
}
