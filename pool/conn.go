package pool

import (
	"time"

	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/pool/protocol"
)

// A ResultColumn is one column of a result as the server announces it.
type ResultColumn = protocol.Column

// A Sink receives a result. What it is given is valid only during the call: it must copy what it keeps, and must not
// use the connection. An error ends the statement and is returned by Select; the rest of the result is skipped if that
// is quick, else the connection is broken.
type Sink interface {
	// Columns is called once, before any row and also when there is none.
	Columns(columns []ResultColumn) error
	// Row is called for each row. Integers of unsigned columns are column.UintValue, others column.IntValue; FLOAT is
	// column.Float32Value, DOUBLE column.Float64Value, all else column.BytesValue as the text protocol would have it.
	Row(values []column.Value) error
}

// state is where a connection is in its life.
type state uint8

const (
	warming  state = iota // in a dialing goroutine, not yet in Pool.conns
	free                  // in Pool.free
	checking              // in a pinging goroutine
	leased                // between TryAcquire and Release or Discard
	cutOff                // leased when Close ran out of patience: its socket is closed, its lease still has to end
	closed                // given up; its session is closed by the pool
)

// A Conn is one connection to the node. It belongs to whoever leased it, who uses it from one goroutine at a time and
// gives it back exactly once, by Release or Discard. None of Release, Discard and Detach blocks, does I/O or calls
// back, so they may be called with a lock held.
type Conn struct {
	pool    *Pool
	session session

	// limit is the time no socket deadline may exceed while the connection is warming; zero afterwards. Only the
	// dialing goroutine and Warm touch it.
	limit time.Time

	later   func(error) // of the SelectWithin under way
	resumed func(error) // endLater; made once, as it is used again and again

	// served is whether an exchange since the warm-up succeeded. Whoever has the connection owns it.
	served bool

	// All that follows is guarded by pool.mu.

	state    state
	broken   bool // the last exchange failed
	detached bool // nobody waits for the lease: it does not count against Size
	retired  bool // its replacement is in service: it is closed as soon as nobody uses it

	lastUse time.Time // end of the last exchange
	expires time.Time // when it is due for replacement; zero: never
	idleFor time.Duration
}

func newConn(p *Pool, s session) *Conn {
	c := &Conn{pool: p, session: s}
	c.resumed = c.endLater
	return c
}

// Select runs a query and feeds its result to the sink. It returns when the result has been received or the connection
// broke, at the latest a DrainGrace after the deadline: it does not return at the deadline itself, which is the
// caller's to keep. The args are borrowed until it returns.
//
// The error is the sink's own, or wraps a *ServerError, ErrBroken or both. A connection broken on the way has to be
// given back like any other.
func (c *Conn) Select(deadline time.Time, query string, args []column.Value, sink Sink) error {
	deadline = deadline.Add(c.pool.cfg.DrainGrace)
	if !c.limit.IsZero() && c.limit.Before(deadline) {
		deadline = c.limit
	}
	defer c.noteHealth()
	return c.session.Select(deadline, query, args, sink)
}

// SelectWithin is Select on behalf of a goroutine that waits no longer than patience. If pending is true the statement
// has not ended: Select's error goes to later, on another goroutine, and until then args and sink are borrowed. On
// encrypted connections, and of a query that is not prepared yet, that is always so.
func (c *Conn) SelectWithin(
	patience, deadline time.Time, query string, args []column.Value, sink Sink, later func(error),
) (pending bool, err error) {
	c.later = later
	pending, err = c.session.SelectWithin(patience, deadline.Add(c.pool.cfg.DrainGrace), query, args, sink, c.resumed)
	if !pending {
		c.noteHealth()
	}
	return pending, err
}

// Hurry has a SelectWithin that waits for an answer return now, pending, as if patience were over; or the next one, if none
// is under way. It may be called concurrently with it.
func (c *Conn) Hurry() { c.session.Hurry() }

// endLater is what a session calls when a SelectWithin that was pending has ended.
func (c *Conn) endLater(err error) {
	c.noteHealth()
	c.later(err)
}

// Forget drops the query's prepared statement from this connection, so that the next Select prepares it anew.
func (c *Conn) Forget(query string) { c.session.Forget(query) }

// noteHealth makes a failure of the session known to Up at once, before the lease ends.
func (c *Conn) noteHealth() {
	if !c.session.Broken() {
		c.served = true
		return
	}
	c.pool.mu.Lock()
	c.broken = true
	c.pool.mu.Unlock()
}

// Broken reports whether the connection should not be used again: it failed, or the pool waits for it because its
// replacement is in service or the pool is being closed. Whoever keeps a lease for several statements asks between
// them.
func (c *Conn) Broken() bool {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	return c.broken || c.retired || c.pool.closed
}

// Release ends the lease. The connection is free for the next TryAcquire at once, unless it is broken or superfluous.
// Config.Changed is not called for it: whoever releases knows it, and looks after its own queue.
func (c *Conn) Release() { c.pool.giveBack(c, true) }

// Discard ends the lease and closes the connection, for callers that no longer trust it.
func (c *Conn) Discard() { c.pool.giveBack(c, false) }

// Detach says that nobody waits for the running statement any more: the connection stops counting against Size and
// another is dialed in its place. It may be called from another goroutine while Select runs; the lease goes on and has
// to be ended as ever, and the caller has to see to it that Detach does not come after that end. It reports whether the
// connection is detached: with MaxDetached of them already it is not, and keeps its slot.
func (c *Conn) Detach() bool {
	p := c.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case c.state == cutOff:
		return false
	case c.state != leased:
		panic("pool: Detach of a connection that is not leased")
	case c.detached:
		return true
	case p.countLocked(isDetached) >= p.cfg.MaxDetached:
		return false
	}
	c.detached = true
	p.detaches++
	p.wakeLocked()
	return true
}
