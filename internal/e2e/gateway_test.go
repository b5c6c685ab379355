package e2e

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/contract"
	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
	"github.com/rongate/rongate/server"
	"github.com/rongate/rongate/vectors"
)

var shared testbed.Shared

func TestMain(m *testing.M) {
	echo()
	goleak.VerifyTestMain(
		tidy{shared.Main(m)},
		// fasthttp's own: one that lives as long as the process, one that looks for the end every 10 s.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}

// onEach runs a test on every kind of database that the machine has, with the tables of the contract in place.
func onEach(t *testing.T, test func(t *testing.T, db testbed.Cluster)) {
	for _, kind := range []testbed.Kind{testbed.KindMariaDB, testbed.KindNDB} {
		t.Run(string(kind), func(t *testing.T) { test(t, database(t, kind)) })
	}
}

// database returns the shared cluster of a kind; the first call creates the tables of the contract.
func database(t *testing.T, kind testbed.Kind) testbed.Cluster {
	t.Helper()
	db := shared.Get(t, kind)
	found, err := db.Query(t.Context(), "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'rongate_ready'")
	if err != nil {
		t.Fatal(err)
	}
	if found[0][0].Text == "0" {
		execute(t, db, strings.Join(contract.Schema(db.Engine()), ";\n")+";\n"+
			"CREATE DATABASE rongate_ready; CREATE TABLE rongate_ready.ready (a INT PRIMARY KEY) "+db.Engine()+";")
	}
	return db
}

func execute(t testing.TB, db testbed.Cluster, script string) {
	t.Helper()
	if err := db.Exec(t.Context(), script); err != nil {
		t.Fatal(err)
	}
}

// gateway is rongate as cmd/rongate composes it, but for its clock, in the test's own process.
type gateway struct {
	t       testing.TB
	url     string
	reader  *lookup.Reader
	catalog *catalog.Catalog
	client  *http.Client
}

type gatewayConfig struct {
	catalogue string // path
	nodes     []lookup.NodeConfig
	zone      string
	vectors   vectors.Config
	pool      pool.Config
}

// configFor is the configuration of a gateway in the zone of the first node of a cluster, at the contract's time.
func configFor(db testbed.Cluster) gatewayConfig {
	cfg := gatewayConfig{
		catalogue: filepath.Join("..", "..", "contract", "catalog.yaml"),
		zone:      db.Nodes()[0].Zone,
		vectors:   vectors.Config{Now: contract.Now, Deadline: 5 * time.Second},
		pool:      pool.Config{User: testbed.User},
	}
	for _, n := range db.Nodes() {
		cfg.nodes = append(cfg.nodes, lookup.NodeConfig{Address: n.Address, Zone: n.Zone})
	}
	return cfg
}

func startGateway(t testing.TB, cfg gatewayConfig) *gateway {
	t.Helper()
	g := &gateway{t: t, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}, Timeout: 20 * time.Second}}
	log := slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	reader, err := lookup.Open(lookup.Config{
		Zone: cfg.zone, Nodes: cfg.nodes, Pool: cfg.pool, Log: log,
		OnStale: func(name catalog.TableName) { g.catalog.Stale(name) },
	})
	if err != nil {
		t.Fatal(err)
	}
	g.reader = reader
	service := vectors.New(cfg.vectors, reader)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	g.catalog, err = catalog.Open(ctx, catalog.Config{
		Path: cfg.catalogue, Describer: reader, Log: log,
		OnChange: func(s *catalog.Snapshot) {
			if err := service.Use(s); err != nil {
				t.Error(err)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Use(g.catalog.Current()); err != nil {
		t.Fatal(err)
	}
	public, err := server.New(server.Config{Deadline: cfg.vectors.Deadline, Log: log}, service)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- public.Serve(listener) }()
	g.url = "http://" + listener.Addr().String()
	t.Cleanup(func() {
		g.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := public.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		g.catalog.Close()
		if err := reader.Close(ctx); err != nil {
			t.Error(err)
		}
		if blocks := reader.Stats().Blocks; blocks != 0 {
			t.Errorf("%d blocks were not released", blocks)
		}
	})
	g.waitForNodes(len(cfg.nodes))
	return g
}

// waitForNodes returns when n nodes have all their connections.
func (g *gateway) waitForNodes(n int) {
	g.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		full := 0
		for _, node := range g.reader.Stats().Nodes {
			if node.Up && node.Pool.Free >= node.Pool.Size {
				full++
			}
		}
		if full >= n {
			return
		}
		if time.Now().After(end) {
			g.t.Fatalf("only %d of %d nodes are up: %+v", full, n, g.reader.Stats().Nodes)
		}
	}
}

// do sends a request and returns its answer.
func (g *gateway) do(method, path string, header map[string]string, body []byte) (int, http.Header, []byte) {
	g.t.Helper()
	request, err := http.NewRequestWithContext(g.t.Context(), method, g.url+path, bytes.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := g.client.Do(request)
	if err != nil {
		g.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return response.StatusCode, response.Header, answer
}

// post asks for vectors and returns status and answer.
func (g *gateway) post(body string) (int, string) {
	g.t.Helper()
	status, _, answer := g.do(http.MethodPost, "/feature-vectors", nil, []byte(body))
	return status, string(answer)
}

// writeCatalogue puts a catalogue into a file of the test's own.
func writeCatalogue(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "catalog.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// testLog writes a log to a test's output.
type testLog struct{ t testing.TB }

func (l testLog) Write(line []byte) (int, error) {
	if l.t.Context().Err() == nil { // the test is still there to take it
		l.t.Log(strings.TrimSuffix(string(line), "\n"))
	}
	return len(line), nil
}
