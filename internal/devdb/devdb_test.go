package devdb

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
)

func start(t testing.TB, cfg Config) *DB {
	t.Helper()
	begun := time.Now()
	db, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("started in %v", time.Since(begun))
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func (db *DB) client(t testing.TB, node int, options string) *sql.DB {
	t.Helper()
	name := ""
	if db.user != "" {
		name = db.user
	}
	c, err := sql.Open("mysql", fmt.Sprintf("%s@tcp(%s)/?%s", name, db.Addresses()[node], options))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func mustExec(t testing.TB, db *DB, script string) {
	t.Helper()
	if err := db.Exec(context.Background(), script); err != nil {
		t.Fatal(err)
	}
}

func TestFirst(t *testing.T) {
	db := start(t, Config{User: "rongate"})
	mustExec(t, db, "CREATE DATABASE d; USE d; CREATE TABLE t (id BIGINT PRIMARY KEY, v INT, s VARCHAR(20)); INSERT INTO t VALUES (1, 2, 'x'), (3, 4, NULL);")
	begun := time.Now()
	if err := db.Load("d", "t", numbers(100, 100000)); err != nil {
		t.Fatal(err)
	}
	t.Logf("loaded in %v", time.Since(begun))
	c := db.client(t, 1, "")
	rows, err := c.Query("SELECT id, v FROM d.t WHERE id IN (?, ?, ?)", 1, 3, 150)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var id, v int
		if err := rows.Scan(&id, &v); err != nil {
			t.Fatal(err)
		}
		t.Log(id, v)
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	d, _ := db.databases.find("d")
	t.Log(d.tables["t"].probed.Load(), d.tables["t"].scanned.Load())
}

func numbers(from, n int) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for i := range n {
			if !yield([]any{from + i, i, fmt.Sprint("text", i)}) {
				return
			}
		}
	}
}
