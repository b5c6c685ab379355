package server

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-json"
	"go.uber.org/goleak"

	"github.com/rongate/rongate/internal/yamldoc"
	"github.com/rongate/rongate/vectors"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp's worker pool sleeps up to ten seconds before it notices that it was stopped, and its clock for the
		// Date header runs for as long as the process.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
	)
}

// fakeService answers as the test says; by default with a small vector.
type fakeService struct {
	append func(dst []byte, req *vectors.Request) ([]byte, *vectors.Error)
}

const fakeAnswer = `{"vector":[1]}`

func (f *fakeService) Append(dst []byte, req *vectors.Request) ([]byte, *vectors.Error) {
	if f.append != nil {
		return f.append(dst, req)
	}
	return append(dst, fakeAnswer...), nil
}

func (f *fakeService) AppendViews(dst []byte, access vectors.Access) ([]byte, *vectors.Error) {
	if access.MayKnow("payments", "fraud") {
		return append(dst, `{"featureViews":["payments/fraud"]}`...), nil
	}
	return append(dst, `{"featureViews":[]}`...), nil
}

func (f *fakeService) AppendView(
	dst []byte, store, name, version string, _ vectors.Access,
) ([]byte, *vectors.Error) {
	if name != "fraud" {
		return dst, &vectors.Error{Code: vectors.UnknownView, Entry: -1, Message: "unknown feature view"}
	}
	asked, err := json.Marshal(store + "|" + name + "|" + version)
	if err != nil {
		panic(err)
	}
	return append(dst, asked...), nil
}

func (f *fakeService) Stats() vectors.Stats {
	fraud, none := vectors.ViewStats{Store: "payments", Name: "fraud", Version: 3}, vectors.ViewStats{Name: "none"}
	fraud.Outcomes[0], none.Outcomes[1] = 19, 3
	fraud.Vectors[0] = 17
	fraud.Latency.Counts[0], fraud.Latency.Counts[2], fraud.Latency.Sum = 11, 8, 2*time.Millisecond
	stats := vectors.Stats{Entries: 20, Views: 4, ByView: []vectors.ViewStats{fraud, none}}
	stats.Lookup.Queued = 2
	stats.Lookup.Nodes = slices.Grow(stats.Lookup.Nodes, 2)[:2]
	first, second := &stats.Lookup.Nodes[0], &stats.Lookup.Nodes[1]
	first.Sizes[0], first.Sizes[3], first.Keys = 3, 4, 31
	first.Latency.Counts[1], first.Latency.Sum, first.Errors.Timeout = 7, time.Millisecond, 2
	first.Address, first.Zone, first.Local, first.Up, first.Pool.Free = "10.0.0.1:3306", "a", true, true, 5
	second.Address, second.Zone = "10.0.0.2:3306", "b"
	first.Since, second.Since = time.Now(), time.Now()
	return stats
}

// running is a Server under test on loopback.
type running struct {
	*Server
	t            *testing.T
	addr, health string
	log          *syncBuffer
	stopOnce     sync.Once
}

// syncBuffer is a log that is read while it is written.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func start(t *testing.T, cfg Config, service Service) *running {
	t.Helper()
	r := &running{t: t, log: &syncBuffer{}}
	cfg.Log = slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	server, err := New(cfg, service)
	if err != nil {
		t.Fatal(err)
	}
	r.Server = server
	var serving sync.WaitGroup
	listen := func(serve func(net.Listener) error) string {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		serving.Go(func() {
			if err := serve(ln); err != nil {
				t.Error(err)
			}
		})
		return ln.Addr().String()
	}
	r.addr, r.health = listen(server.Serve), listen(server.ServePrivate)
	t.Cleanup(func() {
		r.stop()
		serving.Wait()
	})
	return r
}

func (r *running) stop() {
	r.stopOnce.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := r.Shutdown(ctx); err != nil {
			r.t.Error(err)
		}
	})
}

// response is one read to its end.
type response struct {
	status int
	header http.Header
	body   string
	closes bool // the connection
}

// problem decodes a problem document and checks what all of them have in common.
func (r response) problem(t *testing.T) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal([]byte(r.body), &p); err != nil {
		t.Fatalf("%v in %q", err, r.body)
	}
	if got := r.header.Get("Content-Type"); got != problemType {
		t.Errorf("Content-Type is %q", got)
	}
	if p.Status != r.status || p.Title != http.StatusText(r.status) || p.Type != "about:blank" || p.Detail == "" {
		t.Errorf("status %d with %+v", r.status, p)
	}
	if id := r.header.Get("X-Request-Id"); id == "" || p.RequestID != id {
		t.Errorf("request id %q in the header, %q in the document", id, p.RequestID)
	}
	return p
}

// do sends one request on a connection of its own.
func (r *running) do(method, path, body string, headers ...string) response {
	r.t.Helper()
	return r.send(r.addr, method, path, body, headers...)
}

func (r *running) send(addr, method, path, body string, headers ...string) response {
	r.t.Helper()
	req, err := http.NewRequest(method, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		r.t.Fatal(err)
	}
	return readResponse(r.t, resp)
}

func readResponse(t *testing.T, resp *http.Response) response {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{resp.StatusCode, resp.Header, string(body), resp.Close}
}

// raw is a connection on which a test writes what no HTTP client would.
type raw struct {
	net.Conn
	t      *testing.T
	reader *bufio.Reader
}

func (r *running) dial() *raw {
	r.t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		r.t.Fatal(err)
	}
	return &raw{c, r.t, bufio.NewReader(c)}
}

func (c *raw) write(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

func (c *raw) response() response {
	c.t.Helper()
	resp, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return readResponse(c.t, resp)
}

// wantClosed checks that the server closes the connection without another byte.
func (c *raw) wantClosed() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.reader); err != nil || len(rest) > 0 {
		c.t.Errorf("got %q and %v; want the connection closed", rest, err)
	}
}

func keysOf(t *testing.T, text string) *Keys {
	t.Helper()
	keys, err := readKeys(yamldoc.Parse("keys.yaml", []byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
