package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rongate/rongate/loadtest"
)

func html(t *testing.T, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteHTML(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// elsewhere finds what a browser would fetch.
var elsewhere = regexp.MustCompile(`(?i)(src|href)\s*=\s*["']?(https?:)?//|@import|url\(\s*["']?(https?:)?//`)

func TestWriteHTML(t *testing.T) {
	text := html(t, whole())
	for _, want := range []string{"<!doctype html>", "<svg", "Verdicts", "Latency over time", "Percentile curve"} {
		if !strings.Contains(strings.ToLower(text), strings.ToLower(want)) {
			t.Errorf("the page has no %s", want)
		}
	}
	if found := elsewhere.FindString(text); found != "" {
		t.Errorf("the page needs something from elsewhere: %s", found)
	}
	for _, tag := range []string{"svg", "table", "section", "div"} {
		opened := len(regexp.MustCompile(`<`+tag+`[\s>]`).FindAllString(text, -1))
		if closed := strings.Count(text, "</"+tag+">"); opened != closed {
			t.Errorf("%d of <%s> are opened and %d closed", opened, tag, closed)
		}
	}
}

// TestWellFormed: the page is written as XML, which has a strict parser, so that no browser has to guess.
func TestWellFormed(t *testing.T) {
	reports := odd()
	reports["whole"], reports["void"] = whole(), void()
	for name, r := range reports {
		decoder := xml.NewDecoder(strings.NewReader(html(t, r)))
		for {
			_, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

// TestEveryLayerIsDrawn: a kind of failure, a node and a load are each a line or an area that the legend names.
func TestEveryLayerIsDrawn(t *testing.T) {
	plots, err := newDrawing(whole()).all()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range plots {
		names := p.Title + ":"
		for _, l := range p.Layers {
			if l.Path == "" {
				t.Errorf("%s: %s is not drawn", p.Title, l.Name)
			}
			if l.Name != "" {
				names += " " + l.Name + ","
			}
		}
		got = append(got, names)
	}
	want := []string{
		"Latency over time: gateway: p50, p99, p99.9, max,",
		"Latency over time: peer: p50, p99, p99.9, max,",
		"Percentile curve: gateway, from sent, gateway, from due, peer, from sent, peer, from due,",
		"Rate: gateway: asked, sent, answered,",
		"Failures: gateway: 503 (20),",
		"Rate: peer: sent, answered,",
		"Statements by node: node1, node2, node3,",
	}
	if !slices.Equal(got, want) {
		t.Errorf("drawn are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestLabelsOfEvents: no label covers another, and what finds no room is still marked.
func TestLabelsOfEvents(t *testing.T) {
	var events []Event
	for i := range 12 {
		events = append(events, Event{At: time.Duration(i) * 100 * time.Millisecond, What: "something that was done"})
	}
	events = append(events, Event{At: 59 * time.Second, What: "the last"}, Event{At: time.Hour, What: "beyond the end"})
	x, _ := timeScale(time.Minute, plotLeft, plotRight)
	list, lanes := place(events, x)
	if len(list) != 13 || lanes != maxLanes {
		t.Errorf("%d events in %d lanes", len(list), lanes)
	}
	seen := map[int]bool{}
	for _, e := range list[:12] {
		if e.lane >= 0 && seen[e.lane] {
			t.Errorf("two labels in lane %d", e.lane)
		}
		seen[e.lane] = true
	}
	if last := list[12]; !last.end || last.lane != 0 {
		t.Errorf("the label at the end is placed %+v", last)
	}
}

func TestScales(t *testing.T) {
	s, ticks := linear(1930, 100, 0, "")
	if s.max != 2000 || s.at(1000) != 50 || ticks[len(ticks)-1].Text != "2,000" {
		t.Errorf("linear: %+v %+v", s, ticks)
	}
	s, ticks = latencyScale(700, 1_100_000, 0, 100)
	if s.min != 500 || s.max != 2_000_000 || ticks[0].At != 0 || s.at(5e6) != 100 {
		t.Errorf("logarithmic: %+v %+v", s, ticks)
	}
	for most, want := range map[time.Duration]string{
		12 * time.Second: "12 s", 10 * time.Minute: "10:00", 3 * time.Hour: "3:00:00",
	} {
		if _, ticks := timeScale(most, 0, 1); ticks[len(ticks)-1].Text != want {
			t.Errorf("%v: the last tick is %q; want %q", most, ticks[len(ticks)-1].Text, want)
		}
	}
	for v, want := range map[float64]string{1: "0 %", 10: "90 %", 100: "99 %", 1000: "99.9 %", 1e5: "99.999 %"} {
		if got := nines(v); got != want {
			t.Errorf("%v: %q; want %q", v, got, want)
		}
	}
}

// TestHostileHTML: what a server or a file says is text, and never anything else.
func TestHostileHTML(t *testing.T) {
	const hostile = `</script><script>alert(1)</script>"'><img src=x onerror=alert(1)>`
	r := whole()
	r.Title, r.Stopped, r.Command = hostile, hostile, []string{hostile}
	r.Versions = map[string]string{hostile: hostile}
	r.Events = append(r.Events, Event{At: time.Second, What: hostile})
	r.Verdicts = append(r.Verdicts, Verdict{What: hostile, Want: hostile, Got: hostile})
	for i := range r.Loads {
		r.Loads[i].Name, r.Loads[i].URL = hostile, hostile
		r.Loads[i].Result.Examples = map[string]string{hostile: hostile}
		r.Loads[i].Result.Total.Failed = map[string]uint64{hostile: 1}
	}
	text := html(t, r)
	if strings.Contains(text, "<script>alert") || strings.Contains(text, "<img src=x") {
		t.Error("a hostile string is not escaped")
	}
	if !strings.Contains(text, "alert(1)") {
		t.Error("it is not shown either")
	}
}

func TestOddHTML(t *testing.T) {
	html(t, &Report{})
	html(t, void())
	for name, r := range odd() {
		if text := html(t, r); !strings.Contains(text, "</html>") || strings.Contains(text, "NaN") {
			t.Errorf("%s: the page is not whole", name)
		}
	}
}

// TestLongHTML: an hour of windows is still a page that opens at once.
func TestLongHTML(t *testing.T) {
	r := whole()
	windows := r.Loads[0].Result.Windows
	long := make([]loadtest.Window, 3600)
	for i := range long {
		long[i] = windows[i%len(windows)]
		long[i].Start = time.Duration(i) * time.Second
	}
	r.Loads[0].Result.Windows = long
	if size := len(html(t, r)); size > 2<<20 {
		t.Errorf("%d bytes", size)
	}
}
