package devdb

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const benchRows = 100_000

// benchTable is a table of twelve columns, two of them the key.
const benchTable = `CREATE DATABASE d; USE d;
	CREATE TABLE one (id BIGINT PRIMARY KEY, a DOUBLE, b DOUBLE, c INT, d INT, e BIGINT, f DECIMAL(12,2), g VARCHAR(20),
		h VARCHAR(2), i TINYINT, j TIMESTAMP(3) NULL, k DOUBLE);
	CREATE TABLE two (x BIGINT, y VARCHAR(10) COLLATE utf8mb4_general_ci, v INT, PRIMARY KEY (x, y));`

func fillBench(t testing.TB, db *DB) {
	exec(t, db, benchTable)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	load(t, db, "one", benchRows, func(i int) []any {
		return []any{
			i, float64(i) / 3, float64(i) * 1.5, i % 1000, -i, int64(i) << 20, fmt.Sprintf("%d.25", i), fmt.Sprint("merchant-", i),
			"SE", i % 2, at.Add(time.Duration(i) * time.Second), 0.5,
		}
	})
	load(t, db, "two", benchRows, func(i int) []any { return []any{i, fmt.Sprint("m-", i), i} })
}

// TestMemory: the rows of the demo fit into what a small machine has to spare.
func TestMemory(t *testing.T) {
	db := start(t)
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, begun := heap(), time.Now()
	fillBench(t, db)
	took, used := time.Since(begun), heap()-before
	t.Logf("%d rows of 12 and of 3 columns: %d MB, loaded in %v", benchRows, used>>20, took)
	if used > 150<<20 {
		t.Errorf("%d MB", used>>20)
	}
}

func BenchmarkReads(b *testing.B) {
	db := start(b)
	fillBench(b, db)
	list := func(s string, n int) string { return s + strings.Repeat(","+s, n-1) }
	const columns = "SELECT id,a,b,c,d,e,f,g,h,i,j FROM d.one WHERE id "
	one := func(i int) []any { return []any{i % benchRows} }
	hundred := func(i int) []any {
		args := make([]any, 100)
		for n := range args {
			args[n] = (i*7919 + n*997) % benchRows
		}
		return args
	}
	pairs := func(i int) []any {
		args := make([]any, 0, 200)
		for _, id := range hundred(i) {
			args = append(args, id, fmt.Sprint("M-", id))
		}
		return args
	}
	for _, bench := range []struct {
		name, statement string
		args            func(i int) []any
		rows            int
	}{
		{"1", columns + "= ?", one, 1},
		{"IN100", columns + "IN (" + list("?", 100) + ")", hundred, 100},
		{"TupleIN100", "SELECT x,y,v FROM d.two WHERE (x,y) IN (" + list("(?,?)", 100) + ")", pairs, 100},
	} {
		for _, clients := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s/clients=%d", bench.name, clients), func(b *testing.B) {
				var next atomic.Int64
				b.SetParallelism((clients + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
				if clients == 1 {
					b.SetParallelism(1)
				}
				client := dial(b, db, clients%3, false)
				client.SetMaxOpenConns(clients)
				client.SetMaxIdleConns(clients)
				prepared, err := client.Prepare(bench.statement)
				if err != nil {
					b.Fatal(err)
				}
				defer prepared.Close()
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						rows, err := prepared.Query(bench.args(int(next.Add(1)))...)
						if err != nil {
							b.Error(err)
							return
						}
						n := 0
						for rows.Next() {
							n++
						}
						if rows.Err() != nil || n != bench.rows {
							b.Errorf("%d rows, %v", n, rows.Err())
						}
						_ = rows.Close()
					}
				})
			})
		}
	}
}
