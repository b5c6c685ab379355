package server

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/rongate/rongate/contract"
	"github.com/rongate/rongate/vectors"
)

const (
	apiKeyHeader    = "X-Api-Key"
	requestIDHeader = "X-Request-Id"
	timingHeader    = "X-Server-Timing" // any value asks for the response header Server-Timing

	// keepBodyBytes is the largest request body whose buffer stays with its connection.
	keepBodyBytes = 64 << 10
)

// route is one row of the public interface.
type route uint8

const (
	routeNone route = iota
	routeFeatureVectors
	routeFeatureViews
	routeFeatureView
	routeOpenAPI
	routeRDRSVector // and the others of the API of RonDB's REST server
	routeRDRSBatch
	routeRDRSPing
	routeRDRSHealth
	routeCount
)

// routeNames are the routes as the metrics label them.
var routeNames = [routeCount]string{
	"none", "/feature-vectors", "/feature-views", "/feature-views/{name}/{version}", "/openapi.json",
	"/0.1.0/feature_store", "/0.1.0/batch_feature_store", "/0.1.0/ping", "/0.1.0/health",
}

func routeOf(path []byte) route {
	switch string(path) {
	case "/feature-vectors":
		return routeFeatureVectors
	case "/feature-views":
		return routeFeatureViews
	case "/openapi.json":
		return routeOpenAPI
	case "/0.1.0/feature_store":
		return routeRDRSVector
	case "/0.1.0/batch_feature_store":
		return routeRDRSBatch
	case "/0.1.0/ping":
		return routeRDRSPing
	case "/0.1.0/health":
		return routeRDRSHealth
	}
	if _, _, ok := viewOf(path); ok {
		return routeFeatureView
	}
	return routeNone
}

// viewOf cuts the name and version out of /feature-views/{name}/{version}.
func viewOf(path []byte) (name, version string, ok bool) {
	rest, ok := strings.CutPrefix(string(path), "/feature-views/")
	if !ok {
		return "", "", false
	}
	name, version, ok = strings.Cut(rest, "/")
	return name, version, ok && name != "" && version != "" && !strings.Contains(version, "/")
}

// method returns the one that a route takes. HEAD goes with GET, and OPTIONS asks for this answer.
func (r route) method() string {
	switch r {
	case routeFeatureVectors, routeRDRSVector, routeRDRSBatch:
		return http.MethodPost
	}
	return http.MethodGet
}

// handle answers one request. Whatever happens, the response is complete when it returns.
func (s *Server) handle(ctx *fasthttp.RequestCtx) {
	received, ok := s.receivedAt(&ctx.Request.Header)
	if !ok {
		received = ctx.Time() // fasthttp calls its hook before every request, so this does not happen
	}
	r := routeOf(ctx.Path())
	s.identify(ctx)
	switch p := s.respond(ctx, r, received); {
	case p == nil:
	case r.isRDRS():
		p.sendRDRS(&ctx.Response)
	default:
		p.send(&ctx.Response)
	}
	if s.draining.Load() {
		ctx.SetConnectionClose()
	}
	ctx.Request.ReleaseBody(keepBodyBytes)
	s.metrics.count(r, ctx.Response.StatusCode())
}

// respond writes the response of a request that succeeds, and returns the problem of one that does not. A caller
// without a valid key learns nothing but the contract and that rongate is there, not even which routes there are.
func (s *Server) respond(ctx *fasthttp.RequestCtx, r route, received time.Time) (p *problem) {
	defer func() {
		if cause := recover(); cause != nil {
			p = s.panicked(ctx, cause)
		}
	}()
	var access vectors.Access
	if r != routeOpenAPI && r != routeRDRSPing {
		access, p = s.authenticate(&ctx.Request.Header, received)
		if hasLeftBody(&ctx.Request.Header) {
			lingerAfter(ctx)
			if p == nil { // what could not be checked when the body was there to be read can be now
				return newProblem(vectors.Unavailable, "the API key could not be checked in time; send the request again")
			}
		}
		if p != nil {
			return p
		}
	}
	if p, done := checkMethod(ctx, r); done {
		return p
	}
	if r == routeRDRSPing || r == routeRDRSHealth {
		return s.answerRDRS(ctx, r)
	}
	defer s.working.Add(-1)
	if s.working.Add(1) > int64(s.live.Load().MaxConcurrent) {
		return newProblem(vectors.Overloaded, "as many requests as may be are in progress; try again later, or elsewhere")
	}
	defer func() { s.metrics.duration[r].Observe(time.Since(received).Seconds()) }()
	return s.dispatch(ctx, r, received, access)
}

// checkMethod is done with a request for an unknown route, by the wrong method or about the right one.
func checkMethod(ctx *fasthttp.RequestCtx, r route) (_ *problem, done bool) {
	if r == routeNone {
		return newProblem(codeNotFound, "no such route; GET /openapi.json describes the routes"), true
	}
	method := r.method()
	if string(ctx.Method()) == method || ctx.IsHead() && method == http.MethodGet {
		return nil, false
	}
	ctx.Response.Header.Set(fasthttp.HeaderAllow, method)
	if ctx.IsOptions() {
		ctx.SetStatusCode(http.StatusNoContent)
		return nil, true
	}
	return newProblem(codeMethodNotAllowed, "this route takes "+method), true
}

// dispatch lets the service answer.
func (s *Server) dispatch(ctx *fasthttp.RequestCtx, r route, received time.Time, access vectors.Access) *problem {
	a := s.answers.Get().(*answer)
	var err *vectors.Error
	switch r {
	case routeFeatureVectors:
		a.body, err = s.appendVectors(a, ctx, vectors.FormNative, received, access)
	case routeRDRSVector:
		a.body, err = s.appendVectors(a, ctx, vectors.FormRDRS, received, access)
	case routeRDRSBatch:
		a.body, err = s.appendVectors(a, ctx, vectors.FormRDRSBatch, received, access)
	case routeFeatureViews:
		a.body, err = s.service.AppendViews(a.body, access)
	case routeFeatureView:
		name, version, _ := viewOf(ctx.Path())
		store := string(ctx.QueryArgs().Peek("featureStore"))
		a.body, err = s.service.AppendView(a.body, store, name, version, access)
	case routeOpenAPI:
		a.body = append(a.body, contract.OpenAPI()...)
	}
	if err != nil {
		a.Close()
		s.logFailure(ctx, err)
		return problemOf(err)
	}
	if !a.hold(s.live.Load().MaxSendingBytes) {
		a.Close()
		return newProblem(vectors.Overloaded, "too many answers wait for their clients to read them; try again later")
	}
	ctx.Response.Header.SetContentType("application/json")
	a.send(&ctx.Response)
	return nil
}

// appendVectors lends the service the request's body, by way of a pooled Request: one that the compiler cannot see the
// end of would be allocated.
func (s *Server) appendVectors(
	a *answer, ctx *fasthttp.RequestCtx, form vectors.Form, received time.Time, access vectors.Access,
) ([]byte, *vectors.Error) {
	timeout, ok := s.timeoutOf(&ctx.Request.Header)
	if !ok {
		const message = "must be a whole number of at least 1"
		return a.body, &vectors.Error{Code: codeInvalidHeader, Field: timeoutHeader, Entry: -1, Message: message}
	}
	a.request = vectors.Request{Form: form, Body: ctx.Request.Body(), Received: received, Timeout: timeout, Access: access}
	defer func() { a.request = vectors.Request{} }()
	if len(ctx.Request.Header.Peek(timingHeader)) == 0 {
		return s.service.Append(a.body, &a.request)
	}
	begun := time.Now()
	a.request.Timing = &a.timing
	body, err := s.service.Append(a.body, &a.request)
	ctx.Response.Header.Set(fasthttp.HeaderServerTiming, serverTiming(begun.Sub(received), &a.timing))
	return body, err
}

// serverTiming is how long a request took so far, in milliseconds, as browsers and tracers read it (W3C Server Timing):
// from its headers until all of it had come, and then by stage.
func serverTiming(receive time.Duration, t *vectors.Timing) string {
	text := appendTiming(nil, "receive", receive)
	for stage, took := range t.Stages {
		text = append(text, ", "...)
		text = appendTiming(text, vectors.Stage(stage).String(), took)
	}
	return string(text)
}

func appendTiming(dst []byte, name string, took time.Duration) []byte {
	dst = append(append(dst, name...), ";dur="...)
	return strconv.AppendFloat(dst, took.Seconds()*1e3, 'f', 3, 64)
}

// logFailure logs what an operator must look into. Nodes that fail are not that, one by one: they would flood the log,
// and the metrics have them.
func (s *Server) logFailure(ctx *fasthttp.RequestCtx, err *vectors.Error) {
	if isInternal(err.Code) {
		s.cfg.Log.Error("request failed", "requestId", responseID(ctx), "error", err)
	} else if err.Err != nil {
		s.cfg.Log.Debug("request failed", "requestId", responseID(ctx), "error", err)
	}
}

func (s *Server) panicked(ctx *fasthttp.RequestCtx, cause any) *problem {
	s.metrics.panics.Inc()
	s.cfg.Log.Error("panic", "requestId", responseID(ctx), "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
	ctx.Response.Reset()
	s.identify(ctx)
	return internalProblem()
}

func responseID(ctx *fasthttp.RequestCtx) string {
	return string(ctx.Response.Header.Peek(requestIDHeader))
}

// identify gives the response the request's id: the caller's own if it is fit to be echoed and logged, else a new one.
func (s *Server) identify(ctx *fasthttp.RequestCtx) {
	id := ctx.Request.Header.Peek(requestIDHeader)
	if !isRequestID(id) {
		var text [16]byte
		id = appendRequestID(text[:0])
	}
	ctx.Response.Header.SetBytesV(requestIDHeader, id)
}

// isRequestID accepts 1 to 64 characters that need no escaping anywhere.
func isRequestID(id []byte) bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	for _, c := range id {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// appendRequestID appends 16 random hexadecimal digits. They are to be distinct, not secret.
func appendRequestID(dst []byte) []byte {
	const digits = "0123456789abcdef"
	for bits := rand.Uint64(); len(dst) < 16; bits >>= 4 {
		dst = append(dst, digits[bits&15])
	}
	return dst
}
