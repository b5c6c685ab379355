package testbed

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"

	"github.com/go-sql-driver/mysql"
)

// An Asker asks a node one thing again and again, as a client of its own would: at the node's address, and so through its
// proxy, by a statement that it prepares once a connection. It tells when the node truly answers. It is for one goroutine.
type Asker struct {
	connector driver.Connector
	question  string

	conn      driver.Conn // nil: the next question makes one
	statement driver.Stmt
}

// Asker returns one that has not asked as yet. The question is an SQL statement that returns rows.
func (n *Node) Asker(question string) (*Asker, error) {
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User = "tcp", n.Address, User
	cfg.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	return &Asker{connector: connector, question: question}, nil
}

// Ask returns nil if the node answers with a row before ctx ends. After any other answer the next question is asked on a
// new connection.
func (a *Asker) Ask(ctx context.Context) error {
	if a.conn == nil {
		if err := a.connect(ctx); err != nil {
			return errors.Join(err, a.Close())
		}
	}
	rows, err := a.statement.(driver.StmtQueryContext).QueryContext(ctx, nil)
	if err != nil {
		return errors.Join(err, a.Close())
	}
	err = rows.Next(make([]driver.Value, len(rows.Columns())))
	if errors.Is(err, io.EOF) {
		err = errors.New("testbed: there is no such row")
	}
	if err = errors.Join(err, rows.Close()); err != nil {
		return errors.Join(err, a.Close())
	}
	return nil
}

func (a *Asker) connect(ctx context.Context) (err error) {
	if a.conn, err = a.connector.Connect(ctx); err != nil {
		a.conn = nil // and not a Conn that holds a nil
		return err
	}
	a.statement, err = a.conn.(driver.ConnPrepareContext).PrepareContext(ctx, a.question)
	return err
}

// Close ends the connection, if there is one. The next question makes another.
func (a *Asker) Close() error {
	if a.conn == nil {
		return nil
	}
	err := a.conn.Close()
	a.conn, a.statement = nil, nil
	if errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) {
		err = nil // it was closed before
	}
	return err
}
