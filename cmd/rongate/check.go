package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/hopsworks"
	"github.com/rongate/rongate/internal/yamldoc"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/server"
)

const (
	// nodeTimeout bounds all that one node is asked. The nodes are asked at once.
	nodeTimeout = 10 * time.Second

	// farClock is how far a server's clock may be off. Writers take event times from some clock, most likely a server's.
	farClock = time.Second

	// soonExpired is how long before its end a certificate is warned of.
	soonExpired = 30 * 24 * time.Hour

	// maxGateways keeps the sums far from the end of 64 bits.
	maxGateways = 1_000_000
)

type checkCmd struct {
	configFlag
	Offline  bool `help:"${offline}"`
	Gateways int  `default:"1" placeholder:"N" help:"${gateways}"`
	Strict   bool `help:"${strict}"`
}

// Validate is called by the parser.
func (c *checkCmd) Validate() error {
	if c.Gateways < 1 || c.Gateways > maxGateways {
		return fmt.Errorf("--gateways: must be 1 to %d", maxGateways)
	}
	return nil
}

// Run finds out all that one run can, and prints it. What is wrong in one place keeps it from no other.
func (c *checkCmd) Run(out output) error {
	cfg, err := loadConfig(c.Config, os.LookupEnv)
	r := &checkReport{file: c.Config, cfg: cfg}
	r.judgeFiles(err)
	r.judgePlaces(os.LookupEnv)
	r.judgeKeys()
	if !c.Offline {
		nodes := r.resolve(context.Background(), net.DefaultResolver.LookupNetIP, r.askable())
		r.connect(context.Background(), nodes, progress(out.stderr))
		r.judgeNodes(c.Gateways)
	}
	r.print(out.stdout)
	r.found.print(out.stdout)
	if _, err := out.stdout.Write([]byte(r.found.verdict(c.Offline) + "\n")); err != nil {
		return err
	}
	if r.found.count(trouble) > 0 || c.Strict && r.found.count(warning) > 0 {
		return errReported
	}
	return nil
}

// checkReport is one check.
type checkReport struct {
	file     string
	cfg      *config // with defaults in place of what is mistaken
	mistakes mistakes
	names    []nameReport
	nodes    []*lookup.NodeReport // nil: not asked
	demand   demand
	sums     []string // of connections and statements, in words
	found    findings
}

func (r *checkReport) judgeFiles(err error) {
	var others []error
	r.mistakes, others = mistakesOf(err)
	for _, p := range r.mistakes {
		r.found.add(trouble, "%s", p)
	}
	for _, err := range others {
		r.found.add(trouble, "%v", err)
	}
}

// askable are the items of nodes without a mistake. None is asked in a way that the files do not mean, such as without the
// TLS that a mistaken field asks for.
func (r *checkReport) askable() []nodeEntry {
	if r.mistakes.in(r.file, "database") {
		r.found.add(note, "the nodes were not connected to: mend the mistakes in database first")
		return nil
	}
	var nodes []nodeEntry
	for i, n := range r.cfg.nodes {
		if !r.mistakes.in(r.file, fmt.Sprintf("nodes[%d]", i)) {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// judgeKeys holds the rights of API keys against the catalogue, where neither has a mistake.
func (r *checkReport) judgeKeys() {
	keys, spec := r.cfg.server.Keys, r.cfg.spec
	if keys == nil || spec == nil || r.mistakes.in(r.file, "apiKeys") ||
		r.mistakes.beyond(r.file, r.cfg.catalogFile, "environment") {
		return
	}
	var views []server.ViewName
	for _, v := range spec.Views() {
		views = append(views, server.ViewName{Store: v.Store, View: v.Name})
	}
	views = slices.Compact(views) // versions follow one another, as a rule
	var problems yamldoc.Problems
	if errors.As(keys.Unmatched(views), &problems) {
		for _, p := range problems {
			r.found.add(warning, "%s", p)
		}
	}
	for _, v := range keys.Unread(views) {
		r.found.add(note, "feature view %s/%s: no API key may read it; add it to the views of a key", v.Store, v.View)
	}
}

// connect asks all nodes at once.
func (r *checkReport) connect(
	ctx context.Context, nodes []lookup.NodeConfig, watch func(waiting func() []string) (stop func()),
) {
	var mu sync.Mutex // guards r.nodes
	if r.cfg.metadata != nil && len(nodes) > 0 {
		r.readMetadata(ctx)
	} else if len(nodes) > 0 && r.cfg.spec == nil {
		r.found.add(note, "the tables were not looked at: mend the mistakes in the catalogue first")
	}
	r.nodes = make([]*lookup.NodeReport, len(nodes))
	stop := watch(func() []string {
		mu.Lock()
		defer mu.Unlock()
		var waiting []string
		for i, n := range nodes {
			if r.nodes[i] == nil {
				waiting = append(waiting, n.Address)
			}
		}
		return waiting
	})
	defer stop()
	var asking sync.WaitGroup
	for i, n := range nodes {
		asking.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, nodeTimeout)
			defer cancel()
			report := lookup.Probe(ctx, r.cfg.lookup.Pool, n, r.cfg.spec)
			mu.Lock()
			defer mu.Unlock()
			r.nodes[i] = report
		})
	}
	asking.Wait()
}

// readMetadata has the catalogue be what the metadata layer says.
func (r *checkReport) readMetadata(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, nodeTimeout)
	defer cancel()
	m, err := hopsworks.Read(ctx, *r.cfg.metadata)
	if err != nil {
		r.found.add(trouble, "the metadata cannot be read: %v", oneLine(err))
		return
	}
	r.cfg.spec = catalog.Define(metadataName, m.Define(), nil)
}

// snapshot is the most that any node can serve; nil: nothing.
func (r *checkReport) snapshot() *catalog.Snapshot {
	var best *catalog.Snapshot
	for _, n := range r.nodes {
		if n.Snapshot != nil && (best == nil || len(n.Snapshot.Views) > len(best.Views)) {
			best = n.Snapshot
		}
	}
	return best
}
