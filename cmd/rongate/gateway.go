package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/internal/yamldoc"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/server"
	"github.com/rongate/rongate/vectors"
)

// The wait between attempts to load the catalogue while the database cannot be asked for its tables.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// gateway is a process's parts, in the order in which they are made; they are closed in the opposite one.
type gateway struct {
	cfg     *config
	log     *slog.Logger
	reader  *lookup.Reader
	service *vectors.Service
	server  *server.Server
	catalog atomic.Pointer[catalog.Catalog] // nil until it is loaded
	failure atomic.Pointer[error]           // why it is not loaded yet
}

func newGateway(cfg *config, log *slog.Logger) (*gateway, error) {
	g := &gateway{cfg: cfg, log: log}
	cfg.lookup.OnStale = func(table catalog.TableName) {
		if c := g.catalog.Load(); c != nil {
			c.Stale(table)
		}
	}
	cfg.server.Ready = g.ready
	cfg.server.Version = version()
	var err error
	if g.reader, err = lookup.Open(cfg.lookup); err != nil {
		return nil, err
	}
	g.service = vectors.New(cfg.vectors, g.reader)
	g.server, err = server.New(cfg.server, g.service)
	return g, err
}

// serve answers requests until ctx ends, then drains and returns nil; or until something fails that no waiting mends.
// The listeners are there at once, and answer that nothing is ready for as long as that is so.
func serve(ctx context.Context, cfg *config, log *slog.Logger) error {
	g, err := newGateway(cfg, log)
	if err != nil {
		return err
	}
	public, err := net.Listen("tcp", cfg.listen)
	if err != nil {
		return err
	}
	private, err := net.Listen("tcp", cfg.privateListen)
	if err != nil {
		public.Close()
		return err
	}
	log.Info("serving", "version", version(), "zone", cfg.lookup.Zone, "nodes", len(cfg.lookup.Nodes),
		"listen", public.Addr().String(), "privateListen", private.Addr().String())
	g.warnOfZones()

	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var running sync.WaitGroup
	for _, part := range []func() error{
		func() error { return g.server.Serve(public) },
		func() error { return g.server.ServePrivate(private) },
		func() error { return g.loadCatalog(ctx) },
	} {
		running.Go(func() {
			if err := part(); err != nil {
				fail(err)
			}
		})
	}
	<-ctx.Done()
	cause := context.Cause(ctx)
	if errors.Is(cause, context.Canceled) {
		cause = nil // asked to stop
	}
	return errors.Join(cause, g.shutdown(&running))
}

// warnOfZones says what is no mistake but may be one: that every read leaves the zone.
func (g *gateway) warnOfZones() {
	for _, n := range g.cfg.lookup.Nodes {
		if n.Zone == g.cfg.lookup.Zone {
			return
		}
	}
	g.log.Warn("no node is in the own zone: every read crosses zones", "zone", g.cfg.lookup.Zone)
}

// loadCatalog makes the first snapshot the one that is served. While the database cannot be asked for its tables it
// goes on trying; a catalogue that contradicts the tables is for a person to mend.
func (g *gateway) loadCatalog(ctx context.Context) error {
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		c, err := catalog.Open(ctx, catalog.Config{
			Path: g.cfg.catalogFile, Describer: g.reader, OnChange: g.use, Log: g.log,
		})
		if err == nil {
			return g.adopt(c)
		}
		var mistakes yamldoc.Problems
		if errors.As(err, &mistakes) {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		g.failure.Store(&err)
		g.log.Warn("catalogue not loaded yet", "error", err, "retryIn", wait.String())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// adopt serves from c. Nothing can change c's snapshot before it is stored: only then do reads tell it of stale tables.
func (g *gateway) adopt(c *catalog.Catalog) error {
	if err := g.service.Use(c.Current()); err != nil {
		c.Close()
		return fmt.Errorf("use the catalogue: %w", err)
	}
	g.catalog.Store(c)
	g.log.Info("catalogue loaded", "file", g.cfg.catalogFile, "featureViews", len(c.Current().Views))
	return nil
}

// use serves from a snapshot that replaces one.
func (g *gateway) use(s *catalog.Snapshot) {
	if err := g.service.Use(s); err != nil {
		g.log.Error("catalogue not changed", "error", err)
	}
}

// ready returns why no request can be answered.
func (g *gateway) ready() error {
	switch failure := g.failure.Load(); {
	case g.catalog.Load() == nil && failure != nil:
		return fmt.Errorf("the catalogue is not loaded yet: %w", *failure)
	case g.catalog.Load() == nil:
		return errors.New("the catalogue is not loaded yet")
	case !g.reader.Ready():
		return g.noNode()
	}
	return nil
}

// freshError is how old a node's latest error may be to explain why it cannot serve now: connecting is tried again every
// second or two.
const freshError = 10 * time.Second

// noNode says what is wrong with each of the nodes.
func (g *gateway) noNode() error {
	errs := []error{errors.New("no node can serve")}
	for _, n := range g.reader.Stats().Nodes {
		if !n.Up {
			errs = append(errs, notUp(n, time.Now()))
		}
	}
	return errors.Join(errs...)
}

// notUp says what is wrong with a node that cannot serve.
func notUp(n lookup.NodeStats, now time.Time) error {
	if n.Pool.LastError != nil && now.Sub(n.Pool.LastErrorTime) < freshError {
		return fmt.Errorf("node %s: %w", n.Address, n.Pool.LastError)
	}
	return fmt.Errorf("node %s: none of its connections is ready; %d run statements that nobody waits for any more",
		n.Address, n.Pool.Detached)
}

// shutdown drains the server, waits for what runs, and closes what it answered from.
func (g *gateway) shutdown(running *sync.WaitGroup) error {
	g.log.Info("shutting down", "delay", g.cfg.server.DrainDelay.String(), "timeout", g.cfg.shutdownTimeout.String())
	ctx, cancel := context.WithTimeout(context.Background(), g.cfg.server.DrainDelay+g.cfg.shutdownTimeout)
	defer cancel()
	err := g.server.Shutdown(ctx)
	running.Wait() // the catalogue may have been loaded meanwhile
	if c := g.catalog.Load(); c != nil {
		c.Close()
	}
	return errors.Join(err, g.reader.Close(ctx))
}
