package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/rongate/rongate/internal/faultnet"
	"github.com/rongate/rongate/internal/frauddata"
	"github.com/rongate/rongate/internal/testbed"
)

// zones has one zone a node.
func zones() []string { return []string{"zone-a", "zone-a", "zone-b"} }

// A database is what the demo runs on: nodes that answer from the same tables.
type database struct {
	what     string // for people
	user     string
	password string
	nodes    []*node
	// create makes the tables. It holds for all nodes.
	create func(ctx context.Context, data *frauddata.Data) error
	// exec runs statements on one node. It holds for all.
	exec func(ctx context.Context, script string) error
	// engine is how Hopsworks' metadata tables are kept.
	engine string
	// load fills one table, and tells of every so many rows.
	load  func(ctx context.Context, group *frauddata.Group, tell func(rows int)) error
	close func() error
}

// openDatabase starts the database of that name: one of internal/testbed's, or else the embedded one.
func openDatabase(ctx context.Context, name string) (*database, error) {
	switch name {
	case "mariadb":
		if err := testbed.Available(testbed.KindMariaDB); err != nil {
			return nil, fmt.Errorf("%w\nDB=mariadb takes a MariaDB or MySQL server on this machine, as from "+
				"`apt install mariadb-server` or `brew install mariadb`", err)
		}
		cluster, err := testbed.StartMariaDB(ctx, testbed.MariaDBConfig{Zones: zones()})
		if err != nil {
			return nil, err
		}
		return testbedDatabase("a private MariaDB server behind three addresses", cluster, false), nil
	case "rondb":
		if err := testbed.Available(testbed.KindNDB); err != nil {
			return nil, fmt.Errorf("%w\nDB=rondb takes RONDB_HOME, the directory of an unpacked RonDB "+
				"(https://www.rondb.com) or MySQL NDB Cluster (https://dev.mysql.com/downloads/cluster)", err)
		}
		cluster, err := testbed.StartNDB(ctx, testbed.NDBConfig{Zones: zones(), Proxies: true})
		if err != nil {
			return nil, err
		}
		what := "an NDB cluster: two data nodes and three MySQL servers, from " + os.Getenv("RONDB_HOME")
		return testbedDatabase(what, cluster, true), nil
	default:
		return openEmbedded()
	}
}

// testbedDatabase puts the demo on a cluster. Unless each node has a process of its own, its proxy stands for it.
func testbedDatabase(what string, cluster testbed.Cluster, processes bool) *database {
	db := &database{what: what, user: testbed.User, close: cluster.Close}
	for i, n := range cluster.Nodes() {
		own := &node{name: fmt.Sprintf("node%d", i+1), zone: n.Zone, address: n.Address, proxy: n.Proxy}
		if processes {
			own.process = n.Process
		}
		db.nodes = append(db.nodes, own)
	}
	db.create = func(ctx context.Context, data *frauddata.Data) error {
		return cluster.Exec(ctx, data.Schema(cluster.Engine(), cluster.KeyOptions()))
	}
	db.exec, db.engine = cluster.Exec, cluster.Engine()
	db.load = func(ctx context.Context, group *frauddata.Group, tell func(int)) error {
		return group.Insert(ctx, cluster.Exec, tell)
	}
	return db
}

// firstNodePort is where nodes without addresses of their own are looked for from: below the range from which kernels
// take ports for outgoing connections, one of which might otherwise get a killed node's port.
const firstNodePort = 13306

// openProxy puts a proxy before an upstream, on the first free port from port on.
func openProxy(upstream string, port int) (proxy *faultnet.Proxy, used int, err error) {
	for used = port; used < port+100; used++ {
		proxy, err = faultnet.New(faultnet.Config{Upstream: upstream, Listen: fmt.Sprintf("127.0.0.1:%d", used)})
		if err == nil {
			return proxy, used, nil
		}
	}
	return nil, 0, errors.Join(fmt.Errorf("no free port from %d on", port), err)
}
