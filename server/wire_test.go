package server

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rongate/rongate/vectors"
)

func TestMalformedHTTP(t *testing.T) {
	s := start(t, Config{}, &fakeService{
		append: func(dst []byte, _ *vectors.Request) ([]byte, *vectors.Error) {
			t.Error("the service is asked")
			return dst, nil
		},
	})
	const post = "POST /feature-vectors HTTP/1.1\r\nHost: x\r\n"
	for name, text := range map[string]string{
		"no method":                 " /feature-vectors HTTP/1.1\r\n\r\n",
		"no version":                "POST /feature-vectors\r\n\r\n",
		"version 3":                 "POST /feature-vectors HTTP/3\r\n\r\n",
		"binary":                    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
		"bad method":                "PO(ST /feature-vectors HTTP/1.1\r\n\r\n",
		"space before the colon":    post + "Content-Length : 2\r\n\r\n{}",
		"no colon":                  post + "Content-Length\r\n\r\n{}",
		"line folding":              post + " folded: x\r\n\r\n{}",
		"bad length":                post + "Content-Length: two\r\n\r\n{}",
		"negative length":           post + "Content-Length: -2\r\n\r\n{}",
		"two lengths":               post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
		"two hosts":                 post + "Host: y\r\nContent-Length: 2\r\n\r\n{}",
		"unknown coding":            post + "Transfer-Encoding: gzip\r\n\r\n{}",
		"two codings":               post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"zero byte in a header":     post + "X: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
		"chunk size not a number":   post + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n",
		"chunk longer than it says": post + "Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
		"forbidden trailer":         post + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := s.dial()
			c.write(text)
			resp := c.response()
			if p := resp.problem(t); resp.status != 400 || p.Code != codeMalformedHTTP {
				t.Errorf("got %d %s", resp.status, resp.body)
			}
			if strings.Contains(resp.body, "fasthttp") || strings.Contains(resp.body, "chunk") {
				t.Errorf("leaks %s", resp.body)
			}
			c.wantClosed()
		})
	}
}

func TestHeadersTooLarge(t *testing.T) {
	s := start(t, Config{MaxHeaderBytes: 2048}, &fakeService{})
	c := s.dial()
	c.write("POST /feature-vectors HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("x", 4096) + "\r\n\r\n")
	resp := c.response()
	if p := resp.problem(t); resp.status != 431 || p.Code != codeHeadersTooLarge || !strings.Contains(p.Detail, "2048") {
		t.Errorf("got %d %s", resp.status, resp.body)
	}
	c.wantClosed()
	c = s.dial()
	c.write("GET /" + strings.Repeat("x", 4096) + " HTTP/1.1\r\nHost: x\r\n\r\n")
	if resp := c.response(); resp.status != 431 {
		t.Errorf("a long URL got %d %s", resp.status, resp.body)
	}
	fits := "GET /feature-views HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("x", 1900) + "\r\n\r\n"
	c = s.dial()
	c.write(fits)
	if resp := c.response(); resp.status != 200 {
		t.Errorf("%d bytes of headers got %d %s", len(fits), resp.status, resp.body)
	}
}

// TestBodyTooLarge sends far more than the limit, and wants to see the answer all the same: that is what lingering is
// for.
func TestBodyTooLarge(t *testing.T) {
	s := start(t, Config{MaxBodyBytes: 1000}, &fakeService{})
	for _, framing := range []string{"Content-Length: 500000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n7A120\r\n"} {
		c := s.dial()
		c.write("POST /feature-vectors HTTP/1.1\r\nHost: x\r\n" + framing + strings.Repeat("x", 500_000))
		resp := c.response()
		if p := resp.problem(t); resp.status != 413 || p.Code != codeBodyTooLarge || !strings.Contains(p.Detail, "1000") {
			t.Errorf("%s: got %d %s", framing, resp.status, resp.body)
		}
		c.wantClosed()
	}
	if resp := s.do("POST", "/feature-vectors", strings.Repeat("x", 1000)); resp.status != 200 {
		t.Errorf("a body of the limit's size got %d", resp.status)
	}
	if resp := s.do("POST", "/feature-vectors", strings.Repeat("x", 1001)); resp.status != 413 {
		t.Errorf("one byte more got %d", resp.status)
	}
}

// TestSlowBody announces a body that does not come: the deadline passes, whoever set it.
func TestSlowBody(t *testing.T) {
	for name, test := range map[string]struct {
		deadline time.Duration
		header   string
	}{
		"the server's deadline": {30 * time.Millisecond, ""},
		"the caller's timeout":  {time.Hour, "X-Request-Timeout-Ms: 30\r\n"},
	} {
		for _, framing := range []string{
			"Content-Length: 20\r\n\r\n{\"a\"", "Transfer-Encoding: chunked\r\n\r\n14\r\n{\"a\"",
		} {
			t.Run(name+" "+framing[:7], func(t *testing.T) {
				s := start(t, Config{Deadline: test.deadline}, &fakeService{})
				c := s.dial()
				c.write("POST /feature-vectors HTTP/1.1\r\nHost: x\r\n" + test.header + framing)
				resp := c.response()
				if p := resp.problem(t); resp.status != 504 || p.Code != vectors.DeadlineExceeded {
					t.Errorf("got %d %s", resp.status, resp.body)
				}
				c.wantClosed()
			})
		}
	}
}

// TestDeadlineStartsWithHeaders sends the body in two parts, the second when the service cannot have been asked yet.
func TestDeadlineStartsWithHeaders(t *testing.T) {
	asked := make(chan time.Time, 1)
	s := start(t, Config{Deadline: 10 * time.Second}, &fakeService{
		append: func(dst []byte, req *vectors.Request) ([]byte, *vectors.Error) {
			asked <- req.Received
			return append(dst, fakeAnswer...), nil
		},
	})
	c := s.dial()
	c.write("POST /feature-vectors HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
	if resp, err := http.ReadResponse(c.reader, nil); err != nil || resp.StatusCode != 100 {
		t.Fatalf("%v, %v", resp, err)
	}
	between := time.Now()
	c.write("{}{}")
	if received := <-asked; received.After(between) {
		t.Errorf("the deadline starts %v after the headers had been read", received.Sub(between))
	}
	if resp := c.response(); resp.status != 200 {
		t.Errorf("got %d", resp.status)
	}
}

func TestSlowHeaders(t *testing.T) {
	s := start(t, Config{ReadTimeout: 30 * time.Millisecond}, &fakeService{})
	for name, text := range map[string]string{
		"request line": "POST /feature-vectors HTT",
		"headers":      "POST /feature-vectors HTTP/1.1\r\nHost: x\r\n",
	} {
		c := s.dial()
		c.write(text)
		resp := c.response()
		if p := resp.problem(t); resp.status != 408 || p.Code != codeRequestTimeout {
			t.Errorf("%s: got %d %s", name, resp.status, resp.body)
		}
		c.wantClosed()
	}
}

// TestSilentConnectionsEnd: one that brought nothing is closed without a word, which its client could take for the answer
// to a request that it sends at this moment.
func TestSilentConnectionsEnd(t *testing.T) {
	s := start(t, Config{ReadTimeout: 30 * time.Millisecond}, &fakeService{})
	s.dial().wantClosed()
	if metrics := s.send(s.health, "GET", "/metrics", "").body; strings.Contains(metrics, `status="408"} 1`) {
		t.Error("it is counted as a request")
	}
}

func TestIdleConnectionsEnd(t *testing.T) {
	s := start(t, Config{IdleTimeout: 30 * time.Millisecond}, &fakeService{})
	c := s.dial()
	c.write("GET /feature-views HTTP/1.1\r\nHost: x\r\n\r\n")
	if resp := c.response(); resp.status != 200 {
		t.Fatalf("got %d", resp.status)
	}
	c.wantClosed()
}

func TestPipelinedRequests(t *testing.T) {
	s := start(t, Config{}, &fakeService{
		append: func(dst []byte, req *vectors.Request) ([]byte, *vectors.Error) { return append(dst, req.Body...), nil },
	})
	c := s.dial()
	const one = "POST /feature-vectors HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"
	c.write(one + "1" + one + "2" + one + "3")
	for i := range 3 {
		if resp := c.response(); resp.body != fmt.Sprint(i+1) {
			t.Errorf("answer %d is %q", i, resp.body)
		}
	}
}

func TestHTTP10(t *testing.T) {
	s := start(t, Config{}, &fakeService{})
	c := s.dial()
	c.write("POST /feature-vectors HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}")
	if resp := c.response(); resp.status != 200 || resp.body != fakeAnswer {
		t.Errorf("got %d %q", resp.status, resp.body)
	}
	c.wantClosed()
}

func TestTooManyConnections(t *testing.T) {
	s := start(t, Config{MaxConnections: 2}, &fakeService{})
	first, second := s.dial(), s.dial()
	for _, c := range []*raw{first, second} {
		c.write("GET /feature-views HTTP/1.1\r\nHost: x\r\n\r\n")
		if resp := c.response(); resp.status != 200 {
			t.Fatalf("got %d", resp.status)
		}
	}
	third := s.dial()
	resp := third.response()
	if p := resp.problem(t); resp.status != 429 || p.Code != vectors.Overloaded || resp.header.Get("Retry-After") != "1" {
		t.Errorf("got %d %s", resp.status, resp.body)
	}
	third.wantClosed()
	first.Close()
	for s.conns.count() == 2 { // until the server has noticed
		time.Sleep(time.Millisecond)
	}
	fourth := s.dial()
	fourth.write("GET /feature-views HTTP/1.1\r\nHost: x\r\n\r\n")
	if resp := fourth.response(); resp.status != 200 {
		t.Errorf("after one was closed: got %d", resp.status)
	}
}

// TestBrokenOff leaves in the middle of requests and answers; the server must keep nothing of it.
func TestBrokenOff(t *testing.T) {
	s := start(t, Config{}, &fakeService{
		append: func(dst []byte, _ *vectors.Request) ([]byte, *vectors.Error) {
			return append(dst, strings.Repeat("x", 1<<20)...), nil
		},
	})
	for _, text := range []string{
		"P", "POST /feature-vectors HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
		"POST /feature-vectors HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
	} {
		c := s.dial()
		c.write(text)
		c.Close()
	}
	for s.conns.count() > 0 {
		time.Sleep(time.Millisecond)
	}
	if resp := s.do("POST", "/feature-vectors", "{}"); resp.status != 200 || len(resp.body) != 1<<20 {
		t.Errorf("afterwards: got %d and %d bytes", resp.status, len(resp.body))
	}
	if s.working.Load() != 0 {
		t.Error("a request counts as in progress")
	}
}

func TestAnswersAreCapped(t *testing.T) {
	pool := newAnswers(new(atomic.Int64))
	for _, size := range []int{keepAnswerBytes, keepAnswerBytes + 1} {
		a := pool.New().(*answer)
		a.body = make([]byte, size)
		if got, err := io.ReadAll(a); err != nil || len(got) != size {
			t.Errorf("read %d bytes of %d: %v", len(got), size, err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if kept := cap(a.body) > 0; kept != (size <= keepAnswerBytes) || a.sent != 0 {
			t.Errorf("a buffer of %d bytes is kept: %t", size, kept)
		}
	}
}
