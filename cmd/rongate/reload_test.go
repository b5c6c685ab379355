package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/server"
)

// rewrite replaces a file as an orchestrator does: whole.
func rewrite(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// hangup sends the signal that asks for a reload, and returns when it is done: result is what it should come to.
func (s *served) hangup(result string) {
	s.t.Helper()
	before := s.metric(`rongate_reloads_total{result="` + result + `"}`)
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGHUP); err != nil {
		s.t.Fatal(err)
	}
	s.wait("reloaded and "+result, func() bool { return s.metric(`rongate_reloads_total{result="`+result+`"}`) > before })
}

// metric returns the value of a series, -1 if there is none.
func (s *served) metric(series string) float64 {
	s.t.Helper()
	_, text := s.get(s.health + "/metrics")
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			var value float64
			if _, err := fmt.Sscan(rest, &value); err != nil {
				s.t.Fatal(err)
			}
			return value
		}
	}
	return -1
}

func (s *served) ready() {
	s.t.Helper()
	s.wait("ready", func() bool {
		status, _ := s.get(s.health + "/readyz")
		return status == 200
	})
}

// reloadFolder is databaseFolder with the parts of its configuration at hand.
func reloadFolder(t *testing.T) (dir, config string) {
	t.Helper()
	dir = databaseFolder(t, smallCatalog)
	text, err := os.ReadFile(filepath.Join(dir, "rongate.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return dir, string(text)
}

const request = `{"featureView":"fraud","entry":{"account_id":4711}}`

// TestReloadFile: what is written into the files is served, without a signal and without a restart.
func TestReloadFile(t *testing.T) {
	dir, config := reloadFolder(t)
	s := serveFolder(t, dir)
	s.ready()
	rewrite(t, dir, "catalog.yaml", strings.Replace(smallCatalog, "name: fraud", "name: risk", 1))
	s.wait("serving the other view", func() bool {
		status, _ := s.post(`{"featureView":"risk","entry":{"account_id":4711}}`)
		return status == 200
	})
	if status, body := s.post(request); status != 404 {
		t.Errorf("the view of before: %d %s", status, body)
	}
	key, digest := server.NewKey()
	rewrite(t, dir, "keys.yaml", `keys: [{name: a, sha256: "`+digest+`", views: ["*"]}]`)
	rewrite(t, dir, "rongate.yaml", config+"apiKeys: {file: keys.yaml}\nlimits: {maxEntries: 1}\nhttp: {idleTimeout: 7s}\n")
	s.wait("asking for a key", func() bool {
		status, _ := s.post(request)
		return status == 401
	})
	if !strings.Contains(s.log.String(), `"fields":"http.idleTimeout"`) {
		t.Errorf("what takes a restart is not told:\n%s", s.log)
	}
	batch := `{"featureView":"risk","entries":[{"account_id":4711},{"account_id":4711}]}`
	if status, body := s.postWithKey(key, batch); status != 413 || !strings.Contains(body, "batch_too_large") {
		t.Errorf("the new limit: %d %s", status, body)
	}
	rewrite(t, dir, "keys.yaml", "keys: [{name: a, sha256: 12, views: []}]") // revoked by a file that is wrong
	s.wait("refusing the file of keys", func() bool { return s.metric("rongate_reload_current") == 0 })
	if status, body := s.postWithKey(key, batch); status != 413 {
		t.Errorf("after a file that was refused: %d %s", status, body)
	}
	for _, want := range []string{"keys.yaml:1: keys[0].sha256: must be", "keys.yaml:1: keys[0].views: is empty"} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log does not say %s:\n%s", want, s.log)
		}
	}
	s.terminate()
}

func (s *served) postWithKey(key, body string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequest("POST", s.public+"/feature-vectors", strings.NewReader(body))
	if err == nil {
		req.Header.Set("X-Api-Key", key)
	}
	return s.read(req, err)
}

// TestReloadWithoutDatabase: nodes that cannot be reached do not take the place of those that can.
func TestReloadWithoutDatabase(t *testing.T) {
	dir, config := reloadFolder(t)
	s := serveFolder(t, dir)
	s.ready()
	head, rest, _ := strings.Cut(config, "nodes:\n")
	_, rest, _ = strings.Cut(rest, "database:")
	rewrite(t, dir, "rongate.yaml", head+"nodes: [{address: \"127.0.0.1:1\", zone: zone1}]\ndatabase:"+rest)
	s.hangup("accepted")
	if status, body := s.post(request); status != 200 || s.metric("rongate_nodes_leaving") != 3 {
		t.Errorf("%d %s, %v leaving", status, body, s.metric("rongate_nodes_leaving"))
	}
	rewrite(t, dir, "rongate.yaml", config)
	s.hangup("accepted")
	if status, body := s.post(request); status != 200 || s.metric("rongate_nodes_leaving") != 0 {
		t.Errorf("%d %s, %v leaving", status, body, s.metric("rongate_nodes_leaving"))
	}
	s.terminate()
}

// TestReloadKeepsKeys: other addresses take a restart, and until then those of before ask for keys.
func TestReloadKeepsKeys(t *testing.T) {
	_, digest := server.NewKey()
	private := "privateListen: 127.0.0.1:0\nlog: {format: json}\n"
	dir := folder(t, map[string]string{
		"catalog.yaml": smallCatalog, "keys.yaml": `keys: [{name: a, sha256: "` + digest + `", views: ["*"]}]`,
		"rongate.yaml": smallConfig + private + "listen: [\"127.0.0.1:0\", \"0.0.0.0:0\"]\napiKeys: {file: keys.yaml}\n",
	})
	s := serveFolder(t, dir)
	s.public, _, _ = strings.Cut(s.public, ",")
	if status, body := s.post(request); status != 401 {
		t.Fatalf("%d %s", status, body)
	}
	rewrite(t, dir, "rongate.yaml", smallConfig+private+"listen: 127.0.0.1:0\n")
	s.hangup("refused")
	if status, body := s.post(request); status != 401 {
		t.Errorf("without keys, on an address that others reach: %d %s", status, body)
	}
	if !strings.Contains(s.log.String(), "apiKeys: rongate listens on 0.0.0.0:0") {
		t.Errorf("the log does not say why:\n%s", s.log)
	}
	rewrite(t, dir, "rongate.yaml", smallConfig+private+"listen: 127.0.0.1:0\napiKeys: {file: keys.yaml}\n")
	s.wait("saying that listen takes a restart", func() bool { return strings.Contains(s.log.String(), `"fields":"listen"`) })
	rewrite(t, dir, "rongate.yaml", smallConfig+private+"listen: 127.0.0.1:0\n")
	s.hangup("refused") // it still listens there
	s.terminate()
}

// TestReloadBeforeTheDatabase: while the catalogue waits for a database that is away, mistakes in the files change nothing,
// and are not forgotten once it is back.
func TestReloadBeforeTheDatabase(t *testing.T) {
	dir, config := reloadFolder(t)
	db := shared.Get(t, testbed.KindMariaDB)
	for _, n := range db.Nodes() {
		if err := n.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	s := serveFolder(t, dir)
	unavailable := func() float64 { return s.metric(`rongate_reloads_total{result="unavailable"}`) }
	s.wait("missing the database", func() bool { return unavailable() > 0 })

	rewrite(t, dir, "catalog.yaml", "featureStores: [\n")
	s.hangup("refused")
	before := unavailable()
	s.wait("trying on with half a catalogue", func() bool { return unavailable() > before })

	rewrite(t, dir, "catalog.yaml", smallCatalog)
	rewrite(t, dir, "rongate.yaml", config+"lisen: x\n")
	s.hangup("refused")
	if err := db.Mend(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.ready()
	if current := s.metric("rongate_reload_current"); current != 0 {
		t.Errorf("with a mistake in the configuration: rongate_reload_current %v", current)
	}
	rewrite(t, dir, "rongate.yaml", config)
	s.wait("current again", func() bool { return s.metric("rongate_reload_current") == 1 })
	s.terminate()
}

// TestWhatAChangeTakes tells new connections, and a restart, from neither.
func TestWhatAChangeTakes(t *testing.T) {
	cert, key := certificate(t)
	other, _ := certificate(t)
	const nodes = "catalog: {file: catalog.yaml}\nnodes: [{address: \"h:1\"}]\n"
	load := func(ca, password, config string) *config {
		t.Helper()
		c, err := loadConfig(filepath.Join(folder(t, map[string]string{
			"catalog.yaml": smallCatalog, "password": password, "other": password, "ca.pem": ca, "key.pem": key,
			"rongate.yaml": nodes + config,
		}), "rongate.yaml"), noEnvironment)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	const database = "database: {user: u, passwordFile: password, tls: {ca: ca.pem}}\n"
	for _, test := range []struct {
		name, ca, password, config string
		redial                     bool
		fixed                      string
	}{
		{name: "nothing", config: database},
		{name: "the password", password: "new", config: database},
		{name: "limits", config: database + "deadline: 1s\nlimits: {maxEntries: 5, maxQueued: 5, maxConcurrent: 5}\n"},
		{name: "the log's level", config: database + "log: {level: debug}\n"},
		{name: "authority", ca: other, config: database, redial: true},
		{name: "user", config: strings.Replace(database, "user: u", "user: v", 1), redial: true},
		{name: "password file", config: strings.Replace(database, "passwordFile: password", "passwordFile: other", 1), redial: true},
		{name: "server name", config: strings.Replace(database, "ca: ca.pem", "ca: ca.pem, serverName: x", 1), redial: true},
		{name: "no TLS", config: "database: {user: u, passwordFile: password}\n", redial: true},
		{name: "perNode", config: database + "connections: {perNode: 3}\n", redial: true},
		{name: "maxDetached", config: database + "connections: {maxDetached: 3}\n", redial: true},
		{name: "concurrentWarmups", config: database + "connections: {concurrentWarmups: 3}\n", redial: true},
		{name: "keepAlive", config: database + "connections: {keepAlive: 3s}\n", redial: true},
		{name: "lifetime", config: database + "connections: {lifetime: 3h}\n", redial: true},
		{name: "statements", config: database + "connections: {statements: 3}\n", redial: true},
		{name: "drainGrace", config: database + "connections: {drainGrace: 3s}\n", redial: true},
		{
			name: "listeners", fixed: "listen privateListen socketMode",
			config: database + "listen: 127.0.0.1:1\nprivateListen: 127.0.0.1:2\nsocketMode: \"0600\"\n",
		},
		{
			name: "HTTP", fixed: "limits.maxHeaderBytes http.readTimeout http.idleTimeout",
			config: database + "limits: {maxHeaderBytes: 1000}\nhttp: {readTimeout: 9s, idleTimeout: 9s, writeTimeout: 9s}\n",
		},
		{name: "the log's form", fixed: "log.format", config: database + "log: {format: json}\n"},
	} {
		// In one directory after the other: the files' paths differ, so they are made the same.
		a, b := load(cert, "old", database), load(cmp.Or(test.ca, cert), cmp.Or(test.password, "old"), test.config)
		a.access.passwordFile, b.access.passwordFile = filepath.Base(a.access.passwordFile), filepath.Base(b.access.passwordFile)
		if redial := !sameConnections(a, b); redial != test.redial {
			t.Errorf("%s: new connections: %t", test.name, redial)
		}
		if fixed := strings.Join(fixedFields(a, b), " "); fixed != test.fixed {
			t.Errorf("%s: takes a restart: %q", test.name, fixed)
		}
		keepFixed(b, a)
		if fixed := fixedFields(a, b); len(fixed) > 0 {
			t.Errorf("%s: is in force and is not: %q", test.name, fixed)
		}
	}
}

// TestRefusedCatalogue: one that names a column that is not there yet is served when it is.
func TestRefusedCatalogue(t *testing.T) {
	dir, _ := reloadFolder(t)
	path := filepath.Join(dir, "rongate.yaml")
	cfg, err := loadConfig(path, noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	log := &buffer{}
	g, err := newGateway(path, noEnvironment, cfg, time.Now(), log)
	if err != nil {
		t.Fatal(err)
	}
	hangups := make(chan os.Signal, 1)
	g.hangups, g.retryRefused = hangups, 10*time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- g.serve(ctx) }()
	wait := func(what string, done func() bool) {
		t.Helper()
		for end := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("still not %s; the log:\n%s", what, log)
			}
		}
	}
	wait("loaded", func() bool { return g.catalog.Load() != nil })
	rewrite(t, dir, "catalog.yaml", strings.Replace(smallCatalog, "[country]", "[country, later]", 1))
	hangups <- syscall.SIGHUP
	wait("refused", func() bool { return g.attempts.stats().Refused > 1 })
	db := shared.Get(t, testbed.KindMariaDB)
	if err := db.Exec(t.Context(), "ALTER TABLE payments.account_stats_1 ADD COLUMN later INT"); err != nil {
		t.Fatal(err)
	}
	wait("served", func() bool { return len(g.catalog.Load().Current().Views[0].Features) == 2 })
	if err := db.Exec(t.Context(), "ALTER TABLE payments.account_stats_1 DROP COLUMN later"); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestReloadUnderLoad reloads 200 times, a quarter of them with broken files, while requests are answered.
func TestReloadUnderLoad(t *testing.T) {
	dir, config := reloadFolder(t)
	s := serveFolder(t, dir)
	s.ready()
	load := startLoad(t, s.public)
	settled := uint64(0)
	for i := range 200 {
		result := change(t, dir, config, i)
		s.hangup(result)
		switch i {
		case 59:
			settled = footprint()
		case 199:
			if now := footprint(); now > settled+settled/10+1<<20 {
				t.Errorf("%d bytes in use after 60 reloads, %d after 200", settled, now)
			}
		}
	}
	failed, answered := load.stop()
	t.Logf("%d requests answered during 200 reloads, %d failed; %.1f MiB in use", answered, len(failed), float64(settled)/(1<<20))
	if len(failed) > 0 || answered < 200 {
		t.Errorf("%d of %d failed, such as %.3q\n%s", len(failed), answered, failed, s.log)
	}
	if accepted := s.metric(`rongate_reloads_total{result="accepted"}`); accepted != 151 { // the first one included
		t.Errorf("%v reloads were accepted", accepted)
	}
	s.terminate()
}

// change writes files for the i-th reload and returns what is to become of it.
func change(t *testing.T, dir, config string, i int) (result string) {
	t.Helper()
	rewrite(t, dir, "rongate.yaml", config)
	rewrite(t, dir, "catalog.yaml", smallCatalog)
	switch i % 8 {
	case 0: // as it was
	case 1:
		rewrite(t, dir, "catalog.yaml", strings.Replace(smallCatalog, "[country]", "[country, account_id]", 1))
	case 2: // one node less
		lines := strings.SplitAfter(config, "\n")
		at := 3 + i/8%3 // after catalog, zone and nodes
		rewrite(t, dir, "rongate.yaml", strings.Join(append(lines[:at:at], lines[at+1:]...), ""))
	case 3: // every connection anew
		rewrite(t, dir, "rongate.yaml", config+"connections: {perNode: 3}\n")
	case 4:
		rewrite(t, dir, "rongate.yaml", config+fmt.Sprintf("deadline: %ds\nlimits: {maxQueued: %d}\n", 10+i%3, 1000+i))
	case 5:
		rewrite(t, dir, "catalog.yaml", strings.Replace(smallCatalog, "version: 1\n", "version: 1 # again\n", 1))
	case 6:
		rewrite(t, dir, "rongate.yaml", []string{"nodes: [", config + "lisen: x\n", ""}[i/8%3])
		return "refused"
	case 7:
		broken := []string{wrongCatalog, "featureStores:", smallCatalog + "  - {name: payments}\n"}
		rewrite(t, dir, "catalog.yaml", broken[i/8%3])
		return "refused"
	}
	return "accepted"
}

// footprint is how many bytes of the heap are in use.
func footprint() uint64 {
	var m runtime.MemStats
	for range 2 { // what finalizers and pools let go takes two rounds
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// load is callers that ask for one vector all the time.
type load struct {
	ended    chan struct{}
	callers  sync.WaitGroup
	client   *http.Client
	answered atomic.Int64
	mu       sync.Mutex // guards failed
	failed   []string
}

func startLoad(t *testing.T, url string) *load {
	t.Helper()
	l := &load{ended: make(chan struct{}), client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4}}}
	for range 4 {
		l.callers.Go(func() {
			for {
				select {
				case <-l.ended:
					return
				default:
					l.ask(url)
				}
			}
		})
	}
	return l
}

func (l *load) ask(url string) {
	resp, err := l.client.Post(url+"/feature-vectors", "application/json", strings.NewReader(request))
	var body []byte
	if err == nil {
		body, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	l.answered.Add(1)
	if err == nil && resp.StatusCode == 200 && bytes.Contains(body, []byte(`"vector":["SE"`)) &&
		bytes.Contains(body, []byte(`"status":"COMPLETE"`)) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, fmt.Sprint(err, string(body)))
}

func (l *load) stop() (failed []string, answered int64) {
	close(l.ended)
	l.callers.Wait()
	l.client.CloseIdleConnections()
	return l.failed, l.answered.Load()
}
