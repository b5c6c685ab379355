package hopsworks

import (
	"cmp"
	"context"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/internal/hopsdb"
	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

var shared testbed.Shared

func TestMain(m *testing.M) { os.Exit(shared.Main(m).Run()) }

// installed runs the statements of a Box on a server, and returns how to ask it.
func installed(t testing.TB, db testbed.Cluster, b *hopsdb.Box) Config {
	t.Helper()
	statements := b.Take()
	for len(statements) > 0 {
		part := statements[:min(len(statements), 50)]
		if err := db.Exec(t.Context(), strings.Join(part, ";\n")); err != nil {
			t.Fatal(err)
		}
		statements = statements[len(part):]
	}
	cfg := Config{Schema: b.Schema}
	for _, n := range db.Nodes() {
		cfg.Nodes = append(cfg.Nodes, pool.Config{Address: n.Address, User: testbed.User})
	}
	cfg.fill()
	return cfg
}

// views is how many feature views there are: RONGATE_VIEWS, or 500, since it takes a minute to make thousands on NDB.
func views(b *testing.B) int {
	n, err := strconv.Atoi(cmp.Or(os.Getenv("RONGATE_VIEWS"), "500"))
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// cpuTime is what this process has used.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkMetadata is what feature views of 20 features take: to be read whole, to be made a catalogue of, and to be looked
// at for changes when there is none.
func BenchmarkMetadata(b *testing.B) {
	for _, kind := range []testbed.Kind{testbed.KindMariaDB, testbed.KindNDB} {
		b.Run(string(kind), func(b *testing.B) {
			db := shared.Get(b, kind)
			box := hopsdb.New("hopsworks_many", hopsdb.Release5, db.Engine())
			box.Project("many").Many(views(b), 20)
			cfg := installed(b, db, box)
			defer func() { _ = db.Exec(context.Background(), "DROP DATABASE hopsworks_many; DROP DATABASE many") }()
			benchmarkMetadata(b, cfg)
		})
	}
}

func benchmarkMetadata(b *testing.B, cfg Config) {
	ctx, stop := context.WithCancel(context.Background())
	a := newAsker(cfg.Nodes)
	var running sync.WaitGroup
	running.Go(func() { a.run(ctx) })
	defer running.Wait()
	defer stop()
	rel, err := discover(ctx, a, cfg.Schema)
	if err != nil {
		b.Fatal(err)
	}
	var m *Metadata
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if m, err = read(ctx, a, rel, nil); err != nil || len(m.Views) != views(b) || len(m.Views[9].Features) != 20 {
				b.Fatal(err)
			}
		}
	})
	b.Run("poll", func(b *testing.B) {
		before, polls := cpuTime(b), 0
		for b.Loop() {
			if _, err := rel.poll(ctx, a); err != nil {
				b.Fatal(err)
			}
			polls++
		}
		b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(polls), "cpu-µs/poll")
	})
	b.Run("compare", func(b *testing.B) {
		for b.Loop() {
			next, err := read(ctx, a, rel, m)
			if err != nil || !next.equal(m) {
				b.Fatal(err)
			}
		}
	})
	reader, err := lookup.Open(lookup.Config{
		Nodes: []lookup.NodeConfig{{Address: cfg.Nodes[0].Address}},
		Pool:  pool.Config{User: testbed.User},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = reader.Close(context.Background()) }()
	spec := catalog.Define("bench", m.Define(), nil)
	b.Run("describe", func(b *testing.B) {
		for b.Loop() {
			if _, err := reader.Describe(ctx, spec.Tables()); err != nil {
				b.Fatal(err)
			}
		}
	})
	tables, err := reader.Describe(ctx, spec.Tables())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("resolve", func(b *testing.B) {
		for b.Loop() {
			s, err := catalog.Define("bench", m.Define(), nil).Resolve(tables)
			if err != nil || len(s.Views) != views(b) {
				b.Fatal(err)
			}
		}
	})
	b.Run("save", func(b *testing.B) {
		path := b.TempDir() + "/snapshot"
		for b.Loop() {
			if err := saveSnapshot(path, m, time.Now()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
