package devdb

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

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/contract"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
	"github.com/rongate/rongate/server"
	"github.com/rongate/rongate/vectors"
)

// gateway is rongate as cmd/rongate composes it, but for its clock, in the test's own process.
type gateway struct {
	t      testing.TB
	url    string
	reader *lookup.Reader
	client *http.Client
}

// startGateway serves a catalogue, or the contract's if there is none, from all nodes of a database.
func startGateway(t testing.TB, db *DB, catalogue string) *gateway {
	t.Helper()
	path := filepath.Join("..", "..", "contract", "catalog.yaml")
	if catalogue != "" {
		path = filepath.Join(t.TempDir(), "catalog.yaml")
		if err := os.WriteFile(path, []byte(catalogue), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	g := &gateway{t: t, client: &http.Client{Timeout: soon}}
	log := slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	var served *catalog.Catalog
	cfg := lookup.Config{
		Pool:    pool.Config{User: user, Password: func() (string, error) { return password, nil }},
		Log:     log,
		OnStale: func(name catalog.TableName) { served.Stale(name) },
	}
	for _, address := range db.Addresses() {
		cfg.Nodes = append(cfg.Nodes, lookup.NodeConfig{Address: address})
	}
	var err error
	if g.reader, err = lookup.Open(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.end(g.reader.Close) })
	service := vectors.New(vectors.Config{Now: contract.Now, Deadline: soon / 4}, g.reader)
	use := func(s *catalog.Snapshot) {
		if err := service.Use(s); err != nil {
			t.Error(err)
		}
	}
	served, err = catalog.Open(t.Context(), catalog.Config{Path: path, Describer: g.reader, Log: log, OnChange: use})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(served.Close)
	use(served.Current())
	g.serve(service, log)
	g.waitForNodes(len(cfg.Nodes))
	return g
}

func (g *gateway) serve(service *vectors.Service, log *slog.Logger) {
	public, err := server.New(server.Config{Deadline: soon / 4, Log: log}, service)
	if err != nil {
		g.t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		g.t.Fatal(err)
	}
	g.url = "http://" + listener.Addr().String()
	done := make(chan error, 1)
	go func() { done <- public.Serve(listener) }()
	g.t.Cleanup(func() {
		g.client.CloseIdleConnections()
		g.end(public.Shutdown)
		if err := <-done; err != nil {
			g.t.Error(err)
		}
	})
}

func (g *gateway) end(what func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), soon)
	defer cancel()
	if err := what(ctx); err != nil {
		g.t.Error(err)
	}
}

// waitForNodes returns when n nodes have all their connections.
func (g *gateway) waitForNodes(n int) {
	g.t.Helper()
	for end := time.Now().Add(soon); ; time.Sleep(time.Millisecond) {
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

// testLog writes a log to a test's output.
type testLog struct{ t testing.TB }

func (l testLog) Write(line []byte) (int, error) {
	if l.t.Context().Err() == nil { // the test is still there to take it
		l.t.Log(strings.TrimSuffix(string(line), "\n"))
	}
	return len(line), nil
}
