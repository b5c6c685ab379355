package column

import (
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	_ "github.com/go-sql-driver/mysql" // the driver whose names FitsWire knows
)

// These tests hold what this package believes about servers to a real one. They need RONGATE_TEST_DSN, such as
// root@tcp(127.0.0.1:3306)/, of a server where a database may be created and dropped.

// server opens the test server with a database of the test's own.
func server(t *testing.T) *sql.DB {
	t.Helper()
	dsn := os.Getenv("RONGATE_TEST_DSN")
	if dsn == "" {
		t.Skip("RONGATE_TEST_DSN is not set")
	}
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1) // USE and SET are for one connection
	t.Cleanup(func() {
		run(t, db, "DROP DATABASE IF EXISTS rongate_column_test")
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	run(t, db, "DROP DATABASE IF EXISTS rongate_column_test")
	run(t, db, "CREATE DATABASE rongate_column_test CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
	run(t, db, "USE rongate_column_test")
	run(t, db, "SET time_zone = '+00:00'")
	return db
}

func run(t *testing.T, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// describe makes the columns of a table from information_schema.
func describe(t *testing.T, db *sql.DB, table string) []*Column {
	t.Helper()
	rows, err := db.Query(`SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE = 'YES',
		COALESCE(CHARACTER_MAXIMUM_LENGTH, 0), COALESCE(CHARACTER_SET_NAME, ''), COALESCE(COLLATION_NAME, ''),
		COALESCE(NUMERIC_PRECISION, 0), COALESCE(NUMERIC_SCALE, 0), COALESCE(DATETIME_PRECISION, 0)
		FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?
		ORDER BY ORDINAL_POSITION`, table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var columns []*Column
	for rows.Next() {
		var d Def
		err := rows.Scan(&d.Name, &d.DataType, &d.ColumnType, &d.Nullable, &d.CharMaxLength, &d.Charset, &d.Collation,
			&d.NumericPrecision, &d.NumericScale, &d.DatetimePrecision)
		if err != nil {
			t.Fatal(err)
		}
		c, err := New(d)
		if err != nil {
			t.Fatal(err)
		}
		columns = append(columns, c)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return columns
}

// texts reads a result's first column, which is text.
func texts(t *testing.T, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestServerCharsets(t *testing.T) {
	db := server(t)
	var characters []string
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if r > 0xFFFF && r%0x101 != 0 && r != utf8.MaxRune {
			continue // beyond the BMP a sample will do
		}
		if utf8.ValidRune(r) {
			characters = append(characters, string(r))
		}
	}
	run(t, db, "CREATE TABLE characters (id INT PRIMARY KEY, s VARCHAR(1))")
	insertTexts(t, db, "characters", characters)
	for _, name := range texts(t, db, "SELECT CHARACTER_SET_NAME FROM information_schema.CHARACTER_SETS") {
		set := charsetOf(name)
		if set == unknownCharset {
			continue
		}
		held := texts(t, db, fmt.Sprintf(`SELECT s FROM characters
			WHERE HEX(CONVERT(CONVERT(s USING %s) USING utf8mb4)) = HEX(s) ORDER BY id`, name))
		want := slices.DeleteFunc(slices.Clone(characters), func(s string) bool { return !set.holds([]byte(s)) })
		t.Logf("%s holds %d of %d characters", name, len(held), len(characters))
		if !slices.Equal(held, want) {
			t.Errorf("%s: holds %d characters, want %d", name, len(held), len(want))
		}
	}
}

func TestServerMembers(t *testing.T) {
	db := server(t)
	members := []string{"it's", "", `c\d`, "e\nf", "g\rh", "i\tj", `k"l`, "m)n", "ü", "日本", `\`, "'", "x\x1ay", "p%_q"}
	list := make([]string, len(members))
	quote := strings.NewReplacer(`\`, `\\`, "'", `\'`)
	for i, m := range members {
		list[i] = "'" + quote.Replace(m) + "'"
	}
	set := strings.Join(list, ",")
	run(t, db, "CREATE TABLE members (e ENUM("+set+",'a,b'), s SET("+set+"))")
	columns := describe(t, db, "members")
	if want := append(slices.Clone(members), "a,b"); !slices.Equal(columns[0].members, want) {
		t.Errorf("%s:\n got %q\nwant %q", columns[0].SQLType, columns[0].members, want)
	}
	if !slices.Equal(columns[1].members, members) {
		t.Errorf("%s:\n got %q\nwant %q", columns[1].SQLType, columns[1].members, members)
	}
}
