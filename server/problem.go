package server

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/goccy/go-json"
	"github.com/valyala/fasthttp"

	"github.com/rongate/rongate/vectors"
)

// The codes of the transport, beside those of package vectors. Unauthenticated is for Config.Authenticate too.
const (
	codeInvalidHeader    vectors.Code = "invalid_header"
	codeMalformedHTTP    vectors.Code = "malformed_http"
	Unauthenticated      vectors.Code = "unauthenticated"
	codeNotFound         vectors.Code = "not_found"
	codeMethodNotAllowed vectors.Code = "method_not_allowed"
	codeRequestTimeout   vectors.Code = "request_timeout"
	codeBodyTooLarge     vectors.Code = "body_too_large"
	codeHeadersTooLarge  vectors.Code = "headers_too_large"
	codeInternal         vectors.Code = "internal"
)

// statuses is the one place where a code gets its HTTP status.
var statuses = map[vectors.Code]int{
	vectors.MalformedJSON:        http.StatusBadRequest,
	vectors.DuplicateName:        http.StatusBadRequest,
	vectors.UnknownField:         http.StatusBadRequest,
	vectors.MissingField:         http.StatusBadRequest,
	vectors.WrongType:            http.StatusBadRequest,
	vectors.InvalidValue:         http.StatusBadRequest,
	vectors.UnknownKey:           http.StatusBadRequest,
	vectors.InvalidKey:           http.StatusBadRequest,
	vectors.UnknownFeature:       http.StatusBadRequest,
	vectors.DuplicateFeature:     http.StatusBadRequest,
	vectors.UnknownPassedFeature: http.StatusBadRequest,
	vectors.InvalidPassedFeature: http.StatusBadRequest,
	vectors.AmbiguousView:        http.StatusBadRequest,
	vectors.NoEventTime:          http.StatusBadRequest,
	codeInvalidHeader:            http.StatusBadRequest,
	codeMalformedHTTP:            http.StatusBadRequest,
	Unauthenticated:              http.StatusUnauthorized,
	vectors.Forbidden:            http.StatusForbidden,
	vectors.UnknownView:          http.StatusNotFound,
	codeNotFound:                 http.StatusNotFound,
	codeMethodNotAllowed:         http.StatusMethodNotAllowed,
	codeRequestTimeout:           http.StatusRequestTimeout,
	codeBodyTooLarge:             http.StatusRequestEntityTooLarge,
	vectors.BatchTooLarge:        http.StatusRequestEntityTooLarge,
	vectors.AnswerTooLarge:       http.StatusRequestEntityTooLarge,
	vectors.Overloaded:           http.StatusTooManyRequests,
	codeHeadersTooLarge:          http.StatusRequestHeaderFieldsTooLarge,
	codeInternal:                 http.StatusInternalServerError,
	vectors.Unavailable:          http.StatusServiceUnavailable,
	vectors.DeadlineExceeded:     http.StatusGatewayTimeout,
}

const problemType = "application/problem+json"

// A problem is an RFC 9457 problem document.
type problem struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Code      vectors.Code `json:"code"`
	Detail    string       `json:"detail"`
	Field     string       `json:"field,omitempty"`
	Entry     *int         `json:"entry,omitempty"`
	RequestID string       `json:"requestId"`

	rdrs vectors.RDRSCode // see vectors.Error
}

func newProblem(code vectors.Code, detail string) *problem {
	return &problem{Code: code, Detail: detail}
}

// problemOf is what the client gets to know of err: never its cause.
func problemOf(err *vectors.Error) *problem {
	if isInternal(err.Code) {
		return internalProblem()
	}
	p := &problem{Code: err.Code, Detail: err.Message, Field: err.Field, rdrs: err.RDRS}
	if err.Entry >= 0 {
		p.Entry = &err.Entry
	}
	return p
}

// isInternal reports whether a code says no more than that something is wrong inside.
func isInternal(code vectors.Code) bool {
	_, known := statuses[code]
	if !known {
		_, known = rdrsErrors[code]
	}
	return !known || code == codeInternal
}

func internalProblem() *problem {
	return newProblem(codeInternal, "something went wrong inside rongate; its log has the cause under this request's id")
}

// encode completes the document.
func (p *problem) encode(id string) []byte {
	p.Type = "about:blank"
	p.Status = statuses[p.Code]
	p.Title = http.StatusText(p.Status)
	p.RequestID = id
	body, err := json.MarshalWithOption(p, json.DisableHTMLEscape())
	if err != nil {
		panic(err) // strings and integers always encode
	}
	return body
}

// send makes the problem the response.
func (p *problem) send(resp *fasthttp.Response) {
	id := string(resp.Header.Peek(requestIDHeader))
	resp.SetBodyRaw(p.encode(id))
	resp.SetStatusCode(p.Status)
	resp.Header.SetContentType(problemType)
	p.sendHeaders(resp)
}

// sendHeaders gives the response the headers that go with the problem's status.
func (p *problem) sendHeaders(resp *fasthttp.Response) {
	switch p.Status {
	case http.StatusUnauthorized:
		resp.Header.Set(fasthttp.HeaderWWWAuthenticate, `ApiKey realm="rongate"`)
	case http.StatusTooManyRequests:
		resp.Header.Set(fasthttp.HeaderRetryAfter, "1")
	}
}

// requestFailed answers what fasthttp could not read to the end, and closes the connection. What it has read of the
// headers is gone by then, the request's id too. A connection that brought nothing is closed without a word: a client
// that opened it to have it at hand would take an answer for that to the request that it sends next.
func (s *Server) requestFailed(ctx *fasthttp.RequestCtx, err error) {
	if c, ok := ctx.Conn().(*conn); ok && !c.spoke.Load() {
		c.mute.Store(true)
		return
	}
	p := s.readProblem(err)
	s.identify(ctx)
	p.send(&ctx.Response)
	lingerAfter(ctx)
	s.metrics.count(routeNone, p.Status)
}

func (s *Server) readProblem(err error) *problem {
	var headersTooLarge *fasthttp.ErrSmallBuffer
	switch {
	case errors.As(err, &headersTooLarge):
		return newProblem(codeHeadersTooLarge,
			fmt.Sprintf("the request line and headers are longer than %d bytes", s.cfg.MaxHeaderBytes))
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return newProblem(codeBodyTooLarge,
			fmt.Sprintf("the body is longer than %d bytes; send fewer entries at once", s.live.Load().MaxBodyBytes))
	case isTimeout(err) && !inHeaders(err):
		return newProblem(vectors.DeadlineExceeded, "the body had not arrived when the request's deadline passed")
	case isTimeout(err):
		return newProblem(codeRequestTimeout, "the headers did not arrive in time")
	default:
		return newProblem(codeMalformedHTTP, "this is not a request that HTTP/1.1 allows")
	}
}

// isTimeout reports whether err is a read that met its deadline.
func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// inHeaders reports whether err befell the reading of headers, for which fasthttp has no type but always these words.
func inHeaders(err error) bool {
	return strings.HasPrefix(err.Error(), "error when reading request headers")
}
