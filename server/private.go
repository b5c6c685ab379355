package server

import (
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"time"

	"github.com/goccy/go-json"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// privateRoutes are for operators and orchestrators, on a listener that clients need not reach.
func (s *Server) privateRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, health{Live: true})
	})
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /nodes", s.serveNodes)
	if s.cfg.Force != nil {
		mux.HandleFunc("POST /nodes", onlyLocal(s.forceNode))
	}
	for path, handler := range map[string]http.HandlerFunc{
		"/debug/pprof/":        pprof.Index,
		"/debug/pprof/cmdline": pprof.Cmdline,
		"/debug/pprof/profile": pprof.Profile,
		"/debug/pprof/mutex":   newMutexRecording().during(pprof.Index),
		"/debug/pprof/block":   newBlockRecording().during(pprof.Index),
		"/debug/pprof/symbol":  pprof.Symbol,
		"/debug/pprof/trace":   pprof.Trace,
	} {
		mux.HandleFunc(path, onlyLocal(handler))
	}
	return mux
}

// onlyLocal keeps a handler from callers on other machines. Health and metrics are harmless, and orchestrators ask for them
// from outside; a profile tells of the inside, and takes CPU time; and who forces a node should be on the machine.
func onlyLocal(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !isLocal(r) {
			http.Error(w, "only callers on this machine, over loopback or a unix socket, are answered here", http.StatusForbidden)
			return
		}
		handler(w, r)
	}
}

// isLocal reports whether a request came over loopback or a unix socket.
func isLocal(r *http.Request) bool {
	if at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && at.Network() == "unix" {
		return true
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && from.Addr().Unmap().IsLoopback()
}

type health struct {
	Live     bool            `json:"live"`
	Ready    *bool           `json:"ready,omitempty"`
	Reason   string          `json:"reason,omitempty"`
	Metadata *metadataHealth `json:"metadata,omitempty"`
}

var errDraining = errors.New("draining: rongate is shutting down")

// ready returns why no request should be sent here.
func (s *Server) ready() error {
	if s.draining.Load() {
		return errDraining
	}
	return s.cfg.Ready()
}

func (s *Server) serveReady(w http.ResponseWriter, _ *http.Request) {
	err := s.ready()
	ready := err == nil
	if ready {
		writeJSON(w, http.StatusOK, health{Live: true, Ready: &ready, Metadata: s.metadataHealth()})
		return
	}
	writeJSON(w, http.StatusServiceUnavailable,
		health{Live: true, Ready: &ready, Reason: err.Error(), Metadata: s.metadataHealth()})
}

// metadataHealth is of when the catalogue is that is served; nil where it is a file.
func (s *Server) metadataHealth() *metadataHealth {
	if s.cfg.Metadata == nil {
		return nil
	}
	stats := s.cfg.Metadata()
	h := &metadataHealth{Live: stats.Live}
	if !stats.KnownAt.IsZero() {
		at, age := stats.KnownAt.UTC().Truncate(time.Millisecond), time.Since(stats.KnownAt).Truncate(time.Millisecond).Seconds()
		h.KnownAt, h.AgeSeconds = &at, &age
	}
	return h
}

// A metadataHealth tells how old the metadata are that are served. They may be: nothing waits for the metadata layer.
type metadataHealth struct {
	Live       bool       `json:"live"`
	KnownAt    *time.Time `json:"knownAt,omitempty"` // when they were last known to be the latest
	AgeSeconds *float64   `json:"ageSeconds,omitempty"`
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client is gone if it cannot be written
}
