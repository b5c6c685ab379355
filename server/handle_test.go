package server

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goccy/go-json"

	"github.com/rongate/rongate/contract"
	"github.com/rongate/rongate/vectors"
)

func TestAnswer(t *testing.T) {
	var got vectors.Request
	var body string
	s := start(t, Config{Deadline: 300 * time.Millisecond}, &fakeService{
		append: func(dst []byte, req *vectors.Request) ([]byte, *vectors.Error) {
			got, body = *req, string(req.Body)
			return append(dst, fakeAnswer...), nil
		},
	})
	before := time.Now()
	resp := s.do("POST", "/feature-vectors", `{"a":1}`)
	if resp.status != 200 || resp.body != fakeAnswer || resp.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %+v", resp)
	}
	if body != `{"a":1}` {
		t.Errorf("body %q", body)
	}
	if got.Timeout != 300*time.Millisecond {
		t.Errorf("timeout %v; want the server's cap", got.Timeout)
	}
	if got.Received.Before(before) || got.Received.After(time.Now()) {
		t.Errorf("received at %v; want after %v", got.Received, before)
	}
	if !got.Access.MayKnow("any", "view") {
		t.Error("without keys, everybody may read everything")
	}
}

func TestRoutes(t *testing.T) {
	s := start(t, Config{}, &fakeService{})
	for _, test := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/feature-views", 200, `{"featureViews":["payments/fraud"]}`},
		{"HEAD", "/feature-views", 200, ""},
		{"GET", "/feature-views/fraud/3", 200, `"|fraud|3"`},
		{"GET", "/feature-views/fraud/3?featureStore=payments", 200, `"payments|fraud|3"`},
		{"GET", "/feature-views/fraud/3?featureStore=pay%20ments&x=y", 200, `"pay ments|fraud|3"`},
		{"HEAD", "/feature-views/fraud/3", 200, ""},
		{"OPTIONS", "/feature-vectors", 204, ""},
		{"OPTIONS", "/feature-views/fraud/3", 204, ""},
	} {
		resp := s.do(test.method, test.path, "")
		if resp.status != test.status || resp.body != test.body {
			t.Errorf("%s %s: got %d %q; want %d %q", test.method, test.path, resp.status, resp.body, test.status, test.body)
		}
	}
	if length := s.do("HEAD", "/feature-views/fraud/3", "").header.Get("Content-Length"); length != "10" {
		t.Errorf("HEAD says that the body has %s bytes; GET sends 10", length)
	}
	if resp := s.do("GET", "/openapi.json", ""); resp.status != 200 || !json.Valid([]byte(resp.body)) {
		t.Errorf("openapi.json: got %d %q", resp.status, resp.body)
	}
}

func TestUnknownRoutesAndMethods(t *testing.T) {
	s := start(t, Config{}, &fakeService{})
	for _, test := range []struct {
		method, path string
		status       int
		code         vectors.Code
		allow        string
	}{
		{"GET", "/", 404, codeNotFound, ""},
		{"GET", "/feature-vectors/", 404, codeNotFound, ""},
		{"POST", "/feature-vectorsx", 404, codeNotFound, ""},
		{"GET", "/feature-views/fraud", 404, codeNotFound, ""},
		{"GET", "/feature-views/fraud/", 404, codeNotFound, ""},
		{"GET", "/feature-views/fraud/3/x", 404, codeNotFound, ""},
		{"GET", "/livez", 404, codeNotFound, ""},
		{"GET", "/metrics", 404, codeNotFound, ""},
		{"OPTIONS", "/x", 404, codeNotFound, ""},
		{"GET", "/feature-vectors", 405, codeMethodNotAllowed, "POST"},
		{"PUT", "/feature-vectors", 405, codeMethodNotAllowed, "POST"},
		{"HEAD", "/feature-vectors", 405, "", "POST"},
		{"POST", "/feature-views", 405, codeMethodNotAllowed, "GET"},
		{"DELETE", "/feature-views/fraud/3", 405, codeMethodNotAllowed, "GET"},
		{"BREW", "/openapi.json", 405, codeMethodNotAllowed, "GET"},
	} {
		resp := s.do(test.method, test.path, "")
		if resp.status != test.status || resp.header.Get("Allow") != test.allow {
			t.Errorf("%s %s: got %d, Allow %q", test.method, test.path, resp.status, resp.header.Get("Allow"))
		}
		if test.method == "HEAD" {
			continue // has no body
		}
		if p := resp.problem(t); p.Code != test.code {
			t.Errorf("%s %s: got code %s; want %s", test.method, test.path, p.Code, test.code)
		}
	}
}

// TestContract runs those golden cases that need no database.
func TestContract(t *testing.T) {
	cases, err := contract.Cases()
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, Config{}, &fakeService{})
	ran := 0
	for _, c := range cases {
		switch c.Name[:3] {
		case "505", "636", "800", "801", "802", "803":
		default:
			continue
		}
		ran++
		var headers []string
		for name, value := range c.Header {
			headers = append(headers, name, value)
		}
		resp := s.do(c.Method, c.Path, string(c.Body), headers...)
		if resp.status != c.Status || string(contract.Compact([]byte(resp.body))) != string(c.WantBody) {
			t.Errorf("%s: got %d %s\nwant %d %s", c.Name, resp.status, resp.body, c.Status, c.WantBody)
		}
		for name, want := range c.WantHeader {
			if got := resp.header.Get(name); got != want {
				t.Errorf("%s: %s is %q; want %q", c.Name, name, got, want)
			}
		}
	}
	if ran != 6 {
		t.Errorf("ran %d cases", ran)
	}
}

// TestContractCodes compares the codes with those that the contract documents.
func TestContractCodes(t *testing.T) {
	var doc struct {
		Components struct {
			Schemas struct {
				Problem struct {
					Properties struct {
						Code struct {
							OneOf []struct{ Const, Description string }
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(contract.OpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	documented := map[vectors.Code]bool{}
	for _, code := range doc.Components.Schemas.Problem.Properties.Code.OneOf {
		documented[vectors.Code(code.Const)] = true
		if status := statuses[vectors.Code(code.Const)]; !strings.HasPrefix(code.Description, strconv.Itoa(status)+":") {
			t.Errorf("%s has the status %d, and is documented as %q", code.Const, status, code.Description)
		}
	}
	for code := range statuses {
		if !documented[code] {
			t.Errorf("%s is not documented", code)
		}
	}
}

// TestCodes sends every code that package vectors has through the server.
func TestCodes(t *testing.T) {
	var failure *vectors.Error
	s := start(t, Config{}, &fakeService{
		append: func(dst []byte, _ *vectors.Request) ([]byte, *vectors.Error) {
			return append(dst, "partial"...), failure
		},
	})
	for code, status := range statuses {
		failure = &vectors.Error{
			Code: code, Field: "entries.account_id", Entry: 3, Message: "must be < 2 & \"so\"", Err: errors.New("10.0.0.1:3306"),
		}
		resp := s.do("POST", "/feature-vectors", "{}")
		p := resp.problem(t)
		if resp.status != status || p.Code != code {
			t.Errorf("%s: got %d with code %s", code, resp.status, p.Code)
		}
		if strings.Contains(resp.body, "10.0.0.1") || strings.Contains(resp.body, "partial") {
			t.Errorf("%s: leaks %s", code, resp.body)
		}
		if retry := resp.header.Get("Retry-After"); (retry == "1") != (status == 429) {
			t.Errorf("%s: Retry-After %q", code, retry)
		}
		if code == codeInternal {
			continue // says nothing but that
		}
		if p.Field != failure.Field || p.Entry == nil || *p.Entry != 3 || p.Detail != failure.Message {
			t.Errorf("%s: got %s", code, resp.body)
		}
	}
	failure = &vectors.Error{Code: vectors.UnknownField, Entry: -1, Message: "unknown field"}
	body := s.do("POST", "/feature-vectors", "{}").body
	if strings.Contains(body, `"entry":`) || strings.Contains(body, `"field":`) {
		t.Errorf("names a field or an entry that there is none of: %s", body)
	}
}

func TestInternalErrorsStayInside(t *testing.T) {
	failWith := func(code vectors.Code) func() *vectors.Error {
		return func() *vectors.Error { return &vectors.Error{Code: code, Entry: -1, Message: "SELECT secret"} }
	}
	for name, fail := range map[string]func() *vectors.Error{
		"panic":        func() *vectors.Error { panic("SELECT secret FROM t") },
		"internal":     failWith(codeInternal),
		"unknown code": failWith("surprise"),
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, Config{}, &fakeService{
				append: func(dst []byte, _ *vectors.Request) ([]byte, *vectors.Error) { return dst, fail() },
			})
			resp := s.do("POST", "/feature-vectors", "{}", "X-Request-Id", "req-7")
			p := resp.problem(t)
			if resp.status != 500 || p.Code != codeInternal || strings.Contains(resp.body, "secret") {
				t.Errorf("got %d %s", resp.status, resp.body)
			}
			if log := s.log.String(); !strings.Contains(log, "secret") || !strings.Contains(log, "requestId=req-7") {
				t.Errorf("the log lacks the cause or the request id: %s", log)
			}
			if again := s.do("GET", "/feature-views", ""); again.status != 200 {
				t.Errorf("the next request got %d", again.status)
			}
			if busy := s.working.Load(); busy != 0 {
				t.Errorf("%d requests count as in progress", busy)
			}
		})
	}
}

func TestRequestIDs(t *testing.T) {
	s := start(t, Config{}, &fakeService{})
	for _, id := range []string{"a", "A.b_c-9", strings.Repeat("x", 64)} {
		if got := s.do("GET", "/feature-views", "", "X-Request-Id", id).header.Get("X-Request-Id"); got != id {
			t.Errorf("got %q for %q", got, id)
		}
	}
	seen := map[string]bool{}
	for _, id := range []string{"", "a b", "a/b", "ä", strings.Repeat("x", 65), `"`} {
		got := s.do("GET", "/nowhere", "", "X-Request-Id", id).problem(t).RequestID
		if len(got) != 16 || !isRequestID([]byte(got)) || seen[got] {
			t.Errorf("got %q for %q", got, id)
		}
		seen[got] = true
	}
}

func TestTimeoutHeader(t *testing.T) {
	var got time.Duration
	s := start(t, Config{Deadline: 200 * time.Millisecond}, &fakeService{
		append: func(dst []byte, req *vectors.Request) ([]byte, *vectors.Error) {
			got = req.Timeout
			return dst, nil
		},
	})
	for text, want := range map[string]time.Duration{
		"20":                             20 * time.Millisecond,
		"200":                            200 * time.Millisecond,
		"201":                            200 * time.Millisecond,
		"99999999999999999999999999999":  200 * time.Millisecond,
		"000000000000000000000000000050": 50 * time.Millisecond,
	} {
		if resp := s.do("POST", "/feature-vectors", "{}", "X-Request-Timeout-Ms", text); resp.status != 200 || got != want {
			t.Errorf("%s: got %d with %v; want %v", text, resp.status, got, want)
		}
	}
	if resp := s.do("GET", "/feature-views", "", "X-Request-Timeout-Ms", "soon"); resp.status != 200 {
		t.Errorf("a route that reads nothing minds the timeout: %d", resp.status)
	}
	for _, text := range []string{"0", "-1", "1.5", "1e3", "20ms", "+5", "0x10"} {
		resp := s.do("POST", "/feature-vectors", "{}", "X-Request-Timeout-Ms", text)
		if p := resp.problem(t); resp.status != 400 || p.Code != codeInvalidHeader || p.Field != "X-Request-Timeout-Ms" {
			t.Errorf("%s: got %s", text, resp.body)
		}
	}
}

// TestStampIsOurs checks that a client cannot say when its request arrived.
func TestStampIsOurs(t *testing.T) {
	var got time.Time
	s := start(t, Config{}, &fakeService{
		append: func(dst []byte, req *vectors.Request) ([]byte, *vectors.Error) {
			got = req.Received
			return dst, nil
		},
	})
	future := strconv.Itoa(int(time.Hour))
	for name, request := range map[string]string{
		"header": "POST /feature-vectors HTTP/1.1\r\nHost: x\r\nX-Rongate-Received: " + future +
			"\r\nx-rongate-received: " + future + "\r\nContent-Length: 2\r\n\r\n{}",
		"trailer": "POST /feature-vectors HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" +
			"Trailer: X-Rongate-Received\r\n\r\n2\r\n{}\r\n0\r\nX-Rongate-Received: " + future + "\r\n\r\n",
	} {
		before := time.Now()
		c := s.dial()
		c.write(request)
		if resp := c.response(); resp.status != 200 {
			t.Fatalf("%s: got %d %s", name, resp.status, resp.body)
		}
		if got.Before(before) || got.After(time.Now()) {
			t.Errorf("%s: received at %v, sent at %v", name, got, before)
		}
	}
}

func TestOverload(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := start(t, Config{MaxConcurrent: 2}, &fakeService{
		append: func(dst []byte, _ *vectors.Request) ([]byte, *vectors.Error) {
			entered <- struct{}{}
			<-release
			return append(dst, "late"...), nil
		},
	})
	var working sync.WaitGroup
	for range 2 {
		working.Go(func() {
			if resp := s.do("POST", "/feature-vectors", "{}"); resp.status != 200 || resp.body != "late" {
				t.Errorf("got %d %q", resp.status, resp.body)
			}
		})
		<-entered
	}
	resp := s.do("POST", "/feature-vectors", "{}")
	if p := resp.problem(t); resp.status != 429 || p.Code != vectors.Overloaded || resp.header.Get("Retry-After") != "1" {
		t.Errorf("the third request got %d %s", resp.status, resp.body)
	}
	close(release)
	working.Wait()
	if resp := s.do("GET", "/feature-views", ""); resp.status != 200 {
		t.Errorf("afterwards: got %d", resp.status)
	}
}

// TestSendingIsBounded: what clients have yet to read counts, and is given back when it is written.
func TestSendingIsBounded(t *testing.T) {
	s := start(t, Config{MaxSendingBytes: 1000}, &fakeService{
		append: func(dst []byte, _ *vectors.Request) ([]byte, *vectors.Error) { return append(dst, "answer"...), nil },
	})
	s.sending.Add(998) // as if another client had not read its answer
	if resp := s.do("POST", "/feature-vectors", "{}"); resp.status != 429 || resp.problem(t).Code != vectors.Overloaded {
		t.Errorf("got %d %s", resp.status, resp.body)
	}
	s.sending.Add(-998)
	for range 1000 {
		if resp := s.do("POST", "/feature-vectors", "{}"); resp.status != 200 {
			t.Fatalf("got %d %s", resp.status, resp.body)
		}
	}
	s.stop()
	if n := s.sending.Load(); n != 0 {
		t.Errorf("%d bytes are still counted", n)
	}
}

// TestConcurrentAnswers checks that pooled buffers never mix: each caller gets its own request back.
func TestConcurrentAnswers(t *testing.T) {
	s := start(t, Config{}, &fakeService{
		append: func(dst []byte, req *vectors.Request) ([]byte, *vectors.Error) {
			for range 200 {
				dst = append(dst, req.Body...)
			}
			return dst, nil
		},
	})
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	var callers sync.WaitGroup
	for caller := range 8 {
		callers.Go(func() {
			for i := range 50 {
				body := fmt.Sprintf("%d:%d;", caller, i)
				req, _ := http.NewRequest("POST", "http://"+s.addr+"/feature-vectors", strings.NewReader(body))
				resp, err := transport.RoundTrip(req)
				if err != nil {
					t.Error(err)
					return
				}
				if got := readResponse(t, resp).body; got != strings.Repeat(body, 200) {
					t.Errorf("caller %d got somebody else's answer: %.40q", caller, got)
				}
			}
		})
	}
	callers.Wait()
}
