package testbed

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"github.com/rongate/rongate/internal/faultnet"
)

// A MariaDBConfig describes a MariaDB or MySQL server and the proxies before it.
type MariaDBConfig struct {
	// Binary is mariadbd or mysqld; default: the first that is found in the PATH, /usr/sbin or /usr/libexec.
	Binary string

	// Zones has one zone a node; default zone1, zone1, zone2.
	Zones []string

	// Accounts, if any, turns grants on, which takes some seconds more.
	Accounts []Account

	// TLS gives the server a certificate for 127.0.0.1 and localhost.
	TLS bool

	// Args are more options for the server. They win over the testbed's own.
	Args []string
}

// defaultZones is what both kinds of clusters have if nothing else is asked for.
func defaultZones() []string { return []string{"zone1", "zone1", "zone2"} }

// A MariaDB is one MariaDB or MySQL server behind proxies.
type MariaDB struct{ bed }

// StartMariaDB starts a server and returns when it answers, after about half a second.
func StartMariaDB(ctx context.Context, cfg MariaDBConfig) (*MariaDB, error) {
	in, err := findServer(cfg.Binary)
	if err != nil {
		return nil, err
	}
	if len(cfg.Zones) == 0 {
		cfg.Zones = defaultZones()
	}
	m := new(MariaDB)
	if m.group, err = newGroup(); err != nil {
		return nil, err
	}
	if err := m.start(ctx, cfg, in); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func (m *MariaDB) start(ctx context.Context, cfg MariaDBConfig, in installation) error {
	port, err := m.group.port()
	if err != nil {
		return err
	}
	options, err := m.prepare(ctx, cfg, in)
	if err != nil {
		return err
	}
	s := newServer(m.group, "server", in)
	s.process.args = slices.Concat(options, serverOptions(m.group, "server", port), cfg.Args)
	s.process.ready = func(ctx context.Context) error { return s.check(ctx, "SELECT 1") }
	m.servers = []*server{s}
	m.processes = []*process{s.process}
	if err := s.process.start(ctx); err != nil {
		return err
	}
	for i, zone := range cfg.Zones {
		proxy, err := m.proxy(loopback(port), i)
		if err != nil {
			return err
		}
		m.nodes = append(m.nodes, &Node{
			Name: fmt.Sprintf("node%d", i+1), Address: proxy.Addr(), Zone: zone,
			Proxy: proxy, Process: &proxyProcess{proxy: proxy, server: s}, server: s,
		})
	}
	return nil
}

// prepare makes the data directory and returns the options that depend on it.
func (m *MariaDB) prepare(ctx context.Context, cfg MariaDBConfig, in installation) ([]string, error) {
	dataDir := filepath.Join(m.group.dir, "data")
	options := in.options(dataDir)
	if cfg.TLS {
		tls, pool, err := certificates(m.group.dir)
		if err != nil {
			return nil, err
		}
		m.ca = pool
		options = append(options, tls...)
	}
	if len(cfg.Accounts) == 0 && !in.isMySQL() {
		return append(options, "--skip-grant-tables", "--skip-networking=0"), in.bootstrap(ctx, m.group, dataDir)
	}
	more, err := in.initialize(ctx, m.group, dataDir, cfg.Accounts)
	return append(options, more...), err
}

// newServer is a server without arguments as yet.
func newServer(g *group, name string, in installation) *server {
	p := &process{group: g, name: name, path: in.server}
	return &server{process: p, socket: socketPath(g, name), client: in.client}
}

func socketPath(g *group, name string) string { return filepath.Join(g.dir, name+".sock") }

// serverOptions say where a server listens.
func serverOptions(g *group, name string, port int) []string {
	return []string{
		"--bind-address=127.0.0.1", fmt.Sprintf("--port=%d", port),
		"--socket=" + socketPath(g, name), "--pid-file=" + filepath.Join(g.dir, name+".pid"),
	}
}

// Kind returns KindMariaDB, for MySQL too.
func (m *MariaDB) Kind() Kind { return KindMariaDB }

// Engine implements Cluster.
func (m *MariaDB) Engine() string { return "ENGINE=InnoDB" }

// KeyOptions implements Cluster.
func (m *MariaDB) KeyOptions() string { return "" }

// Server is the one server behind all nodes.
func (m *MariaDB) Server() Process { return m.servers[0].process }

// Mend implements Cluster.
func (m *MariaDB) Mend(ctx context.Context) error {
	if err := m.servers[0].process.mend(ctx); err != nil {
		return err
	}
	return each(m.nodes, func(n *Node) error { return n.Restart(ctx) })
}

// A proxyProcess lets a proxy pose as the process of a node.
type proxyProcess struct {
	proxy  *faultnet.Proxy
	server *server

	mu   sync.Mutex // guards dead
	dead bool
}

func (p *proxyProcess) Stop(context.Context) error { return p.Kill() }

func (p *proxyProcess) Kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = true
	err := p.proxy.Set(faultnet.Fault{Refuse: true})
	p.proxy.Hangup()
	return err
}

func (p *proxyProcess) Pause() error { return p.set(faultnet.Fault{BlackHole: true}) }

func (p *proxyProcess) Resume() error { return p.set(faultnet.Fault{}) }

func (p *proxyProcess) set(f faultnet.Fault) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return fmt.Errorf("testbed: node at %s: %w", p.proxy.Addr(), errNotRunning)
	}
	return p.proxy.Set(f)
}

func (p *proxyProcess) Restart(ctx context.Context) error {
	if err := p.Kill(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.proxy.Set(faultnet.Fault{}); err != nil {
		return err
	}
	p.dead = false
	return nil
}

func (p *proxyProcess) Alive() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.dead
}
