package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/lookup"
)

// connectTimeout bounds the reading of all tables from one node.
const connectTimeout = 30 * time.Second

type checkCmd struct {
	configFlag
	Connect bool `help:"${connect}"`
}

// Run reports all that is wrong, or says what was found to be right.
func (c *checkCmd) Run(out output) error {
	cfg, err := loadConfig(c.Config, os.LookupEnv)
	if err != nil {
		return err
	}
	fmt.Fprintf(out.stdout, "%s: no mistake found\n", c.Config)
	fmt.Fprintf(out.stdout, "%s: no mistake found; tables to be read: %d\n", cfg.catalogFile, len(cfg.spec.Tables()))
	if !c.Connect {
		fmt.Fprintln(out.stdout, "the nodes and the tables were not looked at; --connect does")
		return nil
	}
	return connect(context.Background(), cfg, out)
}

// connect describes the tables on every node. What a node says stands for all of them: they share the tables.
func connect(ctx context.Context, cfg *config, out output) error {
	var failed error
	var snapshot *catalog.Snapshot
	for _, node := range cfg.lookup.Nodes {
		tables, err := describe(ctx, cfg, node)
		if err == nil {
			snapshot, err = cfg.spec.Resolve(tables)
		}
		if err != nil {
			fmt.Fprintf(out.stderr, "node %s, zone %q:\n%v\n", node.Address, node.Zone, err)
			failed = errReported
			continue
		}
		fmt.Fprintf(out.stdout, "node %s, zone %q: has every table as the catalogue needs it\n", node.Address, node.Zone)
	}
	if snapshot != nil {
		for _, view := range snapshot.Views {
			fmt.Fprintf(out.stdout, "feature view %s/%s version %d: %d features from %d feature groups\n",
				view.Store, view.Name, view.Version, len(view.Features), len(view.Joins))
		}
	}
	return failed
}

func describe(
	ctx context.Context, cfg *config, node lookup.NodeConfig,
) (_ map[catalog.TableName]*catalog.Table, err error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	single := cfg.lookup
	single.Nodes = []lookup.NodeConfig{node}
	reader, err := lookup.Open(single)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, reader.Close(ctx)) }()
	return reader.Describe(ctx, cfg.spec.Tables())
}
