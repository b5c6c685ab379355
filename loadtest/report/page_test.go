package report

import (
	"bytes"
	"regexp"
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
