package server

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rongate/rongate/vectors"
)

// blockingService holds every request until it is released.
func blockingService() (_ *fakeService, entered <-chan struct{}, release chan struct{}) {
	in, out := make(chan struct{}), make(chan struct{})
	return &fakeService{append: func(dst []byte, _ *vectors.Request) ([]byte, *vectors.Error) {
		in <- struct{}{}
		<-out
		return append(dst, "late"...), nil
	}}, in, out
}

func TestDrain(t *testing.T) {
	service, entered, release := blockingService()
	s := start(t, Config{DrainDelay: time.Second}, service)

	idle := s.dial()
	idle.write("GET /feature-views HTTP/1.1\r\nHost: x\r\n\r\n")
	if resp := idle.response(); resp.status != 200 || resp.closes {
		t.Fatalf("before: got %d, connection closing %t", resp.status, resp.closes)
	}
	silent := s.dial()
	busy := s.dial()
	busy.write("POST /feature-vectors HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
	<-entered

	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.stop()
	}()
	for s.send(s.health, "GET", "/readyz", "").status == 200 {
		time.Sleep(time.Millisecond)
	}
	if resp := s.send(s.health, "GET", "/readyz", ""); !strings.Contains(resp.body, "draining") {
		t.Errorf("readyz says %s", resp.body)
	}
	if resp := s.send(s.health, "GET", "/livez", ""); resp.status != 200 {
		t.Errorf("livez says %d", resp.status)
	}
	// Within the delay, requests are served and clients sent away.
	if resp := s.do("GET", "/feature-views", ""); resp.status != 200 {
		t.Errorf("a new connection got %d", resp.status)
	}
	idle.write("GET /feature-views HTTP/1.1\r\nHost: x\r\n\r\n")
	if resp := idle.response(); resp.status != 200 || !resp.closes {
		t.Errorf("an old connection got %d, closing %t", resp.status, resp.closes)
	}
	// After it, nobody gets in; the request in progress is finished, whatever the silent connection does.
	silent.wantClosed()
	if c, err := net.Dial("tcp", s.addr); err == nil {
		c.Close()
		t.Error("the listener still accepts")
	}
	select {
	case <-stopped:
		t.Error("shut down with a request in progress")
	default:
	}
	close(release)
	if resp := busy.response(); resp.status != 200 || resp.body != "late" || !resp.closes {
		t.Errorf("the request in progress got %d %q, connection closing %t", resp.status, resp.body, resp.closes)
	}
	<-stopped
	if c, err := net.Dial("tcp", s.health); err == nil {
		c.Close()
		t.Error("the private listener still accepts")
	}
}

// TestDrainGivesUp bounds Shutdown by its context, and cuts off what is still open.
func TestDrainGivesUp(t *testing.T) {
	service, entered, release := blockingService()
	s := start(t, Config{}, service)
	c := s.dial()
	c.write("POST /feature-vectors HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
	<-entered
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	s.stopOnce.Do(func() {
		if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown returned %v", err)
		}
	})
	c.wantClosed()
	close(release)
}

func TestServeAfterShutdown(t *testing.T) {
	s, err := New(Config{}, &fakeService{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, serve := range []func(net.Listener) error{s.Serve, s.ServePrivate} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := serve(ln); err != nil {
			t.Error(err)
		}
		if c, err := net.Dial("tcp", ln.Addr().String()); err == nil {
			c.Close()
			t.Error("the listener is open")
		}
	}
}

func TestPrivateRoutes(t *testing.T) {
	var reason error
	s := start(t, Config{Ready: func() error { return reason }, Version: "v1.2.3"}, &fakeService{})
	get := func(path string) response { return s.send(s.health, "GET", path, "") }
	if resp := get("/livez"); resp.status != 200 || resp.body != "{\"live\":true}\n" {
		t.Errorf("livez: %d %s", resp.status, resp.body)
	}
	if resp := get("/readyz"); resp.status != 200 || resp.body != "{\"live\":true,\"ready\":true}\n" {
		t.Errorf("readyz: %d %s", resp.status, resp.body)
	}
	reason = errors.New("no node can serve")
	resp := get("/readyz")
	if resp.status != 503 || resp.body != "{\"live\":true,\"ready\":false,\"reason\":\"no node can serve\"}\n" {
		t.Errorf("readyz: %d %s", resp.status, resp.body)
	}
	if resp.header.Get("Content-Type") != "application/json" {
		t.Errorf("Content-Type %s", resp.header.Get("Content-Type"))
	}
	if resp := get("/livez"); resp.status != 200 {
		t.Errorf("livez without nodes: %d", resp.status)
	}
	resp = get("/debug/pprof/goroutine?debug=1")
	if resp.status != 200 || !strings.Contains(resp.body, "goroutine profile") {
		t.Errorf("pprof: %d", resp.status)
	}
	for _, path := range []string{"/", "/feature-vectors", "/feature-views"} {
		if resp := get(path); resp.status != 404 {
			t.Errorf("%s is on the private listener: %d", path, resp.status)
		}
	}
}

func TestMetrics(t *testing.T) {
	s := start(t, Config{Version: "v1.2.3"}, &fakeService{})
	for range 3 {
		s.do("POST", "/feature-vectors", "{}")
	}
	s.do("GET", "/feature-views/other/1", "")
	s.do("GET", "/etc/passwd", "")
	s.do("BREW", "/feature-vectors", "")
	metrics := s.send(s.health, "GET", "/metrics", "").body
	for _, want := range []string{
		`rongate_requests_total{route="/feature-vectors",status="200"} 3`,
		`rongate_requests_total{route="/feature-vectors",status="405"} 1`,
		`rongate_requests_total{route="/feature-views/{name}/{version}",status="404"} 1`,
		`rongate_requests_total{route="none",status="404"} 1`,
		`rongate_request_duration_seconds_count{route="/feature-vectors"} 3`,
		`rongate_request_duration_seconds_bucket{route="/feature-vectors",le="5e-05"}`,
		`rongate_request_duration_seconds_count{route="none"} 0`,
		"rongate_requests_in_progress 0",
		"rongate_requests_in_progress_limit 1024",
		"rongate_connections_open",
		"rongate_ready 1",
		"rongate_panics_total 0",
		`version="v1.2.3"`,
		`rongate_vectors_total{feature_store="payments",feature_view="fraud",status="COMPLETE",version="3"} 17`,
		`rongate_vectors_total{feature_store="payments",feature_view="fraud",status="ERROR",version="3"} 0`,
		`rongate_view_requests_total{code="ok",feature_store="payments",feature_view="fraud",version="3"} 19`,
		`rongate_view_requests_total{code="deadline_exceeded",feature_store="payments",feature_view="fraud",version="3"} 0`,
		`rongate_view_requests_total{code="unavailable",feature_store="",feature_view="none",version=""} 3`,
		`rongate_view_request_duration_seconds_bucket{feature_store="payments",feature_view="fraud",version="3",le="5e-05"} 11`,
		`rongate_view_request_duration_seconds_bucket{feature_store="payments",feature_view="fraud",version="3",le="0.0002"} 19`,
		`rongate_view_request_duration_seconds_bucket{feature_store="payments",feature_view="fraud",version="3",le="+Inf"} 19`,
		`rongate_view_request_duration_seconds_sum{feature_store="payments",feature_view="fraud",version="3"} 0.002`,
		`rongate_view_request_duration_seconds_count{feature_store="payments",feature_view="fraud",version="3"} 19`,
		"rongate_entries_total 20",
		"rongate_feature_views 4",
		"rongate_lookup_queued 2",
		`rongate_node_up{node="10.0.0.1:3306",zone="a"} 1`,
		`rongate_node_up{node="10.0.0.2:3306",zone="b"} 0`,
		`rongate_pool_connections{node="10.0.0.1:3306",state="free",zone="a"} 5`,
		`rongate_node_errors_total{class="timeout",node="10.0.0.1:3306",zone="a"} 2`,
		`rongate_node_errors_total{class="broken",node="10.0.0.2:3306",zone="b"} 0`,
		`rongate_node_statement_duration_seconds_bucket{node="10.0.0.1:3306",zone="a",le="0.0001"} 7`,
		`rongate_node_statement_duration_seconds_sum{node="10.0.0.1:3306",zone="a"} 0.001`,
		`rongate_statement_keys_bucket{node="10.0.0.1:3306",zone="a",le="4"} 3`,
		`rongate_statement_keys_bucket{node="10.0.0.1:3306",zone="a",le="128"} 7`,
		`rongate_statement_keys_sum{node="10.0.0.1:3306",zone="a"} 31`,
		`rongate_lookup_queue_seconds_bucket{le="5e-05"} 0`,
		"go_goroutines",
		"process_open_fds",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if strings.Contains(metrics, "passwd") || strings.Contains(metrics, "BREW") {
		t.Error("a client can make series")
	}
	if t.Failed() {
		t.Log(metrics)
	}
}

func TestConfig(t *testing.T) {
	for want, cfg := range map[string]Config{
		"Deadline is -1ns; it must be at least 1ms":    {Deadline: -1},
		"ReadTimeout is 1µs; it must be at least 1ms":  {ReadTimeout: time.Microsecond},
		"WriteTimeout is -1s; it must be at least 1ms": {WriteTimeout: -time.Second},
		"IdleTimeout is -1s; it must be at least 1ms":  {IdleTimeout: -time.Second},
		"DrainDelay is -1s; it must not be negative":   {DrainDelay: -time.Second},
		"MaxConcurrent is -1; it must be at least 1":   {MaxConcurrent: -1},
		"MaxConnections is -1; it must be at least 1":  {MaxConnections: -1},
		"MaxBodyBytes is -1; it must be at least 1":    {MaxBodyBytes: -1},
		"MaxHeaderBytes is 9; it must be at least 512": {MaxHeaderBytes: 9},
	} {
		if _, err := New(cfg, &fakeService{}); err == nil || err.Error() != "server configuration: "+want {
			t.Errorf("got %v; want %s", err, want)
		}
	}
	filled := Config{MaxBodyBytes: 7}.withDefaults()
	if filled.Deadline != 500*time.Millisecond || filled.MaxConcurrent != 1024 || filled.MaxBodyBytes != 7 {
		t.Errorf("defaults %+v", filled)
	}
}

// TestCloseAcceptsWhoHasConnected stops accepting while some have connected whom nobody has accepted yet: they are
// accepted, and only then the listener closes.
func TestCloseAcceptsWhoHasConnected(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = filepath.Join(t.TempDir(), "s")
		}
		socket, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		cs := newConnections(10, nil)
		ln := cs.listen(socket)
		const waiting = 5
		for range waiting {
			conn, err := net.Dial(network, socket.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
		}
		cs.close()
		if network == "unix" {
			if _, err := os.Stat(address); err == nil {
				t.Error("the socket can still be found")
			}
		}
		for i := range waiting {
			conn, err := ln.Accept()
			if err != nil {
				t.Fatalf("%s: %d of %d accepted: %v", network, i, waiting, err)
			}
			conn.Close()
		}
		if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: %v", network, err)
		}
		<-cs.empty
	}
}

// TestCloseInterruptsAccept ends an Accept that waits, and does not wait forever for one that nobody calls.
func TestCloseInterruptsAccept(t *testing.T) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	idle, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cs := newConnections(10, nil)
	ln := cs.listen(socket)
	cs.listen(idle)
	accepted := make(chan error)
	go func() {
		_, err := ln.Accept()
		accepted <- err
	}()
	cs.close()
	if err := <-accepted; !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
	cs.closeListeners()
	<-cs.empty
	if _, err := net.Dial("tcp", idle.Addr().String()); err == nil {
		t.Error("still listens")
	}
}
