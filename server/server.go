package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/rongate/rongate/vectors"
)

// A Service gives requests their meaning; *vectors.Service is one. Each method appends its answer to dst and keeps
// nothing of what it is given.
type Service interface {
	Append(dst []byte, req *vectors.Request) ([]byte, *vectors.Error)
	AppendViews(dst []byte, access vectors.Access) ([]byte, *vectors.Error)
	AppendView(dst []byte, store, name, version string, access vectors.Access) ([]byte, *vectors.Error)
	Stats() vectors.Stats
}

// A Server is rongate's HTTP side: a public listener for requests and a private one for whoever operates it.
type Server struct {
	cfg     Config                 // as New got it
	live    atomic.Pointer[Config] // what Change may change is read from here
	service Service
	started time.Time // what the stamps of requests count from
	metrics *metrics
	answers *sync.Pool
	conns   *connections

	everything *access // what everybody may read where there are no keys

	public  *fasthttp.Server
	private *http.Server

	working  atomic.Int64 // requests being worked on
	sending  atomic.Int64 // bytes of answers being written
	draining atomic.Bool
}

// New returns a Server that answers what service can. It listens nowhere yet.
func New(cfg Config, service Service) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("server configuration: %w", err)
	}
	s := &Server{
		cfg: cfg, service: service, started: time.Now(), everything: &access{all: true},
	}
	s.live.Store(&cfg)
	s.conns = newConnections(cfg.MaxConnections, s.refuseConnection)
	s.answers = newAnswers(&s.sending)
	s.metrics = newMetrics(s)
	s.public = &fasthttp.Server{
		Handler:        s.handle,
		ErrorHandler:   s.requestFailed,
		HeaderReceived: s.headersRead,
		// connections keeps the bound, which may change; fasthttp's own, which answers in plain text, is out of its way.
		// The bounds of a body and of writing an answer come from headersRead.
		Concurrency:                  math.MaxInt32,
		ReadBufferSize:               cfg.MaxHeaderBytes,
		ReadTimeout:                  cfg.ReadTimeout,
		IdleTimeout:                  cfg.IdleTimeout,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		DisablePreParseMultipartForm: true,
		CloseOnShutdown:              true,
		SecureErrorLogMessage:        true,
		Logger:                       debugLogger{cfg.Log},
	}
	s.private = &http.Server{
		Handler:           s.privateRoutes(),
		ReadHeaderTimeout: cfg.ReadTimeout,
		IdleTimeout:       cfg.IdleTimeout,
		ErrorLog:          slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// Change adopts what of cfg can change while requests are answered: Deadline, MaxConcurrent, MaxConnections,
// MaxSendingBytes, MaxBodyBytes, WriteTimeout, DrainDelay and Keys. The rest stays as New got it. A request goes by what
// holds when it is asked, so that one in progress may go by both.
func (s *Server) Change(cfg Config) error {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return fmt.Errorf("server configuration: %w", err)
	}
	s.live.Store(&cfg)
	s.conns.setLimit(cfg.MaxConnections)
	return nil
}

// Serve answers requests on ln until Shutdown, and then returns nil.
func (s *Server) Serve(ln net.Listener) error {
	if err := s.public.Serve(s.conns.listen(ln)); err != nil {
		return fmt.Errorf("serving %v: %w", ln.Addr(), err)
	}
	return nil
}

// ServePrivate answers /livez, /readyz, /metrics, /nodes and /debug/pprof on ln until Shutdown, and then returns nil.
func (s *Server) ServePrivate(ln net.Listener) error {
	if err := s.private.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving %v: %w", ln.Addr(), err)
	}
	return nil
}

// farewell is how long a kept connection has, once nothing new is accepted, to bring one more request: its answer says
// that the connection will be closed. A connection closed without that word may carry a request already, which is lost.
const farewell = 250 * time.Millisecond

// Shutdown turns /readyz false, waits for DrainDelay, stops accepting, gives kept connections their farewell, lets
// the requests in progress finish and then closes the private listener. When ctx ends first, the connections still
// open are dropped and its error is returned. The service is used no more once Shutdown has returned nil.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	wait(ctx, s.live.Load().DrainDelay, nil)
	s.conns.close()
	wait(ctx, farewell, s.conns.empty)
	s.conns.closeListeners()
	s.conns.dropSilent()
	err := s.public.ShutdownWithContext(ctx)
	if ctx.Err() != nil {
		s.conns.abort()
	}
	if errors.Is(err, net.ErrClosed) {
		err = nil // conns closed the listeners already
	}
	s.closePrivate(ctx)
	if err != nil {
		return fmt.Errorf("shutting down: %w", err)
	}
	return nil
}

// privateGrace is how long a scrape in progress may take to end; a profile of many seconds is cut off.
const privateGrace = time.Second

func (s *Server) closePrivate(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, privateGrace)
	defer cancel()
	if s.private.Shutdown(ctx) != nil {
		s.private.Close()
	}
}

// wait returns after d, or as soon as ctx or enough is done.
func wait(ctx context.Context, d time.Duration, enough <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-enough:
	case <-ctx.Done():
	}
}

// refuseConnection answers a connection too many, which has no request to be answered yet.
func (s *Server) refuseConnection(c net.Conn) {
	p := newProblem(vectors.Overloaded, "too many connections are open; try again later, or elsewhere")
	var resp fasthttp.Response
	resp.Header.Set(requestIDHeader, string(appendRequestID(nil)))
	p.send(&resp)
	resp.SetConnectionClose()
	_, _ = resp.WriteTo(c) // the caller closes c either way
	s.metrics.count(routeNone, p.Status)
}

// debugLogger passes on what fasthttp has to say: clients that broke off, mostly.
type debugLogger struct {
	log *slog.Logger
}

// Printf implements fasthttp.Logger.
func (l debugLogger) Printf(format string, args ...any) {
	l.log.Debug("fasthttp: " + fmt.Sprintf(format, args...))
}
