package column

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// collations lists those of the character sets that are like charset.
func collations(t *testing.T, db *sql.DB, charset string) []string {
	t.Helper()
	name := "COLLATION_NAME"
	if strings.Contains(texts(t, db, "SELECT VERSION()")[0], "MariaDB") {
		name = "FULL_COLLATION_NAME" // the other leaves the character set out of the newer ones
	}
	return texts(t, db, "SELECT DISTINCT "+name+` FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY
		WHERE CHARACTER_SET_NAME LIKE ? AND CHARACTER_SET_NAME <> 'binary' ORDER BY 1`, charset)
}

func TestServerCollations(t *testing.T) {
	db := server(t)
	run(t, db, "SET sql_mode = ''") // a character that cannot be converted is no error then
	words := collationWords()
	run(t, db, "CREATE TABLE words (id INT PRIMARY KEY, s VARCHAR(4))")
	insertTexts(t, db, "words", words)
	tried := map[Match][]string{}
	for _, collation := range collations(t, db, "%") {
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
	for _, s := range []string{
		"é", "É", "e\u0301", "ß", "ss", "日", "l·", "L·", "\u00a0", "\u00ad", "¼", "dž", "Ⅷ", "😀", "😁",
	} {
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
	rows, err := db.Query(`SELECT a.id, MIN(b.id) FROM collated a JOIN collated b ON a.s = b.s
		GROUP BY a.id ORDER BY a.id`)
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

// TestServerKeyReads reads keys as the reader does, many a statement, and matches what comes back to what was asked
// for. With ?default_storage_engine=NDB in the DSN it is about the cluster's own hash of keys.
func TestServerKeyReads(t *testing.T) {
	db := server(t)
	run(t, db, "SET sql_mode = ''")
	words := slices.DeleteFunc(collationWords(), func(s string) bool { return !printableASCII([]byte(s)) })
	run(t, db, "CREATE TABLE words (id INT PRIMARY KEY, s VARCHAR(4))")
	insertTexts(t, db, "words", words)
	for _, charset := range []string{"utf8mb4", "latin1", "utf8mb3", "ucs2"} {
		for _, collation := range collations(t, db, charset) {
			if matchRuleOf(VarChar, collation).match != MatchUnknown {
				checkKeyReads(t, db, words, charset, collation)
			}
		}
	}
}

// checkKeyReads stores one word of each that the server finds equal, and asks for all.
func checkKeyReads(t *testing.T, db *sql.DB, words []string, charset, collation string) {
	t.Helper()
	run(t, db, "DROP TABLE IF EXISTS collated")
	run(t, db, fmt.Sprintf("CREATE TABLE collated (s VARCHAR(4) CHARACTER SET %s COLLATE %s PRIMARY KEY)",
		charset, collation))
	run(t, db, "INSERT IGNORE INTO collated SELECT s FROM words ORDER BY id")
	c := describe(t, db, "collated")[0]
	for keys := range slices.Chunk(words, 128) {
		asked := map[string]bool{}
		query := "SELECT s FROM collated WHERE s IN (?" + strings.Repeat(", ?", len(keys)-1) + ")"
		var args []any
		for _, key := range keys {
			form, _ := c.AppendMatch(nil, bytesOf(key))
			asked[string(form)] = true
			args = append(args, key)
		}
		for _, s := range texts(t, db, query, args...) {
			form, _ := c.AppendMatch(nil, bytesOf(s))
			if !asked[string(form)] {
				t.Errorf("%s: the row %q came back, but nobody asked for it or it came twice", collation, s)
			}
			delete(asked, string(form))
		}
		for form := range asked {
			t.Errorf("%s: no row came back for %q", collation, form)
		}
	}
}
