package server

import (
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// stampHeader carries the moment a request's headers were read from fasthttp's hook, which sees nothing but the
// headers, to the handler. What a client sends under this name is overwritten.
const stampHeader = "X-Rongate-Received"

// timeoutHeader is how long, in milliseconds, the caller is ready to wait.
const timeoutHeader = "X-Request-Timeout-Ms"

// headersRead is fasthttp's hook between headers and body. The deadline starts here, and so that no slow sender
// outlives it, it bounds the reading of the body too.
func (s *Server) headersRead(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	var text [20]byte
	h.SetBytesV(stampHeader, strconv.AppendInt(text[:0], int64(time.Since(s.started)), 10))
	if _, ok := s.authenticate(h); !ok {
		leaveBody(h)
	}
	timeout, _ := s.timeoutOf(h) // the handler refuses a bad one
	live := s.live.Load()
	return fasthttp.RequestConfig{
		ReadTimeout: timeout, WriteTimeout: live.WriteTimeout, MaxRequestBodySize: live.MaxBodyBytes,
	}
}

// leaveBody makes fasthttp call the handler without reading the request's body, which ends the connection. A body from
// somebody without a valid key is not worth the memory.
func leaveBody(h *fasthttp.RequestHeader) {
	const none = -2 // as fasthttp has it; chunked is -1
	if length := h.ContentLength(); length == 0 || length == none {
		return
	}
	h.SetContentLength(0)
	h.Del(fasthttp.HeaderExpect)
	h.SetConnectionClose()
}

// receivedAt returns when the headers were read, and whether they were.
func (s *Server) receivedAt(h *fasthttp.RequestHeader) (time.Time, bool) {
	since, err := fasthttp.ParseUint(h.Peek(stampHeader))
	return s.started.Add(time.Duration(since)), err == nil
}

// maxTimeoutMs keeps a timeout in milliseconds clear of overflow. It is far beyond any deadline, so that the cap
// applies.
const maxTimeoutMs = 1 << 40

// timeoutOf returns how long the caller gives the request, or the server's cap where that is shorter or the caller does
// not say. It is not ok where the header is anything but a whole number from 1.
func (s *Server) timeoutOf(h *fasthttp.RequestHeader) (_ time.Duration, ok bool) {
	deadline := s.live.Load().Deadline
	text := h.Peek(timeoutHeader)
	if len(text) == 0 {
		return deadline, true
	}
	var ms int64
	for _, c := range text {
		if c < '0' || c > '9' {
			return deadline, false
		}
		ms = min(10*ms+int64(c-'0'), maxTimeoutMs)
	}
	if ms == 0 {
		return deadline, false
	}
	return min(time.Duration(ms)*time.Millisecond, deadline), true
}
