package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/internal/yamldoc"
	"github.com/rongate/rongate/server"
)

const (
	// The wait between attempts to load the catalogue while the database cannot be asked for its tables.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second

	// catalogTimeout bounds the reading of all tables from all nodes.
	catalogTimeout = 30 * time.Second

	// refusedRetry is how often a catalogue that contradicts the tables is tried again, while another is served: the tables
	// may follow it.
	refusedRetry = 30 * time.Second
)

// tend loads the catalogue and then reads the files again whenever they have changed or a signal asks for it, until ctx
// ends. Its error is a catalogue that contradicts the tables at the start, which is for a person to mend. One that was
// altered since the files were accepted is no such thing: its mistakes are told when it is read again.
func (g *gateway) tend(ctx context.Context) error {
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	wait := firstRetry
	retry := time.NewTimer(0)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-poll.C:
			if !g.watch.changed() || !g.reload(ctx) {
				continue
			}
		case <-g.hangups:
			if !g.reload(ctx) {
				continue
			}
		case <-retry.C: // the first time, or after the database was away
		}
		retry.Stop()
		switch err := g.loadCatalog(ctx); {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			wait = firstRetry
		case isMistake(err) && !g.altered() && g.catalog.Load() == nil:
			return err
		case isMistake(err) && !g.altered():
			wait = firstRetry
			retry.Reset(g.retryRefused)
			g.refuse("catalogue refused; what was served before is served on", g.cfg.Load().catalogFile, err)
		default:
			g.attempts.count(&g.attempts.unavailable)
			g.log.Warn("catalogue cannot be loaded now", "error", oneLine(err), "retryIn", wait.String())
			retry.Reset(wait)
			wait = min(2*wait, lastRetry)
		}
	}
}

// altered reports whether the files are others than those that are in force.
func (g *gateway) altered() bool {
	return g.attempts.areMistaken() || !same(g.watch.stamps(), g.watch.read)
}

// oneLine fits an error of several parts into a log.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// isMistake reports whether an error is for a person to mend: trying again does not help.
func isMistake(err error) bool {
	var mistakes yamldoc.Problems
	return errors.As(err, &mistakes)
}

// loadCatalog serves what the catalogue file says. On an error nothing changes.
func (g *gateway) loadCatalog(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, catalogTimeout)
	defer cancel()
	if g.cfg.Load().metadata != nil {
		return nil // see useMetadata
	}
	path := g.cfg.Load().catalogFile
	if c := g.catalog.Load(); c != nil {
		if err := c.Reload(ctx, path); err != nil {
			return err
		}
		g.attempts.count(&g.attempts.accepted)
		g.log.Info("catalogue reloaded", "file", path, "featureViews", len(c.Current().Views))
		return nil
	}
	c, err := catalog.Open(ctx, catalog.Config{Path: path, Describer: g.reader, OnChange: g.use, Log: g.log})
	if err != nil {
		g.failure.Store(&err)
		return err
	}
	return g.adopt(c)
}

// adopt serves from c. Nothing can change c's snapshot before it is stored: only then do reads tell it of stale tables.
func (g *gateway) adopt(c *catalog.Catalog) error {
	if err := g.service.Use(c.Current()); err != nil {
		c.Close()
		return fmt.Errorf("use the catalogue: %w", err)
	}
	g.catalog.Store(c)
	g.attempts.count(&g.attempts.accepted)
	g.log.Info("catalogue loaded", "file", g.cfg.Load().catalogFile, "featureViews", len(c.Current().Views))
	return nil
}

// use serves from a snapshot that replaces one.
func (g *gateway) use(s *catalog.Snapshot) {
	if err := g.service.Use(s); err != nil {
		g.log.Error("catalogue not changed", "error", err)
	}
}

// reload reads the configuration again and puts it in force as far as that can be done without a restart. It reports
// whether the catalogue is to be loaded: with a mistake in any of the files nothing changes.
func (g *gateway) reload(ctx context.Context) bool {
	before, at := g.watch.stamps(), time.Now()
	next, err := loadConfig(g.path, g.env)
	g.watch.expect(next.files, before, at)
	if err == nil {
		err = g.change(ctx, next)
	}
	g.attempts.setMistaken(err != nil)
	if err != nil {
		g.refuse("configuration refused; what held before holds on", g.path, err)
		return false
	}
	return true
}

// change puts a configuration in force.
func (g *gateway) change(ctx context.Context, next *config) error {
	old := g.cfg.Load()
	if err := checkKeys(old, next); err != nil {
		return err
	}
	next.lookup.Pool.Log = g.log
	redial := !sameConnections(old, next)
	if err := g.nodes.adopt(ctx, next, redial); err != nil {
		return err
	}
	next.server.Authenticate = old.server.Authenticate
	if err := g.server.Change(next.server); err != nil {
		return err
	}
	g.service.Change(next.vectors)
	g.level.Set(next.logLevel)
	if fixed := fixedFields(old, next); len(fixed) > 0 {
		g.log.Warn("these fields have changed and take a restart", "fields", strings.Join(fixed, ", "))
		keepFixed(next, old)
	}
	g.cfg.Store(next)
	g.log.Info("configuration reloaded", "zone", next.lookup.Zone, "region", next.lookup.Region,
		"nodes", len(next.lookup.Nodes), "redial", redial)
	g.warnOfZones(next)
	return nil
}

// checkKeys refuses a configuration without API keys for as long as rongate listens where they are required: other
// addresses take a restart.
func checkKeys(old, next *config) error {
	i := slices.IndexFunc(old.listen, isBeyondLoopback)
	if next.server.Keys != nil || old.metadataKeys != nil || i < 0 {
		return nil
	}
	return fmt.Errorf("apiKeys: rongate listens on %s, which is reachable from other machines, until it is restarted; "+
		"without apiKeys it would answer everybody there", old.listen[i])
}

// refuse says what is wrong, a line for each mistake.
func (g *gateway) refuse(what, file string, err error) {
	g.attempts.count(&g.attempts.refused)
	g.log.Error(what, "file", file)
	for line := range strings.Lines(err.Error()) {
		g.log.Error("mistake", "at", strings.TrimRight(line, "\n"))
	}
}

// sameConnections reports whether connections made under one configuration serve under the other.
func sameConnections(a, b *config) bool {
	p, q := a.lookup.Pool, b.lookup.Pool
	return a.access == b.access && p.User == q.User && p.Size == q.Size && p.MaxDetached == q.MaxDetached &&
		p.HandshakeTimeout == q.HandshakeTimeout && p.WarmTimeout == q.WarmTimeout && cap(p.Warmups) == cap(q.Warmups) &&
		p.Lifetime == q.Lifetime && p.IdleLimit == q.IdleLimit && p.KeepAlive == q.KeepAlive &&
		p.Statements == q.Statements && p.DrainGrace == q.DrainGrace
}

// fixedFields returns the fields that differ and cannot be changed while rongate runs.
func fixedFields(a, b *config) (fields []string) {
	for _, f := range []struct {
		name string
		same bool
	}{
		{"listen", fmt.Sprint(a.listen) == fmt.Sprint(b.listen)},
		{"privateListen", fmt.Sprint(a.privateListen) == fmt.Sprint(b.privateListen)},
		{"socketMode", a.socketMode == b.socketMode},
		{"limits.maxHeaderBytes", a.server.MaxHeaderBytes == b.server.MaxHeaderBytes},
		{"http.readTimeout", a.server.ReadTimeout == b.server.ReadTimeout},
		{"http.idleTimeout", a.server.IdleTimeout == b.server.IdleTimeout},
		{"log.format", a.logFormat == b.logFormat},
		{"catalog.hopsworks", sameMetadata(a, b)},
	} {
		if !f.same {
			fields = append(fields, f.name)
		}
	}
	return fields
}

// keepFixed has a configuration say what is in force, so that a change that takes a restart is told of at every reload until
// then.
func keepFixed(next, old *config) {
	next.listen, next.privateListen, next.socketMode = old.listen, old.privateListen, old.socketMode
	next.server.MaxHeaderBytes = old.server.MaxHeaderBytes
	next.server.ReadTimeout, next.server.IdleTimeout = old.server.ReadTimeout, old.server.IdleTimeout
	next.logFormat = old.logFormat
	if old.metadata != nil || next.metadata != nil {
		next.metadata, next.metadataAccess, next.catalogFile = old.metadata, old.metadataAccess, old.catalogFile
		next.metadataKeys = old.metadataKeys
	}
}

// attempts counts what became of reading the files.
type attempts struct {
	mu                             sync.Mutex
	accepted, refused, unavailable uint64
	last                           *uint64   // the one that was counted last
	at                             time.Time // of the last that was accepted
	mistaken                       bool      // the files as they are now were refused, whatever was counted since
}

func (a *attempts) setMistaken(mistaken bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mistaken = mistaken
}

func (a *attempts) areMistaken() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.mistaken
}

func (a *attempts) count(result *uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	*result++
	a.last = result
	if result == &a.accepted {
		a.at = time.Now()
	}
}

func (a *attempts) stats() server.ReloadStats {
	a.mu.Lock()
	defer a.mu.Unlock()
	return server.ReloadStats{
		Accepted: a.accepted, Refused: a.refused, Unavailable: a.unavailable,
		Current: a.last == &a.accepted && !a.mistaken, AcceptedAt: a.at,
	}
}
