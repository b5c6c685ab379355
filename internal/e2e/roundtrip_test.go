package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/testbed"
)

// kind is a column type with a way to make random values of it, as SQL, and an independent way to read them: an SQL
// expression whose text the command-line client gives, and what rongate must answer where that text is read.
type kind struct {
	name, sqlType string
	only          testbed.Kind // "": all
	literal       func(r *rand.Rand) string
	reading       string // of column %s
	want          func(text string) any
}

// The JSON values that an answer is compared with: a number by its token, text by what it decodes to.
type number string

func asNumber(text string) any { return number(text) }
func asText(text string) any   { return text }

func fromHex(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return b
}

func asHexText(text string) any   { return string(fromHex(text)) }
func asHexBinary(text string) any { return base64.StdEncoding.EncodeToString(fromHex(text)) }

// asFloat reads the server's text of a DOUBLE, which has all its digits, and wants the shortest token of that many bits.
func asFloat(bits int) func(string) any {
	return func(text string) any {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			panic(err)
		}
		token := strconv.FormatFloat(f, 'f', -1, bits)
		if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
			token = strings.NewReplacer("e-0", "e-", "e+0", "e+").Replace(strconv.FormatFloat(f, 'e', -1, bits))
		}
		return number(token)
	}
}

func integer(name, sqlType string, low, high int64) kind {
	return kind{
		name: name, sqlType: sqlType, reading: "CAST(%s AS CHAR)", want: asNumber,
		literal: func(r *rand.Rand) string {
			switch r.IntN(8) {
			case 0:
				return strconv.FormatInt(low, 10)
			case 1:
				return strconv.FormatInt(high, 10)
			}
			return strconv.FormatInt(low+r.Int64N(1+(high-low)/2)+r.Int64N(1+(high-low)/2), 10)
		},
	}
}

func runes(r *rand.Rand, n int, alphabet string) string {
	letters := []rune(alphabet)
	var b strings.Builder
	for range r.IntN(n + 1) {
		b.WriteRune(letters[r.IntN(len(letters))])
	}
	return b.String()
}

const (
	asciiLetters  = "aAbBzZ019 _-'\"\\\x00\x01\x1f\t\n%/<&>"
	latin1Letters = asciiLetters + "éÉßÿ€£\u0081\u009d"
	bmpLetters    = latin1Letters + "日本ıİſжЖ\u2028\ufeff\uffff"
	allLetters    = bmpLetters + "😀𝒜\U0010fffe"
)

func text(name, sqlType, charset, alphabet string, n int) kind {
	return kind{
		name: name, sqlType: sqlType + " CHARACTER SET " + charset, reading: "HEX(CONVERT(%s USING utf8mb4))", want: asHexText,
		literal: func(r *rand.Rand) string { return fmt.Sprintf("_utf8mb4 X'%X'", runes(r, n, alphabet)) },
	}
}

func binary(name, sqlType string, n int) kind {
	return kind{
		name: name, sqlType: sqlType, reading: "HEX(%s)", want: asHexBinary,
		literal: func(r *rand.Rand) string {
			b := make([]byte, r.IntN(n+1))
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			return fmt.Sprintf("X'%X'", b)
		},
	}
}

func moment(name, sqlType, layout, reading string, from, to time.Time) kind {
	return kind{
		name: name, sqlType: sqlType, reading: reading, want: asText,
		literal: func(r *rand.Rand) string {
			at := time.UnixMicro(from.UnixMicro() + r.Int64N(to.UnixMicro()-from.UnixMicro())).UTC()
			return "'" + at.Format(layout) + "'"
		},
	}
}

func decimals(name, sqlType string, before, after int) kind {
	return kind{
		name: name, sqlType: sqlType, reading: "CAST(%s AS CHAR)", want: asNumber,
		literal: func(r *rand.Rand) string {
			digits := func(n int) string {
				b := make([]byte, n)
				for i := range b {
					b[i] = '0' + byte(r.IntN(10))
				}
				return string(b)
			}
			sign := []string{"", "-"}[r.IntN(2)]
			return sign + "1" + digits(r.IntN(before)) + "." + digits(after)
		},
	}
}

func floats(name, sqlType, reading string, bits int) kind {
	return kind{
		name: name, sqlType: sqlType, reading: reading, want: asFloat(bits),
		literal: func(r *rand.Rand) string {
			for {
				f := float64(math.Float32frombits(r.Uint32()))
				if bits == 64 {
					f = math.Float64frombits(r.Uint64())
				}
				switch {
				case r.IntN(4) == 0:
					f = float64(r.IntN(2000)-1000) / 8
				case r.IntN(20) == 0:
					f = 0
				}
				if !math.IsNaN(f) && !math.IsInf(f, 0) && (f == 0 || math.Abs(f) > 1e-30) {
					return strconv.FormatFloat(f, 'e', -1, 64)
				}
			}
		},
	}
}

func date(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 1, 0, time.UTC) }

const utcTime = "CAST(CONVERT_TZ(%s, @@session.time_zone, '+00:00') AS CHAR)"

func kinds() []kind {
	member := func(values ...string) func(*rand.Rand) string {
		return func(r *rand.Rand) string { return "'" + values[r.IntN(len(values))] + "'" }
	}
	first, last := date(1000, 1, 1), date(9999, 12, 31)
	return []kind{
		integer("i1", "TINYINT", math.MinInt8, math.MaxInt8), integer("u1", "TINYINT UNSIGNED", 0, math.MaxUint8),
		integer("i2", "SMALLINT", math.MinInt16, math.MaxInt16), integer("u2", "SMALLINT UNSIGNED", 0, math.MaxUint16),
		integer("i3", "MEDIUMINT", -1<<23, 1<<23-1), integer("u3", "MEDIUMINT UNSIGNED", 0, 1<<24-1),
		integer("i4", "INT", math.MinInt32, math.MaxInt32), integer("u4", "INT UNSIGNED", 0, math.MaxUint32),
		integer("i8", "BIGINT", math.MinInt64/2, math.MaxInt64/2),
		{name: "u8", sqlType: "BIGINT UNSIGNED", reading: "CAST(%s AS CHAR)", want: asNumber, literal: func(r *rand.Rand) string {
			return strconv.FormatUint(r.Uint64(), 10)
		}},
		decimals("d1", "DECIMAL(10,2)", 8, 2), decimals("d2", "DECIMAL(65,30)", 35, 30), decimals("d3", "DECIMAL(20,0)", 20, 0),
		floats("f", "FLOAT", "CAST(%s AS DOUBLE)", 32), floats("g", "DOUBLE", "CAST(%s AS CHAR)", 64),
		{name: "b", sqlType: "BIT(64)", reading: "CAST(CAST(%s AS UNSIGNED) AS CHAR)", want: asNumber, literal: func(r *rand.Rand) string {
			return strconv.FormatUint(r.Uint64()>>r.IntN(64), 10)
		}},
		{name: "y", sqlType: "YEAR", reading: "CAST(%s AS CHAR)", want: asNumber, literal: func(r *rand.Rand) string {
			return strconv.Itoa(1901 + r.IntN(255))
		}},
		moment("day", "DATE", "2006-01-02", "CAST(%s AS CHAR)", first, last),
		moment("dt0", "DATETIME", "2006-01-02 15:04:05", "CAST(%s AS CHAR)", first, last),
		moment("dt6", "DATETIME(6)", "2006-01-02 15:04:05.000000", "CAST(%s AS CHAR)", first, last),
		moment("ts3", "TIMESTAMP(3) NULL", "2006-01-02 15:04:05.000", utcTime, date(1971, 1, 1), date(2037, 12, 31)),
		{name: "tm", sqlType: "TIME(2)", reading: "CAST(%s AS CHAR)", want: asText, literal: func(r *rand.Rand) string {
			return fmt.Sprintf("'%s%d:%02d:%02d.%02d'", []string{"", "-"}[r.IntN(2)], r.IntN(838), r.IntN(60), r.IntN(60), 1+r.IntN(98))
		}},
		text("c", "CHAR(20)", "latin1", "aAzZ09éß€", 20), text("vc", "VARCHAR(20)", "utf8mb4", allLetters, 20),
		text("v1", "VARCHAR(20)", "latin1", latin1Letters, 20), text("va", "VARCHAR(20)", "ascii", asciiLetters, 20),
		text("v2", "VARCHAR(20)", "ucs2", bmpLetters, 20), text("v3", "VARCHAR(20)", "utf16", allLetters, 20),
		text("v4", "VARCHAR(20)", "utf8mb3", bmpLetters, 20), text("v5", "VARCHAR(20)", "latin2", asciiLetters+"ąłŞ", 20),
		text("tx", "TEXT", "utf8mb4", allLetters, 2000), text("tl", "LONGTEXT", "latin1", latin1Letters, 2000),
		{
			name: "e", sqlType: "ENUM('small','größer','it''s') CHARACTER SET utf8mb4", reading: "HEX(CONVERT(%s USING utf8mb4))", want: asHexText,
			literal: member("small", "größer", "it''s"),
		},
		{
			name: "s", sqlType: "SET('a','b','c') CHARACTER SET utf8mb4", reading: "HEX(CONVERT(%s USING utf8mb4))", want: asHexText,
			literal: member("", "a", "a,b", "c,b", "a,b,c"),
		},
		binary("bi", "BINARY(10)", 10), binary("vb", "VARBINARY(20)", 20), binary("bl", "BLOB", 2000), binary("lb", "LONGBLOB", 100),
		{
			name: "js", sqlType: "JSON", only: testbed.KindNDB, reading: "HEX(CONVERT(CAST(%s AS CHAR) USING utf8mb4))",
			want: func(text string) any { return json.RawMessage(fromHex(text)) }, literal: randomJSON,
		},
	}
}

func randomJSON(r *rand.Rand) string {
	document, err := json.Marshal(map[string]any{
		"n": r.Int64(), "f": r.NormFloat64(), "t": runes(r, 10, strings.ReplaceAll(allLetters, "\x00", "")), "l": []any{nil, true, r.IntN(5)},
	})
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("CONVERT(_utf8mb4 X'%X' USING utf8mb4)", document)
}

const rowsRead = 200

// TestRoundTrip: for random rows of every column type, the answer is what the server's command-line client reads.
func TestRoundTrip(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	onEach(t, func(t *testing.T, db testbed.Cluster) {
		r := rand.New(rand.NewPCG(seed, 0))
		var columns []kind
		for _, k := range kinds() {
			if k.only == "" || k.only == db.Kind() {
				columns = append(columns, k)
			}
		}
		// Servers do not run in UTC everywhere. TIMESTAMP is written and read at +05:30 by the client, in UTC by rongate.
		for _, n := range db.Nodes() {
			if _, err := n.Query(t.Context(), "SET GLOBAL time_zone = '+05:30'"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if _, err := n.Query(context.Background(), "SET GLOBAL time_zone = 'SYSTEM'"); err != nil {
					t.Error(err)
				}
			})
		}
		fillRoundTrip(t, db, r, columns)
		want := readRoundTrip(t, db, columns)
		g := startGateway(t, roundTripConfig(t, db, columns))
		got := askRoundTrip(t, g, len(columns))
		for row := range want {
			for i, k := range columns {
				if !same(got[row][i], want[row][i]) {
					t.Errorf("row %d, %s: got %s, want %v", row, k.sqlType, got[row][i], want[row][i])
				}
			}
		}
	})
}

func fillRoundTrip(t *testing.T, db testbed.Cluster, r *rand.Rand, columns []kind) {
	t.Helper()
	var script strings.Builder
	script.WriteString("SET NAMES utf8mb4; CREATE DATABASE IF NOT EXISTS rongate_trip; USE rongate_trip;\nDROP TABLE IF EXISTS every_1; CREATE TABLE every_1 (id INT PRIMARY KEY")
	for _, k := range columns {
		null := " NULL"
		if strings.HasSuffix(k.sqlType, "NULL") {
			null = ""
		}
		fmt.Fprintf(&script, ",\n  %s %s%s", k.name, k.sqlType, null)
	}
	fmt.Fprintf(&script, ") %s;\n", db.Engine())
	for row := range rowsRead {
		fmt.Fprintf(&script, "INSERT INTO every_1 VALUES (%d", row)
		for _, k := range columns {
			if r.IntN(10) == 0 {
				script.WriteString(",NULL")
			} else {
				script.WriteString("," + k.literal(r))
			}
		}
		script.WriteString(");\n")
	}
	execute(t, db, script.String())
}

// readRoundTrip is the independent reading.
func readRoundTrip(t *testing.T, db testbed.Cluster, columns []kind) [][]any {
	t.Helper()
	var list []string
	for _, k := range columns {
		list = append(list, fmt.Sprintf(k.reading, k.name))
	}
	rows, err := db.Query(t.Context(), "SELECT "+strings.Join(list, ", ")+" FROM rongate_trip.every_1 ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != rowsRead {
		t.Fatalf("%d rows", len(rows))
	}
	want := make([][]any, len(rows))
	for i, row := range rows {
		for j, cell := range row {
			var value any
			if !cell.Null {
				value = columns[j].want(cell.Text)
			}
			want[i] = append(want[i], value)
		}
	}
	return want
}

func roundTripConfig(t *testing.T, db testbed.Cluster, columns []kind) gatewayConfig {
	var names []string
	for _, k := range columns {
		names = append(names, k.name)
	}
	cfg := configFor(db)
	cfg.catalogue = writeCatalogue(t, `
featureStores:
  - name: rongate_trip
    featureGroups: [{name: every, version: 1}]
    featureViews:
      - {name: every, version: 1, joins: [{group: every, version: 1}], features: [`+strings.Join(names, ", ")+`]}
`)
	return cfg
}

func askRoundTrip(t *testing.T, g *gateway, features int) [][]json.RawMessage {
	t.Helper()
	var entries []string
	for row := range rowsRead {
		entries = append(entries, fmt.Sprintf(`{"id":%d}`, row))
	}
	status, body := g.post(`{"featureView":"every","entries":[` + strings.Join(entries, ",") + `]}`)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	var answer struct {
		Vectors [][]json.RawMessage
		Status  []string
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	for row, status := range answer.Status {
		if status != "COMPLETE" || len(answer.Vectors[row]) != features {
			t.Fatalf("row %d: %s, %d features", row, status, len(answer.Vectors[row]))
		}
	}
	return answer.Vectors
}

// same compares a JSON value with what the independent reading wants.
func same(got json.RawMessage, want any) bool {
	switch want := want.(type) {
	case nil:
		return string(got) == "null"
	case number:
		return string(got) == string(want)
	case string:
		var text string
		return json.Unmarshal(got, &text) == nil && text == want && got[0] == '"'
	case json.RawMessage:
		var a, b bytes.Buffer
		return json.Compact(&a, got) == nil && json.Compact(&b, want) == nil && a.String() == b.String()
	}
	return false
}
