package lookup

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rongate/rongate/breaker"
	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/pool"
)

// Config says which nodes a Reader reads from.
type Config struct {
	// Zone is the availability zone rongate runs in. Nodes of the same zone are read first, then those of its Region, then
	// the others. Nodes and a rongate without a region are all of one.
	Zone   string
	Region string
	Nodes  []NodeConfig

	// Pool is the template of every node's pool. Address, Warm and Changed are the Reader's, and each node has Warmups of
	// its own, of the capacity given here.
	Pool pool.Config

	// MaxQueued is how many pieces (up to 128 keys each) may wait for a connection; more are refused with
	// ErrOverloaded. Default 4096.
	MaxQueued int

	// MaxBlockBytes is how many bytes of JSON one statement may fill. Default 8 MiB.
	MaxBlockBytes int

	// MaxLiveBytes is how many bytes of JSON all blocks that are still in use may hold; while they hold more, reads are
	// refused with ErrOverloaded. Default 256 MiB.
	MaxLiveBytes int64

	// Breaker says when a node is passed over for how its statements have ended.
	Breaker breaker.Config

	// Unmerged has every piece read by a statement of its own, as a yardstick. By default those that wait for a connection
	// share one.
	Unmerged bool

	// Hedging is what may be asked for twice at once, on two nodes, on behalf of any call. Default: all that there is.
	Hedging catalog.Hedging

	// OnStale is told of a table whose definition is not what the current catalogue says. It must not block.
	OnStale func(catalog.TableName)

	// Log receives what happens in the background. Default: nothing is logged.
	Log *slog.Logger

	// Connect opens the connections to a node. Default: a pool.Pool. Tests put fakes here.
	Connect func(pool.Config) (Connections, error)
}

// NodeConfig is one RonDB API node.
type NodeConfig struct {
	Address string // host:port, or the path of a unix socket
	Zone    string
	Region  string

	// ServerName is the name that the node's certificate must have, where Pool.TLS says none. Default: the host of Address.
	ServerName string
}

// accessBy is how the node is connected to, by the template for all.
func (nc NodeConfig) accessBy(template pool.Config) pool.Config {
	template.Address = nc.Address
	if nc.ServerName != "" && template.TLS != nil && template.TLS.ServerName == "" {
		template.TLS = template.TLS.Clone()
		template.TLS.ServerName = nc.ServerName
	}
	return template
}

const (
	defaultMaxQueued     = 4096
	defaultMaxBlockBytes = 8 << 20
	defaultMaxLiveBytes  = 256 << 20
)

func (c *Config) fill() error {
	if len(c.Nodes) == 0 {
		return errors.New("lookup: no nodes")
	}
	if c.MaxQueued == 0 {
		c.MaxQueued = defaultMaxQueued
	}
	if c.MaxBlockBytes == 0 {
		c.MaxBlockBytes = defaultMaxBlockBytes
	}
	if c.MaxLiveBytes == 0 {
		c.MaxLiveBytes = defaultMaxLiveBytes
	}
	if c.OnStale == nil {
		c.OnStale = func(catalog.TableName) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Connect == nil {
		c.Connect = openPool
	}
	return nil
}

// A Reader reads rows by primary key. Its methods may be called concurrently.
type Reader struct {
	cfg    Config
	plans  atomic.Pointer[[]*Plan] // of the last Use: what a new connection is warmed with
	blocks blocks

	troubles troubles
	jitter   func(below time.Duration) time.Duration // random

	spare      sync.Pool      // of *statement
	wg         sync.WaitGroup // goroutines that run statements, wait to repeat one, or see off nodes that have left
	background context.Context
	abandon    context.CancelFunc // ends background: nodes that have left are not waited for any more

	opening  sync.Mutex // held by Use, Change and Close: who opens connections; taken before mu
	template int        // counts the configurations of connections; guarded by opening

	mu        sync.Mutex
	nodes     []*node // replaced, not altered
	left      []*node // no more among them, but with statements that still run
	tiers     [tierCount]tier
	handover  *time.Timer    // nil while no node is leaving
	changedAt time.Time      // when the nodes were changed last
	stranded  bool           // it was said that none of them is up
	queued    [laneCount]int // pieces in the queues of all tiers, by lane
	tender    *time.Timer    // nil until it is needed
	tendAt    time.Time      // when it will go off; zero: not
	closed    bool
	counts    counts
	behind    bool // the last tend came late: this process was not let run
	desperate bool // there is evidence against every node that is connected: none counts
	retries   budget
	rescues   budget
	hedges    budget
	spreads   [sizes]spread    // of what statements of a size take
	hedgeAt   time.Time        // the earliest of the statements'; zero: none
	begunAt   time.Time        // when the last statement began
	gap       time.Duration    // between two that begin: a moving average
	forces    map[string]Force // by address, where they are not ForceNone
	news      []news           // to be logged
	telling   bool             // it is being
}

// Open makes a Reader. It dials nothing until the first Use.
func Open(cfg Config) (*Reader, error) {
	if err := cfg.fill(); err != nil {
		return nil, err
	}
	r := &Reader{cfg: cfg, jitter: rand.N[time.Duration]}
	r.background, r.abandon = context.WithCancel(context.Background())
	r.arrange(r.admit(&cfg, r.template))
	return r, nil
}

// Use compiles the selects of a snapshot, makes them what new connections are warmed with, and returns their plans, one
// for each select in their order. The first Use begins to dial the nodes. Reads of older plans go on. A select that there
// was before, over the same columns of the same table, keeps its plan, and so what was learned of its statements: nothing is
// warmed, hedged or cut anew because another feature view was deployed.
func (r *Reader) Use(s *catalog.Snapshot) ([]*Plan, error) {
	r.opening.Lock()
	defer r.opening.Unlock()
	if r.isClosed() {
		return nil, errClosed
	}
	known := map[string]*Plan{}
	if before := r.plans.Load(); before != nil {
		for _, p := range *before {
			known[p.queries[0]] = p
		}
	}
	plans := make([]*Plan, len(s.Selects))
	for i, sel := range s.Selects {
		plans[i] = newPlan(sel, tierCount)
		if old := known[plans[i].query(1)]; old != nil && old.sameAs(plans[i]) {
			plans[i] = old
		} else {
			plans[i].writeQueries()
		}
	}
	r.plans.Store(&plans)
	if err := r.open(r.present()); err != nil {
		return nil, err
	}
	return plans, nil
}

// connect opens the connections to a node.
func (r *Reader) connect(n *node) (Connections, error) {
	cfg := n.access
	cfg.Warm = func(c *pool.Conn) error { return r.warm(c) }
	cfg.Changed = r.changed
	cfg.Log = r.cfg.Log
	if cfg.Warmups != nil { // each node its own, so that one that stalls holds up no other
		cfg.Warmups = make(chan struct{}, cap(cfg.Warmups))
	}
	return r.cfg.Connect(cfg)
}

func (r *Reader) isClosed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// Read reads everything in c and returns when it has, or at the deadline. What could not be read is told by each
// Read.Row. c must be released.
func (r *Reader) Read(c *Call, deadline time.Time) {
	c.reader, c.deadline = r, deadline
	if c.wake == nil {
		c.wake = make(chan struct{}, 1)
	}
	if !r.round(c, c.cut()) {
		return
	}
	if alone := c.cutAlone(); len(alone) > 0 {
		r.round(c, alone)
	}
}

// round submits pieces and waits for them. It reports false when the deadline passed first; then every piece that was
// not delivered has ErrDeadline.
func (r *Reader) round(c *Call, pieces []piece) bool {
	if len(pieces) == 0 {
		return true
	}
	left := time.Until(c.deadline)
	if s := r.submit(c, pieces, left > 0); s != nil {
		r.runFor(c, s)
	}
	select {
	case <-c.wake:
		return left > 0
	default:
	}
	c.alarm()
	select {
	case <-c.wake:
		c.timer.Stop()
		return left > 0
	case <-c.timer.C:
		return r.leave(c, pieces)
	}
}

// submit dispatches pieces, or fails them where there is no time left. One statement it leaves to the caller to be run.
func (r *Reader) submit(c *Call, pieces []piece, inTime bool) (own *statement) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.pending = len(pieces)
	c.hedging = max(c.Hedging, r.cfg.Hedging)
	for i := range pieces {
		if !inTime {
			r.deliver(&pieces[i], nil, ErrDeadline)
			continue
		}
		if s := r.place(&pieces[i]); s != nil {
			if own != nil {
				r.launch(own)
			}
			own = s
		}
	}
	if own != nil {
		r.wg.Add(1) // for runFor, before Close can wait
	}
	r.hedgeDue()
	return own
}

// leave takes a call away from the pieces it still waits for. A statement that nobody waits for any more is detached:
// it ends by itself, in the background.
func (r *Reader) leave(c *Call, pieces []piece) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.pending == 0 { // the last answer came while the timer fired
		<-c.wake
		return true
	}
	c.lent = true
	c.pending = 0
	detached := false
	for i := range pieces {
		p := &pieces[i]
		if p.done {
			continue
		}
		p.call, p.done, p.err = nil, true, ErrDeadline
		r.counts.Abandoned++
		if p.waiting != nil {
			r.withdraw(p)
		}
		for _, s := range p.runs {
			if s == nil {
				continue
			}
			if s.waiting--; s.waiting == 0 {
				if s.detached = s.conn.Detach(); s.detached {
					s.leaveLane()
					detached = true
				}
			}
		}
	}
	if detached {
		r.settle() // it may have been the node's last connection
	}
	return false
}

// refuse gives a piece an error in place of an attempt, unless one is under way whose answer may still come.
func (r *Reader) refuse(p *piece, err error) {
	if !p.underway() {
		r.deliver(p, nil, err)
	}
}

// deliver gives a piece its answer: a reference to a block, or an error. What else would come for it is not waited for
// any more; the call's memory is theirs then. Reader.mu is held.
func (r *Reader) deliver(p *piece, b *block, err error) {
	if !p.open() {
		return
	}
	if p.waiting != nil {
		r.withdraw(p)
	}
	if p.pausing {
		p.call.lent = true
	}
	for _, s := range p.runs {
		if s != nil {
			p.call.lent = true
			if s.waiting--; s.waiting == 0 {
				s.leaveLane()
			}
		}
	}
	if b != nil {
		b.retain()
	}
	p.block, p.err, p.done = b, err, true
	if p.call.pending--; p.call.pending == 0 {
		p.call.wake <- struct{}{}
	}
}

// Ready reports whether any node can serve: is connected, has not failed time after time, and has not been silent for
// long.
func (r *Reader) Ready() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.nodes {
		heard := time.Since(n.heardAt) <= deadAfter
		switch {
		case n.off():
		case !n.up() && (n.conns == nil || !n.conns.Answers() || !heard): // all connections may be detached, for a moment
		case n.force == ForceClosed:
			return true
		case n.breaker.Open() && !n.breaker.Soft():
		case n.suspect && !heard:
		default:
			return true
		}
	}
	return false
}

// changed is called by the pools when a connection became free or a node is gone.
func (r *Reader) changed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settle()
}

// Close refuses new reads, ends the waiting ones with ErrUnavailable, and closes the connections once the running
// statements have ended or ctx has. A second Close does nothing.
func (r *Reader) Close(ctx context.Context) error {
	r.opening.Lock()
	defer r.opening.Unlock()
	if r.isClosed() {
		return nil
	}
	r.mu.Lock()
	r.closed = true
	if r.handover != nil {
		r.handover.Stop()
	}
	if r.tender != nil {
		r.tender.Stop()
	}
	r.settle()
	nodes := r.nodes
	r.mu.Unlock()
	stop := context.AfterFunc(ctx, r.abandon)
	defer r.abandon()
	defer stop()
	errs := make([]error, len(nodes))
	var closing sync.WaitGroup
	for i, n := range nodes {
		if n.conns != nil {
			closing.Go(func() { errs[i] = n.conns.Close(ctx) })
		}
	}
	closing.Wait()
	r.wg.Wait()
	return errors.Join(errs...)
}
