package devdb

import (
	"fmt"
	"strings"
	"testing"
)

// keyKind is a type of key column, with the SQL that looks for a value of it as rongate does.
type keyKind struct {
	column, one, row string
	key              func(i int) any
}

// keyKinds are all types that a key of rongate's may have.
func keyKinds() map[string]keyKind {
	text := func(i int) any { return fmt.Appendf(nil, "Key%d", i) }
	return map[string]keyKind{
		"tinyint":  {"TINYINT", "?", "?", func(i int) any { return int64(i - 100) }},
		"smallint": {"SMALLINT UNSIGNED", "?", "?", func(i int) any { return int64(i) }},
		"int":      {"INT", "?", "?", func(i int) any { return int64(-i) }},
		"bigint":   {"BIGINT", "?", "?", func(i int) any { return int64(9007199254740992 + i) }},
		"unsigned": {"BIGINT UNSIGNED", "?", "?", func(i int) any { return 18446744073709551615 - uint64(i) }},
		"decimal":  {"DECIMAL(10,2)", "?", "?", func(i int) any { return fmt.Appendf(nil, "-%d.25", i) }},
		"wide": {
			"DECIMAL(30,2)", "CAST(? AS DECIMAL(30,2))", "CAST(? AS DECIMAL(30,2))",
			func(i int) any { return fmt.Appendf(nil, "123456789012345678901234%04d.01", i) },
		},
		"date":      {"DATE", "?", "?", func(i int) any { return fmt.Appendf(nil, "%04d-02-28", 1000+i) }},
		"datetime":  {"DATETIME(3)", "?", "?", func(i int) any { return fmt.Appendf(nil, "2026-01-01 00:00:00.%03d", i) }},
		"timestamp": {"TIMESTAMP(3)", "?", "?", func(i int) any { return fmt.Appendf(nil, "2026-01-01 00:00:00.%03d", i) }},
		"binary":    {"BINARY(4)", "?", "?", func(i int) any { return []byte{0xff, byte(i), 0, 0} }},
		"varbinary": {"VARBINARY(8)", "?", "?", func(i int) any { return []byte{0xfe, byte(i)} }},
		"char": {
			"CHAR(8) CHARACTER SET ascii COLLATE ascii_general_ci", "?",
			"CONVERT(? USING ascii) COLLATE ascii_general_ci", text,
		},
		"latin1": {
			"VARCHAR(8) CHARACTER SET latin1 COLLATE latin1_swedish_ci", "?",
			"CONVERT(? USING latin1) COLLATE latin1_swedish_ci", func(i int) any { return fmt.Appendf(nil, "Å%d", i) },
		},
		"varchar": {"VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "?", "?", text},
		"bin":     {"VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "?", "?", text},
		"unicode": {"VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci", "?", "?", text},
	}
}

// TestEveryReadIsAKeyRead: whatever the key's type, each form of statement that rongate sends looks for as many keys as
// are asked for, prepared or as text, and no row is visited besides.
func TestEveryReadIsAKeyRead(t *testing.T) {
	const rows = 128
	db := start(t)
	exec(t, db, "CREATE DATABASE d")
	for name, kind := range keyKinds() {
		exec(t, db, fmt.Sprintf("CREATE TABLE d.%s_one (k %s, v INT, PRIMARY KEY (k))", name, kind.column))
		exec(t, db, fmt.Sprintf("CREATE TABLE d.%s_two (k %s, a INT, v INT, PRIMARY KEY (a, k))", name, kind.column))
		load(t, db, name+"_one", rows, func(i int) []any { return []any{kind.key(i), i} })
		load(t, db, name+"_two", rows, func(i int) []any { return []any{kind.key(i), -i, i} })
		for _, text := range []bool{false, true} {
			if text && strings.Contains(name, "binary") {
				continue // the driver cannot write 0xff as text
			}
			client := dial(t, db, 1, text)
			for _, n := range []int{1, 2, 100, 128} {
				one, two := where(kind, n)
				var keys, pairs []any
				want := make([]string, n)
				for i := range n {
					key := kind.key(i)
					if b, ok := key.([]byte); ok && text {
						key = string(b) // the driver writes bytes as binary
					}
					keys, pairs = append(keys, key), append(pairs, -i, key)
					want[i] = fmt.Sprint(i)
				}
				for statement, args := range map[string][]any{
					fmt.Sprintf("SELECT v FROM d.%s_one WHERE %s", name, one): keys,
					fmt.Sprintf("SELECT v FROM d.%s_two WHERE %s", name, two): pairs,
				} {
					keysBefore, rowsBefore := db.reads()
					got := query(t, client, statement, args...)
					keysAfter, rowsAfter := db.reads()
					if got != strings.Join(want, ";") {
						t.Errorf("%.120s: %.200s", statement, got)
					}
					if keysAfter-keysBefore != int64(n) || rowsAfter != rowsBefore {
						t.Errorf("%.120s: %d keys looked for, %d rows scanned", statement, keysAfter-keysBefore, rowsAfter-rowsBefore)
					}
				}
			}
		}
	}
}

// where are the conditions that rongate writes for n keys of one column, and of two.
func where(kind keyKind, n int) (one, two string) {
	if n == 1 {
		return "`k` = " + kind.one, "`a` = ? AND `k` = " + kind.one
	}
	repeat := func(s string) string { return s + strings.Repeat(","+s, n-1) }
	return "`k` IN (" + repeat(kind.one) + ")", "(`a`,`k`) IN (" + repeat("(?,"+kind.row+")") + ")"
}

func load(t testing.TB, db *DB, table string, n int, row func(i int) []any) {
	t.Helper()
	err := db.Load("d", table, func(yield func([]any) bool) {
		for i := range n {
			if !yield(row(i)) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRepeatedKeys: a statement is padded with a key that it already has, which costs nothing.
func TestRepeatedKeys(t *testing.T) {
	db := start(t)
	exec(t, db, "CREATE DATABASE d; CREATE TABLE d.t (a INT, b VARCHAR(9) COLLATE utf8mb4_general_ci, PRIMARY KEY (b, a)); INSERT INTO d.t VALUES (1, 'One')")
	client := dial(t, db, 0, false)
	got := query(t, client, "SELECT b FROM d.t WHERE (a,b) IN ((?,?),(?,?),(?,?))", 1, "ONE", 1, "one ", 2, "one")
	if keys, rows := db.reads(); got != "One" || keys != 2 || rows != 0 {
		t.Errorf("%s; %d keys looked for, %d rows scanned", got, keys, rows)
	}
}

// TestWhatComparisonsMean: what the index finds is what the comparison means, and what it cannot find a scan does.
func TestWhatComparisonsMean(t *testing.T) {
	db := start(t)
	exec(t, db, `CREATE DATABASE d; USE d;
		CREATE TABLE n (id INT PRIMARY KEY, v INT); INSERT INTO n VALUES (1, 10), (2, 20), (3, 30);
		CREATE TABLE u (id TINYINT UNSIGNED PRIMARY KEY); INSERT INTO u VALUES (0), (5), (255);
		CREATE TABLE p (price DECIMAL(6,2) PRIMARY KEY); INSERT INTO p VALUES (1.5), (-2);
		CREATE TABLE c (k VARCHAR(10) COLLATE utf8mb4_general_ci PRIMARY KEY); INSERT INTO c VALUES ('Key1'), ('7');
		CREATE TABLE s (at DATETIME PRIMARY KEY); INSERT INTO s VALUES ('2026-01-02 03:04:05'), ('2026-01-02 00:00:00');
		CREATE TABLE x (b BINARY(4) PRIMARY KEY); INSERT INTO x VALUES (x'01');
		CREATE TABLE two (a INT, b INT, v INT, PRIMARY KEY (b, a)); INSERT INTO two VALUES (1,1,1),(1,2,2),(2,1,3),(2,2,4);`)
	client := dial(t, db, 0, false)
	query(t, client, "USE d")
	client.SetMaxOpenConns(1)
	const scan = true
	for _, q := range []struct {
		query, want string
		scan        bool
	}{
		{"SELECT v FROM n WHERE id = 2", "20", !scan},
		{"SELECT v FROM n WHERE 2 = id", "20", !scan},
		{"SELECT v FROM n WHERE id = '2'", "20", !scan},
		{"SELECT v FROM n WHERE id = 2.0", "20", !scan},
		{"SELECT v FROM n WHERE id = 1.5", "", !scan},
		{"SELECT v FROM n WHERE id = 4294967298", "", !scan}, // 2 in 32 bits
		{"SELECT v FROM n WHERE id = -1", "", !scan},
		{"SELECT v FROM n WHERE id = NULL", "", !scan},
		{"SELECT v FROM n WHERE id IN (NULL, 2)", "20", !scan},
		{"SELECT v FROM n WHERE id = 1 + 1", "20", !scan},
		{"SELECT v FROM n WHERE id = 2e0", "20", scan},
		{"SELECT v FROM n WHERE id <=> 2", "20", scan},
		{"SELECT v FROM n WHERE NOT id IN (2)", "10;30", scan},
		{"SELECT v FROM n WHERE id > 1 AND id < 3", "20", scan},
		{"SELECT v FROM n WHERE id IN (1, 2) AND v > 15", "20", !scan},
		{"SELECT v FROM n WHERE id = 1 AND id = 2", "", !scan},
		{"SELECT v FROM n WHERE id = 1 AND id IN (1, 2)", "10", !scan},
		{"SELECT v FROM n WHERE id = 1 OR id = 3", "10;30", scan},
		{"SELECT a.v, b.v FROM n a JOIN n b ON a.id = b.id + 1 ORDER BY 1", "20,10;30,20", scan},
		{"SELECT n.v, two.v FROM n JOIN two ON two.a = n.id AND two.b = n.id ORDER BY 1", "10,1;20,4", scan},
		{"SELECT two.v FROM n JOIN two ON two.b = n.id ORDER BY 1", "1;2;3;4", scan},
		{"SELECT id, (SELECT v FROM n i WHERE i.id = n.id) FROM n", "1,10;2,20;3,30", scan},
		{"SELECT (SELECT COUNT(*) FROM n i WHERE o.id = 2) FROM n o", "0;3;0", scan},
		{"SELECT v FROM n WHERE id = 1 UNION ALL SELECT v FROM n WHERE id = 2", "10;20", !scan},
		{"SELECT COUNT(*) FROM n", "3", !scan},
		{"SELECT id FROM u WHERE id IN (-1, 0, 255, 256, 511, 18446744073709551615)", "0;255", !scan},
		{"SELECT id FROM u WHERE id = '5'", "5", !scan},
		{"SELECT price FROM p WHERE price = 1.50", "1.50", !scan},
		{"SELECT price FROM p WHERE price IN ('1.5', '-2.000', 1.504, 99999)", "1.50;-2.00", !scan},
		{"SELECT k FROM c WHERE k = 'KEY1'", "Key1", !scan},
		{"SELECT k FROM c WHERE k = 'KEY1  '", "Key1", !scan},
		{"SELECT k FROM c WHERE k = ' KEY1'", "", !scan},
		{"SELECT k FROM c WHERE k = 7", "7", scan},
		{"SELECT k FROM c WHERE k = 'KEY1' COLLATE utf8mb4_bin", "", scan},
		{"SELECT k FROM c WHERE k = 'KEY1' COLLATE utf8mb4_general_ci", "Key1", !scan},
		{"SELECT at FROM s WHERE at = '2026-01-02 03:04:05.000'", "2026-01-02 03:04:05", !scan},
		{"SELECT at FROM s WHERE at = '2026-01-02 03:04:05.25'", "", !scan},
		{"SELECT at FROM s WHERE at = '2026-01-02'", "2026-01-02 00:00:00", !scan},
		{"SELECT HEX(b) FROM x WHERE b = x'01'", "", !scan},
		{"SELECT HEX(b) FROM x WHERE b = x'01000000'", "01000000", !scan},
		{"SELECT v FROM two WHERE a = 1", "1;2", scan},
		{"SELECT v FROM two WHERE (b, a) = (1, 2)", "3", !scan},
		{"SELECT v FROM two WHERE (a, b) IN ((1, 2), (2, 1), (3, 3), (1, NULL))", "2;3", !scan},
		{"SELECT v FROM two WHERE a IN (1, 2) AND b = 2", "2;4", !scan},
		{"SELECT v FROM two WHERE (a, a) IN ((1, 2))", "", scan},
		{"SELECT v FROM two other WHERE (a, b) IN ((1, 2))", "2", scan},
	} {
		_, before := db.reads()
		got, err := ask(client, q.query)
		_, after := db.reads()
		if err != nil || got != q.want || (after > before) != q.scan {
			t.Errorf("%s: %q, %v, %d rows scanned; want %q", q.query, got, err, after-before, q.want)
		}
	}
}
