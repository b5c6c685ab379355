package catalog

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// A Describer reads the definitions of tables from the database. A table that does not exist is absent from the map;
// the error is for a database that cannot tell. lookup.Reader is one.
type Describer interface {
	Describe(ctx context.Context, tables []TableName) (map[TableName]*Table, error)
}

// Config is what Open needs. Describer is required, and Path or Spec.
type Config struct {
	Path      string // of the catalogue file
	Spec      *Spec  // in place of a file; made by Define
	Describer Describer

	// OnChange is told of every Snapshot after the first, when Current has it already. It is called by the Catalog's own
	// goroutine, one call at a time, and must not call Close. Nil: nobody is told.
	OnChange func(*Snapshot)

	// DescribeTimeout bounds one reading of tables after the first. 0: ten seconds.
	DescribeTimeout time.Duration

	// Refresh, give or take a tenth, is how often all tables are read again unasked: the answers of a server do not show
	// every change, such as that of a key's collation. 0: five minutes; negative: never.
	Refresh time.Duration

	Log *slog.Logger // nil: nothing is logged
}

// defaultDescribeTimeout is far above what information_schema takes and far below what anybody waits for.
const defaultDescribeTimeout = 10 * time.Second

// defaultRefresh: a change of collation under a running model is rare, and every gateway asks.
const defaultRefresh = 5 * time.Minute

// A Catalog is a catalogue file over tables that may be altered while it is served. Its goroutine re-reads the file when
// Reload says so, and the tables that Stale names; a definition that cannot be had or that the catalogue does not fit is
// tried again, and the last good one is served meanwhile. All methods are safe for concurrent use.
type Catalog struct {
	current   atomic.Pointer[Snapshot]
	refresher *refresher
	stop      context.CancelFunc
	done      sync.WaitGroup
}

// Open reads the catalogue file, describes its tables and resolves it, or fails with all that is wrong. Of a Spec that is
// given it leaves out what is mistaken. The context bounds only that. Close must be called.
func Open(ctx context.Context, cfg Config) (*Catalog, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.DescribeTimeout == 0 {
		cfg.DescribeTimeout = defaultDescribeTimeout
	}
	if cfg.Refresh == 0 {
		cfg.Refresh = defaultRefresh
	}
	c := &Catalog{}
	c.refresher = newRefresher(cfg)
	snapshot, err := c.refresher.load(ctx, cfg.Path, cfg.Spec)
	if err != nil {
		return nil, err
	}
	c.current.Store(snapshot)
	c.refresher.publish = func(s *Snapshot) {
		c.current.Store(s)
		if cfg.OnChange != nil {
			cfg.OnChange(s)
		}
	}
	background, stop := context.WithCancel(context.Background())
	c.stop = stop
	c.done.Go(func() { c.refresher.run(background) })
	return c, nil
}

// Current is the Snapshot to be served now.
func (c *Catalog) Current() *Snapshot { return c.current.Load() }

// Stale asks for a table to be read again, since the server answered as if it were altered. It returns at once, and may
// be called for every request that fails: until the table is read, more calls change nothing, and a call while it is
// being read has it read once more.
func (c *Catalog) Stale(table TableName) { c.refresher.stale(table) }

// Reload reads a catalogue file, the one of before or another, describes its tables and publishes what it resolves to. On
// an error, which says all that is wrong, nothing changes.
func (c *Catalog) Reload(ctx context.Context, path string) error {
	return c.reload(reload{ctx: ctx, path: path, done: make(chan error, 1)})
}

// Replace publishes what a Spec made by Define resolves to. Only tables that are not known yet are described, and those
// of views that are not sound by what is known of them.
func (c *Catalog) Replace(ctx context.Context, spec *Spec) error {
	return c.reload(reload{ctx: ctx, spec: spec, done: make(chan error, 1)})
}

func (c *Catalog) reload(q reload) error {
	ctx := q.ctx
	select {
	case c.refresher.reloads <- q:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return <-q.done
}

// Close stops the re-reading and waits until it has stopped. Current stays as it is. Neither Reload nor
// Replace may be called after it.
func (c *Catalog) Close() {
	c.stop()
	c.done.Wait()
}
