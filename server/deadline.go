package server

import (
	"strconv"
	"time"

	"github.com/valyala/fasthttp"
)

// stampHeader carries the moment a request's headers were read, and whether its body was left, from fasthttp's hook, which
// sees nothing but the headers, to the handler. What a client sends under this name is overwritten.
const stampHeader = "X-Rongate-Received"

// timeoutHeader is how long, in milliseconds, the caller is ready to wait.
const timeoutHeader = "X-Request-Timeout-Ms"

// headersRead is fasthttp's hook between headers and body. The deadline starts here, and so that no slow sender
// outlives it, it bounds the reading of the body too.
func (s *Server) headersRead(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	now := time.Now()
	stamp := int64(now.Sub(s.started)) << 1
	if hasBody(h) {
		if _, p := s.authenticate(h, now); p != nil {
			leaveBody(h)
			stamp |= bodyLeft
		}
	}
	var text [20]byte
	h.SetBytesV(stampHeader, strconv.AppendInt(text[:0], stamp, 10))
	timeout, _ := s.timeoutOf(h) // the handler refuses a bad one
	live := s.live.Load()
	return fasthttp.RequestConfig{
		ReadTimeout: timeout, WriteTimeout: live.WriteTimeout, MaxRequestBodySize: live.MaxBodyBytes,
	}
}

// smallBody is how long a body may be, in bytes, that is read though nobody will look at it, so that the connection can be
// kept: no longer than the headers.
const smallBody = 8 << 10

// hasBody reports whether the request has a body that is not read for nothing.
func hasBody(h *fasthttp.RequestHeader) bool {
	const chunked = -1 // as fasthttp has it; none is -2
	length := h.ContentLength()
	return length > smallBody || length == chunked
}

// leaveBody makes fasthttp call the handler without reading the request's body, which ends the connection. A body from
// somebody without a valid key is not worth the memory.
func leaveBody(h *fasthttp.RequestHeader) {
	h.SetContentLength(0)
	h.Del(fasthttp.HeaderExpect)
	h.SetConnectionClose()
}

// bodyLeft is the lowest bit of a stamp: the rest is nanoseconds since the start.
const bodyLeft = 1

// receivedAt returns when the headers were read, and whether they were.
func (s *Server) receivedAt(h *fasthttp.RequestHeader) (time.Time, bool) {
	stamp, err := fasthttp.ParseUint(h.Peek(stampHeader))
	return s.started.Add(time.Duration(stamp >> 1)), err == nil
}

// hasLeftBody reports whether the hook had the body not be read.
func hasLeftBody(h *fasthttp.RequestHeader) bool {
	stamp, err := fasthttp.ParseUint(h.Peek(stampHeader))
	return err == nil && stamp&bodyLeft != 0
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
