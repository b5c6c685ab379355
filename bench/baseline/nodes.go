package main

import (
	"context"
	"database/sql"
	"math/bits"
	"strings"
	"sync"

	"github.com/go-sql-driver/mysql"

	"github.com/rongate/rongate/catalog"
)

// A node is a database with its prepared statements.
type node struct {
	db         *sql.DB
	statements sync.Map // of *sql.Stmt, by query
}

// openNode opens a node, which is not dialed until it is asked.
func openNode(cfg *config, address string, connections int) (*node, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr = "tcp", address
	if strings.HasPrefix(address, "/") {
		c.Net = "unix"
	}
	c.User, c.Passwd = cfg.user, cfg.password
	c.Params = map[string]string{"time_zone": "'+00:00'"}
	if err := c.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		return nil, err
	}
	connector, err := mysql.NewConnector(c)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return &node{db: db}, nil
}

// prepare returns the statement of a query. database/sql prepares it on every connection that comes to run it.
func (n *node) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := n.statements.Load(query); ok {
		return stmt.(*sql.Stmt), nil
	}
	stmt, err := n.db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if earlier, ok := n.statements.LoadOrStore(query, stmt); ok {
		stmt.Close()
		return earlier.(*sql.Stmt), nil
	}
	return stmt, nil
}

// read reads the rows of some keys, each once. They come by the key's id: the key's columns, then the select's.
func (n *node) read(ctx context.Context, sel *catalog.Select, keys []key) (map[string][]any, error) {
	rows := make(map[string][]any, len(keys))
	var args []any
	for _, k := range keys {
		if _, asked := rows[k.id]; k.complete && !asked {
			rows[k.id] = nil
			args = append(args, k.parts...)
		}
	}
	if len(args) == 0 {
		return nil, nil
	}
	width := len(sel.Group.Key)
	count := 1 << bits.Len(uint(len(args)/width-1)) // few statements are to serve batches of all sizes
	last := args[len(args)-width:]
	for len(args) < count*width {
		args = append(args, last...)
	}
	stmt, err := n.prepare(ctx, selectText(sel, count))
	if err != nil {
		return nil, err
	}
	found, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	columns := append(sel.Group.Key[:width:width], sel.Columns...)
	for found.Next() {
		row, cells := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			cells[i] = &row[i]
		}
		if err := found.Scan(cells...); err != nil {
			return nil, err
		}
		for i, c := range columns {
			row[i] = fromServer(c, row[i])
		}
		rows[keyID(sel.Group.Key, row[:width])] = row
	}
	return rows, found.Err()
}

// selectText is the statement for so many keys.
func selectText(sel *catalog.Select, count int) string {
	var columns []string
	for _, c := range sel.Group.Key {
		columns = append(columns, "`"+c.Name+"`")
	}
	key, one := columns[0], "?"
	if n := len(columns); n > 1 {
		key = "(" + strings.Join(columns, ",") + ")"
		one = "(?" + strings.Repeat(",?", n-1) + ")"
	}
	for _, c := range sel.Columns {
		columns = append(columns, "`"+c.Name+"`")
	}
	table := sel.Group.Table
	return "SELECT " + strings.Join(columns, ",") + " FROM `" + table.Database + "`.`" + table.Name + "` WHERE " +
		key + " IN (" + one + strings.Repeat(","+one, count-1) + ")"
}
