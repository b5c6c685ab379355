package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/internal/testbed"
)

// soon bounds what has to happen in real time; a sound test never waits that long.
const soon = 20 * time.Second

// node is the package's server through its first proxy.
func node(t testing.TB) (*testbed.MariaDB, *testbed.Node) {
	t.Helper()
	db := shared.Get(t, testbed.KindMariaDB).(*testbed.MariaDB)
	return db, db.Nodes()[0]
}

func exec(t testing.TB, n *testbed.Node, script string) {
	t.Helper()
	if err := n.Exec(context.Background(), script); err != nil {
		t.Fatal(err)
	}
}

func query1(t testing.TB, n *testbed.Node, statement string) string {
	t.Helper()
	rows, err := n.Query(context.Background(), statement)
	if err != nil {
		t.Fatal(err)
	}
	last := rows[0][len(rows[0])-1]
	return last.Text
}

// openOn starts a pool and closes it after the test.
func openOn(t testing.TB, address string, cfg Config) *Pool {
	t.Helper()
	cfg.Address = address
	if cfg.User == "" {
		cfg.User = testbed.User
	}
	p, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return p
}

// await polls until the condition holds.
func await(t testing.TB, p *Pool, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(soon); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v; %+v", what, soon, p.Stats())
		}
	}
}

// lease waits for a free connection.
func lease(t testing.TB, p *Pool) *Conn {
	t.Helper()
	var c *Conn
	await(t, p, "a free connection", func() bool {
		c = p.TryAcquire()
		return c != nil
	})
	return c
}

// run runs a query with time to spare.
func run(c *Conn, query string, args ...column.Value) (*tape, error) {
	sink := &tape{}
	err := c.Select(time.Now().Add(soon), query, args, sink)
	return sink, err
}

func mustRun(t testing.TB, c *Conn, query string, args ...column.Value) []string {
	t.Helper()
	sink, err := run(c, query, args...)
	if err != nil || sink.calls != 1 {
		t.Fatalf("%s: %v, Columns called %d times", query, err, sink.calls)
	}
	return sink.rows
}

func wantRows(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("rows %q, want %q", got, want)
	}
}

// What a DBA sets as the server's defaults must not change what is read.
func TestSessionDoesNotDependOnTheServersDefaults(t *testing.T) {
	_, n := node(t)
	restore := "SET GLOBAL autocommit=1, sql_mode=DEFAULT, time_zone=DEFAULT, character_set_server=DEFAULT"
	exec(t, n, `SET GLOBAL autocommit=0, sql_mode='ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH,EMPTY_STRING_IS_NULL',
		time_zone='+05:00', character_set_server=latin1`)
	defer exec(t, n, restore)
	c := lease(t, openOn(t, n.Address, Config{}))
	defer c.Release()
	wantRows(t, mustRun(t, c, `SELECT @@autocommit, @@sql_mode, @@time_zone, @@character_set_client,
		@@character_set_connection, @@character_set_results`), `int:1 "" "+00:00" "utf8mb4" "utf8mb4" "utf8mb4"`)
}

// isDirect reports whether the connection's rows are read by the protocol package.
func isDirect(c *Conn) bool { return c.session.(*mysqlSession).direct != nil }

func preparedAtServer(t testing.TB, n *testbed.Node) string {
	t.Helper()
	return query1(t, n, "SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")
}

func TestStatementCache(t *testing.T) {
	_, n := node(t)
	p := openOn(t, n.Address, Config{Size: 1, Statements: 3, KeepAlive: never})
	c := lease(t, p)
	for i := range 10 {
		wantRows(t, mustRun(t, c, fmt.Sprintf("SELECT %d", i)), fmt.Sprintf("int:%d", i))
	}
	check := func(what string, prepared int, prepares uint64) {
		t.Helper()
		if s := p.Stats(); s.Prepared != prepared || s.Prepares != prepares {
			t.Errorf("%s: %+v", what, s)
		}
	}
	atServer := func(want string) {
		t.Helper() // closing a statement has no answer: the server may not have come to it
		await(t, p, want+" statements at the server", func() bool { return preparedAtServer(t, n) == want })
	}
	check("ten statements", 3, 10)
	atServer("3")
	for range 5 {
		for i := 7; i < 10; i++ {
			mustRun(t, c, fmt.Sprintf("SELECT %d", i))
		}
	}
	check("the newest three again", 3, 10)
	mustRun(t, c, "SELECT 7")
	mustRun(t, c, "SELECT 0") // evicts 8
	mustRun(t, c, "SELECT 9")
	mustRun(t, c, "SELECT 7")
	check("the oldest one went", 3, 11)
	mustRun(t, c, "SELECT 8")
	check("it was prepared anew", 3, 12)
	c.Forget("SELECT 7")
	c.Forget("never seen")
	check("one forgotten", 2, 12)
	time.Sleep(10 * time.Millisecond)
	mustRun(t, c, "SELECT 7")
	check("and prepared anew", 3, 13)
	atServer("3")
	c.Release()
	if err := p.Close(context.Background()); err != nil {
		t.Error(err)
	}
	check("closed", 0, 13)
	atServer("0")
}

func TestForgetAfterTheDeadlineKeepsTheConnection(t *testing.T) {
	_, n := node(t)
	c := lease(t, openOn(t, n.Address, Config{DrainGrace: time.Millisecond}))
	defer c.Release()
	if err := c.Select(time.Now().Add(200*time.Millisecond), "SELECT 1", nil, &tape{}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond) // the socket's deadline is past
	c.Forget("SELECT 1")
	wantRows(t, mustRun(t, c, "SELECT 2"), "int:2")
}

func TestAlterUnderAPreparedStatement(t *testing.T) { bothWays(t, testAlterUnderAPreparedStatement) }

func testAlterUnderAPreparedStatement(t *testing.T, driverRows bool) {
	_, n := node(t)
	exec(t, n, `DROP DATABASE IF EXISTS alters; CREATE DATABASE alters;
		CREATE TABLE alters.t (id INT PRIMARY KEY, a INT); INSERT INTO alters.t VALUES (1, 2)`)
	p := openOn(t, n.Address, Config{Size: 1, DriverRows: driverRows})
	c := lease(t, p)
	defer c.Release()
	const query = "SELECT a FROM alters.t WHERE id = ?"
	key := column.IntValue(1)
	wantRows(t, mustRun(t, c, query, key), "int:2")

	exec(t, n, "ALTER TABLE alters.t MODIFY a VARCHAR(10)")
	sink, err := run(c, query, key)
	if err != nil || sink.columns[0].Type != "VARCHAR" {
		t.Fatalf("%v, %+v", err, sink)
	}
	wantRows(t, sink.rows, `"2"`)

	exec(t, n, "ALTER TABLE alters.t DROP a, ADD b INT DEFAULT 3")
	_, err = run(c, query, key)
	var refusal *ServerError
	if !errors.As(err, &refusal) || refusal.Number != erBadField || c.Broken() {
		t.Fatalf("%v, broken %v", err, c.Broken())
	}
	if s := p.Stats(); s.Prepared != 0 {
		t.Errorf("the statement is kept: %+v", s)
	}

	exec(t, n, `DROP TABLE alters.t; CREATE TABLE alters.t (id INT PRIMARY KEY, a DOUBLE);
		INSERT INTO alters.t VALUES (1, 0.5)`)
	wantRows(t, mustRun(t, c, query, key), "float64:0.5")
	exec(t, n, "DROP TABLE alters.t")
	_, err = run(c, query, key)
	if s := p.Stats(); !errors.As(err, &refusal) || refusal.Number != erNoSuchTable || s.Prepared != 0 {
		t.Errorf("%v, %+v", err, s)
	}
}

func TestUnixSocket(t *testing.T) {
	_, n := node(t)
	bothWays(t, func(t *testing.T, driverRows bool) {
		c := lease(t, openOn(t, query1(t, n, "SELECT @@socket"), Config{DriverRows: driverRows}))
		defer c.Release()
		wantRows(t, mustRun(t, c, "SELECT ?", column.BytesValue([]byte("a"))), `"a"`)
		if isDirect(c) == driverRows {
			t.Error("the rows are read by the other one")
		}
	})
}

func TestOnce(t *testing.T) {
	_, n := node(t)
	cfg := Config{Address: n.Address, User: testbed.User, Warm: func(*Conn) error { return errRefused }}
	err := Once(context.Background(), cfg, func(c *Conn) error {
		wantRows(t, mustRun(t, c, "SELECT 1"), "int:1")
		return errRefused
	})
	if !errors.Is(err, errRefused) {
		t.Error(err)
	}
	if err := Once(context.Background(), Config{}, nil); err == nil {
		t.Error("a wrong configuration is taken")
	}
}
