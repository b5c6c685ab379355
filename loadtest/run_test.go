package loadtest

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if rounds := os.Getenv(noopEnv); rounds != "" {
		serveNoop(rounds)
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// plain asks for / and passes what has the body "ok".
type plain struct{}

func (plain) Asker(*rand.Rand) Asker { return plain{} }

func (plain) Ask(req *fasthttp.Request) { req.SetRequestURI("/") }

func (plain) Check(resp *fasthttp.Response) (failure, detail string) {
	if resp.StatusCode() == 200 && string(resp.Body()) != "ok" {
		return "wrong", string(resp.Body())
	}
	return "", ""
}

// echo is a server that gives the requests' ids back.
func echo(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(requestIDHeader, r.Header.Get(requestIDHeader))
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }

func load(t *testing.T, cfg Config) *Result {
	t.Helper()
	if cfg.Source == nil {
		cfg.Source = plain{}
	}
	result, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestOpenLoop(t *testing.T) {
	var served atomic.Int64
	url := echo(t, func(w http.ResponseWriter, r *http.Request) { served.Add(1); ok(w, r) })
	var told atomic.Int64
	r := load(t, Config{
		URL: url, Steps: []Step{{Rate: 250, Duration: time.Second}, {Rate: 125, Duration: time.Second}}, Arrivals: Constant,
		Window: 500 * time.Millisecond, Progress: func(*Result) { told.Add(1) },
	})
	if c := r.Total; c.Due != 375 || c.Sent != 375 || c.Answered != 375 || c.Failures() != 0 || served.Load() != 375 {
		t.Errorf("%+v, %d served", r.Total, served.Load())
	}
	if n := r.Total.Latency.TotalCount(); n != 375 || r.Service.TotalCount() != 375 {
		t.Errorf("%d latencies", n)
	}
	if len(r.Windows) != 4 || r.Windows[1].Due != 125 || r.Windows[3].Due != 62 || r.Windows[3].Start != 1500*time.Millisecond {
		t.Errorf("windows %+v", r.Windows)
	}
	if told.Load() == 0 {
		t.Error("no progress was told")
	}
}

// TestStall: callers who come while a server stalls all wait, which an open loop sees and a closed one does not.
func TestStall(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 s")
	}
	start := time.Now()
	url := echo(t, func(w http.ResponseWriter, r *http.Request) {
		if into := time.Since(start) % (10 * time.Second); into >= 9*time.Second {
			time.Sleep(10*time.Second - into)
		}
		time.Sleep(time.Millisecond) // so that the closed loop leaves the machine some time
		ok(w, r)
	})
	var both sync.WaitGroup
	var open, closed *Result
	steps := []Step{{Rate: 200, Duration: 10 * time.Second}}
	both.Go(func() { open = load(t, Config{URL: url, Steps: steps, Arrivals: Constant}) })
	both.Go(func() { closed = load(t, Config{URL: url, Steps: steps, Callers: 2}) })
	both.Wait()
	t.Logf("open loop: p50 %v, p99 %v; closed loop: p50 %v, p99 %v of %d requests", open.Total.Quantile(0.5),
		open.Total.Quantile(0.99), closed.Total.Quantile(0.5), closed.Total.Quantile(0.99), closed.Total.Sent)
	if p99 := open.Total.Quantile(0.99); p99 < 850*time.Millisecond || p99 > 2*time.Second {
		t.Errorf("open loop: p99 %v", p99)
	}
	if p99 := closed.Total.Quantile(0.99); p99 > 500*time.Millisecond {
		t.Errorf("closed loop: p99 %v", p99)
	}
}

// TestFailures plants one of each in a server that is otherwise sound.
func TestFailures(t *testing.T) {
	var n atomic.Int64
	url := echo(t, func(w http.ResponseWriter, r *http.Request) {
		switch n.Add(1) {
		case 20:
			_, _ = io.WriteString(w, "wrong")
		case 40:
			w.WriteHeader(503)
		case 60: // lost
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				conn.Close()
			}
		case 80: // answered twice
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				answer := []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				_, _ = conn.Write(bytes.Repeat(answer, 2))
				defer conn.Close()
				_, _ = conn.Read(make([]byte, 1))
			}
		case 100: // somebody else's
			w.Header().Set(requestIDHeader, "another")
			ok(w, r)
		case 120: // never
			<-r.Context().Done()
		default:
			ok(w, r)
		}
	})
	r := load(t, Config{
		URL: url, Steps: []Step{{Rate: 400, Duration: 500 * time.Millisecond}}, Arrivals: Constant, Timeout: 2 * time.Second,
	})
	for _, kind := range []string{"wrong", "503", Lost, Duplicate, MixedUp, TimedOut} {
		if r.Total.Failed[kind] != 1 {
			t.Errorf("%s: %d", kind, r.Total.Failed[kind])
		}
		if r.Examples[kind] == "" && kind != "503" {
			t.Errorf("%s: nothing is said of it", kind)
		}
	}
	if r.Total.Failures() != 6 || r.Total.Sent != 200 || r.Total.Answered != 198 {
		t.Errorf("%+v", r.Total)
	}
}

func TestNotConnected(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	r := load(t, Config{URL: "http://" + ln.Addr().String(), Steps: []Step{{Rate: 100, Duration: 200 * time.Millisecond}}})
	if r.Total.Sent == 0 || r.Total.Failed[NotConnected] != r.Total.Sent || r.Total.Answered != 0 {
		t.Errorf("%+v", r.Total)
	}
}

// TestMaxInFlight: what the bound holds back is late, and makes the run void.
func TestMaxInFlight(t *testing.T) {
	url := echo(t, func(w http.ResponseWriter, r *http.Request) { time.Sleep(50 * time.Millisecond); ok(w, r) })
	r := load(t, Config{URL: url, Steps: []Step{{Rate: 200, Duration: time.Second}}, Arrivals: Constant, MaxInFlight: 2})
	if r.Total.Sent != 200 || r.Total.Late < 100 || !r.Void() {
		t.Errorf("%d sent, %d late, void %t", r.Total.Sent, r.Total.Late, r.Void())
	}
	if p50 := r.Total.Quantile(0.5); p50 < time.Second {
		t.Errorf("p50 %v does not count from when a request was due", p50)
	}
}

// TestStop: a load that is stopped tells what it has done, and waits for the answers.
func TestStop(t *testing.T) {
	url := echo(t, ok)
	for _, callers := range []int{0, 3} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		r, err := Run(ctx, Config{URL: url, Source: plain{}, Callers: callers, Steps: []Step{{Rate: 100, Duration: time.Hour}}})
		cancel()
		if err != nil || r.Total.Sent == 0 || r.Total.Sent != r.Total.Due || r.Length > time.Minute {
			t.Errorf("%v, %+v", err, r)
		}
	}
}

func TestMistakes(t *testing.T) {
	step := []Step{{Rate: 1, Duration: time.Second}}
	for _, cfg := range []Config{
		{URL: "http://h", Steps: step},
		{URL: "http://h", Source: plain{}},
		{URL: "http://h", Source: plain{}, Steps: []Step{{Rate: 0, Duration: time.Second}}},
		{URL: "https://h", Source: plain{}, Steps: step},
		{URL: "localhost:80", Source: plain{}, Steps: step},
	} {
		if _, err := Run(t.Context(), cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
}

// TestSilentConnections: servers close connections that bring no request for a while. One that was made in advance and is
// that old is made anew before it is used.
func TestSilentConnections(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 40 { // from now on several at once
			time.Sleep(20 * time.Millisecond)
		}
		ok(w, r)
	}))
	s.Config.ReadHeaderTimeout = firstLimit + 1500*time.Millisecond
	s.Start()
	t.Cleanup(s.Close)
	r := load(t, Config{URL: s.URL, Arrivals: Constant, Steps: []Step{
		{Rate: 10, Duration: 5 * time.Second}, {Rate: 500, Duration: 500 * time.Millisecond},
	}})
	if r.Total.Failures() > 0 {
		t.Errorf("failed: %v", r.Total.Failed)
	}
}

// TestClosedWhileIdle: a server may close a connection that is not in use, and nothing is lost by it.
func TestClosedWhileIdle(t *testing.T) {
	var closed atomic.Int64
	url := echo(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		time.Sleep(time.Millisecond)
		conn.Close() // without having said so
		closed.Add(1)
	})
	r := load(t, Config{URL: url, Arrivals: Constant, MaxInFlight: 1, Steps: []Step{{Rate: 20, Duration: time.Second}}})
	if r.Total.Failures() > 0 || r.Total.Sent != 20 || closed.Load() < 19 {
		t.Errorf("%v of %d failed, %d closed", r.Total.Failed, r.Total.Sent, closed.Load())
	}
}

// TestLateDuplicate: what comes when nothing was asked is an answer too many to the latest request.
func TestLateDuplicate(t *testing.T) {
	var n atomic.Int64
	url := echo(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) != 10 {
			ok(w, r)
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		for range 2 {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			time.Sleep(10 * time.Millisecond)
		}
	})
	r := load(t, Config{URL: url, Arrivals: Constant, MaxInFlight: 1, Steps: []Step{{Rate: 20, Duration: time.Second}}})
	if r.Total.Failed[Duplicate] != 1 || r.Total.Failures() != 1 || r.Examples[Duplicate] != "40 bytes more than the answer" {
		t.Errorf("%v, %v", r.Total.Failed, r.Examples)
	}
}

// large asks with more than a connection takes at once.
type large struct{ plain }

func (large) Asker(*rand.Rand) Asker { return large{} }

func (large) Ask(req *fasthttp.Request) {
	req.Header.SetMethod(fasthttp.MethodPost)
	req.SetRequestURI("/")
	req.SetBody(make([]byte, 16<<20))
}

// TestLargeRequests: what the pacing thread cannot send at once is sent nevertheless.
func TestLargeRequests(t *testing.T) {
	var bodies atomic.Int64
	url := echo(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if n == 16<<20 && err == nil {
			bodies.Add(1)
		}
		ok(w, r)
	})
	r := load(t, Config{
		URL: url, Source: large{}, Arrivals: Constant, MaxInFlight: 2, Steps: []Step{{Rate: 10, Duration: time.Second}},
	})
	if r.Total.Failures() > 0 || bodies.Load() != 10 {
		t.Errorf("failed: %v; %d arrived", r.Examples, bodies.Load())
	}
}

func TestHiring(t *testing.T) {
	h := hiring{floor: -2}
	want := func(what string, hired bool) {
		t.Helper()
		if h.arrived() != hired {
			t.Errorf("%s: hired %t", what, !hired)
		}
	}
	want("one comes and nobody is answered", true)
	want("another", true)
	h.freed(5)
	want("one that comes after one was answered", false)
	want("and one after that", true)
	for range 10 {
		h.freed(3)
	}
	want("the first after many were answered", false)
	want("the second", false)
	want("the third: the server may have stalled", true)
	h.freed(1)
	h.freed(0)
	want("one that comes when none has waited", true)
}
