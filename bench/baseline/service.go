package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
	"github.com/rongate/rongate/vectors"
)

// A service answers requests.
type service struct {
	snapshot *catalog.Snapshot
	features map[*catalog.View]map[string]*catalog.Feature // by name
	views    *vectors.Service                              // describes them, and does nothing else
	nodes    []*node
	turn     atomic.Uint64 // of the nodes
	deadline time.Duration
	now      func() time.Time
}

// newService resolves the catalogue against the database as rongate does. It is not read again.
func newService(ctx context.Context, cfg *config, connections int) (*service, error) {
	reader, err := lookup.Open(lookup.Config{Zone: cfg.zone, Nodes: cfg.nodes, Pool: pool.Config{
		User: cfg.user, Password: func() (string, error) { return cfg.password, nil },
	}})
	if err != nil {
		return nil, err
	}
	defer reader.Close(ctx)
	c, err := catalog.Open(ctx, catalog.Config{Path: cfg.catalogue, Describer: reader, Refresh: -1})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	s := &service{snapshot: c.Current(), deadline: cfg.deadline, now: time.Now}
	s.views = vectors.New(vectors.Config{}, planless{})
	if err := s.views.Use(s.snapshot); err != nil {
		return nil, err
	}
	s.features = make(map[*catalog.View]map[string]*catalog.Feature)
	for _, view := range s.snapshot.Views {
		s.features[view] = make(map[string]*catalog.Feature)
		for i := range view.Features {
			s.features[view][view.Features[i].Name] = &view.Features[i]
		}
	}
	for _, n := range cfg.nodes {
		node, err := openNode(cfg, n.Address, connections)
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", n.Address, err)
		}
		s.nodes = append(s.nodes, node)
	}
	return s, nil
}

// planless is a vectors.Reader for what takes no reading.
type planless struct{ vectors.Reader }

func (planless) Use(s *catalog.Snapshot) ([]*lookup.Plan, error) {
	return make([]*lookup.Plan, len(s.Selects)), nil
}

// everything is a vectors.Access.
type everything struct{}

func (everything) MayRead(*catalog.View) bool { return true }

func (everything) MayKnow(string, string) bool { return true }
func (everything) MayTell(string, string) bool { return true }

func (s *service) close() {
	for _, n := range s.nodes {
		n.db.Close()
	}
}

// node is the one whose turn it is.
func (s *service) node() *node { return s.nodes[s.turn.Add(1)%uint64(len(s.nodes))] }

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", handle(s.ready))
	mux.HandleFunc("POST /feature-vectors", handle(s.answer))
	mux.HandleFunc("GET /feature-views", handle(func(*http.Request) (any, error) {
		return described(s.views.AppendViews(nil, everything{}))
	}))
	mux.HandleFunc("GET /feature-views/{name}/{version}", handle(func(r *http.Request) (any, error) {
		store, name, version := r.FormValue("featureStore"), r.PathValue("name"), r.PathValue("version")
		return described(s.views.AppendView(nil, store, name, version, everything{}))
	}))
	return mux
}

func described(document []byte, err *vectors.Error) (any, error) {
	if err != nil {
		return nil, &problem{http.StatusNotFound, err.Message}
	}
	return json.RawMessage(document), nil
}

// ready tells whether any node answers.
func (s *service) ready(r *http.Request) (any, error) {
	ctx, cancel := context.WithTimeout(r.Context(), s.deadline)
	defer cancel()
	for _, n := range s.nodes {
		if n.db.PingContext(ctx) == nil {
			return "ready", nil
		}
	}
	return nil, &problem{http.StatusServiceUnavailable, "no node can serve"}
}

// A problem is why a request has no answer.
type problem struct {
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

func (p *problem) Error() string { return p.Detail }

func badRequest(format string, args ...any) error {
	return &problem{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// handle serves what a function answers as JSON.
func handle(answer func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status, mediaType := http.StatusOK, "application/json"
		document, err := answer(r)
		if err != nil {
			p := &problem{http.StatusInternalServerError, "something went wrong"}
			errors.As(err, &p)
			document, status, mediaType = p, p.Status, "application/problem+json"
		}
		var body bytes.Buffer
		encoder := json.NewEncoder(&body)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(document); err != nil {
			slog.Error("an answer that is no JSON", "error", err)
			status = http.StatusInternalServerError
		}
		w.Header().Set("Content-Type", mediaType)
		w.WriteHeader(status)
		_, _ = w.Write(bytes.TrimSuffix(body.Bytes(), []byte("\n"))) // the caller may have gone
	}
}
