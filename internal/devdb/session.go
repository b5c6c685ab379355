package devdb

import (
	"context"
	"errors"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/mysql"
)

// A session is a connection's. Transactions may begin and end, but nothing is rolled back, and who asks for it is told.
type session struct{ *sql.BaseSession }

var _ sql.TransactionSession = session{}

var errNoTransactions = errors.New("devdb has no transactions: every statement is committed at once")

// newSession is called for every connection. Sessions share nothing but the tables.
func newSession(_ context.Context, c *mysql.Conn, address string) (sql.Session, error) {
	client := sql.Client{User: c.User, Capabilities: c.Capabilities}
	if user, ok := c.UserData.(sql.MysqlConnectionUser); ok {
		client.User, client.Address = user.User, user.Host
	}
	return session{sql.NewBaseSessionWithClientServer(address, client, c.ConnectionID)}, nil
}

// transaction is what a session has between BEGIN and COMMIT, and a statement by itself.
type transaction struct{ readOnly bool }

// String implements sql.Transaction.
func (transaction) String() string { return "no transaction" }

// IsReadOnly implements sql.Transaction.
func (t transaction) IsReadOnly() bool { return t.readOnly }

// StartTransaction implements sql.TransactionSession.
func (session) StartTransaction(_ *sql.Context, c sql.TransactionCharacteristic) (sql.Transaction, error) {
	return transaction{c == sql.ReadOnly}, nil
}

// CommitTransaction implements sql.TransactionSession.
func (session) CommitTransaction(*sql.Context, sql.Transaction) error { return nil }

// Rollback implements sql.TransactionSession.
func (session) Rollback(*sql.Context, sql.Transaction) error { return errNoTransactions }

// CreateSavepoint implements sql.TransactionSession.
func (session) CreateSavepoint(*sql.Context, sql.Transaction, string) error { return errNoTransactions }

// RollbackToSavepoint implements sql.TransactionSession.
func (session) RollbackToSavepoint(*sql.Context, sql.Transaction, string) error {
	return errNoTransactions
}

// ReleaseSavepoint implements sql.TransactionSession.
func (session) ReleaseSavepoint(*sql.Context, sql.Transaction, string) error {
	return errNoTransactions
}
