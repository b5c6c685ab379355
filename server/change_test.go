package server

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
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
	if err := s.Change(Config{Deadline: time.Second, MaxBodyBytes: 50, MaxConnections: 2}); err != nil {
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
