package server

import (
	"errors"
	"net/http"
	"net/http/pprof"

	"github.com/goccy/go-json"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// privateRoutes are for operators and orchestrators, on a listener that clients cannot reach.
func (s *Server) privateRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, health{Live: true})
	})
	mux.HandleFunc("GET /readyz", s.serveReady)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

type health struct {
	Live   bool   `json:"live"`
	Ready  *bool  `json:"ready,omitempty"`
	Reason string `json:"reason,omitempty"`
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
		writeJSON(w, http.StatusOK, health{Live: true, Ready: &ready})
		return
	}
	writeJSON(w, http.StatusServiceUnavailable, health{Live: true, Ready: &ready, Reason: err.Error()})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client is gone if it cannot be written
}
