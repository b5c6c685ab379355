package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/hopsworks"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/server"
	"github.com/rongate/rongate/vectors"
)

// gateway is a process's parts, in the order in which they are made; they are closed in the opposite one.
type gateway struct {
	path    string // of the configuration file
	env     environment
	cfg     atomic.Pointer[config] // what is in force
	log     *slog.Logger
	level   *slog.LevelVar
	reader  *lookup.Reader
	nodes   *nodeSet // of the reader
	service *vectors.Service
	server  *server.Server
	catalog atomic.Pointer[catalog.Catalog] // nil until it is loaded

	keys     *hopsworks.Keys                  // of the metadata layer; nil: they are not asked for
	metadata atomic.Pointer[hopsworks.Source] // nil where the catalogue is a file
	definer  hopsworks.Definer                // its goroutine's, as what follows
	spec     *catalog.Spec                    // the one in force
	unserved map[catalog.Unserved]bool        // those told of
	failure  atomic.Pointer[error]            // why it is not loaded yet

	watch    watch
	hangups  <-chan os.Signal // each asks for the files to be read again
	attempts attempts         // at reading them

	retryRefused time.Duration // refusedRetry, but in tests
}

// newGateway makes the parts for the configuration that was read from a file at some time.
func newGateway(path string, env environment, cfg *config, at time.Time, out io.Writer) (*gateway, error) {
	g := &gateway{path: path, env: env, level: new(slog.LevelVar), retryRefused: refusedRetry}
	g.cfg.Store(cfg)
	g.watch.expect(cfg.files, nil, at)
	g.log = newLog(out, cfg.logFormat, g.level)
	g.level.Set(cfg.logLevel)
	cfg.server.Log, cfg.lookup.Log, cfg.lookup.Pool.Log = g.log, g.log, g.log
	cfg.lookup.OnStale = func(table catalog.TableName) {
		if c := g.catalog.Load(); c != nil {
			c.Stale(table)
		}
	}
	cfg.server.Ready = g.ready
	cfg.server.Reloads = g.attempts.stats
	cfg.server.Version = version()
	if cfg.metadata != nil {
		cfg.server.Metadata = g.metadataStats
	}
	var err error
	if g.reader, err = lookup.Open(cfg.lookup); err != nil {
		return nil, err
	}
	if cfg.metadataKeys != nil {
		if err := g.openKeys(cfg); err != nil {
			return nil, err
		}
	}
	cfg.server.Force = g.reader.Force
	g.nodes = newNodeSet(cfg, net.DefaultResolver.LookupNetIP, g.reader.Change, g.log)
	g.service = vectors.New(cfg.vectors, g.reader)
	g.server, err = server.New(cfg.server, g.service)
	return g, err
}

// serve answers requests until ctx ends, then drains and returns nil; or until something fails that no waiting mends.
// The listeners are there at once. Whoever connects to the public one while rongate starts waits for it, but not for long:
// a database that is away is told of.
func (g *gateway) serve(ctx context.Context) error {
	cfg := g.cfg.Load()
	public, err := listenAll(cfg.listen, cfg.socketMode)
	if err != nil {
		return err
	}
	private, err := listenAll(cfg.privateListen, cfg.socketMode)
	if err != nil {
		closeAll(public)
		return err
	}
	g.log.Info("serving", "version", version(), "zone", cfg.lookup.Zone, "region", cfg.lookup.Region,
		"nodes", len(cfg.lookup.Nodes), "listen", listenedOn(public), "privateListen", listenedOn(private))
	g.warnOfZones(cfg)

	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var running sync.WaitGroup
	start := func(part func() error) {
		running.Go(func() {
			if err := part(); err != nil {
				fail(err)
			}
		})
	}
	for _, ln := range public {
		start(func() error {
			g.awaitReady(ctx)
			return g.server.Serve(ln)
		})
	}
	for _, ln := range private {
		start(func() error { return g.server.ServePrivate(ln) })
	}
	start(func() error {
		g.nodes.refresh(ctx)
		if cfg.metadata != nil {
			if err := g.followMetadata(cfg.metadata); err != nil {
				return err
			}
		}
		running.Go(func() { g.nodes.follow(ctx) })
		return g.tend(ctx)
	})
	<-ctx.Done()
	cause := context.Cause(ctx)
	if errors.Is(cause, context.Canceled) {
		cause = nil // asked to stop
	}
	return errors.Join(cause, g.shutdown(&running))
}

const (
	// startGrace is how long connections wait to be accepted for rongate to be ready: many times what it takes with a
	// database that answers, and less than callers wait.
	startGrace = time.Second

	// startPoll is how often it is looked whether rongate is ready.
	startPoll = 2 * time.Millisecond
)

// awaitReady returns when requests can be answered, startGrace has passed or ctx ends.
func (g *gateway) awaitReady(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, startGrace)
	defer cancel()
	poll := time.NewTicker(startPoll)
	defer poll.Stop()
	for g.ready() != nil {
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		}
	}
}

func listenedOn(listeners []net.Listener) string {
	addresses := make([]string, len(listeners))
	for i, ln := range listeners {
		addresses[i] = ln.Addr().String()
	}
	return strings.Join(addresses, ",")
}

// warnOfZones says what is no mistake but may be one: that every read leaves the zone.
func (g *gateway) warnOfZones(cfg *config) {
	for _, n := range cfg.lookup.Nodes {
		if n.Zone == cfg.lookup.Zone && n.Region == cfg.lookup.Region {
			return
		}
	}
	g.log.Warn("no node is in the own zone: every read crosses zones", "zone", cfg.lookup.Zone)
}

// ready returns why no request can be answered.
func (g *gateway) ready() error {
	switch failure := g.failure.Load(); {
	case g.catalog.Load() == nil && failure == nil && g.metadata.Load() != nil && g.metadata.Load().State().Err != nil:
		return fmt.Errorf("the catalogue is not loaded yet: %w", g.metadata.Load().State().Err)
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
	cfg := g.cfg.Load()
	g.log.Info("shutting down", "delay", cfg.server.DrainDelay.String(), "timeout", cfg.shutdownTimeout.String())
	ctx, cancel := context.WithTimeout(context.Background(), cfg.server.DrainDelay+cfg.shutdownTimeout)
	defer cancel()
	err := g.server.Shutdown(ctx)
	running.Wait() // the catalogue may have been loaded meanwhile
	if s := g.metadata.Load(); s != nil {
		s.Close()
	}
	if c := g.catalog.Load(); c != nil {
		c.Close()
	}
	if g.keys != nil {
		g.keys.Close()
	}
	err = errors.Join(err, g.reader.Close(ctx))
	g.log.Info("ended")
	return err
}
