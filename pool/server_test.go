package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/internal/faultnet"
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

func TestColumnTypes(t *testing.T) {
	_, n := node(t)
	checkColumnTypes(t, n, lease(t, openOn(t, n.Address, Config{})), "TEXT")
}

// checkColumnTypes reads every type and ends the lease. JSON is a type of its own on MySQL only.
func checkColumnTypes(t *testing.T, n *testbed.Node, c *Conn, json string) {
	t.Helper()
	defer c.Release()
	types := []struct {
		sql, wire string
		scale     int
		low, high string // literals
		wantLow   string
		wantHigh  string
	}{
		{"TINYINT", "TINYINT", -1, "-128", "127", "int:-128", "int:127"},
		{"TINYINT UNSIGNED", "UNSIGNED TINYINT", -1, "0", "255", "uint:0", "uint:255"},
		{"SMALLINT", "SMALLINT", -1, "-32768", "32767", "int:-32768", "int:32767"},
		{"SMALLINT UNSIGNED", "UNSIGNED SMALLINT", -1, "0", "65535", "uint:0", "uint:65535"},
		{"MEDIUMINT", "MEDIUMINT", -1, "-8388608", "8388607", "int:-8388608", "int:8388607"},
		{"MEDIUMINT UNSIGNED", "UNSIGNED MEDIUMINT", -1, "0", "16777215", "uint:0", "uint:16777215"},
		{"INT", "INT", -1, "-2147483648", "2147483647", "int:-2147483648", "int:2147483647"},
		{"INT UNSIGNED", "UNSIGNED INT", -1, "0", "4294967295", "uint:0", "uint:4294967295"},
		{
			"BIGINT", "BIGINT", -1, "-9223372036854775808", "9223372036854775807",
			"int:-9223372036854775808", "int:9223372036854775807",
		},
		{
			"BIGINT UNSIGNED", "UNSIGNED BIGINT", -1, "9223372036854775807", "18446744073709551615",
			"uint:9223372036854775807", "uint:18446744073709551615",
		},
		{"DECIMAL(20,4)", "DECIMAL", 4, "-9999999999999999.9999", "0.5", `"-9999999999999999.9999"`, `"0.5000"`},
		{"DECIMAL(5)", "DECIMAL", 0, "-99999", "99999", `"-99999"`, `"99999"`},
		{"FLOAT", "FLOAT", -1, "-1.5", "0.1", "float32:-1.5", "float32:0.1"},
		{"DOUBLE", "DOUBLE", -1, "-1.7976931348623157e308", "0.1", "float64:-1.7976931348623157e+308", "float64:0.1"},
		{"BIT(10)", "BIT", -1, "b'1'", "b'1000000001'", `"\x00\x01"`, `"\x02\x01"`},
		{"YEAR", "YEAR", -1, "1901", "2155", "int:1901", "int:2155"},
		{"DATE", "DATE", -1, "'1000-01-01'", "'0000-00-00'", `"1000-01-01"`, `"0000-00-00"`},
		{
			"DATETIME", "DATETIME", 0, "'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'",
			`"1000-01-01 00:00:00"`, `"9999-12-31 23:59:59"`,
		},
		{
			"DATETIME(6)", "DATETIME", 6, "'2026-01-02 00:00:00'", "'2026-01-02 03:04:05.000006'",
			`"2026-01-02 00:00:00.000000"`, `"2026-01-02 03:04:05.000006"`,
		},
		{
			"TIMESTAMP(3) NULL", "TIMESTAMP", 3, "'1970-01-01 00:00:01'", "'2026-01-02 03:04:05.678'",
			`"1970-01-01 00:00:01.000"`, `"2026-01-02 03:04:05.678"`,
		},
		{"TIME(2)", "TIME", 2, "'-838:59:59'", "'00:00:01.25'", `"-838:59:59.00"`, `"00:00:01.25"`},
		{"CHAR(5)", "CHAR", -1, "''", "'ab  '", `""`, `"ab"`},
		{"VARCHAR(50) CHARACTER SET latin1", "VARCHAR", -1, "''", "'å  '", `""`, `"å  "`},
		{"VARCHAR(50) CHARACTER SET utf8mb4", "VARCHAR", -1, "'日本'", "'😀'", `"日本"`, `"😀"`},
		{"TINYTEXT", "TEXT", -1, "'a'", "'b'", `"a"`, `"b"`},
		{"TEXT", "TEXT", -1, "'a'", "'b'", `"a"`, `"b"`},
		{"LONGTEXT", "TEXT", -1, "''", "'b'", `""`, `"b"`},
		{"JSON", json, -1, "'{}'", "'[1]'", `"{}"`, `"[1]"`},
		{"ENUM('a','b')", "ENUM", -1, "'a'", "'b'", `"a"`, `"b"`},
		{"SET('a','b')", "SET", -1, "''", "'a,b'", `""`, `"a,b"`},
		{"BINARY(3)", "BINARY", -1, "'a'", "x'ff00ff'", `"a\x00\x00"`, `"\xff\x00\xff"`},
		{"VARBINARY(3)", "VARBINARY", -1, "''", "x'00'", `""`, `"\x00"`},
		{"BLOB", "BLOB", -1, "''", "x'00ff'", `""`, `"\x00\xff"`},
	}
	var columns, names, low, high, wantLow, wantHigh, wantNull []string
	for i, typ := range types {
		name := fmt.Sprintf("c%d", i)
		columns = append(columns, name+" "+typ.sql)
		names = append(names, name)
		low, high = append(low, typ.low), append(high, typ.high)
		wantLow, wantHigh = append(wantLow, typ.wantLow), append(wantHigh, typ.wantHigh)
		wantNull = append(wantNull, "NULL")
	}
	exec(t, n, fmt.Sprintf(`SET sql_mode='', time_zone='+00:00'; DROP DATABASE IF EXISTS types; CREATE DATABASE types;
		CREATE TABLE types.t (id INT PRIMARY KEY, %s); INSERT INTO types.t VALUES (1,%s),(2,%s); INSERT INTO types.t (id) VALUES (3)`,
		strings.Join(columns, ","), strings.Join(low, ","), strings.Join(high, ",")))

	sink, err := run(c, "SELECT "+strings.Join(names, ",")+" FROM types.t WHERE id IN (?,?,?) ORDER BY id",
		column.IntValue(1), column.IntValue(2), column.IntValue(3))
	if err != nil {
		t.Fatal(err)
	}
	wantRows(t, sink.rows, strings.Join(wantLow, " "), strings.Join(wantHigh, " "), strings.Join(wantNull, " "))
	for i, typ := range types {
		// MariaDB sends all sizes of TEXT under one of two type codes, by the bytes they may hold.
		got := sink.columns[i]
		if strings.HasSuffix(got.Type, "TEXT") && typ.wire == "TEXT" {
			got.Type = "TEXT"
		}
		if want := (ResultColumn{names[i], typ.wire, typ.scale}); got != want {
			t.Errorf("%s: %+v, want %+v", typ.sql, got, want)
		}
	}
}

func TestParameterTypes(t *testing.T) {
	_, n := node(t)
	c := lease(t, openOn(t, n.Address, Config{}))
	defer c.Release()
	for _, test := range []struct {
		value column.Value
		want  string
	}{
		{column.Null(), "NULL"},
		{column.IntValue(-1 << 63), "int:-9223372036854775808"},
		{column.UintValue(1<<64 - 1), "uint:18446744073709551615"},
		{column.Float64Value(0.1), "float64:0.1"},
		{column.Float32Value(0.5), "float64:0.5"},
		{column.BytesValue(nil), `""`},
		{column.BytesValue([]byte("日本 'x' \\ \x00")), `"日本 'x' \\ \x00"`},
		{column.BytesValue([]byte(strings.Repeat("x", 300_000))), `"` + strings.Repeat("x", 300_000) + `"`},
	} {
		wantRows(t, mustRun(t, c, "SELECT ?", test.value), test.want)
	}
	wantRows(t, mustRun(t, c, "SELECT ? IS NULL, ? = ''", column.BytesValue(nil), column.BytesValue(nil)), "int:0 int:1")
}

func TestEmptyResult(t *testing.T) {
	_, n := node(t)
	c := lease(t, openOn(t, n.Address, Config{}))
	defer c.Release()
	for _, query := range []string{"SELECT 1 AS a FROM dual WHERE 1=0", "DO 1"} {
		sink, err := run(c, query)
		if err != nil || sink.calls != 1 || len(sink.rows) != 0 || c.Broken() {
			t.Errorf("%s: %v, %+v", query, err, sink)
		}
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

func TestAlterUnderAPreparedStatement(t *testing.T) {
	_, n := node(t)
	exec(t, n, "DROP DATABASE IF EXISTS alters; CREATE DATABASE alters; CREATE TABLE alters.t (id INT PRIMARY KEY, a INT); INSERT INTO alters.t VALUES (1, 2)")
	p := openOn(t, n.Address, Config{Size: 1})
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

	exec(t, n, "DROP TABLE alters.t; CREATE TABLE alters.t (id INT PRIMARY KEY, a DOUBLE); INSERT INTO alters.t VALUES (1, 0.5)")
	wantRows(t, mustRun(t, c, query, key), "float64:0.5")
	exec(t, n, "DROP TABLE alters.t")
	if _, err = run(c, query, key); !errors.As(err, &refusal) || refusal.Number != erNoSuchTable || p.Stats().Prepared != 0 {
		t.Errorf("%v, %+v", err, p.Stats())
	}
}

func TestServerStopsDuringASelect(t *testing.T) {
	db, n := node(t)
	p := openOn(t, n.Address, Config{Size: 1, DrainGrace: 100 * time.Millisecond, KeepAlive: never})
	c := lease(t, p)
	if err := db.Server().Pause(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	err := c.Select(start.Add(50*time.Millisecond), "SELECT 1", nil, &tape{})
	if took := time.Since(start); !errors.Is(err, ErrTimeout) || took < 150*time.Millisecond || took > soon {
		t.Errorf("%v after %v", err, took)
	}
	if !c.Broken() || p.Up() {
		t.Error("still up")
	}
	c.Release()
	await(t, p, "a failed dial", func() bool { return p.Stats().DialErrors > 0 })
	if s := p.Stats(); !errors.Is(s.LastError, ErrTimeout) {
		t.Errorf("the handshake ended with %v", s.LastError)
	}
	if err := db.Server().Resume(); err != nil {
		t.Fatal(err)
	}
	await(t, p, "recovery", p.Up)
}

func TestServerStopsWhileIdle(t *testing.T) {
	db, n := node(t)
	p := openOn(t, n.Address, Config{KeepAlive: 20 * time.Millisecond, HandshakeTimeout: 100 * time.Millisecond})
	await(t, p, "pings", func() bool { return p.Stats().Pings > 4 })
	if s := p.Stats(); !p.Up() || s.PingErrors != 0 {
		t.Fatalf("%+v", s)
	}
	if err := db.Server().Pause(); err != nil {
		t.Fatal(err)
	}
	await(t, p, "the fall", func() bool { return !p.Up() })
	if s := p.Stats(); s.PingErrors == 0 || !errors.Is(s.LastError, ErrTimeout) {
		t.Errorf("%+v", s)
	}
	if err := db.Server().Resume(); err != nil {
		t.Fatal(err)
	}
	await(t, p, "recovery", p.Up)
}

func TestServerRestarts(t *testing.T) {
	db, n := node(t)
	var changes atomic.Int32
	p := openOn(t, n.Address, Config{Size: 2, Changed: func() { changes.Add(1) }, KeepAlive: 50 * time.Millisecond})
	await(t, p, "both connections", func() bool { return p.Stats().Free == 2 })
	if err := db.Server().Kill(); err != nil {
		t.Fatal(err)
	}
	await(t, p, "the fall", func() bool { return !p.Up() })
	seen := changes.Load()
	if err := db.Server().Restart(context.Background()); err != nil {
		t.Fatal(err)
	}
	await(t, p, "recovery", func() bool { return p.Stats().Free == 2 && changes.Load() > seen })
}

func TestKilledInTheMiddle(t *testing.T) {
	_, n := node(t)
	exec(t, n, "DROP DATABASE IF EXISTS kills; CREATE DATABASE kills")
	const long = "SELECT seq, REPEAT('x', 1000) FROM kills.seq_1_to_100"
	c := lease(t, openOn(t, n.Address, Config{Size: 1, KeepAlive: never}))
	mustRun(t, c, long)
	if err := n.Proxy.Set(faultnet.Fault{ResetAfter: 30_000}); err != nil {
		t.Fatal(err)
	}
	sink, err := run(c, long)
	if !errors.Is(err, ErrBroken) || errors.Is(err, ErrTimeout) || !c.Broken() {
		t.Errorf("%v, broken %v", err, c.Broken())
	}
	if len(sink.rows) == 0 || len(sink.rows) == 100 {
		t.Errorf("%d rows came before the reset", len(sink.rows))
	}
	c.Release()
}

func TestServerKillsTheConnection(t *testing.T) {
	_, n := node(t)
	c := lease(t, openOn(t, n.Address, Config{Size: 1, KeepAlive: never}))
	id := strings.TrimPrefix(strings.TrimPrefix(mustRun(t, c, "SELECT CONNECTION_ID()")[0], "int:"), "uint:")
	exec(t, n, "KILL "+id)
	await(t, c.pool, "the end of the connection", func() bool {
		return query1(t, n, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID = "+id) == "0"
	})
	if _, err := run(c, "SELECT 1"); !errors.Is(err, ErrBroken) || !c.Broken() {
		t.Errorf("%v, broken %v", err, c.Broken())
	}
	c.Release()
}

func TestTricklingServer(t *testing.T) {
	_, n := node(t)
	trickle := faultnet.Fault{Trickle: 1, TrickleEvery: 30 * time.Millisecond}
	p := openOn(t, n.Address, Config{
		Size: 1, DrainGrace: 100 * time.Millisecond, HandshakeTimeout: 200 * time.Millisecond, KeepAlive: never,
	})
	c := lease(t, p)
	if err := n.Proxy.Set(trickle); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	err := c.Select(start.Add(50*time.Millisecond), "SELECT 1", nil, &tape{})
	if took := time.Since(start); !errors.Is(err, ErrTimeout) || took < 150*time.Millisecond || took > soon {
		t.Errorf("%v after %v", err, took)
	}
	c.Release()
	await(t, p, "a failed handshake", func() bool { return p.Stats().DialErrors > 0 })
	if s := p.Stats(); !errors.Is(s.LastError, ErrTimeout) || p.Up() {
		t.Errorf("%+v", s)
	}
	if err := n.Proxy.Set(faultnet.Fault{}); err != nil {
		t.Fatal(err)
	}
	await(t, p, "recovery", p.Up)
}

func TestDetachAndDrain(t *testing.T) {
	_, n := node(t)
	p := openOn(t, n.Address, Config{Size: 1, MaxDetached: 1})
	slow := lease(t, p)
	done := make(chan error, 1)
	sink := &tape{}
	go func() {
		done <- slow.Select(time.Now().Add(soon), "SELECT SLEEP(0.5)", nil, sink)
	}()
	if !slow.Detach() {
		t.Fatal("not detached")
	}
	quick := lease(t, p)
	wantRows(t, mustRun(t, quick, "SELECT 1"), "int:1")
	select {
	case err := <-done:
		t.Fatalf("the detached statement ended early: %v", err)
	default:
	}
	if s := p.Stats(); s.Detached != 1 || s.Busy != 1 || s.Open != 2 {
		t.Errorf("%+v", s)
	}
	if err := <-done; err != nil || slow.Broken() {
		t.Errorf("%v, broken %v", err, slow.Broken())
	}
	wantRows(t, sink.rows, "int:0")
	slow.Release()
	quick.Release()
	if s := p.Stats(); s.Open != 1 || s.Free != 1 || s.Breaks != 0 || s.Dials != 2 {
		t.Errorf("%+v", s)
	}
}

// An answer that nobody wants does not keep its connection for long.
func TestRefusedAnswerThatIsLong(t *testing.T) {
	_, n := node(t)
	exec(t, n, "DROP DATABASE IF EXISTS refusals; CREATE DATABASE refusals")
	c := lease(t, openOn(t, n.Address, Config{Size: 1}))
	refused := errors.New("refused")
	sink := &tape{refuseRow: refused}
	err := c.Select(time.Now().Add(soon), "SELECT REPEAT('x', 20000), SLEEP(0.05) FROM refusals.seq_1_to_200", nil, sink)
	if !errors.Is(err, refused) || !c.Broken() || len(sink.rows) != 1 {
		t.Errorf("%v, broken %v, %d rows", err, c.Broken(), len(sink.rows))
	}
	c.Release()
}

func TestUnixSocket(t *testing.T) {
	_, n := node(t)
	c := lease(t, openOn(t, query1(t, n, "SELECT @@socket"), Config{}))
	defer c.Release()
	wantRows(t, mustRun(t, c, "SELECT 1"), "int:1")
}

func TestDialErrors(t *testing.T) {
	_, n := node(t)
	if err := n.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := Once(context.Background(), Config{Address: n.Address, User: "u"}, nil); err == nil {
		t.Error("connected to nobody")
	}
	if err := n.Restart(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := n.Proxy.Set(faultnet.Fault{NoGreeting: true}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := Once(ctx, Config{Address: n.Address, User: "u"}, nil); !errors.Is(err, ErrTimeout) {
		t.Errorf("no greeting: %v", err)
	}
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
