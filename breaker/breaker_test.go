package breaker

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
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

// TestAllocations: a record costs none.
func TestAllocations(t *testing.T) {
	b := New(Config{})
	if n := testing.AllocsPerRun(1000, func() { b.Record(time.Now(), Success) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	br := New(Config{})
	b.ReportAllocs()
	for b.Loop() {
		br.Record(time.Now(), Success)
	}
}
