package rows

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/pool"
)

// slice is how many statements one way has before it is the other's turn: short, so that what the machine does besides
// falls on both.
const slice = 20

// tableRows is how many rows there are to read.
const tableRows = 10_000

var shared testbed.Shared

func TestMain(m *testing.M) { os.Exit(shared.Main(m).Run()) }

// count is the cheapest Sink.
type count struct{ rows int }

func (*count) Columns([]pool.ResultColumn) error { return nil }

func (n *count) Row([]column.Value) error {
	n.rows++
	return nil
}

// BenchmarkRows reads rows of a key and ten columns by primary key. One operation is a statement of each way; what
// each takes is reported apart: CPU of this process in µs, time in µs, allocations.
func BenchmarkRows(b *testing.B) {
	for _, kind := range []testbed.Kind{testbed.KindMariaDB, testbed.KindNDB} {
		for _, keys := range []int{1, 10, 100} {
			b.Run(fmt.Sprintf("%s/keys=%d", kind, keys), func(b *testing.B) { compare(b, shared.Get(b, kind), keys) })
		}
	}
}

// compare runs both ways in turn.
func compare(b *testing.B, db testbed.Cluster, keys int) {
	prepare(b, db)
	ways := []*way{
		{name: "driver", conn: lease(b, db, pool.Config{Size: 1, DriverRows: true})},
		{name: "direct", conn: lease(b, db, pool.Config{Size: 1})},
	}
	reader := &reader{
		query: "SELECT * FROM bench_rows.t WHERE id IN (?" + strings.Repeat(",?", keys-1) + ")",
		args:  make([]column.Value, keys),
	}
	for _, w := range ways {
		w.run(b, reader, slice) // prepares the statement
		w.cpu, w.time, w.allocations = 0, 0, 0
	}
	b.ResetTimer()
	done := 0
	for done < b.N {
		n := min(slice, b.N-done)
		for _, w := range ways {
			w.run(b, reader, n)
		}
		done += n
	}
	b.StopTimer()
	for _, w := range ways {
		b.ReportMetric(float64(w.cpu.Nanoseconds())/1e3/float64(b.N), w.name+"-cpu-µs")
		b.ReportMetric(float64(w.time.Nanoseconds())/1e3/float64(b.N), w.name+"-µs")
		b.ReportMetric(float64(w.allocations)/float64(b.N), w.name+"-allocs")
	}
	b.ReportMetric(float64(ways[0].cpu)/float64(ways[1].cpu), "cpu-ratio")
}

// way is one way of reading, and what it has taken.
type way struct {
	name        string
	conn        *pool.Conn
	cpu, time   time.Duration
	allocations uint64
}

// reader is what both read.
type reader struct {
	query string
	args  []column.Value
	next  int64
}

func (w *way) run(b *testing.B, r *reader, n int) {
	sink := &count{}
	allocations, cpu, start := mallocs(), cpuTime(b), time.Now()
	for range n {
		for i := range r.args {
			r.next += 7919 // a prime, so that every row has its turn
			r.args[i] = column.IntValue(r.next%tableRows + 1)
		}
		if err := w.conn.Select(time.Now().Add(time.Minute), r.query, r.args, sink); err != nil {
			b.Fatal(err)
		}
	}
	w.time += time.Since(start)
	w.cpu += cpuTime(b) - cpu
	w.allocations += mallocs() - allocations
	if sink.rows != n*len(r.args) {
		b.Fatalf("%d rows of %d statements", sink.rows, n)
	}
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// cpuTime is what this process has used.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func prepare(b *testing.B, db testbed.Cluster) {
	var insert strings.Builder
	for first := 1; first <= tableRows; first += 500 {
		insert.WriteString("INSERT INTO bench_rows.t VALUES ")
		for id := first; id < first+500; id++ {
			fmt.Fprintf(&insert, "(%d,%d,%d,%d,%g,%g,%g,'m-%d','SE',%g,'2026-01-02 03:04:05.678'),",
				id, id, id*7, id*100_000, float64(id)/3, float64(id)/7, float64(id)/8, id, float64(id)/100)
		}
		insert.WriteString(";")
	}
	script := `DROP DATABASE IF EXISTS bench_rows; CREATE DATABASE bench_rows; CREATE TABLE bench_rows.t (
		id BIGINT PRIMARY KEY, a INT, b INT, c BIGINT, d DOUBLE, e DOUBLE, f FLOAT, g VARCHAR(20), h VARCHAR(20),
		i DECIMAL(12,2), j TIMESTAMP(3)) ` + db.Engine() + ";" + strings.ReplaceAll(insert.String(), "),;", ");")
	if err := db.Nodes()[0].Exec(context.Background(), script); err != nil {
		b.Fatal(err)
	}
}

// lease opens a pool to the first node, past its proxy, and takes its connection.
func lease(b *testing.B, db testbed.Cluster, cfg pool.Config) *pool.Conn {
	rows, err := db.Nodes()[0].Query(context.Background(), "SELECT @@port")
	if err != nil {
		b.Fatal(err)
	}
	cfg.Address, cfg.User = "127.0.0.1:"+rows[0][len(rows[0])-1].Text, testbed.User
	cfg.KeepAlive = -1
	p, err := pool.Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		c := p.TryAcquire()
		if c == nil {
			continue
		}
		b.Cleanup(func() {
			c.Release()
			if err := p.Close(context.Background()); err != nil {
				b.Error(err)
			}
		})
		return c
	}
	b.Fatalf("no connection: %+v", p.Stats())
	return nil
}
