package testbed

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/rongate/rongate/internal/faultnet"
)

// Kind names what a Cluster is made of.
type Kind string

// The kinds of clusters.
const (
	KindMariaDB Kind = "mariadb" // one MariaDB or MySQL server behind proxies
	KindNDB     Kind = "ndb"     // an NDB cluster
)

// User can do anything, from anywhere, without a password. Where a configuration lists accounts it exists on the
// servers' sockets only, where Exec and Query connect.
const User = "root"

// A Cluster is a running database as its clients see it: several nodes that answer from the same tables.
type Cluster interface {
	Kind() Kind

	// Engine is what follows the closing parenthesis of CREATE TABLE, so that all nodes share the table.
	Engine() string

	// KeyOptions is what follows PRIMARY KEY (…) in CREATE TABLE.
	KeyOptions() string

	// Nodes lists the nodes in the order of the configuration.
	Nodes() []*Node

	// CA verifies the nodes' certificates; nil without TLS.
	CA() *x509.CertPool

	// CAFile is a PEM file with the certificate that CA holds; empty without TLS.
	CAFile() string

	// Exec runs an SQL script on one server that runs. Tables and their rows hold for all nodes, accounts only for those
	// of that server.
	Exec(ctx context.Context, script string) error

	// Query runs one statement on one server that runs and returns its rows; see Node.Query.
	Query(ctx context.Context, statement string) ([][]Cell, error)

	// Mend resumes what is paused, restarts what is down, ends all faults and returns when every node serves.
	Mend(ctx context.Context) error

	// Close ends all processes and removes all files. It is safe to call twice.
	Close() error
}

// A Process is something that can be broken and mended. Every method returns when its effect is there, and is bounded
// in time even where its context is not. Calls on one Process must not overlap, except Alive.
type Process interface {
	// Stop ends it cleanly, Kill at once. Neither minds if it has ended already.
	Stop(ctx context.Context) error
	Kill() error

	// Pause freezes it: its connections stay open and get no answer. Resume undoes that. They err if it is not running.
	Pause() error
	Resume() error

	// Restart ends it if need be and starts it again with its data and its address; it returns when it serves.
	Restart(ctx context.Context) error

	// Alive reports whether it runs; a paused one does.
	Alive() bool
}

// A Node is one address that answers SQL.
//
// Before a MariaDB server a node is a proxy, and so are its Process's verbs: Kill and Stop refuse connections and end
// the live ones, Pause swallows all traffic. In an NDB cluster they are those of its MySQL server; if there is a
// proxy before it, clients of a dead server are accepted and then reset.
type Node struct {
	Name    string // such as "mysqld51", unique in its cluster
	Address string // host:port
	Zone    string

	// Proxy stands at Address and can do other faults. It is nil where clients connect to the server itself.
	Proxy *faultnet.Proxy

	Process

	server *server
}

// An Account is a user who may SELECT everything, from anywhere, with a password.
type Account struct {
	User, Password string

	// Plugin is the authentication plugin, such as caching_sha2_password; default: the server's default.
	Plugin string

	// RequireTLS refuses plain connections.
	RequireTLS bool
}

// bed is what both kinds of clusters have in common.
type bed struct {
	group     *group
	nodes     []*Node
	servers   []*server // the SQL servers, each of them once
	processes []*process
	ca        *x509.CertPool
	closed    atomic.Bool
}

// Nodes implements Cluster.
func (b *bed) Nodes() []*Node { return b.nodes }

// CA implements Cluster.
func (b *bed) CA() *x509.CertPool { return b.ca }

// CAFile implements Cluster.
func (b *bed) CAFile() string {
	if b.ca == nil {
		return ""
	}
	return filepath.Join(b.group.dir, caFile)
}

// Exec implements Cluster.
func (b *bed) Exec(ctx context.Context, script string) error {
	s, err := b.server()
	if err != nil {
		return err
	}
	return s.exec(ctx, script)
}

// Query implements Cluster.
func (b *bed) Query(ctx context.Context, statement string) ([][]Cell, error) {
	s, err := b.server()
	if err != nil {
		return nil, err
	}
	return s.query(ctx, statement)
}

// server is one that can be expected to answer.
func (b *bed) server() (*server, error) {
	for _, s := range b.servers {
		if s.process.serving() {
			return s, nil
		}
	}
	return nil, errors.New("testbed: no server runs")
}

// Close implements Cluster.
func (b *bed) Close() error {
	if b.closed.Swap(true) {
		return nil
	}
	for _, n := range b.nodes {
		if n.Proxy != nil {
			n.Proxy.Close()
		}
	}
	err := each(b.processes, (*process).Kill)
	return errors.Join(err, b.group.close())
}

// each calls do for all items at once and joins the errors.
func each[T any](items []T, do func(T) error) error {
	errs := make([]error, len(items))
	var wg sync.WaitGroup
	for i, item := range items {
		wg.Go(func() { errs[i] = do(item) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// proxy puts a new proxy before a server.
func (b *bed) proxy(upstream string, seed int) (*faultnet.Proxy, error) {
	port, err := b.group.port()
	if err != nil {
		return nil, err
	}
	return faultnet.New(faultnet.Config{Upstream: upstream, Listen: loopback(port), Seed: uint64(seed)})
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
