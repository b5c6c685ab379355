package faultnet_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/rongate/rongate/internal/faultnet"
	"github.com/rongate/rongate/internal/testbed"
)

// connect makes a connection of the usual driver.
func connect(t *testing.T, address string) (driver.Conn, error) {
	t.Helper()
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User = "tcp", address, testbed.User
	cfg.Timeout, cfg.ReadTimeout = 10*time.Second, 10*time.Second
	cfg.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := connector.Connect(t.Context())
	if err == nil {
		t.Cleanup(func() { _ = conn.Close() })
	}
	return conn, err
}

// ask executes a prepared statement that returns what it is given.
func ask(ctx context.Context, statement driver.Stmt, what string) (string, error) {
	rows, err := statement.(driver.StmtQueryContext).QueryContext(ctx, []driver.NamedValue{{Ordinal: 1, Value: what}})
	if err != nil {
		return "", err
	}
	defer rows.Close()
	row := make([]driver.Value, 1)
	if err := rows.Next(row); err != nil {
		return "", err
	}
	answer := string(row[0].([]byte))
	if err := rows.Next(row); !errors.Is(err, io.EOF) {
		return "", errors.New("more than one row")
	}
	return answer, nil
}

// TestDriver has a driver read what the proxy answers in the place of a real server, and go on with that server.
func TestDriver(t *testing.T) {
	testbed.Require(t, testbed.KindMariaDB)
	cluster, err := testbed.StartMariaDB(t.Context(), testbed.MariaDBConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	node := cluster.Nodes()[0]
	conn, err := connect(t, node.Address)
	if err != nil {
		t.Fatal(err)
	}
	statement, err := conn.Prepare("SELECT CONCAT(?, '')")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range []faultnet.Error{
		{Number: 1297, Message: "Got temporary error 410 'REDO log files overloaded' from NDBCLUSTER"},
		{Number: 1296, Message: "Got error 4009 'Cluster Failure' from NDBCLUSTER"},
		{Number: 1205, State: "40001", Message: "Lock wait timeout exceeded"},
	} {
		if err := node.Proxy.Set(faultnet.Fault{Errors: 1, Error: e, Times: 1}); err != nil {
			t.Fatal(err)
		}
		_, err := ask(t.Context(), statement, "first")
		state := [5]byte([]byte("HY000"))
		copy(state[:], e.State)
		want := mysql.MySQLError{Number: e.Number, SQLState: state, Message: e.Message}
		if got := new(mysql.MySQLError); !errors.As(err, &got) || *got != want {
			t.Errorf("%+v: got %v", e, err)
		}
		if got, err := ask(t.Context(), statement, "second"); got != "second" || err != nil {
			t.Errorf("then %q, %v", got, err)
		}
	}
	refusal := faultnet.Error{Number: 1040, State: "08004", Message: "Too many connections"}
	if err := node.Proxy.Set(faultnet.Fault{Refusal: refusal}); err != nil {
		t.Fatal(err)
	}
	_, err = connect(t, node.Address)
	if got := new(mysql.MySQLError); !errors.As(err, &got) || got.Number != 1040 || got.Message != refusal.Message {
		t.Errorf("got %v", err)
	}
	if err := conn.(driver.Pinger).Ping(t.Context()); err != nil {
		t.Errorf("a connection that was there: %v", err)
	}
}
