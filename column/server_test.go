package column

import (
	"database/sql"
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strconv"
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

// texts reads one column of text.
func texts(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.Query(query)
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

func TestServerCollations(t *testing.T) {
	db := server(t)
	name := "COLLATION_NAME"
	if strings.Contains(texts(t, db, "SELECT VERSION()")[0], "MariaDB") {
		name = "FULL_COLLATION_NAME" // the other leaves the character set out of the newer ones
	}
	collations := texts(t, db, "SELECT DISTINCT "+name+` FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY
		WHERE CHARACTER_SET_NAME <> 'binary' ORDER BY 1`)
	run(t, db, "SET sql_mode = ''") // a character that cannot be converted is no error then
	words := collationWords()
	run(t, db, "CREATE TABLE words (id INT PRIMARY KEY, s VARCHAR(4))")
	insertTexts(t, db, "words", words)
	tried := map[Match][]string{}
	for _, collation := range collations {
		charset, _, _ := strings.Cut(collation, "_")
		rule := matchRuleOf(VarChar, collation)
		tried[rule.match] = append(tried[rule.match], collation)
		if rule.match != MatchUnknown && charsetOf(charset) != unknownCharset {
			checkCollation(t, db, words, charset, collation)
		}
	}
	for match, names := range tried {
		t.Logf("match %d: %d collations: %s", match, len(names), names)
	}
}

// collationWords are all words of up to two printable ASCII characters, so that ignored characters and contractions
// show, and some beyond.
func collationWords() []string {
	words := []string{""}
	for a := byte(0x20); a <= 0x7E; a++ {
		words = append(words, string(a))
		for b := byte(0x20); b <= 0x7E; b++ {
			words = append(words, string([]byte{a, b}))
		}
	}
	for _, a := range []string{"a\x00", "\x00", "a\t", "\t", "\x7f", "a\x01b"} {
		words = append(words, a, a+" ")
	}
	for _, s := range []string{"é", "É", "e\u0301", "ß", "ss", "日", "l·", "L·", "\u00a0", "\u00ad", "¼", "dž", "Ⅷ", "😀", "😁"} {
		words = append(words, s, s+" ", "a"+s, "A"+s, s+"z", s+"Z")
	}
	return words
}

// insertTexts fills a table (id, s) of the server's own character set.
func insertTexts(t *testing.T, db *sql.DB, table string, all []string) {
	t.Helper()
	first := 0
	for chunk := range slices.Chunk(all, 1000) {
		var query strings.Builder
		query.WriteString("INSERT INTO " + table + " VALUES ")
		for i, s := range chunk {
			if i > 0 {
				query.WriteByte(',')
			}
			fmt.Fprintf(&query, "(%d, CONVERT(x'%x' USING utf8mb4))", first+i, s)
		}
		run(t, db, query.String())
		first += len(chunk)
	}
}

// checkCollation compares which words the server finds equal, in an index, with which have equal forms.
func checkCollation(t *testing.T, db *sql.DB, words []string, charset, collation string) {
	t.Helper()
	run(t, db, "DROP TABLE IF EXISTS collated")
	run(t, db, fmt.Sprintf("CREATE TABLE collated (id INT PRIMARY KEY, s VARCHAR(4) CHARACTER SET %s COLLATE %s, KEY (s))",
		charset, collation))
	run(t, db, fmt.Sprintf(`INSERT INTO collated SELECT id, s FROM words
		WHERE HEX(CONVERT(CONVERT(s USING %s) USING utf8mb4)) = HEX(s)`, charset))
	c := describe(t, db, "collated")[1]
	if c.Collation != collation {
		t.Fatalf("%s: information_schema says %s", collation, c.Collation)
	}
	rows, err := db.Query("SELECT a.id, MIN(b.id) FROM collated a JOIN collated b ON a.s = b.s GROUP BY a.id ORDER BY a.id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	type group struct {
		word  string
		first int // the first word that the server finds equal
	}
	byForm, byServer := map[string]group{}, map[int]group{} // the first of each
	seen := 0
	for rows.Next() {
		var id, first int
		if err := rows.Scan(&id, &first); err != nil {
			t.Fatal(err)
		}
		seen++
		form, ascii := c.AppendMatch(nil, bytesOf(words[id]))
		if g, ok := byForm[string(form)]; !ok {
			byForm[string(form)] = group{words[id], first}
		} else if g.first != first {
			t.Errorf("%s: %q and %q have one form, but are not equal", collation, words[id], g.word)
		}
		if c.Match() == MatchASCII && !ascii {
			continue
		}
		if g, ok := byServer[first]; !ok {
			byServer[first] = group{word: words[id]}
		} else if other, _ := c.AppendMatch(nil, bytesOf(g.word)); string(other) != string(form) {
			t.Errorf("%s: %q and %q are equal, but have two forms", collation, words[id], g.word)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if seen < 95*95 {
		t.Errorf("%s: only %d words were tried", collation, seen)
	}
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
	var list []string
	for _, m := range members {
		list = append(list, fmt.Sprintf("CONVERT(x'%x' USING utf8mb4)", m))
	}
	quote := strings.NewReplacer(`\`, `\\`, "'", `\'`)
	for i, m := range members {
		list[i] = "'" + quote.Replace(m) + "'"
	}
	run(t, db, "CREATE TABLE members (e ENUM("+strings.Join(append(list, "'a,b'"), ",")+"), s SET("+strings.Join(list, ",")+"))")
	columns := describe(t, db, "members")
	if want := append(slices.Clone(members), "a,b"); !slices.Equal(columns[0].members, want) {
		t.Errorf("%s:\n got %q\nwant %q", columns[0].SQLType, columns[0].members, want)
	}
	if !slices.Equal(columns[1].members, members) {
		t.Errorf("%s:\n got %q\nwant %q", columns[1].SQLType, columns[1].members, members)
	}
}

// serverTypes has every type, with client values that the column takes. The values of types that can be a key are bound
// as keys.
func serverTypes() map[string][]string {
	return map[string][]string{
		"TINYINT":                          {"-128", "127", "0"},
		"TINYINT UNSIGNED":                 {"255"},
		"SMALLINT":                         {"-32768", "32767"},
		"SMALLINT UNSIGNED":                {"65535"},
		"MEDIUMINT":                        {"-8388608", "8388607"},
		"MEDIUMINT UNSIGNED":               {"16777215"},
		"INT":                              {"-2147483648", "2147483647"},
		"INT UNSIGNED":                     {"4294967295"},
		"INT(7) ZEROFILL":                  {"42"},
		"BIGINT":                           {"-9223372036854775808", "9223372036854775807", "9007199254740993"},
		"BIGINT UNSIGNED":                  {"18446744073709551615", "9223372036854775807", "9223372036854775808"},
		"DECIMAL(10,3)":                    {"-1234567.891", "0", "0.5", "-0.001"},
		"DECIMAL(65,0)":                    {strings.Repeat("9", 65), "-" + strings.Repeat("9", 65)},
		"DECIMAL(30,30)":                   {"0.1", "-0." + strings.Repeat("0", 29) + "1"},
		"DECIMAL(9,2) ZEROFILL":            {"1.5", "0"},
		"FLOAT":                            {"0.1", "-3.4e38", "16777217", "1e-40"},
		"DOUBLE":                           {"0.1", "1e308", "5e-324", "1e21"},
		"BIT(1)":                           {"0", "1"},
		"BIT(20)":                          {"1048575", "256"},
		"BIT(64)":                          {"18446744073709551615"},
		"YEAR":                             {"0", "1901", "2155"},
		"DATE":                             {`"1000-01-01"`, `"9999-12-31"`, `"2024-02-29"`},
		"DATETIME":                         {`"1000-01-01 00:00:00"`, `"9999-12-31 23:59:59"`},
		"DATETIME(6)":                      {`"9999-12-31 23:59:59.999999"`, `"2026-01-31 00:00:00"`, `"2026-01-31 00:00:00.5"`},
		"TIMESTAMP NULL":                   {`"1970-01-01 00:00:01"`, `"2038-01-19 03:14:07"`},
		"TIMESTAMP(3) NULL":                {`"2026-01-31 23:59:59.1"`, `"2038-01-19 03:14:07.999"`},
		"TIMESTAMP(6) NULL":                {`"2038-01-19 03:14:07.999999"`, `"1970-01-01 00:00:01"`},
		"TIME":                             {`"838:59:59"`, `"-838:59:59"`, `"-00:00:00"`, `"012:00:00"`, `"00:00:00"`},
		"TIME(2)":                          {`"838:59:59.0"`, `"-00:00:00.01"`, `"-12:30:00"`, `"838:59:58.99"`},
		"CHAR(5)":                          {`"a  "`, `""`, `"日本語日本"`},
		"CHAR(5) CHARACTER SET latin1":     {`"åäö€ "`},
		"VARCHAR(5)":                       {`"a  "`, `""`, `"日本語😀本"`},
		"VARCHAR(5) CHARACTER SET latin1":  {`"åäö€"`, "\"\u0081\u009d\""},
		"VARCHAR(5) CHARACTER SET ascii":   {`"a'\"`},
		"VARCHAR(5) CHARACTER SET utf8mb3": {`"日本"`},
		"VARCHAR(5) CHARACTER SET utf16":   {`"日😀"`},
		"VARCHAR(5) CHARACTER SET ucs2":    {"\"a\u00ff\""},
		"VARCHAR(5) CHARACTER SET utf32":   {`"日😀"`},
		"VARCHAR(5) COLLATE utf8mb4_hungarian_ci": {`"csCS"`},
		"TINYTEXT":                        {`"x"`},
		"TEXT":                            {"\"x\n\""},
		"MEDIUMTEXT CHARACTER SET latin1": {`"é"`},
		"LONGTEXT":                        {`"😀"`},
		"ENUM('Low','High') COLLATE utf8mb4_general_ci": {`"low"`, `"High"`},
		"SET('x','y','z') COLLATE utf8mb4_general_ci":   {`"z,X"`, `""`},
		"BINARY(4)":    {`"AQ=="`, `""`, `"/////w=="`},
		"VARBINARY(4)": {`"AQ=="`, `""`, `"AAAAAA=="`},
		"TINYBLOB":     {`"AQ=="`},
		"BLOB":         {`"AQ=="`},
		"MEDIUMBLOB":   {`"AQ=="`},
		"LONGBLOB":     {`"AQ=="`},
		"JSON":         {`"x"`, "1", "true", "[]", `[1, null]`},
	}
}

// TestServerRoundTrip stores what clients send and reads it back: it must match its key and look like the passed
// feature.
func TestServerRoundTrip(t *testing.T) {
	db := server(t)
	for sqlType, literals := range serverTypes() {
		t.Run(sqlType, func(t *testing.T) {
			run(t, db, "DROP TABLE IF EXISTS cells")
			run(t, db, "CREATE TABLE cells (c "+sqlType+")")
			c := describe(t, db, "cells")[0]
			if sqlType == "JSON" && c.Kind == Text {
				t.Skip("MariaDB's JSON is LONGTEXT")
			}
			for _, literal := range literals {
				run(t, db, "TRUNCATE cells")
				if c.CheckKey() == nil {
					storeKey(t, db, c, lit(literal))
				} else {
					store(t, db, c, lit(literal))
				}
			}
			run(t, db, "TRUNCATE cells")
			run(t, db, "INSERT INTO cells VALUES (NULL)")
			if got, err := c.AppendJSON(nil, stored(t, db, c)); err != nil || string(got) != "null" {
				t.Errorf("NULL was read back as %s, %v", got, err)
			}
		})
	}
}

func storeKey(t *testing.T, db *sql.DB, c *Column, l Literal) {
	t.Helper()
	key, err := c.AppendKey(nil, l)
	if err != nil {
		t.Errorf("%s: %q: %v", c.SQLType, l.Text, err)
		return
	}
	v, _ := c.CutKey(key)
	run(t, db, "INSERT INTO cells VALUES (?)", argument(v))
	back := stored(t, db, c, argument(v))
	if got, err := c.AppendKeyValue(nil, back); err != nil || string(got) != string(key) {
		t.Errorf("%s: the key %q was read back as %q, %v", c.SQLType, key, got, err)
	}
	checkEcho(t, c, back, l)
}

func store(t *testing.T, db *sql.DB, c *Column, l Literal) {
	t.Helper()
	passed, err := c.AppendLiteral(nil, l)
	if err != nil {
		t.Errorf("%s: %q: %v", c.SQLType, l.Text, err)
		return
	}
	var arg any = string(l.Text)
	switch c.Kind {
	case Bit, Year:
		_, n, _ := parseInteger(l.Text)
		arg = n
	case JSON:
		arg = string(passed)
	case Blob:
		if arg, err = base64.StdEncoding.DecodeString(string(l.Text)); err != nil {
			t.Fatal(err)
		}
	case Float, Double:
		if arg, err = strconv.ParseFloat(string(l.Text), 64); err != nil {
			t.Fatal(err)
		}
	}
	run(t, db, "INSERT INTO cells VALUES (?)", arg)
	if got, err := c.AppendJSON(nil, stored(t, db, c)); err != nil || string(got) != string(passed) {
		t.Errorf("%s: %q was read back as %q, %v; passed it is %q", c.SQLType, l.Text, got, err, passed)
	}
}

// stored reads the one row of the table, by its key if there is one, through the binary protocol.
func stored(t *testing.T, db *sql.DB, c *Column, key ...any) Value {
	t.Helper()
	query, args := "SELECT c FROM cells WHERE ? = 1", []any{1}
	if len(key) > 0 {
		query, args = "SELECT c FROM cells WHERE c IN (?)", key
	}
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !fits(t, rows, c) {
		t.Errorf("%s does not fit its own result", c.SQLType)
	}
	if !rows.Next() {
		t.Fatalf("%s: no row for %v: %v", c.SQLType, args, rows.Err())
	}
	var cell any
	if err := rows.Scan(&cell); err != nil {
		t.Fatal(err)
	}
	switch x := cell.(type) {
	case nil:
		return Null()
	case int64:
		return IntValue(x)
	case uint64:
		return UintValue(x)
	case float32:
		return Float32Value(x)
	case float64:
		return Float64Value(x)
	case string:
		return bytesOf(x)
	case []byte:
		return BytesValue(x)
	}
	t.Fatalf("%s: a cell of type %T", c.SQLType, cell)
	return Null()
}

func argument(v Value) any {
	if i, ok := v.Int(); ok {
		return i
	}
	if u, ok := v.Uint(); ok {
		return u
	}
	b, _ := v.Bytes()
	return b
}

func fits(t *testing.T, rows *sql.Rows, c *Column) bool {
	t.Helper()
	types, err := rows.ColumnTypes()
	if err != nil {
		t.Fatal(err)
	}
	scale := -1
	if _, s, ok := types[0].DecimalSize(); ok {
		scale = int(s)
	}
	return c.FitsWire(types[0].DatabaseTypeName(), scale)
}

// TestServerFitsWire reads a column of every type and asks every other type whether that could be it.
func TestServerFitsWire(t *testing.T) {
	db := server(t)
	var names, definitions []string
	for sqlType := range serverTypes() {
		definitions = append(definitions, fmt.Sprintf("c%d %s", len(names), sqlType))
		names = append(names, fmt.Sprintf("c%d", len(names)))
	}
	run(t, db, "CREATE TABLE wide ("+strings.Join(definitions, ", ")+")")
	columns := describe(t, db, "wide")
	for i, name := range names {
		rows, err := db.Query("SELECT "+name+" FROM wide WHERE ? = 1", 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range columns {
			if got, want := fits(t, rows, c), wireAlike(c, columns[i]); got != want {
				t.Errorf("%s from a result of %s: %v, want %v", c.SQLType, columns[i].SQLType, got, want)
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// wireAlike reports whether the protocol cannot tell two columns apart.
func wireAlike(a, b *Column) bool {
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case Int:
		return a.Size == b.Size && a.Unsigned == b.Unsigned
	case Decimal, DateTime, Timestamp, Time:
		return a.Scale == b.Scale
	}
	return true
}
