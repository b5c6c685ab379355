package server

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-json"

	"github.com/rongate/rongate/vectors"
)

// script is a connection whose client has sent everything already and reads nothing before the end.
type script struct {
	net.Conn // nil: what is not overridden is not used
	request  *bytes.Reader
	response bytes.Buffer
}

func (c *script) Read(p []byte) (int, error)       { return c.request.Read(p) }
func (c *script) Write(p []byte) (int, error)      { return c.response.Write(p) }
func (c *script) Close() error                     { return nil }
func (c *script) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *script) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *script) SetReadDeadline(time.Time) error  { return nil }
func (c *script) SetWriteDeadline(time.Time) error { return nil }

// FuzzConnection sends anything at all. Whatever comes back is a sequence of complete responses with an id, a status
// that is documented and a body that is JSON.
func FuzzConnection(f *testing.F) {
	for _, text := range []string{
		"POST /feature-vectors HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
		"POST /feature-vectors HTTP/1.1\r\nTransfer-Encoding: chunked\r\nX-Request-Id: a\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"GET /feature-views/fraud/3?featureStore=%70 HTTP/1.0\r\n\r\n",
		"HEAD /openapi.json HTTP/1.1\r\n\r\nOPTIONS /feature-views HTTP/1.1\r\nConnection: close\r\n\r\n",
		"POST /feature-vectors HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n1",
		"POST /0.1.0/feature_store HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}GET /0.1.0/ping HTTP/1.1\r\n\r\n",
		"GET /0.1.0/health HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
		"POST /feature-vectors HTTP/1.1\r\nX-Request-Timeout-Ms: 0\r\nContent-Length: 99999999\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	s, err := New(Config{MaxBodyBytes: 4096, MaxHeaderBytes: 1024}, &fakeService{
		append: func(dst []byte, _ *vectors.Request) ([]byte, *vectors.Error) { return append(dst, fakeAnswer...), nil },
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, request []byte) {
		c := &script{request: bytes.NewReader(request)}
		_ = s.public.ServeConn(s.conns.admit(c)) // what fasthttp says of the client
		checkResponses(t, &c.response)
		if s.working.Load() != 0 || s.conns.count() != 0 {
			t.Error("something is left behind")
		}
	})
}

func checkResponses(t *testing.T, sent io.Reader) {
	known := append(knownStatuses(), http.StatusContinue)
	for r := bufio.NewReader(sent); ; {
		// A response to HEAD cannot be told from others here: let the reader look for a body, and find the next response.
		resp, err := http.ReadResponse(r, &http.Request{Method: headOrGet(r)})
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("not a response: %v", err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatalf("a body that ends early: %v", err)
		}
		if !slices.Contains(known, resp.StatusCode) {
			t.Errorf("status %d", resp.StatusCode)
		}
		if resp.StatusCode == http.StatusContinue {
			continue
		}
		if !isRequestID([]byte(resp.Header.Get("X-Request-Id"))) {
			t.Errorf("no request id: %v", resp.Header)
		}
		if len(body) > 0 && !json.Valid(body) && !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("not JSON: %q", body)
		}
	}
}

// headOrGet looks ahead: after the headers of a response to HEAD, there is another response or nothing.
func headOrGet(r *bufio.Reader) string {
	ahead, _ := r.Peek(r.Size())
	_, rest, _ := bytes.Cut(ahead, []byte("\r\n\r\n"))
	if len(rest) == 0 || bytes.HasPrefix(rest, []byte("HTTP/1.")) {
		return http.MethodHead
	}
	return http.MethodGet
}
