package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/vectors"
)

// noDatabase is a reader for requests without keys, which read nothing.
type noDatabase struct{ nodes []lookup.NodeStats }

func (noDatabase) Use(s *catalog.Snapshot) ([]*lookup.Plan, error) {
	return make([]*lookup.Plan, len(s.Selects)), nil
}
func (noDatabase) Read(*lookup.Call, time.Time) {}
func (noDatabase) Ready() bool                  { return true }
func (n noDatabase) Stats() lookup.Stats        { return lookup.Stats{Nodes: n.nodes} }

// viewServer is a Server over a real Service whose catalogue changes.
type viewServer struct {
	t       *testing.T
	server  *Server
	service *vectors.Service
}

func newViewServer(t *testing.T) *viewServer {
	nodes := []lookup.NodeStats{
		{Address: "10.0.0.1:3306", Zone: "a", Since: time.Now()}, {Address: "10.0.0.2:3306", Zone: "b", Since: time.Now()},
	}
	service := vectors.New(vectors.Config{}, noDatabase{nodes})
	s, err := New(Config{}, service)
	if err != nil {
		t.Fatal(err)
	}
	return &viewServer{t: t, server: s, service: service}
}

// use makes the catalogue one of views v000 and so on, from first up to end.
func (s *viewServer) use(first, end int) {
	s.t.Helper()
	var b strings.Builder
	b.WriteString("featureStores:\n  - name: payments\n    featureGroups: [{name: account, version: 1}]\n    featureViews:\n")
	for n := first; n < end; n++ {
		fmt.Fprintf(&b, "      - {name: v%03d, version: 1, joins: [{group: account, version: 1}], features: [id]}\n", n)
	}
	spec, err := catalog.Parse("catalog.yaml", []byte(b.String()))
	if err != nil {
		s.t.Fatal(err)
	}
	name := catalog.TableName{Database: "payments", Name: "account_1"}
	id := column.Def{Name: "id", DataType: "bigint", ColumnType: "bigint", NumericPrecision: 19}
	snapshot, err := spec.Resolve(map[catalog.TableName]*catalog.Table{
		name: {Name: name, PrimaryKey: []string{"id"}, Columns: []column.Def{id}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.service.Use(snapshot); err != nil {
		s.t.Fatal(err)
	}
}

// ask sends a view requests that end in as many ways as they can.
func (s *viewServer) ask(view string) {
	for _, rest := range []string{
		`"entry":{}`, `"entry":{"x":1}`, `"entry":{"id":{}}`, `"entry":{"id":"x"}`, `"entries":[]`, `"entry":{},"entry":{}`,
		`"x":1`, `"features":1`, `"features":["x"],"entry":{}`, `"features":["id","id"],"entry":{}`,
		`"entry":{},"passedFeatures":{"x":1}`, `"entry":{},"passedFeatures":{"id":"x"}`, `"entry":{},"options":{"maxAgeMs":1}`, "",
	} {
		body := fmt.Sprintf(`{"featureView":%q,%s}`, view, rest)
		_, _ = s.service.Append(nil, &vectors.Request{
			Body: []byte(body), Received: time.Now(), Access: s.server.everything,
		})
	}
}

// scrape returns what /metrics answers. A series that is there twice makes it fail.
func (s *viewServer) scrape() string {
	s.t.Helper()
	recorder := httptest.NewRecorder()
	s.server.private.Handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if recorder.Code != http.StatusOK {
		s.t.Fatalf("/metrics answers %d: %s", recorder.Code, recorder.Body)
	}
	return recorder.Body.String()
}

// TestExposition: what Prometheus is given can be parsed and keeps to its conventions.
func TestExposition(t *testing.T) {
	s := newViewServer(t)
	s.use(0, 3)
	s.ask("v001")
	text := s.scrape()
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	for name := range families() {
		if !strings.Contains(text, "# HELP "+name+" ") {
			t.Errorf("there is no %s", name)
		}
	}
}

// seriesOf returns the lines that have a text, without their values, sorted.
func seriesOf(metrics, text string) []string {
	var series []string
	for line := range strings.Lines(metrics) {
		if strings.Contains(line, text) {
			series = append(series, line[:strings.LastIndexByte(line, ' ')])
		}
	}
	slices.Sort(series)
	return series
}

// TestSeriesFollowTheCatalogue: a view's series come with it and go with it, and no request makes any for another.
func TestSeriesFollowTheCatalogue(t *testing.T) {
	s := newViewServer(t)
	for _, step := range []struct {
		first, end int
		views      string // v000 to v003, those that have series
	}{{0, 2, "v000 v001"}, {1, 3, "v001 v002"}, {0, 3, "v000 v001 v002"}, {2, 3, "v002"}} {
		s.use(step.first, step.end)
		var have []string
		for n := range 4 {
			view := fmt.Sprintf("v%03d", n)
			s.ask(view)
			series := seriesOf(s.scrape(), `"`+view+`"`)
			if len(series) > 0 {
				have = append(have, view)
			}
			if distinct := slices.Compact(slices.Clone(series)); len(distinct) != len(series) {
				t.Errorf("%s has %d series, of which %d are distinct", view, len(series), len(distinct))
			}
		}
		if got := strings.Join(have, " "); got != step.views {
			t.Errorf("views %d to %d: %s have series; want %s", step.first, step.end, got, step.views)
		}
	}
}

// TestScrapeIsBounded: with however many views, and whatever is asked of them.
func TestScrapeIsBounded(t *testing.T) {
	s := newViewServer(t)
	s.use(0, 100)
	bound := 0
	for _, end := range []int{100, 300, 999} {
		s.use(0, end)
		for n := range end {
			s.ask(fmt.Sprintf("v%03d", n))
		}
		text := s.scrape()
		own := len(seriesOf(text, `rongate_view_request_duration_seconds_count{`))
		lines, bytes := strings.Count(text, "\n"), len(text)
		t.Logf("%d views: %d lines, %d bytes", end, lines, bytes)
		if own != 102 || bytes > 1<<20 {
			t.Errorf("%d views: %d have series of their own; %d bytes", end, own, bytes)
		}
		if bound == 0 {
			bound = lines
		}
		if lines > bound+20 { // other has codes that it had not
			t.Errorf("%d views: %d lines after %d", end, lines, bound)
		}
	}
}
