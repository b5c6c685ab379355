package hopsworks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/pool"
)

const (
	// patience is how long a node may take over one statement that is not told how long it may: a stalled one must leave
	// time for the next.
	patience = 2 * time.Second

	// keepUnused is how long a connection is kept that nobody asks over: less than firewalls drop silent ones in.
	keepUnused = time.Minute
)

// An asker runs statements on the first of some nodes that answers, one at a time, over a connection of its own. The next
// node is tried, for the same statement too, when one fails; it stays with that one then. run has to be running.
type asker struct {
	nodes     []pool.Config // in the order in which they are tried
	questions chan *question
}

// A question is a statement to be run.
type question struct {
	ctx     context.Context
	limit   time.Duration // for one node
	query   string
	args    []column.Value
	rows    rows
	tried   int        // nodes, in vain
	failure error      // of the last of them
	done    chan error // has room for the answer
}

// rows takes the rows of an answer.
type rows interface {
	pool.Sink
	reset() // all rows so far are void: the statement is run again
}

func newAsker(nodes []pool.Config) *asker {
	return &asker{nodes: nodes, questions: make(chan *question)}
}

// ask runs a statement and returns when its rows are in, every node has failed, or ctx ends. limit is how long each of the
// nodes may take; 0: patience. What the server refuses, a missing table say, is an error at once.
func (a *asker) ask(ctx context.Context, limit time.Duration, query string, args []column.Value, to rows) error {
	if limit == 0 {
		limit = patience
	}
	q := &question{ctx: ctx, limit: limit, query: query, args: args, rows: to, done: make(chan error, 1)}
	select {
	case a.questions <- q:
		return <-q.done // within limit for each node: what runs fills rows, so that it cannot be left alone
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// run answers until ctx ends.
func (a *asker) run(ctx context.Context) {
	at := 0
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-a.questions:
			a.answer(ctx, q, &at)
		}
	}
}

// answer answers a question, and those after it over the same connection, as long as that goes well.
func (a *asker) answer(ctx context.Context, q *question, at *int) {
	for q != nil && ctx.Err() == nil {
		node := a.nodes[*at%len(a.nodes)]
		err := pool.Once(ctx, node, func(c *pool.Conn) error {
			q = a.serve(ctx, c, q)
			return nil
		})
		if q == nil {
			return
		}
		if err != nil {
			q.fail(fmt.Errorf("node %s: %w", node.Address, err))
		}
		*at++
		switch {
		case q.ctx.Err() != nil, q.tried >= len(a.nodes):
			q.done <- q.failure
			q = nil
		}
	}
	if q != nil {
		q.done <- context.Cause(ctx)
	}
}

// serve runs questions on a connection until that breaks, when it returns the one that is to be asked elsewhere, or has
// not been used for long, when it returns nil.
func (a *asker) serve(ctx context.Context, c *pool.Conn, q *question) *question {
	idle := time.NewTimer(keepUnused)
	defer idle.Stop()
	for {
		q.rows.reset()
		deadline := time.Now().Add(q.limit)
		if limit, ok := q.ctx.Deadline(); ok && limit.Before(deadline) {
			deadline = limit
		}
		err := c.Select(deadline, q.query, q.args, q.rows)
		if err != nil && elsewhere(c, err) {
			q.fail(err)
			return q
		}
		q.done <- err
		if c.Broken() {
			return nil
		}
		idle.Reset(keepUnused)
		select {
		case q = <-a.questions:
		case <-idle.C:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

func (q *question) fail(err error) {
	q.tried++
	q.failure = err
}

// elsewhere reports whether another node may do better: the connection is lost, or the cluster refused for the time being.
func elsewhere(c *pool.Conn, err error) bool {
	if c.Broken() {
		return true
	}
	var refusal *pool.ServerError
	return errors.As(err, &refusal) && refusal.Number != noSuchTable && refusal.Number != badColumn &&
		refusal.Number != noPrivilege && refusal.Number != noColumnPrivilege
}

// What a server says of a statement that no other would run either.
const (
	badColumn         = 1054
	noPrivilege       = 1142
	noColumnPrivilege = 1143
	noSuchTable       = 1146
)
