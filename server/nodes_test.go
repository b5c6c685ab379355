package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-json"

	"github.com/rongate/rongate/contract"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
	"github.com/rongate/rongate/vectors"
)

const (
	wellNode = "10.0.0.1:3306"
	sickNode = "10.0.0.2:3306"
)

// nodeService is a service with two nodes, which can be forced.
type nodeService struct {
	fakeService
	nodes  []lookup.NodeStats
	forced []string // what was asked for
	err    error    // what forcing comes to
}

func newNodeService() *nodeService {
	return &nodeService{nodes: []lookup.NodeStats{
		{
			Address: wellNode, Zone: "a", Region: "eu", Local: true, Up: true, State: lookup.StateServing, Why: "answers",
			Since: time.Date(2026, 3, 1, 12, 0, 0, 250e6, time.FixedZone("", 3600)), Force: lookup.ForceNone,
			Busy: 1, Pace: 1.08333, Average: 412345 * time.Nanosecond, Oldest: time.Millisecond, Patience: 20 * time.Millisecond,
			Statements: 900, Transitions: 1, Pool: pool.Stats{Size: 2, Open: 2, Free: 1, Busy: 1},
		},
		{
			Address: sickNode, Zone: "b", Region: "us", State: lookup.StateDown, Why: "connect: connection refused",
			Since: time.Date(2026, 3, 1, 11, 0, 1, 0, time.UTC), Force: lookup.ForceClosed, Pace: 20, Patience: 50 * time.Millisecond,
			Statements: 100, Errors: lookup.StatementErrors{Timeout: 1, Broken: 2, Transient: 3, Stale: 4, Other: 5},
			Suspicions: 6, Ejections: 7, Probes: 8, Rescued: 9, Transitions: 10,
			Pool: pool.Stats{
				Size: 2, Dialing: 1, Detached: 1,
				LastError: errors.New("Access denied for user 'rongate'@'10.0.9.9'"), LastErrorTime: time.Unix(1772362801, 0),
			},
		},
	}}
}

func (f *nodeService) Stats() vectors.Stats {
	return vectors.Stats{Lookup: lookup.Stats{
		Queued: 3, Leaving: 1, Nodes: slices.Clone(f.nodes),
		RetriesBy: lookup.RetryCounts{Elsewhere: 11, Later: 12, Apart: 13, Rescue: 14, Denied: 15},
		Hedges:    lookup.HedgeCounts{Sent: 16, Won: 17, Lost: 18, Denied: 19, Delays: [8]time.Duration{2: 1500 * time.Microsecond}},
	}}
}

func (f *nodeService) force(address string, force vectors.Force) error {
	f.forced = append(f.forced, address+" "+string(force))
	for i := range f.nodes {
		if f.err == nil && f.nodes[i].Address == address {
			f.nodes[i].Force, f.nodes[i].State = force, lookup.StateForced
		}
	}
	return f.err
}

// private asks the private listener's routes, as a caller at some address would.
func (f *nodeService) private(t *testing.T, method, path, from string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	s, err := New(Config{Force: f.force}, f)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, path, nil)
	r.RemoteAddr = from
	var at net.Addr = &net.TCPAddr{}
	if from == "" {
		at = &net.UnixAddr{Name: "/run/private.sock", Net: "unix"}
	}
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, at))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.private.Handler.ServeHTTP(w, r)
	return w
}

const (
	here      = "127.0.0.1:4000"
	elsewhere = "10.0.0.9:4000"
)

// TestNodes compares the document with the golden one, and what others are told with it too.
func TestNodes(t *testing.T) {
	golden, err := os.ReadFile("testdata/nodes.json")
	if err != nil {
		t.Fatal(err)
	}
	want := string(contract.Compact(golden))
	now := regexp.MustCompile(`^\{"time":"[0-9T:.-]+Z",`)
	texts := regexp.MustCompile(`"(why|lastError)":"[^"]*",?`)
	for from, want := range map[string]string{here: want, "": want, elsewhere: texts.ReplaceAllString(want, "")} {
		w := newNodeService().private(t, "GET", "/nodes", from)
		got := now.ReplaceAllString(strings.TrimSpace(w.Body.String()), `{"time":"2026-03-01T11:30:00.000Z",`)
		if w.Code != 200 || got != want || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("from %q: %d %s\ngot  %s\nwant %s", from, w.Code, w.Header().Get("Content-Type"), got, want)
		}
	}
	one := newNodeService().private(t, "GET", "/nodes?node="+sickNode, here)
	if body := strings.TrimSpace(one.Body.String()); one.Code != 200 || !strings.HasSuffix(want, ","+body+"]}") {
		t.Errorf("one node: %d %s", one.Code, body)
	}
}

// TestForceNode: who may force a node, and what is answered to whom does it wrongly.
func TestForceNode(t *testing.T) {
	for _, test := range []struct {
		method, query, from, header string
		status                      int
		code                        vectors.Code
		says                        string
	}{
		{"POST", "node=" + wellNode + "&force=drained", here, "", 200, "", `"state":"forced"`},
		{"POST", "node=" + wellNode + "&force=open", "", "", 200, "", `"force":"open"`},
		{"POST", "node=" + sickNode + "&force=closed", "[::1]:4000", "", 200, "", `"force":"closed"`},
		{"POST", "node=" + sickNode + "&force=auto", here, "", 200, "", `"force":"auto"`},

		{"POST", "node=" + wellNode + "&force=drained", elsewhere, "", 403, "", "on this machine"},
		{"POST", "node=" + wellNode + "&force=drained", here, "Origin", 403, vectors.Forbidden, "page"},
		{"POST", "node=" + wellNode + "&force=drained", here, "Sec-Fetch-Site", 403, vectors.Forbidden, "page"},

		{"GET", "node=" + wellNode + "&force=drained", here, "", 405, codeMethodNotAllowed, "takes POST"},
		{"HEAD", "node=" + wellNode + "&force=drained", here, "", 405, codeMethodNotAllowed, "takes POST"},
		{"PUT", "node=" + wellNode + "&force=drained", here, "", 405, "", "Method Not Allowed"},

		{"POST", "node=" + wellNode + "&force=shut", here, "", 400, vectors.InvalidValue, "auto, closed, open, drained"},
		{"POST", "node=" + wellNode, here, "", 400, vectors.InvalidValue, "auto, closed, open, drained"},
		{"POST", "node=" + wellNode + "&force=open&force=auto", here, "", 400, vectors.InvalidValue, "there once"},
		{"POST", "force=open", here, "", 400, vectors.InvalidValue, wellNode + ", " + sickNode},
		{"POST", "node=" + wellNode + "&node=" + sickNode + "&force=open", here, "", 400, vectors.InvalidValue, "there once"},
		{"POST", "node=10.0.0.1&force=open", here, "", 404, codeNotFound, wellNode + ", " + sickNode},
		{"GET", "node=10.0.0.1", here, "", 404, codeNotFound, wellNode + ", " + sickNode},
		{"GET", "node=", here, "", 400, vectors.InvalidValue, wellNode},
	} {
		f := newNodeService()
		var headers []string
		if test.header != "" {
			headers = []string{test.header, "http://10.0.0.1"}
		}
		w := f.private(t, test.method, "/nodes?"+test.query, test.from, headers...)
		name := fmt.Sprintf("%s %s from %q %s", test.method, test.query, test.from, test.header)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.says) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if test.code != "" {
			if p := (response{w.Code, w.Header(), w.Body.String(), false}).problem(t); p.Code != test.code {
				t.Errorf("%s: code %s", name, p.Code)
			}
		}
		if done := len(f.forced) > 0; done != (test.status == 200) {
			t.Errorf("%s: forced %v", name, f.forced)
		}
	}
}

// TestForceNodeFails: that it cannot be done is told, and why.
func TestForceNodeFails(t *testing.T) {
	f := newNodeService()
	f.err = errors.New("lookup: the reader is closed")
	w := f.private(t, "POST", "/nodes?node="+wellNode+"&force=open", here, "X-Request-Id", "mine")
	var p problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	if w.Code != 503 || p.Detail != f.err.Error() || p.RequestID != "mine" {
		t.Errorf("%d %+v", w.Code, p)
	}
}

// TestForceNeedsAHook: without one a node cannot be forced, and can be seen.
func TestForceNeedsAHook(t *testing.T) {
	s := start(t, Config{}, newNodeService())
	if got := s.send(s.health, "POST", "/nodes?node="+wellNode+"&force=open", ""); got.status != 405 {
		t.Errorf("POST: %d %s", got.status, got.body)
	}
	if got := s.send(s.health, "GET", "/nodes", ""); got.status != 200 {
		t.Errorf("GET: %d %s", got.status, got.body)
	}
	if got := s.do("GET", "/nodes", ""); got.status != 404 {
		t.Errorf("on the public listener: %d", got.status)
	}
}

// TestForceIsLogged, with who was forced to what.
func TestForceIsLogged(t *testing.T) {
	f := newNodeService()
	s := start(t, Config{Force: f.force}, f)
	s.send(s.health, "POST", "/nodes?node="+sickNode+"&force=drained", "")
	if want := `node=` + sickNode + ` force=drained was=closed`; !strings.Contains(s.log.String(), want) {
		t.Errorf("the log does not say %s:\n%s", want, s.log)
	}
}

// TestHealthMetrics: exactly one state of a node is 1, and durations are in seconds.
func TestHealthMetrics(t *testing.T) {
	f := newNodeService()
	text := f.private(t, "GET", "/metrics", elsewhere).Body.String()
	for _, want := range []string{
		`rongate_node_state{node="10.0.0.1:3306",state="serving",zone="a"} 1`,
		`rongate_node_state{node="10.0.0.2:3306",state="serving",zone="b"} 0`,
		`rongate_node_state{node="10.0.0.2:3306",state="down",zone="b"} 1`,
		`rongate_node_state_since_timestamp_seconds{node="10.0.0.2:3306",zone="b"} 1.772362801e+09`,
		`rongate_node_forced{node="10.0.0.1:3306",zone="a"} 0`,
		`rongate_node_forced{node="10.0.0.2:3306",zone="b"} 1`,
		`rongate_node_pace{node="10.0.0.2:3306",zone="b"} 20`,
		`rongate_node_average_seconds{node="10.0.0.1:3306",zone="a"} 0.000412345`,
		`rongate_node_oldest_statement_seconds{node="10.0.0.1:3306",zone="a"} 0.001`,
		`rongate_node_patience_seconds{node="10.0.0.1:3306",zone="a"} 0.02`,
		`rongate_statement_retries_total{class="denied"} 15`,
		`rongate_hedges_total 16`,
		`rongate_hedges_ended_total{outcome="won"} 17`,
		`rongate_hedges_ended_total{outcome="lost"} 18`,
		`rongate_hedges_denied_total 19`,
		`rongate_hedge_delay_seconds{keys="4"} 0.0015`,
		`rongate_hedge_delay_seconds{keys="128"} 0`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("there is no %s", want)
		}
	}
	for _, n := range f.nodes {
		prefix := `rongate_node_state{node="` + n.Address + `",`
		if ones := regexp.MustCompile(regexp.QuoteMeta(prefix)+`.* 1\n`).FindAllString(text, -1); len(ones) != 1 {
			t.Errorf("%s is in the states %q", n.Address, ones)
		}
	}
}

// TestMetadataMetrics: where the catalogue is of a metadata layer, it is told how that is.
func TestMetadataMetrics(t *testing.T) {
	at := time.UnixMilli(1_767_323_045_500)
	s := start(t, Config{Metadata: func() MetadataStats {
		return MetadataStats{Live: true, KnownAt: at, Polls: 5, Failures: 2, Changes: 3, Served: 7, Unserved: 4}
	}}, &fakeService{})
	text := s.send(s.health, "GET", "/metrics", "").body
	for _, want := range []string{
		"rongate_metadata_live 1", "rongate_metadata_known_timestamp_seconds 1.7673230455e+09", "rongate_metadata_changes_total 3",
		`rongate_metadata_polls_total{result="answered"} 3`, `rongate_metadata_polls_total{result="failed"} 2`,
		`rongate_metadata_feature_views{served="yes"} 7`, `rongate_metadata_feature_views{served="no"} 4`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("there is no %s", want)
		}
	}
	if strings.Contains(text, "\nrongate_metadata_snapshot_timestamp_seconds ") {
		t.Error("a snapshot is told of that there is not")
	}
}

// TestQueriesNameMetrics: what the documents ask for is there.
func TestQueriesNameMetrics(t *testing.T) {
	s := start(t, Config{
		Reloads:  func() ReloadStats { return ReloadStats{AcceptedAt: time.Now()} },
		Metadata: func() MetadataStats { return MetadataStats{KnownAt: time.Now(), SavedAt: time.Now()} },
	}, &fakeService{})
	text := s.send(s.health, "GET", "/metrics", "").body
	name := regexp.MustCompile(`\brongate_[a-z_]*[a-z]`)
	for _, path := range []string{"../deploy/metrics.md", "../README.md", "../deploy/kubernetes/README.md"} {
		document, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range name.FindAllString(string(document), -1) {
			family := found
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				family = strings.TrimSuffix(family, suffix)
			}
			if !strings.Contains(text, "# HELP "+family+" ") {
				t.Errorf("%s has %s, which there is not", path, found)
			}
		}
	}
}
