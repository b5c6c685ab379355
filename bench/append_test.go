package bench

import (
	"bufio"
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/valyala/fasthttp"

	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/server"
	"github.com/rongate/rongate/vectors"
)

const (
	batch      = 10     // entries of a request
	keyCount   = 10_000 // rows that they are drawn from
	warmRounds = 100    // before anything counts: statements are prepared, buffers grown, caches filled
)

// BenchmarkAppendBesideDriver asks for ten rows of ten features in three ways: by the bare driver, by Service.Append, and
// by a request to the server package over a kept connection. They take turns, one at a time, each round for keys that are
// drawn for it, the first of a round being another each time; so whatever the machine does besides falls on all. One
// operation is a round. Percentiles are of each way's own times, and what is added is the difference between two
// percentiles.
func BenchmarkAppendBesideDriver(b *testing.B) {
	for _, kind := range []testbed.Kind{testbed.KindMariaDB, testbed.KindNDB} {
		b.Run(string(kind), func(b *testing.B) { besideDriver(b, shared.Get(b, kind)) })
	}
}

func besideDriver(b *testing.B, db testbed.Cluster) {
	t := table{name: "rows", features: 10, rows: keyCount}
	create(b, db, t)
	service := open(b, db, catalogue([]table{t}, []view{{name: "v", tables: []table{t}, features: features(10)}}))
	ways := []*way{
		{name: "driver", asker: newDriverAsker(b, db, t)},
		{name: "append", asker: &appendAsker{service: service}},
		{name: "http", asker: newHTTPAsker(b, service)},
	}
	round := 0
	run := func() {
		keys := draw(batch, keyCount)
		for i := range ways {
			ways[(i+round)%len(ways)].ask(b, keys)
		}
		round++
	}
	for range warmRounds {
		run()
	}
	for _, w := range ways {
		w.took = w.took[:0]
	}
	for b.Loop() {
		run()
	}
	report(b, ways)
}

// report has the percentiles of every way, and of those after the first what they add to it.
func report(b *testing.B, ways []*way) {
	b.ReportMetric(0, "ns/op") // of all ways together: of no use
	for _, percent := range []int{50, 99} {
		bare := ways[0].percentile(percent)
		for i, w := range ways {
			p := w.percentile(percent)
			b.ReportMetric(microseconds(p), fmt.Sprintf("%s-p%d-µs", w.name, percent))
			if i > 0 {
				b.ReportMetric(microseconds(p-bare), fmt.Sprintf("%s-added-p%d-µs", w.name, percent))
			}
		}
	}
}

// draw returns n distinct keys of those from 1 to last.
func draw(n int, last int64) []int64 {
	keys := make([]int64, 0, n)
	for len(keys) < n {
		if key := 1 + rand.Int64N(last); !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// An asker asks for rows in one way.
type asker interface {
	prepare(keys []int64) // what does not count
	ask() error
	check() error // whether the latest answer had all that was asked for
}

// A way is one of those that are compared, with the times that it took.
type way struct {
	name  string
	asker asker
	took  []time.Duration
}

func (w *way) ask(b *testing.B, keys []int64) {
	w.asker.prepare(keys)
	start := time.Now()
	err := w.asker.ask()
	w.took = append(w.took, time.Since(start))
	if err == nil {
		err = w.asker.check()
	}
	if err != nil {
		b.Fatalf("%s: %v", w.name, err)
	}
}

// percentile is the least time that so many per cent of all did not exceed.
func (w *way) percentile(percent int) time.Duration {
	sorted := slices.Sorted(slices.Values(w.took))
	return sorted[(len(sorted)*percent+99)/100-1]
}

// driverAsker has the driver execute a prepared statement and read its rows, and does nothing with them.
type driverAsker struct {
	statement driver.Stmt
	args      []driver.Value
	row       []driver.Value
	rows      int
}

func newDriverAsker(b *testing.B, db testbed.Cluster, t table) *driverAsker {
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User = "tcp", address(b, db), testbed.User
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		b.Fatal(err)
	}
	conn, err := connector.Connect(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	statement, err := conn.Prepare(fmt.Sprintf("SELECT id,%s FROM %s.%s WHERE id IN (?%s)",
		strings.Join(features(t.features), ","), store, t.name, strings.Repeat(",?", batch-1)))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := errors.Join(statement.Close(), conn.Close()); err != nil {
			b.Error(err)
		}
	})
	return &driverAsker{
		statement: statement, args: make([]driver.Value, batch), row: make([]driver.Value, 1+t.features),
	}
}

func (a *driverAsker) prepare(keys []int64) {
	for i, key := range keys {
		a.args[i] = key
	}
}

func (a *driverAsker) ask() error {
	rows, err := a.statement.Query(a.args) //nolint:staticcheck // the shorter way: without a context to be watched
	if err != nil {
		return err
	}
	for a.rows = 0; ; a.rows++ {
		if err = rows.Next(a.row); err != nil {
			break
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, rows.Close())
}

func (a *driverAsker) check() error {
	if a.rows != batch {
		return fmt.Errorf("%d rows", a.rows)
	}
	return nil
}

// appendAsker calls the Service.
type appendAsker struct {
	service      *vectors.Service
	body, answer []byte
}

func (a *appendAsker) prepare(keys []int64) { a.body = appendBody(a.body[:0], "v", keys) }

func (a *appendAsker) ask() error {
	answer, err := a.service.Append(a.answer[:0], &vectors.Request{
		Body: a.body, Received: time.Now(), Access: everything{},
	})
	if err != nil {
		return err
	}
	a.answer = answer
	return nil
}

func (a *appendAsker) check() error { return checkComplete(a.answer, batch) }

func checkComplete(answer []byte, entries int) error {
	if n := bytes.Count(answer, []byte(`"COMPLETE"`)); n != entries {
		return fmt.Errorf("%d complete vectors in %.300s", n, answer)
	}
	return nil
}

// httpAsker sends requests over one connection to a server in this process.
type httpAsker struct {
	conn       net.Conn
	in         *bufio.Reader
	body, wire []byte
	resp       fasthttp.Response
}

func newHTTPAsker(b *testing.B, service *vectors.Service) *httpAsker {
	s, err := server.New(server.Config{Deadline: time.Minute}, service)
	if err != nil {
		b.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := errors.Join(conn.Close(), s.Shutdown(context.Background()), <-served); err != nil {
			b.Error(err)
		}
	})
	return &httpAsker{conn: conn, in: bufio.NewReader(conn)}
}

func (a *httpAsker) prepare(keys []int64) {
	a.body = appendBody(a.body[:0], "v", keys)
	a.wire = fmt.Appendf(a.wire[:0], "POST /feature-vectors HTTP/1.1\r\nHost: rongate\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(a.body), a.body)
}

func (a *httpAsker) ask() error {
	if _, err := a.conn.Write(a.wire); err != nil {
		return err
	}
	a.resp.Reset()
	return a.resp.Read(a.in)
}

func (a *httpAsker) check() error {
	if status := a.resp.StatusCode(); status != fasthttp.StatusOK {
		return fmt.Errorf("%d %.300s", status, a.resp.Body())
	}
	return checkComplete(a.resp.Body(), batch)
}
