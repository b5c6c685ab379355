package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/hopsworks"
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
	listen, privateListen []string // host:port, or the path of a unix socket
	socketMode            os.FileMode
	catalogFile           string
	spec                  *catalog.Spec         // what catalogFile said when the configuration was read
	metadata              *hopsworks.Config     // where the catalogue is from in place of a file; nil: there is a file
	metadataAccess        access                // how its nodes let rongate in, where that is said
	metadataKeys          *hopsworks.KeysConfig // nil: the metadata's API keys are not asked for
	nodes                 []nodeEntry           // lookup.Nodes are theirs while no DNS name is resolved
	resolve               time.Duration         // between two times that the DNS names are resolved
	lookup                lookup.Config
	vectors               vectors.Config
	server                server.Config
	access                access
	shutdownTimeout       time.Duration
	memoryLimit           int64 // bytes that the process may use; 0: not told
	logLevel              slog.Level
	logFormat             string

	files []string // the file itself and those that it names, there or not
}

// environment looks up a variable, as os.LookupEnv does.
type environment func(name string) (value string, ok bool)

// loader reads one configuration file.
type loader struct {
	doc   *yamldoc.Doc
	dir   string // what relative paths are relative to
	env   environment
	files []string // that were named, there or not
}

// loadConfig reads a configuration file, the files that it names and the variables that override it. The error lists
// every mistake in all of them; then a field that is mistaken has its default.
func loadConfig(path string, env environment) (*config, error) {
	doc, err := yamldoc.ReadFile(path)
	if err != nil {
		return &config{files: []string{path}}, fmt.Errorf("configuration: %w; name it with --config", err)
	}
	l := &loader{doc: doc, dir: filepath.Dir(path), env: env, files: []string{path}}
	c := &config{}
	root := doc.Root()
	var catalogErr, keysErr error
	source := root.Required("catalog").Map()
	c.spec, catalogErr = l.readCatalog(c, source)
	keysErr = l.readKeys(c, root.Optional("apiKeys"))
	var metadata *yamldoc.Map
	if m := source.Optional("hopsworks"); l.written(m) {
		metadata = m.Map()
		l.readMetadata(c, metadata)
	}
	l.readListeners(c, root)
	l.readReading(c, root)
	l.readNodes(c, root)
	l.readDatabase(c, root.Required("database").Map())
	c.lookup.Nodes = nodesOf(c.nodes, nil)
	if c.metadata != nil {
		l.readMetadataNodes(c, metadata)
	}
	l.readConnections(&c.lookup.Pool, root.Optional("connections").Map())
	l.readMemory(c)
	l.readLimits(c, root.Optional("limits").Map())
	l.readHTTP(c, root.Optional("http").Map())
	l.readShutdown(c, root.Optional("shutdown").Map())
	l.readLog(c, root.Optional("log").Map())
	c.files = l.files
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
	l.files = append(l.files, path)
	f, err := os.Open(path)
	if err != nil {
		v.Fail("%v; create the file, or mend the path", err)
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
	metadata, file := m.Optional("hopsworks"), m.Optional("file")
	switch {
	case metadata.Written() && file.Written():
		metadata.Fail("stands beside file; a catalogue is of a file or of a Hopsworks installation: leave one of the two out")
		return nil, nil
	case metadata.Written():
		return nil, nil // read when the nodes are known
	}
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

func (l *loader) readReading(c *config, root *yamldoc.Map) {
	c.lookup.Hedging = catalog.ReadHedging(root.Optional("hedging"))
	c.lookup.Unmerged = !root.Optional("merging").Bool(true)
	deadline := root.Optional("deadline").Duration(500*time.Millisecond, time.Millisecond, time.Minute)
	c.server.Deadline, c.vectors.Deadline = deadline, deadline
	c.vectors.NumericBooleans = root.Optional("rdrs").Map().Optional("numericBooleans").Bool(false)
}

func (l *loader) readConnections(c *pool.Config, m *yamldoc.Map) {
	c.Size = int(l.number(m.Optional("perNode"), "RONGATE_CONNECTIONS_PER_NODE", 1000))
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
	share := memoryShare(c.memoryLimit)
	c.server.MaxConcurrent = int(l.number(m.Optional("maxConcurrent"), "RONGATE_MAX_CONCURRENT", most))
	c.server.MaxConnections = int(m.Optional("maxConnections").Int(0, 1, most))
	c.server.MaxSendingBytes = m.Optional("maxSendingBytes").Int(share, 1, 64*most)
	c.server.MaxBodyBytes = int(m.Optional("maxBodyBytes").Int(0, 1, most))
	c.server.MaxHeaderBytes = int(m.Optional("maxHeaderBytes").Int(0, 512, most))
	c.vectors.MaxEntries = int(m.Optional("maxEntries").Int(0, 1, most))
	c.vectors.MaxAnswerBytes = int(m.Optional("maxAnswerBytes").Int(0, 1, most))
	c.lookup.MaxQueued = int(m.Optional("maxQueued").Int(0, 1, most))
	c.lookup.MaxLiveBytes = m.Optional("maxLiveBytes").Int(share, 1, 64*most)
}

// number reads a whole number from 1, which a variable may override. Nothing given is 0.
func (l *loader) number(v yamldoc.Value, variable string, most int64) int64 {
	n := v.Int(0, 1, most)
	text, at, ok := l.override(variable)
	if !ok {
		return n
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 || n > most {
		l.doc.Add(at, "must be a whole number from 1 to %d, not %q", most, text)
	}
	return n
}

// memoryPerBound is the part of the process's memory that each of the two large bounds may take, of rows and of answers
// being written. The rest is for what they do not count: requests, buffers of connections, and garbage.
const memoryPerBound = 4

// readMemory reads how much memory the process may use, from the variable alone: it is a container's property.
func (l *loader) readMemory(c *config) {
	text, at, ok := l.override("RONGATE_MEMORY_LIMIT")
	if !ok {
		return
	}
	const least = 32 << 20 // what rongate takes at rest, and something to work with
	var err error
	if c.memoryLimit, err = strconv.ParseInt(text, 10, 64); err != nil || c.memoryLimit < least {
		l.doc.Add(at, "must be a number of bytes of at least %d, not %q; Kubernetes gives it by resourceFieldRef limits.memory",
			least, text)
	}
}

// memoryShare is the default of maxSendingBytes and maxLiveBytes under a memory limit; 0, the package's own, without or
// where that is less.
func memoryShare(limit int64) int64 {
	const packageDefault = 256 << 20
	if share := limit / memoryPerBound; share < packageDefault {
		return share
	}
	return 0
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
