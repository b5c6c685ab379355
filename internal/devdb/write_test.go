package devdb

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// TestWrites: each statement with its error, if it must have one, and the table after it.
func TestWrites(t *testing.T) {
	db := start(t)
	exec(t, db, "CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, name VARCHAR(5) DEFAULT 'x', n INT NOT NULL DEFAULT 0); INSERT INTO d.t VALUES (1, 'a', 10)")
	client := dial(t, db, 1, false)
	client.SetMaxOpenConns(1)
	query(t, client, "USE d") // to empty a table without naming rows, the engine wants a current database
	const duplicate, tooLong, notNull = 1062, 1105, 1048
	for _, w := range []struct {
		statement string
		number    uint16 // of the error
		want      string
	}{
		{"INSERT INTO d.t (id) VALUES (2), (3)", 0, "1,a,10;2,x,0;3,x,0"},
		{"INSERT INTO d.t (id) VALUES (4), (1)", duplicate, "1,a,10;2,x,0;3,x,0"},
		{"INSERT INTO d.t (id, name) VALUES (5, 'a'), (6, 'too long')", tooLong, "1,a,10;2,x,0;3,x,0"},
		{"INSERT INTO d.t VALUES (NULL, 'a', 1)", notNull, "1,a,10;2,x,0;3,x,0"},
		{"INSERT IGNORE INTO d.t (id) VALUES (1), (4)", 0, "1,a,10;2,x,0;3,x,0;4,x,0"},
		{"INSERT INTO d.t (id) VALUES (1) ON DUPLICATE KEY UPDATE n = n + 1", 0, "1,a,11;2,x,0;3,x,0;4,x,0"},
		{"REPLACE INTO d.t VALUES (2, NULL, 2), (5, 'e', 5)", 0, "1,a,11;2,-,2;3,x,0;4,x,0;5,e,5"},
		{"UPDATE d.t SET n = n * 2 WHERE id IN (1, 5)", 0, "1,a,22;2,-,2;3,x,0;4,x,0;5,e,10"},
		{"UPDATE d.t SET id = id + 10 WHERE id > 3", 0, "1,a,22;2,-,2;3,x,0;14,x,0;15,e,10"},
		{"UPDATE d.t SET id = id + 1 WHERE id = 14", duplicate, "1,a,22;2,-,2;3,x,0;14,x,0;15,e,10"},
		{"UPDATE d.t SET n = n + 1, id = IF(id = 3, 1, id)", duplicate, "1,a,22;2,-,2;3,x,0;14,x,0;15,e,10"},
		{"DELETE FROM d.t WHERE id = 3 OR name = 'e'", 0, "1,a,22;2,-,2;14,x,0"},
		{"INSERT INTO d.t (id, name) SELECT id + 100, name FROM d.t", 0, "1,a,22;2,-,2;14,x,0;101,a,0;102,-,0;114,x,0"},
		{"DELETE FROM d.t WHERE id > 2", 0, "1,a,22;2,-,2"},
		{"TRUNCATE d.t", 0, ""},
		{"INSERT INTO d.t (id) VALUES (9)", 0, "9,x,0"},
		{"DELETE FROM d.t", 0, ""},
	} {
		_, err := ask(client, w.statement)
		refusal := &mysql.MySQLError{}
		if errors.As(err, &refusal); refusal.Number != w.number {
			t.Errorf("%s: %v", w.statement, err)
		}
		if got := query(t, client, "SELECT * FROM d.t ORDER BY id"); got != w.want {
			t.Errorf("%s: %s, want %s", w.statement, got, w.want)
		}
	}
}

// TestRefuses: what devdb does not do is an error, not a surprise.
func TestRefuses(t *testing.T) {
	db := start(t)
	exec(t, db, "CREATE DATABASE d; USE d; CREATE TABLE t (id INT PRIMARY KEY, v INT)")
	for _, statement := range []string{
		"CREATE TABLE a (id INT)", "CREATE TABLE b (id INT PRIMARY KEY AUTO_INCREMENT)",
		"CREATE TABLE c (f DOUBLE PRIMARY KEY)", "CREATE TABLE e (id INT PRIMARY KEY, v INT, KEY (v))",
		"CREATE TABLE f (id INT PRIMARY KEY, v INT AS (id + 1))", "CREATE TABLE t (id INT PRIMARY KEY)",
		"CREATE TABLE g (id VARCHAR(9) CHARACTER SET gbk PRIMARY KEY)", "CREATE DATABASE d", "DROP TABLE nothing",
		"CREATE VIEW w AS SELECT 1", "BEGIN; INSERT INTO t VALUES (1, 1); ROLLBACK", "SELECT", "ALTER TABLE t DROP COLUMN id",
		"ALTER TABLE t DROP PRIMARY KEY", "CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW SET NEW.v = 1",
	} {
		if err := db.Exec(t.Context(), "USE d; "+statement); err == nil {
			t.Errorf("%s is no error", statement)
		}
	}
}

func TestLoad(t *testing.T) {
	db := start(t)
	exec(t, db, `CREATE DATABASE d; CREATE TABLE d.t (id BIGINT UNSIGNED PRIMARY KEY, f FLOAT, c DECIMAL(6,2), s VARCHAR(5), b VARBINARY(3),
		at DATETIME(3), y YEAR, e ENUM('x','y'), flag TINYINT(1), j JSON, bits BIT(9), n INT NOT NULL)`)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	load(t, db, "t", 2, func(i int) []any {
		if i == 1 {
			return []any{uint64(18446744073709551615), nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, 2}
		}
		return []any{i, 1.5, "12.345", "text", []byte{255, 0}, at, 2026, "y", true, `{"a": 1}`, 257, int8(1)}
	})
	client := dial(t, db, 0, false)
	got := query(t, client, "SELECT id, f, c, s, HEX(b), at, y, e, flag, j, HEX(bits), n FROM d.t")
	const want = `0,1.5,12.35,text,FF00,2026-01-02 03:04:05.006,2026,y,1,{"a": 1},101,1;18446744073709551615,-,-,-,-,-,-,-,-,-,-,2`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for name, row := range map[string][]any{
		"too few":       {5, 1.5},
		"duplicate":     {0, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, 2},
		"no key":        {nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, 2},
		"NULL":          {5, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil},
		"out of range":  {-1, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, 2},
		"too long":      {5, nil, nil, "longer", nil, nil, nil, nil, nil, nil, nil, 2},
		"no such enum":  {5, nil, nil, nil, nil, nil, nil, "z", nil, nil, nil, 2},
		"not a decimal": {5, nil, "many", nil, nil, nil, nil, nil, nil, nil, nil, 2},
	} {
		if err := db.Load("d", "t", func(yield func([]any) bool) { yield(row) }); err == nil {
			t.Errorf("%s: %v is loaded", name, row)
		}
	}
	for _, name := range []string{"d.nothing", "nothing.t"} {
		database, table, _ := strings.Cut(name, ".")
		if err := db.Load(database, table, func(func([]any) bool) {}); err == nil {
			t.Errorf("%s is there", name)
		}
	}
}

// TestAlter: rows and keys survive, and whoever has prepared a statement gets the new columns or an error.
func TestAlter(t *testing.T) {
	db := start(t)
	exec(t, db, "CREATE DATABASE d; USE d; CREATE TABLE t (id INT, v VARCHAR(10), PRIMARY KEY (id)); INSERT INTO t VALUES (1, '1'), (2, '2.5')")
	client := dial(t, db, 0, false)
	client.SetMaxOpenConns(1)
	for _, a := range []struct{ statement, selected, want string }{
		{"ADD COLUMN n INT", "*", "1,1,-;2,2.5,-"},
		{"ADD COLUMN m INT NOT NULL DEFAULT 7 FIRST", "*", "7,1,1,-;7,2,2.5,-"},
		{"MODIFY COLUMN v DECIMAL(10,2) AFTER n", "*", "7,1,-,1.00;7,2,-,2.50"},
		{"MODIFY COLUMN v DOUBLE AFTER id", "*", "7,1,1,-;7,2,2.5,-"},
		{"MODIFY COLUMN v DECIMAL(10,2) FIRST", "*", "1.00,7,1,-;2.50,7,2,-"},
		{"DROP COLUMN n", "*", "1.00,7,1;2.50,7,2"},
		{"MODIFY COLUMN id BIGINT UNSIGNED", "*", "1.00,7,1;2.50,7,2"},
		{"RENAME COLUMN id TO k", "k", "1;2"},
		{"CHANGE COLUMN m n TINYINT", "n", "7;7"},
	} {
		exec(t, db, "USE d; ALTER TABLE t "+a.statement)
		if got := query(t, client, "SELECT "+a.selected+" FROM d.t ORDER BY v"); got != a.want {
			t.Errorf("%s: %s, want %s", a.statement, got, a.want)
		}
	}
	if got := query(t, client, "SELECT v FROM d.t WHERE k IN (?, ?)", 2, 3); got != "2.50" {
		t.Error(got)
	}
	for _, statement := range []string{"MODIFY COLUMN v TINYINT UNSIGNED, MODIFY COLUMN k TINYINT", "ADD COLUMN k INT", "DROP COLUMN k", "MODIFY COLUMN x INT"} {
		before := query(t, client, "SELECT * FROM d.t")
		if err := db.Exec(t.Context(), "USE d; INSERT INTO t VALUES (1, 1, 1000); ALTER TABLE t "+statement); err == nil {
			t.Errorf("%s is no error", statement)
		}
		exec(t, db, "DELETE FROM d.t WHERE k = 1000")
		if got := query(t, client, "SELECT * FROM d.t"); strings.Count(got, ";") != strings.Count(before, ";") {
			t.Errorf("%s: %s", statement, got)
		}
	}
}

// TestAlterUnderGateway: a gateway notices that a table was altered, and serves the new type.
func TestAlterUnderGateway(t *testing.T) {
	db := start(t)
	exec(t, db, "CREATE DATABASE d; CREATE TABLE d.t_1 (id INT PRIMARY KEY, v INT); INSERT INTO d.t_1 VALUES (1, 7)")
	g := startGateway(t, db, `
featureStores:
  - name: d
    featureGroups: [{name: t, version: 1}]
    featureViews: [{name: t, version: 1, joins: [{group: t, version: 1}], features: [v]}]
`)
	ask := func() (int, string) {
		status, _, body := g.do(http.MethodPost, "/feature-vectors", nil, []byte(`{"featureView":"t","entry":{"id":1}}`))
		return status, string(body)
	}
	if status, body := ask(); status != http.StatusOK || !strings.Contains(body, `"vector":[7]`) {
		t.Fatalf("%d %s", status, body)
	}
	exec(t, db, "USE d; ALTER TABLE t_1 MODIFY COLUMN v DECIMAL(5,2)")
	for end := time.Now().Add(soon); ; time.Sleep(time.Millisecond) {
		status, body := ask()
		if status == http.StatusOK && strings.Contains(body, `"vector":[7.00]`) {
			break
		}
		if status == http.StatusOK || time.Now().After(end) {
			t.Fatalf("%d %s", status, body)
		}
	}
}

// TestConcurrency: clients of all nodes read, write and scan at once; no write is lost, and no row is seen half written.
func TestConcurrency(t *testing.T) {
	const clients, rounds, rows = 9, 40, 20
	db := start(t)
	exec(t, db, "CREATE DATABASE d; CREATE TABLE d.t (a INT, b VARCHAR(9), n INT, m INT, PRIMARY KEY (a, b)); CREATE TABLE d.own (client INT, round INT, PRIMARY KEY (client, round))")
	load(t, db, "t", rows, func(i int) []any { return []any{i, fmt.Sprint("b", i), 0, 0} })
	var all sync.WaitGroup
	for c := range clients {
		client := dial(t, db, c%3, c%2 == 0)
		all.Go(func() {
			for round := range rounds {
				i, j := rand.IntN(rows), rand.IntN(rows)
				for _, statement := range []string{
					fmt.Sprintf("UPDATE d.t SET n = %d, m = %d WHERE a = %d AND b = 'b%d'", round, round, i, i),
					fmt.Sprintf("INSERT INTO d.own VALUES (%d, %d)", c, round),
					fmt.Sprintf("CREATE TABLE IF NOT EXISTS d.more%d (id INT PRIMARY KEY)", round),
				} {
					if _, err := client.Exec(statement); err != nil {
						t.Errorf("%s: %v", statement, err)
					}
				}
				got, err := ask(client, "SELECT n - m FROM d.t WHERE (a,b) IN ((?,?),(?,?))", i, fmt.Sprint("b", i), j, fmt.Sprint("B", j))
				if err != nil || strings.Trim(got, "0;") != "" {
					t.Errorf("%q, %v", got, err)
				}
				if got, err := ask(client, "SELECT COUNT(*), SUM(n <> m) FROM d.t WHERE n >= 0"); err != nil || got != fmt.Sprint(rows, ",0") {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
	all.Wait()
	if got := query(t, dial(t, db, 0, false), "SELECT COUNT(*) FROM d.own WHERE round >= 0"); got != fmt.Sprint(clients*rounds) {
		t.Errorf("%s rows of %d", got, clients*rounds)
	}
}

// TestExecStops: a script ends at its first error, which names the statement, and at its context.
func TestExecStops(t *testing.T) {
	db := start(t)
	err := db.Exec(t.Context(), "CREATE DATABASE d; SELECT nonsense; CREATE DATABASE e;\n-- the end\n")
	if err == nil || !strings.Contains(err.Error(), "SELECT nonsense") {
		t.Error(err)
	}
	if _, err := db.databases.find("e"); err == nil {
		t.Error("the statement after an error was executed")
	}
	exec(t, db, "  -- nothing\n ; ;")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Exec(ctx, "CREATE TABLE d.t (id INT PRIMARY KEY); INSERT INTO d.t VALUES (1); SELECT COUNT(*) FROM d.t x JOIN d.t y ON x.id < y.id"); err == nil {
		t.Error("a cancelled script was executed")
	}
}
