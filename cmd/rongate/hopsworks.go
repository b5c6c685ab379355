package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/hopsworks"
	"github.com/rongate/rongate/internal/yamldoc"
	"github.com/rongate/rongate/pool"
	"github.com/rongate/rongate/server"
	"github.com/rongate/rongate/vectors"
)

// metadataName is what the metadata are called in messages, in place of a file.
const metadataName = "hopsworks"

// readMetadata reads what is to be done with the metadata.
func (l *loader) readMetadata(c *config, m *yamldoc.Map) {
	cfg := &hopsworks.Config{}
	cfg.Schema = m.Optional("schema").Text("")
	cfg.Poll = m.Optional("poll").Duration(0, 50*time.Millisecond, time.Hour)
	cfg.Compare = m.Optional("compare").Duration(0, time.Second, 24*time.Hour)
	cfg.Reread = m.Optional("reread").Duration(0, time.Second, 24*time.Hour)
	if path := m.Optional("snapshot").Text(""); path != "" {
		if !filepath.IsAbs(path) {
			path = filepath.Join(l.dir, path)
		}
		cfg.Snapshot = path
	}
	c.metadata = cfg
	keys := m.Optional("apiKeys").Map()
	check := keys.Optional("check").Bool(true)
	k := &hopsworks.KeysConfig{
		Schema:  cfg.Schema,
		Refresh: keys.Optional("refresh").Duration(0, 100*time.Millisecond, time.Hour),
		Keep:    keys.Optional("keep").Duration(0, time.Second, 365*24*time.Hour),
	}
	if check {
		c.metadataKeys = k
	}
	if cfg.Snapshot != "" {
		k.File = cfg.Snapshot + ".keys"
	}
}

// readMetadataNodes reads where the metadata layer is. Nodes and access are those of the online store, which are known
// already, unless it says otherwise.
func (l *loader) readMetadataNodes(c *config, m *yamldoc.Map) {
	entries := c.nodes
	if list := m.Optional("nodes"); l.written(list) {
		entries = nil
		for _, item := range list.List() {
			node := item.Map()
			n := l.readNode(node)
			n.Zone = node.Optional("zone").Text("")
			entries = append(entries, n)
		}
	}
	template := c.lookup.Pool
	if database := m.Optional("database"); l.written(database) {
		template = pool.Config{}
		l.readAccess(&template, &c.metadataAccess, entries, database.Map())
	}
	slices.SortStableFunc(entries, func(a, b nodeEntry) int { return far(c, a) - far(c, b) })
	for _, e := range entries {
		n := pool.Config{
			Address: e.Address, User: template.User, Password: template.Password, TLS: template.TLS,
			HandshakeTimeout: template.HandshakeTimeout, DriverRows: template.DriverRows,
		}
		if n.TLS != nil && n.TLS.ServerName == "" && e.ServerName != "" {
			n.TLS = n.TLS.Clone()
			n.TLS.ServerName = e.ServerName
		}
		c.metadata.Nodes = append(c.metadata.Nodes, n)
	}
	if c.metadataKeys != nil {
		c.metadataKeys.Nodes = c.metadata.Nodes
	}
}

// open reports whether everybody is answered who reaches the public listener.
func (c *config) open() bool { return c.server.Keys == nil && c.metadataKeys == nil }

// authenticator has the metadata layer's API keys checked.
func authenticator(keys *hopsworks.Keys) func([]byte, time.Time) (vectors.Access, *vectors.Error) {
	refusals := map[hopsworks.Verdict]*vectors.Error{}
	for verdict, e := range map[hopsworks.Verdict]struct {
		code vectors.Code
		text string
	}{
		hopsworks.KeyUnknown: {server.Unauthenticated, "send a valid API key in the header X-API-Key"},
		hopsworks.KeyExpired: {server.Unauthenticated, "the API key has expired; make another in Hopsworks"},
		hopsworks.KeyUnscoped: {
			vectors.Forbidden, "the API key has not the scope FEATURESTORE; make one in Hopsworks that has",
		},
		hopsworks.KeyUnchecked: {vectors.Unavailable, "the API key cannot be checked now; try again later"},
		hopsworks.KeyDeferred:  {vectors.Overloaded, "too many unknown API keys are being checked; try again later"},
	} {
		refusals[verdict] = &vectors.Error{Code: e.code, Entry: -1, Message: e.text}
	}
	return func(key []byte, deadline time.Time) (vectors.Access, *vectors.Error) {
		rights, verdict := keys.Check(key, deadline)
		if verdict != hopsworks.KeyValid {
			return nil, refusals[verdict]
		}
		return rights, nil
	}
}

// far is 0 for a node of the own zone, else 1.
func far(c *config, e nodeEntry) int {
	if e.Zone == c.lookup.Zone {
		return 0
	}
	return 1
}

// sameMetadata reports whether two configurations have the catalogue from the same place.
func sameMetadata(a, b *config) bool {
	if a.metadata == nil || b.metadata == nil {
		return a.metadata == b.metadata
	}
	p, q := a.metadata, b.metadata
	return a.metadataAccess == b.metadataAccess && sameKeys(a.metadataKeys, b.metadataKeys) &&
		p.Schema == q.Schema && p.Poll == q.Poll && p.Compare == q.Compare &&
		p.Reread == q.Reread && p.Snapshot == q.Snapshot && slices.EqualFunc(p.Nodes, q.Nodes, func(x, y pool.Config) bool {
		return x.Address == y.Address && x.User == y.User
	})
}

func sameKeys(a, b *hopsworks.KeysConfig) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Refresh == b.Refresh && a.Keep == b.Keep
}

// openKeys has the metadata layer's API keys asked for.
func (g *gateway) openKeys(cfg *config) error {
	own := *cfg.metadataKeys
	own.Nodes, own.Log = g.loggedBy(own.Nodes), g.log
	keys, err := hopsworks.OpenKeys(own)
	if err != nil {
		return err
	}
	g.keys = keys
	cfg.server.Authenticate = authenticator(keys)
	return nil
}

// loggedBy returns copies of nodes that log where the gateway does: the configuration's own are read by several goroutines.
func (g *gateway) loggedBy(nodes []pool.Config) []pool.Config {
	own := slices.Clone(nodes)
	for i := range own {
		own[i].Log = g.log
	}
	return own
}

// followMetadata has the catalogue follow the metadata layer, until the source is closed.
func (g *gateway) followMetadata(cfg *hopsworks.Config) error {
	own := *cfg
	own.OnChange, own.Nodes, own.Log = g.useMetadata, g.loggedBy(own.Nodes), g.log
	source, err := hopsworks.Open(own)
	if err != nil {
		return err
	}
	g.metadata.Store(source)
	return nil
}

// useMetadata serves what the metadata say.
func (g *gateway) useMetadata(ctx context.Context, m *hopsworks.Metadata) error {
	ctx, cancel := context.WithTimeout(ctx, catalogTimeout)
	defer cancel()
	began := time.Now()
	spec := catalog.Define(metadataName, g.definer.Define(m), g.spec)
	if g.keys != nil {
		g.keys.Use(m) // before there are views that only it gives rights to
	}
	c := g.catalog.Load()
	var err error
	if c == nil {
		c, err = catalog.Open(ctx, catalog.Config{Spec: spec, Describer: g.reader, OnChange: g.use, Log: g.log})
		if err == nil {
			err = g.adopt(c)
		}
	} else {
		err = c.Replace(ctx, spec)
	}
	if err != nil {
		g.failure.Store(&err)
		g.attempts.count(&g.attempts.unavailable)
		return err
	}
	g.spec = spec
	s := c.Current()
	g.log.Info("metadata in force", "featureViews", len(s.Views), "unserved", len(s.Unserved),
		"took", time.Since(began).Round(time.Millisecond).String())
	g.tellUnserved(s)
	return nil
}

// metadataStats are for /metrics.
func (g *gateway) metadataStats() (stats server.MetadataStats) {
	if s := g.metadata.Load(); s != nil {
		st := s.State()
		stats = server.MetadataStats{
			Live: st.Live, KnownAt: st.ReadAt, SavedAt: st.SavedAt, Polls: st.Polls, Failures: st.Failures, Changes: st.Changes,
		}
	}
	if g.keys != nil {
		k := g.keys.Stats()
		stats.Keys = &server.MetadataKeys{
			Live: k.Live, Known: k.Known, Absent: k.Absent, Reads: k.Reads, Failed: k.Failed, Checks: map[string]uint64{},
		}
		for verdict, n := range k.Checks {
			stats.Keys.Checks[hopsworks.Verdict(verdict).String()] = n
		}
	}
	if c := g.catalog.Load(); c != nil {
		stats.Served, stats.Unserved = len(c.Current().Views), len(c.Current().Unserved)
	}
	return stats
}

// maxTold bounds how many views that are not served are told of one by one.
const maxTold = 20

// tellUnserved logs which views are not served and why, those that were told of before left out.
func (g *gateway) tellUnserved(s *catalog.Snapshot) {
	told := map[catalog.Unserved]bool{}
	more := 0
	for _, u := range s.Unserved {
		told[u] = true
		switch {
		case g.unserved[u]:
		case more >= maxTold:
			more++
		default:
			more++
			g.log.Warn("feature view cannot be served", "featureView", fmt.Sprintf("%s/%s", u.Store, u.Name), "version", u.Version,
				"why", oneLine(fmt.Errorf("%s", u.Why)))
		}
	}
	if more > maxTold {
		g.log.Warn("more feature views cannot be served", "number", more-maxTold)
	}
	g.unserved = told
}
