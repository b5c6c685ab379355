package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-json"

	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

// patience bounds every wait of these tests. Nothing takes nearly as long unless it hangs.
const patience = 30 * time.Second

// served is a serve command at work.
type served struct {
	t              *testing.T
	public, health string
	log            *buffer
	status         chan int
}

// serveFolder runs serve on the rongate.yaml of a directory and returns when it listens. The test must end it.
func serveFolder(t *testing.T, dir string) *served {
	t.Helper()
	s := &served{t: t, log: &buffer{}, status: make(chan int, 1)}
	go func() {
		s.status <- run([]string{"serve", "-c", filepath.Join(dir, "rongate.yaml")}, output{io.Discard, s.log})
	}()
	s.wait("listening", func() bool {
		for line := range strings.Lines(s.log.String()) {
			var entry struct{ Msg, Listen, PrivateListen string }
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "serving" {
				s.public, s.health = "http://"+entry.Listen, "http://"+entry.PrivateListen
				return true
			}
		}
		return false
	})
	return s
}

func (s *served) wait(what string, done func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("still not %s; the log:\n%s", what, s.log)
		}
	}
}

// get returns a response's status and body.
func (s *served) get(url string) (int, string) {
	s.t.Helper()
	return s.read(http.NewRequest("GET", url, nil))
}

func (s *served) post(body string) (int, string) {
	s.t.Helper()
	return s.read(http.NewRequest("POST", s.public+"/feature-vectors", strings.NewReader(body)))
}

func (s *served) read(req *http.Request, err error) (int, string) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// terminate sends the process, which the test runs in, the signal of an orchestrator, and wants serve to end for it.
func (s *served) terminate() {
	s.t.Helper()
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	s.wantEnd(0)
}

func (s *served) wantEnd(status int) {
	s.t.Helper()
	select {
	case got := <-s.status:
		if got != status {
			s.t.Errorf("serve ended with %d; the log:\n%s", got, s.log)
		}
	case <-time.After(patience):
		s.t.Fatalf("serve has not ended; the log:\n%s", s.log)
	}
}

const jsonOnAnyPort = "listen: 127.0.0.1:0\nprivateListen: 127.0.0.1:0\nlog: {format: json}\n"

// TestNotUp: an error from before a recovery does not explain what is wrong now.
func TestNotUp(t *testing.T) {
	now := time.Now()
	n := lookup.NodeStats{Address: "h:1", Pool: pool.Stats{Detached: 2, LastError: errors.New("refused"), LastErrorTime: now}}
	if got := notUp(n, now.Add(time.Second)).Error(); got != "node h:1: refused" {
		t.Errorf("got %s", got)
	}
	if got := notUp(n, now.Add(time.Minute)).Error(); strings.Contains(got, "refused") || !strings.Contains(got, "2 run") {
		t.Errorf("got %s", got)
	}
}

// TestServeWithoutDatabase has one node that refuses connections and one that accepts them and says nothing.
func TestServeWithoutDatabase(t *testing.T) {
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s := serveFolder(t, folder(t, map[string]string{
		"catalog.yaml": smallCatalog,
		"rongate.yaml": fmt.Sprintf("catalog: {file: catalog.yaml}\nnodes: [{address: %q}, {address: %q}]\n"+
			"database: {user: u}\n%s", refusing.Addr(), silent.Addr(), jsonOnAnyPort),
	}))
	if status, body := s.get(s.health + "/livez"); status != 200 {
		t.Errorf("livez: %d %s", status, body)
	}
	status, body := s.get(s.health + "/readyz")
	if status != 503 || !strings.Contains(body, "the catalogue is not loaded yet") {
		t.Errorf("readyz: %d %s", status, body)
	}
	if status, body := s.post(`{"featureView":"fraud","entry":{"account_id":1}}`); status != 503 ||
		!strings.Contains(body, `"code":"unavailable"`) || strings.Contains(body, "127.0.0.1") {
		t.Errorf("POST: %d %s", status, body)
	}
	if status, _ := s.get(s.public + "/openapi.json"); status != 200 {
		t.Errorf("openapi.json: %d", status)
	}
	if status, body := s.get(s.health + "/metrics"); status != 200 || !strings.Contains(body, "rongate_ready 0") {
		t.Errorf("metrics: %d %s", status, body)
	}
	s.wait("saying why it is not ready", func() bool {
		_, body := s.get(s.health + "/readyz")
		return strings.Contains(body, refusing.Addr().String())
	})
	s.terminate()
}

// TestFitContainer: nine tenths of what a container may use are the collector's limit, unless GOMEMLIMIT says another.
func TestFitContainer(t *testing.T) {
	before, threads := debug.SetMemoryLimit(-1), runtime.GOMAXPROCS(0)
	defer func() {
		debug.SetMemoryLimit(before)
		runtime.GOMAXPROCS(threads)
	}()
	debug.SetMemoryLimit(math.MaxInt64)
	log := slog.New(slog.DiscardHandler)
	fitContainer(log, 0)
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("without a limit: %d", got)
	}
	fitContainer(log, 100<<20)
	if got := debug.SetMemoryLimit(-1); got != 90<<20 {
		t.Errorf("of 100 MiB: %d", got)
	}
	fitContainer(log, 200<<20)
	if got := debug.SetMemoryLimit(-1); got != 90<<20 {
		t.Errorf("a limit that was there is overridden: %d", got)
	}
}

// TestServeAddressInUse ends at once, with the reason.
func TestServeAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, listens := range []string{
		"listen: %s\nprivateListen: 127.0.0.1:0\n", "listen: 127.0.0.1:0\nprivateListen: %s\n",
	} {
		dir := folder(t, map[string]string{
			"catalog.yaml": smallCatalog, "rongate.yaml": smallConfig + fmt.Sprintf(listens, taken.Addr()),
		})
		status, _, stderr := command("serve", "-c", filepath.Join(dir, "rongate.yaml"))
		if status != 1 || !strings.Contains(stderr, "address already in use") {
			t.Errorf("%d, %q", status, stderr)
		}
	}
}

// databaseFolder is a configuration for a table on a real server.
func databaseFolder(t *testing.T, catalogue string) string {
	t.Helper()
	db := shared.Get(t, testbed.KindMariaDB)
	err := db.Exec(t.Context(), `CREATE DATABASE IF NOT EXISTS payments;
		CREATE TABLE IF NOT EXISTS payments.account_stats_1 (account_id BIGINT PRIMARY KEY, country VARCHAR(2))
			`+db.Engine()+`;
		REPLACE INTO payments.account_stats_1 VALUES (4711, 'SE');`)
	if err != nil {
		t.Fatal(err)
	}
	nodes := ""
	for _, n := range db.Nodes() {
		nodes += fmt.Sprintf("  - {address: %q, zone: %s}\n", n.Address, n.Zone)
	}
	return folder(t, map[string]string{
		"catalog.yaml": catalogue,
		"rongate.yaml": "catalog: {file: catalog.yaml}\nzone: zone1\nnodes:\n" + nodes +
			"database: {user: " + testbed.User + "}\n" + jsonOnAnyPort,
	})
}

func TestServeDatabase(t *testing.T) {
	s := serveFolder(t, databaseFolder(t, smallCatalog))
	s.wait("ready", func() bool {
		status, _ := s.get(s.health + "/readyz")
		return status == 200
	})
	status, body := s.post(`{"featureView":"fraud","entry":{"account_id":4711}}`)
	const want = `{"featureStore":"payments","featureView":"fraud","version":1,"features":["country"],` +
		`"vector":["SE"],"status":"COMPLETE"}`
	if status != 200 || body != want {
		t.Errorf("got %d %s", status, body)
	}
	_, metrics := s.get(s.health + "/metrics")
	if !strings.Contains(metrics, `feature_view="fraud",status="COMPLETE",version="1"} 1`) {
		t.Error("the vector is not counted")
	}
	s.terminate()
}

const wrongCatalog = `featureStores:
  - name: payments
    featureGroups:
      - {name: account_stats, version: 1}
    featureViews:
      - name: fraud
        version: 1
        joins: [{group: account_stats, version: 1}]
        features: [contry]
`

// TestServeWrongCatalogue finds out from the tables that the catalogue is wrong, and does not serve it.
func TestServeWrongCatalogue(t *testing.T) {
	status, _, stderr := command("serve", "-c", filepath.Join(databaseFolder(t, wrongCatalog), "rongate.yaml"))
	if status != 1 || !strings.Contains(stderr, "catalog.yaml:9: ") || !strings.Contains(stderr, "did you mean country?") {
		t.Errorf("%d, %s", status, stderr)
	}
}
