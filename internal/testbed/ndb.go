package testbed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rongate/rongate/internal/faultnet"
)

// Node ids. API nodes begin at 51 to leave room for data nodes, as in RonDB's own examples.
const (
	managementID  = 1
	firstDataID   = 2
	firstServerID = 51
)

// An NDBConfig describes an NDB cluster with one management server and two data nodes that hold the same data.
type NDBConfig struct {
	// Home is a RonDB or MySQL NDB Cluster installation, never written to; default $RONDB_HOME.
	Home string

	// Zones has one zone a MySQL server; default zone1, zone1, zone2. Each zone is a location domain. The data nodes are
	// in the first two.
	Zones []string

	// Proxies puts a proxy before every MySQL server.
	Proxies bool

	// Accounts, if any, are made on every MySQL server.
	Accounts []Account

	// TLS gives the MySQL servers a certificate for 127.0.0.1 and localhost.
	TLS bool

	// Args are more options for the MySQL servers. They win over the testbed's own.
	Args []string
}

// An NDB is an NDB cluster.
type NDB struct {
	bed
	home       string
	connect    string // where the management server listens
	management *process
	dataNodes  []*DataNode
}

// A DataNode is a process that holds data. A cluster needs one of its two; a second restart must wait for the first.
type DataNode struct {
	ID   int
	Zone string // its location domain

	Process

	process *process
}

// StartNDB starts a cluster and returns when all its MySQL servers answer, after some ten seconds. It takes 2.3 GiB
// of memory.
func StartNDB(ctx context.Context, cfg NDBConfig) (*NDB, error) {
	home, err := findNDB(cfg.Home)
	if err != nil {
		return nil, err
	}
	if len(cfg.Zones) == 0 {
		cfg.Zones = defaultZones()
	}
	n := &NDB{home: home}
	if n.group, err = newGroup(); err != nil {
		return nil, err
	}
	if err := n.start(ctx, cfg); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *NDB) start(ctx context.Context, cfg NDBConfig) error {
	domains := distinct(cfg.Zones)
	if err := n.configure(cfg.Zones, domains); err != nil {
		return err
	}
	if err := n.addServers(cfg); err != nil {
		return err
	}
	if err := n.management.start(ctx); err != nil {
		return err
	}
	storage := func() error {
		for _, d := range n.dataNodes {
			if err := d.process.launch("--initial"); err != nil {
				return err
			}
		}
		return each(n.dataNodes, func(d *DataNode) error { return d.process.await(ctx) })
	}
	servers := func() error {
		if err := n.makeDataDirs(ctx, cfg.Accounts); err != nil {
			return err
		}
		return each(n.servers, func(s *server) error { return s.process.start(ctx) })
	}
	if err := each([]func() error{storage, servers}, func(f func() error) error { return f() }); err != nil {
		return err
	}
	return n.awaitParticipants(ctx)
}

// configure writes the cluster's configuration and adds its management server and data nodes.
func (n *NDB) configure(zones, domains []string) error {
	port, err := n.group.port()
	if err != nil {
		return err
	}
	n.connect = loopback(port)
	file := filepath.Join(n.group.dir, "config.ini")
	configDir := filepath.Join(n.group.dir, "config")
	if err := os.Mkdir(configDir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(n.configuration(port, zones, domains)), 0o600); err != nil {
		return err
	}
	n.management = n.add("ndb_mgmd",
		"--initial", "--nodaemon", "--config-file="+file, "--configdir="+configDir)
	n.management.name = "management"
	n.management.ready = func(ctx context.Context) error {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, "tcp", n.connect)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	for i := range 2 {
		id := firstDataID + i
		// In the foreground the process that works has no other above it which would have to be killed as well.
		p := n.add("ndbmtd", fmt.Sprintf("--ndb-nodeid=%d", id), "--ndb-connectstring="+n.connect, "--foreground")
		p.name = fmt.Sprintf("data%d", id)
		p.ready = func(ctx context.Context) error { return n.awaitDataNode(ctx, id) }
		zone := domains[min(i, len(domains)-1)]
		n.dataNodes = append(n.dataNodes, &DataNode{ID: id, Zone: zone, Process: p, process: p})
	}
	return nil
}

// add adds a process of the cluster, without a name as yet.
func (n *NDB) add(binary string, args ...string) *process {
	p := &process{
		group: n.group, path: filepath.Join(n.home, "bin", binary), args: append([]string{"--no-defaults"}, args...),
	}
	n.processes = append(n.processes, p)
	return p
}

// configuration is small, quick to start, and quick to notice that a node is dead.
func (n *NDB) configuration(port int, zones, domains []string) string {
	var ini strings.Builder
	fmt.Fprintf(&ini, `[ndbd default]
NoOfReplicas=2
DataMemory=256M
HeartbeatIntervalDbDb=500
HeartbeatIntervalDbApi=500
FragmentLogFileSize=16M
NoOfFragmentLogFiles=4
RedoBuffer=16M
SharedGlobalMemory=32M
LongMessageBuffer=16M
MaxNoOfExecutionThreads=2
MaxNoOfTables=512
MaxNoOfAttributes=6000
MaxNoOfOrderedIndexes=512

[ndb_mgmd]
NodeId=%d
HostName=127.0.0.1
PortNumber=%d
DataDir=%s
`, managementID, port, n.group.dir)
	for i := range 2 {
		domain := min(i, len(domains)-1) + 1
		fmt.Fprintf(&ini, "\n[ndbd]\nNodeId=%d\nHostName=127.0.0.1\nLocationDomainId=%d\nDataDir=%s\n",
			firstDataID+i, domain, n.group.dir)
	}
	for i, zone := range zones {
		// Arbitration falls to the MySQL servers when the management server is dead. Without anybody the data node that is
		// left after the death of the other would end itself.
		fmt.Fprintf(&ini, "\n[mysqld]\nNodeId=%d\nHostName=127.0.0.1\nLocationDomainId=%d\nArbitrationRank=2\n",
			firstServerID+i, slices.Index(domains, zone)+1)
	}
	ini.WriteString(strings.Repeat("\n[api]\nHostName=127.0.0.1\n", 4)) // for the cluster's own tools
	return ini.String()
}

// distinct returns the different ones in their order.
func distinct(zones []string) []string {
	var different []string
	for _, zone := range zones {
		if !slices.Contains(different, zone) {
			different = append(different, zone)
		}
	}
	return different
}

// addServers adds the MySQL servers and the nodes that they are.
func (n *NDB) addServers(cfg NDBConfig) error {
	in := n.installation()
	var tls []string
	if cfg.TLS {
		var err error
		if tls, n.ca, err = certificates(n.group.dir); err != nil {
			return err
		}
	}
	for i, zone := range cfg.Zones {
		id := firstServerID + i
		port, err := n.group.port()
		if err != nil {
			return err
		}
		s := newServer(n.group, fmt.Sprintf("mysqld%d", id), in)
		s.process.args = slices.Concat(in.options(n.dataDir(s)), serverOptions(n.group, s.process.name, port), tls, []string{
			"--ndbcluster", "--ndb-connectstring=" + n.connect, fmt.Sprintf("--ndb-nodeid=%d", id),
			"--ndb-wait-setup=60", "--innodb-buffer-pool-size=16M",
		}, cfg.Args)
		// A table of the cluster's own tells more than SELECT 1: without the data nodes it cannot be read.
		s.process.ready = func(ctx context.Context) error {
			return s.check(ctx, "SELECT COUNT(*) FROM mysql.ndb_apply_status")
		}
		n.servers = append(n.servers, s)
		n.processes = append(n.processes, s.process)

		node := &Node{Name: s.process.name, Address: loopback(port), Zone: zone, Process: s.process, server: s}
		if cfg.Proxies {
			if node.Proxy, err = n.proxy(node.Address, i); err != nil {
				return err
			}
			node.Address = node.Proxy.Addr()
		}
		n.nodes = append(n.nodes, node)
	}
	return nil
}

func (n *NDB) installation() installation {
	return installation{
		server: filepath.Join(n.home, "bin", "mysqld"), client: filepath.Join(n.home, "bin", "mysql"), base: n.home,
	}
}

func (n *NDB) dataDir(s *server) string { return filepath.Join(n.group.dir, s.process.name) }

// makeDataDirs makes one MySQL data directory and copies it, which is quicker than to make each.
func (n *NDB) makeDataDirs(ctx context.Context, accounts []Account) error {
	first := n.dataDir(n.servers[0])
	if _, err := n.installation().initialize(ctx, n.group, first, accounts); err != nil {
		return err
	}
	// It names the server, and every server makes its own.
	if err := os.Remove(filepath.Join(first, "auto.cnf")); err != nil {
		return err
	}
	return each(n.servers[1:], func(s *server) error { return os.CopyFS(n.dataDir(s), os.DirFS(first)) })
}

// awaitDataNode returns when the data node has started.
func (n *NDB) awaitDataNode(ctx context.Context, id int) error {
	cmd := exec.CommandContext(ctx, filepath.Join(n.home, "bin", "ndb_waiter"), "--no-defaults",
		"--ndb-connectstring="+n.connect, fmt.Sprintf("--wait-nodes=%d", id), "--timeout=60")
	n.group.join(cmd)
	return cmd.Run()
}

// awaitParticipants returns when every MySQL server takes part in schema changes: one that does not would not see a
// table that another makes.
func (n *NDB) awaitParticipants(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	statement := fmt.Sprintf(
		"SHOW STATUS WHERE Variable_name = 'Ndb_schema_participant_count' AND Value = %d", len(n.servers))
	return poll(ctx, func(ctx context.Context) error {
		return each(n.servers, func(s *server) error { return s.check(ctx, statement) })
	})
}

// Kind returns KindNDB.
func (n *NDB) Kind() Kind { return KindNDB }

// Engine implements Cluster. All data nodes answer reads, not only the one that holds the primary replica.
func (n *NDB) Engine() string { return "ENGINE=NDB COMMENT='NDB_TABLE=READ_BACKUP=1'" }

// KeyOptions implements Cluster. Without USING HASH the key has an ordered index as well.
func (n *NDB) KeyOptions() string { return "USING HASH" }

// Management is the management server. Nothing needs it but starts.
func (n *NDB) Management() Process { return n.management }

// DataNodes lists the two data nodes.
func (n *NDB) DataNodes() []*DataNode { return n.dataNodes }

// Mend implements Cluster.
func (n *NDB) Mend(ctx context.Context) error {
	if err := n.management.mend(ctx); err != nil {
		return err
	}
	if err := each(n.dataNodes, func(d *DataNode) error { return d.process.mend(ctx) }); err != nil {
		return err
	}
	if err := each(n.servers, func(s *server) error { return s.process.mend(ctx) }); err != nil {
		return err
	}
	for _, node := range n.nodes {
		if node.Proxy == nil {
			continue
		}
		if err := node.Proxy.Set(faultnet.Fault{}); err != nil {
			return err
		}
	}
	return n.awaitParticipants(ctx)
}
