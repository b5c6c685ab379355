package server

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rongate/rongate/vectors"
)

// TestChange changes what can be changed, on a kept connection.
func TestChange(t *testing.T) {
	var given time.Duration
	service := &fakeService{append: func(dst []byte, req *vectors.Request) ([]byte, *vectors.Error) {
		given = req.Timeout
		return append(dst, "{}"...), nil
	}}
	s := start(t, Config{}, service)
	post := func(body string, headers ...string) int {
		return s.do("POST", "/feature-vectors", body, headers...).status
	}
	if post(strings.Repeat(" ", 100)) != 200 || given != 500*time.Millisecond {
		t.Fatalf("given %v", given)
	}
	c := s.dial()
	keys := keysOf(t, threeKeys())
	if err := s.Change(Config{Deadline: time.Second, MaxBodyBytes: 50, MaxConnections: 10}); err != nil {
		t.Fatal(err)
	}
	if got := post("{}"); got != 200 || given != time.Second {
		t.Errorf("%d, given %v", got, given)
	}
	if got := post(strings.Repeat(" ", 100)); got != 413 {
		t.Errorf("a body of more than may be now: %d", got)
	}
	c.write("POST /feature-vectors HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n" + strings.Repeat(" ", 100))
	if got := c.response().status; got != 413 {
		t.Errorf("the same on a connection of before: %d", got)
	}
	if err := s.Change(Config{Keys: keys}); err != nil {
		t.Fatal(err)
	}
	if got := post("{}"); got != 401 {
		t.Errorf("without a key that is asked for now: %d", got)
	}
	if err := s.Change(Config{Deadline: time.Nanosecond}); err == nil {
		t.Error("a deadline of a nanosecond is accepted")
	}
	if got := post("{}"); got != 401 {
		t.Errorf("after a change that was refused: %d", got)
	}
	if err := s.Change(Config{MaxConcurrent: 1}); err != nil {
		t.Fatal(err)
	}
	if got := post("{}"); got != 200 {
		t.Errorf("without keys again: %d", got)
	}
}

// TestChangeBounds changes how much may go on at once.
func TestChangeBounds(t *testing.T) {
	service, entered, release := blockingService()
	s := start(t, Config{}, service)
	if err := s.Change(Config{MaxConcurrent: 1}); err != nil {
		t.Fatal(err)
	}
	var first sync.WaitGroup
	first.Go(func() { s.do("POST", "/feature-vectors", "{}") })
	<-entered
	if got := s.do("POST", "/feature-vectors", "{}").status; got != 429 {
		t.Errorf("a second request where one may be in progress: %d", got)
	}
	close(release)
	first.Wait()
	go func() { <-entered }() // the request that comes
	if err := s.Change(Config{MaxSendingBytes: 1}); err != nil {
		t.Fatal(err)
	}
	if got := s.do("POST", "/feature-vectors", "{}").status; got != 429 {
		t.Errorf("an answer of more than may be written: %d", got)
	}
	if err := s.Change(Config{MaxConnections: 1}); err != nil {
		t.Fatal(err)
	}
	kept := s.dial()
	kept.write("GET /openapi.json HTTP/1.1\r\nHost: h\r\n\r\n")
	if got := kept.response().status; got != 200 {
		t.Errorf("the one connection: %d", got)
	}
	if got := s.dial().response().status; got != 429 {
		t.Errorf("a connection more than may be: %d", got)
	}
}

// TestChangeDrainDelay drains by the delay that holds when it is asked to.
func TestChangeDrainDelay(t *testing.T) {
	s := start(t, Config{DrainDelay: time.Hour}, &fakeService{})
	if err := s.Change(Config{DrainDelay: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	s.stop() // within its ten seconds
}

// TestOnlyLocal gives profiles to nobody on another machine.
func TestOnlyLocal(t *testing.T) {
	handler := onlyLocal(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	for _, test := range []struct {
		from   string
		at     net.Addr
		status int
	}{
		{"127.0.0.1:4000", &net.TCPAddr{}, 200},
		{"[::1]:4000", &net.TCPAddr{}, 200},
		{"[::ffff:127.0.0.1]:4000", &net.TCPAddr{}, 200},
		{"10.0.0.1:4000", &net.TCPAddr{}, 403},
		{"[2001:db8::1]:4000", &net.TCPAddr{}, 403},
		{"@", &net.TCPAddr{}, 403},
		{"", &net.UnixAddr{Name: "/run/private.sock", Net: "unix"}, 200},
	} {
		r := httptest.NewRequest("GET", "/debug/pprof/", nil)
		r.RemoteAddr = test.from
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, test.at))
		w := httptest.NewRecorder()
		handler(w, r)
		if w.Code != test.status {
			t.Errorf("from %q: %d, want %d", test.from, w.Code, test.status)
		}
	}
}
