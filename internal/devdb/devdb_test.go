package devdb

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"
)

const (
	user     = "rongate"
	password = "not a secret"

	soon = 20 * time.Second // bounds what has to happen in real time; a sound test never waits that long
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp's own: one that lives as long as the process, one that looks for the end every 10 s.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}

func start(t testing.TB) *DB {
	t.Helper()
	db, err := Start(Config{User: user, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func exec(t testing.TB, db *DB, script string) {
	t.Helper()
	if err := db.Exec(context.Background(), script); err != nil {
		t.Fatal(err)
	}
}

// dial connects to one node. With text the driver puts the parameters into the statement, else it prepares it.
func dial(t testing.TB, db *DB, node int, text bool) *sql.DB {
	t.Helper()
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User, cfg.Passwd = "tcp", db.Addresses()[node], user, password
	cfg.InterpolateParams, cfg.Logger = text, &mysql.NopLogger{}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	client := sql.OpenDB(connector)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// query returns a result as text: values separated by commas, rows by semicolons, NULL as -.
func query(t testing.TB, client *sql.DB, statement string, args ...any) string {
	t.Helper()
	result, err := ask(client, statement, args...)
	if err != nil {
		t.Fatalf("%.200s: %v", statement, err)
	}
	return result
}

func ask(client *sql.DB, statement string, args ...any) (string, error) {
	rows, err := client.Query(statement, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	var lines []string
	for rows.Next() {
		cells, targets := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range cells {
			targets[i] = &cells[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return "", err
		}
		words := make([]string, len(cells))
		for i, c := range cells {
			words[i] = c.String
			if !c.Valid {
				words[i] = "-"
			}
		}
		lines = append(lines, strings.Join(words, ","))
	}
	return strings.Join(lines, ";"), rows.Err()
}

// reads sums what reads have cost since the start: keys looked for in indexes, and rows that scans passed over.
func (db *DB) reads() (keys, rows int64) {
	for _, d := range db.databases.byName {
		for _, s := range d.tables {
			keys += s.probed.Load()
			rows += s.scanned.Load()
		}
	}
	return keys, rows
}

// TestNodes: what is written through one node, in a database made through another, is read through the third.
func TestNodes(t *testing.T) {
	db := start(t)
	if len(db.Addresses()) != 3 {
		t.Fatalf("the nodes are %v", db.Addresses())
	}
	a, b, c := dial(t, db, 0, false), dial(t, db, 1, false), dial(t, db, 2, true)
	query(t, a, "CREATE DATABASE shop")
	query(t, b, "CREATE TABLE shop.items (id INT PRIMARY KEY, name VARCHAR(10))")
	query(t, a, "INSERT INTO shop.items VALUES (?, ?), (?, ?)", 1, "one", 2, nil)
	query(t, b, "UPDATE shop.items SET name = ? WHERE id = ?", "uno", 1)
	if got := query(t, c, "SELECT * FROM shop.items ORDER BY id"); got != "1,uno;2,-" {
		t.Error(got)
	}
	query(t, c, "DELETE FROM shop.items WHERE id = 2")
	exec(t, db, "USE shop; RENAME TABLE items TO things")
	if got := query(t, a, "SELECT * FROM shop.things"); got != "1,uno" {
		t.Error(got)
	}
	query(t, c, "DROP DATABASE shop")
	if got := query(t, a, "SHOW DATABASES LIKE 'shop'"); got != "" {
		t.Error(got)
	}
}

func TestAccounts(t *testing.T) {
	db := start(t)
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User, cfg.Passwd = "tcp", db.Addresses()[0], user, "wrong"
	for _, open := range []bool{false, true} {
		if open {
			anybody, err := Start(Config{Nodes: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer anybody.Close()
			cfg.Addr = anybody.Addresses()[0]
		}
		connector, err := mysql.NewConnector(cfg)
		if err != nil {
			t.Fatal(err)
		}
		client := sql.OpenDB(connector)
		defer client.Close()
		if err := client.Ping(); (err == nil) != open {
			t.Errorf("open %v: %v", open, err)
		}
	}
}

// TestClose: connections of clients do not keep it, and the ports are closed after it.
func TestClose(t *testing.T) {
	db := start(t)
	client := dial(t, db, 1, false)
	query(t, client, "SELECT 1")
	strange, err := net.Dial("tcp", db.Addresses()[2]) // never says a word
	if err != nil {
		t.Fatal(err)
	}
	defer strange.Close()
	for range 2 {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := client.Ping(); err == nil {
		t.Error("a closed database answers")
	}
	for _, address := range db.Addresses() {
		if c, err := net.DialTimeout("tcp", address, soon); err == nil {
			_ = c.Close()
			t.Errorf("%s still listens", address)
		}
	}
}

func TestStartRefuses(t *testing.T) {
	if _, err := Start(Config{Nodes: -1}); err == nil {
		t.Error("-1 nodes")
	}
}

// TestSessionQueries are what clients ask before anything else, and rongate check.
func TestSessionQueries(t *testing.T) {
	db := start(t)
	client := dial(t, db, 0, false)
	for _, s := range []struct{ statement, want string }{
		{"SELECT @@version", serverVersion},
		{"SELECT @@max_connections > 1", "1"},
		{"SELECT LENGTH(UTC_TIMESTAMP(6)) > 20", "1"},
		{"SHOW STATUS LIKE 'Ssl_cipher'", "Ssl_cipher,"},
		{"SET time_zone = '+00:00', sql_mode = '', autocommit = 1", ""},
		{"SET NAMES utf8mb4", ""},
		{"SELECT @@session.time_zone, @@session.sql_mode", "+00:00,"},
	} {
		if got := query(t, client, s.statement); got != s.want {
			t.Errorf("%s: %q, want %q", s.statement, got, s.want)
		}
	}
}

// TestPreparedStatementsAreForgotten: a connection that prepares ever other statements does not grow without bound, and
// those it still has work on.
func TestPreparedStatementsAreForgotten(t *testing.T) {
	db := start(t)
	client := dial(t, db, 0, false)
	client.SetMaxOpenConns(1)
	first, err := client.Prepare("SELECT ? + 1")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	for i := range maxPrepared + 10 {
		if got := query(t, client, fmt.Sprintf("SELECT ? + %d", i), 1); got != fmt.Sprint(i+1) {
			t.Fatalf("1 + %d is %s", i, got)
		}
	}
	var sum int
	if err := first.QueryRow(41).Scan(&sum); err != nil || sum != 42 {
		t.Errorf("41 + 1 is %d, %v", sum, err)
	}
	var id uint32
	if err := client.QueryRow("SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	if kept := len(db.engine.PreparedDataCache.CachedStatementsForSession(id)); kept == 0 || kept > maxPrepared {
		t.Errorf("%d statements are kept", kept)
	}
}
