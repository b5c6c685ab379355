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
)

// metadataName is what the metadata are called in messages, in place of a file.
const metadataName = "hopsworks"

// readMetadata reads where the metadata layer is. Nodes and access are those of the online store, which are known already,
// unless it says otherwise.
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
		cfg.Nodes = append(cfg.Nodes, n)
	}
	c.metadata = cfg
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
	return a.metadataAccess == b.metadataAccess && p.Schema == q.Schema && p.Poll == q.Poll && p.Compare == q.Compare &&
		p.Reread == q.Reread && p.Snapshot == q.Snapshot && slices.EqualFunc(p.Nodes, q.Nodes, func(x, y pool.Config) bool {
		return x.Address == y.Address && x.User == y.User
	})
}

// followMetadata has the catalogue follow the metadata layer, until the source is closed.
func (g *gateway) followMetadata(cfg *hopsworks.Config) error {
	own := *cfg
	own.OnChange, own.Log = g.useMetadata, g.log
	for i := range own.Nodes {
		own.Nodes[i].Log = g.log
	}
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
	spec := catalog.Define(metadataName, m.Define())
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
