package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/internal/yamldoc"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
	"github.com/rongate/rongate/server"
	"github.com/rongate/rongate/vectors"
)

// config is everything that a process is told: one Config for each package that takes one, and its own part. What the
// file does not say is zero in the packages' parts, where it stands for the default that the package documents; but for
// the deadline, which two of them must agree on.
type config struct {
	listen, privateListen string
	catalogFile           string
	spec                  *catalog.Spec // what catalogFile said when the configuration was read
	lookup                lookup.Config
	vectors               vectors.Config
	server                server.Config
	shutdownTimeout       time.Duration
	logLevel              slog.Level
	logFormat             string
}

// environment looks up a variable, as os.LookupEnv does.
type environment func(name string) (value string, ok bool)

// loader reads one configuration file.
type loader struct {
	doc *yamldoc.Doc
	dir string // what relative paths are relative to
	env environment
}

// loadConfig reads a configuration file, the files that it names and the variables that override it. The error lists
// every mistake in all of them.
func loadConfig(path string, env environment) (*config, error) {
	doc, err := yamldoc.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	l := &loader{doc: doc, dir: filepath.Dir(path), env: env}
	c := &config{}
	root := doc.Root()
	var catalogErr, keysErr error
	c.spec, catalogErr = l.readCatalog(c, root.Required("catalog").Map())
	keysErr = l.readKeys(c, root.Optional("apiKeys"))
	l.readListeners(c, root)
	l.readDeadline(c, root)
	l.readNodes(c, root)
	l.readDatabase(c, root.Required("database").Map())
	l.readConnections(&c.lookup.Pool, root.Optional("connections").Map())
	l.readLimits(c, root.Optional("limits").Map())
	l.readHTTP(c, root.Optional("http").Map())
	l.readShutdown(c, root.Optional("shutdown").Map())
	l.readLog(c, root.Optional("log").Map())
	return c, errors.Join(doc.Err(), catalogErr, keysErr)
}

// file returns the path that v gives. It must lead to a file that can be opened.
func (l *loader) file(v yamldoc.Value) string {
	path := v.Text("")
	if path == "" {
		return ""
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(l.dir, path)
	}
	f, err := os.Open(path)
	if err != nil {
		v.Fail("%v", err)
		return ""
	}
	f.Close()
	return path
}

// written reports whether a field is there that makes the gateway safer. Left empty, by its children commented out say, it
// is a mistake: it must not pass for one that is not there.
func (l *loader) written(v yamldoc.Value) bool {
	if v.Written() && !v.Present() {
		v.Fail("is empty; give it a value, or take the line out")
	}
	return v.Written()
}

// override returns what a variable says in place of a field, and whether it says anything.
func (l *loader) override(name string) (value string, at yamldoc.Pos, ok bool) {
	value, ok = l.env(name)
	return value, yamldoc.Pos{File: "environment", Field: name}, ok && value != ""
}

func (l *loader) readCatalog(c *config, m *yamldoc.Map) (*catalog.Spec, error) {
	if c.catalogFile = l.file(m.Required("file")); c.catalogFile == "" {
		return nil, nil // the mistake is recorded
	}
	return catalog.ParseFile(c.catalogFile)
}

func (l *loader) readKeys(c *config, v yamldoc.Value) error {
	if !l.written(v) {
		return nil
	}
	// A configuration that wants keys must not be served without, whatever becomes of the file.
	c.server.Keys = &server.Keys{}
	path := l.file(v.Map().Required("file"))
	if path == "" {
		return nil // the mistake is recorded
	}
	keys, err := server.LoadKeys(path)
	if err != nil {
		return err
	}
	c.server.Keys = keys
	return nil
}

// readListeners keeps a gateway that asks for no keys from being reached by anybody but its own machine.
func (l *loader) readListeners(c *config, root *yamldoc.Map) {
	c.listen = l.readAddress(root.Optional("listen"), "127.0.0.1:8080", "RONGATE_LISTEN", c.server.Keys == nil)
	c.privateListen = l.readAddress(root.Optional("privateListen"), "127.0.0.1:8081", "RONGATE_PRIVATE_LISTEN",
		c.server.Keys == nil)
	if c.listen != "" && c.listen == c.privateListen && !strings.HasSuffix(c.listen, ":0") {
		l.doc.Add(root.Optional("privateListen").At(), "is the address of listen too; give it a port of its own")
	}
}

func (l *loader) readAddress(v yamldoc.Value, fallback, variable string, loopbackOnly bool) string {
	address, at := v.Text(fallback), v.At()
	if value, place, ok := l.override(variable); ok {
		address, at = value, place
	}
	host, port, err := net.SplitHostPort(address)
	switch {
	case err != nil || !isPort(port, 0):
		l.doc.Add(at, "must be host:port, such as 127.0.0.1:8080")
		return ""
	case loopbackOnly && !isLoopback(host):
		l.doc.Add(at, "is reachable from other machines, which takes apiKeys; configure them, or listen on 127.0.0.1:%s",
			port)
	}
	return address
}

// isPort reports whether text is a port number of at least low.
func isPort(text string, low int) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= low && n <= 65535
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func (l *loader) readDeadline(c *config, root *yamldoc.Map) {
	deadline := root.Optional("deadline").Duration(500*time.Millisecond, time.Millisecond, time.Minute)
	c.server.Deadline, c.vectors.Deadline = deadline, deadline
}

func (l *loader) readNodes(c *config, root *yamldoc.Map) {
	c.lookup.Zone = root.Optional("zone").Text("")
	if zone, _, ok := l.override("RONGATE_ZONE"); ok {
		c.lookup.Zone = zone
	}
	seen := map[string]bool{}
	for _, item := range root.Required("nodes").List() {
		m := item.Map()
		v := m.Required("address")
		address := v.Text("")
		if host, port, err := net.SplitHostPort(address); address != "" && address[0] != '/' &&
			(err != nil || host == "" || !isPort(port, 1)) {
			v.Fail(`must be host:port, such as "10.0.0.1:3306", or the path of a unix socket`)
		}
		if seen[address] && address != "" {
			v.Fail("is another node's address too; list each node once")
		}
		seen[address] = true
		c.lookup.Nodes = append(c.lookup.Nodes, lookup.NodeConfig{Address: address, Zone: m.Optional("zone").Text("")})
	}
}

func (l *loader) readConnections(c *pool.Config, m *yamldoc.Map) {
	c.Size = int(m.Optional("perNode").Int(0, 1, 1000))
	c.MaxDetached = int(m.Optional("maxDetached").Int(0, 1, 1000))
	c.HandshakeTimeout = m.Optional("handshakeTimeout").Duration(0, time.Millisecond, time.Minute)
	c.WarmTimeout = m.Optional("warmTimeout").Duration(0, time.Millisecond, 10*time.Minute)
	c.Warmups = make(chan struct{}, m.Optional("concurrentWarmups").Int(2, 1, 1000))
	c.Lifetime = m.Optional("lifetime").Duration(0, time.Second, 365*24*time.Hour)
	c.IdleLimit = m.Optional("idleLimit").Duration(0, time.Second, 24*time.Hour)
	c.KeepAlive = m.Optional("keepAlive").Duration(0, 10*time.Millisecond, time.Hour)
	c.Statements = int(m.Optional("statements").Int(0, 1, 16382))
	c.DrainGrace = m.Optional("drainGrace").Duration(0, time.Millisecond, time.Minute)
}

func (l *loader) readLimits(c *config, m *yamldoc.Map) {
	const most = 1 << 30 // what a limit can be and still be one
	c.server.MaxConcurrent = int(m.Optional("maxConcurrent").Int(0, 1, most))
	c.server.MaxConnections = int(m.Optional("maxConnections").Int(0, 1, most))
	c.server.MaxSendingBytes = m.Optional("maxSendingBytes").Int(0, 1, 64*most)
	c.server.MaxBodyBytes = int(m.Optional("maxBodyBytes").Int(0, 1, most))
	c.server.MaxHeaderBytes = int(m.Optional("maxHeaderBytes").Int(0, 512, most))
	c.vectors.MaxEntries = int(m.Optional("maxEntries").Int(0, 1, most))
	c.vectors.MaxAnswerBytes = int(m.Optional("maxAnswerBytes").Int(0, 1, most))
	c.lookup.MaxQueued = int(m.Optional("maxQueued").Int(0, 1, most))
	c.lookup.MaxLiveBytes = m.Optional("maxLiveBytes").Int(0, 1, 64*most)
}

func (l *loader) readHTTP(c *config, m *yamldoc.Map) {
	c.server.ReadTimeout = m.Optional("readTimeout").Duration(0, time.Millisecond, time.Hour)
	c.server.WriteTimeout = m.Optional("writeTimeout").Duration(0, time.Millisecond, time.Hour)
	c.server.IdleTimeout = m.Optional("idleTimeout").Duration(0, time.Millisecond, 24*time.Hour)
}

func (l *loader) readShutdown(c *config, m *yamldoc.Map) {
	c.server.DrainDelay = m.Optional("delay").Duration(0, 0, 10*time.Minute)
	c.shutdownTimeout = m.Optional("timeout").Duration(10*time.Second, time.Millisecond, 10*time.Minute)
}

func (l *loader) readLog(c *config, m *yamldoc.Map) {
	name := m.Optional("level").OneOf("info", "debug", "info", "warn", "error")
	if value, at, ok := l.override("RONGATE_LOG_LEVEL"); ok {
		if name = value; !slices.Contains([]string{"debug", "info", "warn", "error"}, value) {
			l.doc.Add(at, "must be one of debug, info, warn, error, not %q", value)
			name = "info"
		}
	}
	if err := c.logLevel.UnmarshalText([]byte(name)); err != nil {
		panic(err) // the names are slog's own
	}
	c.logFormat = m.Optional("format").OneOf("text", "text", "json")
}
