// Package fakenode answers the statements of package lookup from memory, in place of the connections to a node. It is
// for tests and benchmarks of what lies above the wire: lookup, vectors, server. It knows tables keyed as column.Column
// compares keys, and the two shapes of SELECT that lookup sends; faults are injected by a hook. It does not imitate a
// server's types, locks or collations: the end-to-end suite runs on real ones.
package fakenode

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

// A Table is the rows of one table. Fill it before the first statement.
type Table struct {
	columns []*column.Column
	keys    int // the first columns are the primary key
	rows    map[string][]column.Value
}

// NewTable makes a table whose first columns, keys of them, are the primary key.
func NewTable(keys int, columns ...*column.Column) *Table {
	return &Table{columns: columns, keys: keys, rows: map[string][]column.Value{}}
}

// Put adds or replaces a row, given as all its values in the order of the columns.
func (t *Table) Put(values ...column.Value) {
	t.rows[string(t.form(nil, values))] = values
}

func (t *Table) form(dst []byte, key []column.Value) []byte {
	for i, c := range t.columns[:t.keys] {
		dst, _ = c.AppendMatch(dst, key[i])
	}
	return dst
}

// A Node is one fake node. Its fields may be set while none of its methods runs.
type Node struct {
	Tables map[string]*Table // by "database.table"
	Size   int               // connections; default 2

	// OnSelect runs before a statement answers, on the goroutine that executes it; its error is the statement's. An
	// error that wraps pool.ErrBroken breaks the connection.
	OnSelect func(query string, keys int, deadline time.Time) error

	// Held has OnSelect run on the goroutine that SelectWithin is called on, as if an answer had begun by then.
	Held bool

	mu       sync.Mutex
	free     []*conn
	opened   bool
	down     bool
	detached int // detached connections not released yet
	detaches int // detached ever
	forgets  int
	ready    func()
	parsed   map[string]*parsed
}

// Connect is a lookup.Config.Connect over nodes by address.
func Connect(nodes map[string]*Node) func(pool.Config) (lookup.Connections, error) {
	return func(cfg pool.Config) (lookup.Connections, error) {
		n := nodes[cfg.Address]
		if n == nil {
			return nil, fmt.Errorf("no fake node at %s", cfg.Address)
		}
		n.open(cfg.Changed)
		return n, nil
	}
}

func (n *Node) open(ready func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ready, n.opened, n.parsed = ready, true, map[string]*parsed{}
	if n.Size == 0 {
		n.Size = 2
	}
	for range n.Size {
		n.free = append(n.free, &conn{node: n, sent: map[*column.Value]bool{}})
	}
}

// SetDown takes the node away or brings it back. Statements that run end as they would.
func (n *Node) SetDown(down bool) {
	n.mu.Lock()
	n.down = down
	ready := n.ready
	n.mu.Unlock()
	if ready != nil {
		ready()
	}
}

// Detaches is how many statements nobody waited for any more.
func (n *Node) Detaches() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.detaches
}

// Forgets is how many prepared statements were dropped.
func (n *Node) Forgets() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.forgets
}

// TryAcquire leases a free connection.
func (n *Node) TryAcquire() lookup.Conn {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.down || len(n.free) == 0 {
		return nil
	}
	c := n.free[len(n.free)-1]
	n.free = n.free[:len(n.free)-1]
	return c
}

// Up reports whether the node is there and not all of its connections are detached: nothing is dialed in their place.
func (n *Node) Up() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.opened && !n.down && n.detached < n.Size
}

// Answers reports whether the node is there.
func (n *Node) Answers() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.opened && !n.down
}

// Stats are those of an imaginary pool.
func (n *Node) Stats() pool.Stats { return pool.Stats{} }

// Close takes the node away for good.
func (n *Node) Close(context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.opened = false
	return nil
}

// conn is one connection; it belongs to whoever has leased it.
type conn struct {
	node     *Node
	broken   bool
	detached bool // guarded by node.mu
	form     []byte
	out      []column.Value
	sent     map[*column.Value]bool
}

func (c *conn) Broken() bool { return c.broken }

func (c *conn) Hurry() {} // it returns at once, or is Held

func (c *conn) Forget(string) {
	c.node.mu.Lock()
	defer c.node.mu.Unlock()
	c.node.forgets++
}

func (c *conn) Detach() bool {
	c.node.mu.Lock()
	defer c.node.mu.Unlock()
	c.detached = true
	c.node.detached++
	c.node.detaches++
	return true
}

func (c *conn) Release() {
	c.node.mu.Lock()
	defer c.node.mu.Unlock()
	if c.detached {
		c.detached = false
		c.node.detached--
	}
	if c.broken {
		c = &conn{node: c.node, sent: map[*column.Value]bool{}} // a new one is dialed at once
	}
	c.node.free = append(c.node.free, c)
}

// parsed is a query understood.
type parsed struct {
	table   *Table
	columns []int // of the table
	result  []pool.ResultColumn
}

func (n *Node) parse(query string) (*parsed, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if p := n.parsed[query]; p != nil {
		return p, nil
	}
	list, rest, ok := strings.Cut(strings.TrimPrefix(query, "SELECT "), " FROM ")
	name, _, ok2 := strings.Cut(rest, " WHERE ")
	t := n.Tables[strings.ReplaceAll(name, "`", "")]
	if !ok || !ok2 || t == nil {
		return nil, &pool.ServerError{Number: 1146, Message: "no such table in " + query}
	}
	p := &parsed{table: t}
	for _, quoted := range strings.Split(list, ",") {
		i := t.index(strings.Trim(quoted, "`"))
		if i < 0 {
			return nil, &pool.ServerError{Number: 1054, Message: "no such column in " + query}
		}
		p.columns = append(p.columns, i)
		p.result = append(p.result, wire(t.columns[i]))
	}
	n.parsed[query] = p
	return p, nil
}

func (t *Table) index(name string) int {
	for i, c := range t.columns {
		if c.Name == name {
			return i
		}
	}
	return -1
}

// wire is how a result describes a column: its own SQL type as the driver names it.
func wire(c *column.Column) pool.ResultColumn {
	name, _, _ := strings.Cut(c.SQLType, "(")
	name, _, _ = strings.Cut(strings.ToUpper(name), " ")
	if c.Unsigned && c.Kind == column.Int {
		name = "UNSIGNED " + name
	}
	r := pool.ResultColumn{Name: c.Name, Type: name, Scale: -1}
	switch c.Kind {
	case column.Decimal, column.DateTime, column.Timestamp, column.Time:
		r.Scale = c.Scale
	}
	return r
}

// SelectWithin answers a statement, on another goroutine if that may take time.
func (c *conn) SelectWithin(
	_, deadline time.Time, query string, args []column.Value, sink pool.Sink, later func(error),
) (pending bool, err error) {
	if c.node.OnSelect == nil || c.node.Held {
		return false, c.Select(deadline, query, args, sink)
	}
	go func() { later(c.Select(deadline, query, args, sink)) }()
	return true, nil
}

// Select answers a statement.
func (c *conn) Select(deadline time.Time, query string, args []column.Value, sink pool.Sink) error {
	p, err := c.node.parse(query)
	if err != nil {
		return err
	}
	keys := len(args) / p.table.keys
	if hook := c.node.OnSelect; hook != nil {
		if err := hook(query, keys, deadline); err != nil {
			c.broken = errors.Is(err, pool.ErrBroken)
			return err
		}
	}
	if err := sink.Columns(p.result); err != nil {
		return err
	}
	clear(c.sent)
	for k := range keys {
		c.form = p.table.form(c.form[:0], args[k*p.table.keys:])
		row := p.table.rows[string(c.form)]
		if row == nil || c.sent[&row[0]] { // several keys may be equal, and padding repeats the last
			continue
		}
		c.sent[&row[0]] = true
		c.out = c.out[:0]
		for _, i := range p.columns {
			c.out = append(c.out, row[i])
		}
		if err := sink.Row(c.out); err != nil {
			return err
		}
	}
	return nil
}
