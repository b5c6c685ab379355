package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
	"github.com/rongate/rongate/vectors"
)

// store is the feature store, and the database that the benchmarks make.
const store = "rongate_bench"

var shared testbed.Shared

func TestMain(m *testing.M) { os.Exit(shared.Main(m).Run()) }

// A table has rows with the keys 1 to rows.
type table struct {
	name           string
	features, rows int
}

// create makes the tables that are not there yet.
func create(b testing.TB, db testbed.Cluster, tables ...table) {
	b.Helper()
	there := map[string]bool{}
	found, err := db.Query(context.Background(),
		"SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = '"+store+"'")
	if err != nil {
		b.Fatal(err)
	}
	for _, row := range found {
		there[row[0].Text] = true
	}
	var script strings.Builder
	if len(there) == 0 {
		fmt.Fprintf(&script, "CREATE DATABASE %s;\n%s", store, numbers(db.Engine()))
	}
	for _, t := range tables {
		if !there[t.name] {
			script.WriteString(t.create(db))
		}
	}
	if err := db.Exec(context.Background(), script.String()); err != nil {
		b.Fatal(err)
	}
}

// numbers makes the table that rows are made from: one column, 1 to 10,000.
func numbers(engine string) string {
	digits := "(SELECT 0 d" + strings.Repeat(" UNION ALL SELECT %d", 9) + ")"
	digits = fmt.Sprintf(digits, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	return fmt.Sprintf("CREATE TABLE %s.numbers (n INT PRIMARY KEY) %s;\n"+
		"INSERT INTO %s.numbers SELECT 1 + a.d + 10*b.d + 100*c.d + 1000*e.d FROM %s a, %s b, %s c, %s e;\n",
		store, engine, store, digits, digits, digits, digits)
}

// columns are the kinds of features, which come again and again: their types and what row n has.
func columns() []struct{ sql, value string } {
	return []struct{ sql, value string }{
		{"INT", "n*7"},
		{"BIGINT", "n*100000007"},
		{"DOUBLE", "n/3e0"},
		{"DOUBLE", "n/7e0"},
		{"FLOAT", "n/8e0"},
		{"VARCHAR(10)", "CONCAT('m-',n)"},
		{"VARCHAR(10)", "'SE'"},
		{"DECIMAL(12,2)", "n/100"},
		{"TIMESTAMP(3) NULL", "'2026-01-02 03:04:05.678'"},
		{"BIGINT", "n"},
	}
}

func (t table) create(db testbed.Cluster) string {
	var definition, values strings.Builder
	kinds := columns()
	for i := range t.features {
		kind := kinds[i%len(kinds)]
		fmt.Fprintf(&definition, "f%d %s, ", i, kind.sql)
		values.WriteString(", " + kind.value)
	}
	return fmt.Sprintf("CREATE TABLE %s.%s (id BIGINT, %s PRIMARY KEY (id) %s) %s;\n"+
		"INSERT INTO %s.%s SELECT n%s FROM %s.numbers WHERE n <= %d;\n",
		store, t.name, &definition, db.KeyOptions(), db.Engine(), store, t.name, &values, store, t.rows)
}

// features names the first n of a table.
func features(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("f%d", i)
	}
	return names
}

// A view takes features from some tables, all by the same key. From each but the first they have the table's name as
// prefix.
type view struct {
	name     string
	tables   []table
	features []string // of each table
}

// catalogue writes the catalogue of some views.
func catalogue(tables []table, views []view) string {
	var text strings.Builder
	fmt.Fprintf(&text, "featureStores:\n- name: %s\n  featureGroups:\n", store)
	for _, t := range tables {
		fmt.Fprintf(&text, "  - {name: %s, version: 1, table: %s}\n", t.name, t.name)
	}
	text.WriteString("  featureViews:\n")
	for _, v := range views {
		var joins, features []string
		for i, t := range v.tables {
			prefix := ""
			if i > 0 {
				prefix = t.name + "_"
			}
			joins = append(joins, fmt.Sprintf("{group: %s, version: 1, prefix: %q}", t.name, prefix))
			for _, f := range v.features {
				features = append(features, prefix+f)
			}
		}
		fmt.Fprintf(&text, "  - {name: %s, version: 1, joins: [%s], features: [%s]}\n",
			v.name, strings.Join(joins, ", "), strings.Join(features, ", "))
	}
	return text.String()
}

// address is where the first node's server itself listens: a proxy before it would count for everybody.
func address(b testing.TB, db testbed.Cluster) string {
	b.Helper()
	rows, err := db.Nodes()[0].Query(context.Background(), "SELECT @@port")
	if err != nil {
		b.Fatal(err)
	}
	return "127.0.0.1:" + rows[0][0].Text
}

// open returns a Service that answers from one node, over as many connections as rongate has by default.
func open(b testing.TB, db testbed.Cluster, catalogue string) *vectors.Service {
	b.Helper()
	reader, err := lookup.Open(lookup.Config{
		Nodes: []lookup.NodeConfig{{Address: address(b, db)}},
		Pool:  pool.Config{User: testbed.User},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := reader.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	path := filepath.Join(b.TempDir(), "catalog.yaml")
	if err := os.WriteFile(path, []byte(catalogue), 0o600); err != nil {
		b.Fatal(err)
	}
	c, err := catalog.Open(context.Background(), catalog.Config{Path: path, Describer: reader, Refresh: -1})
	if err != nil {
		b.Fatal(err)
	}
	c.Close() // nothing is altered; the snapshot stays
	service := vectors.New(vectors.Config{Deadline: time.Minute}, reader)
	if err := service.Use(c.Current()); err != nil {
		b.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		connections := reader.Stats().Nodes[0].Pool
		if connections.Size > 0 && connections.Free == connections.Size {
			return service
		}
		if time.Now().After(end) {
			b.Fatalf("the node does not get ready: %+v", connections)
		}
	}
}

// everything may be read.
type everything struct{}

func (everything) MayRead(*catalog.View) bool { return true }

func (everything) MayKnow(string, string) bool { return true }
func (everything) MayTell(string, string) bool { return true }

// appendBody writes a request for the entries with some keys.
func appendBody(dst []byte, view string, keys []int64) []byte {
	dst = fmt.Appendf(dst, `{"featureView":"%s","entries":[`, view)
	for i, key := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = fmt.Appendf(dst, `{"id":%d}`, key)
	}
	return append(dst, "]}"...)
}

// cpuTime is what this process has used. The servers are others.
func cpuTime(b testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
