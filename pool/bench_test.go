package pool

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rongate/rongate/column"
)

// count is the cheapest Sink.
type count struct{ rows int }

func (*count) Columns([]ResultColumn) error { return nil }

func (n *count) Row([]column.Value) error {
	n.rows++
	return nil
}

// BenchmarkSelect reads rows of a key and ten columns by primary key, past the proxy.
func BenchmarkSelect(b *testing.B) {
	_, n := node(b)
	exec(b, n, `CREATE DATABASE IF NOT EXISTS bench; CREATE OR REPLACE TABLE bench.t (
			id BIGINT PRIMARY KEY, a INT, b INT, c BIGINT, d DOUBLE, e DOUBLE, f FLOAT,
			g VARCHAR(20), h VARCHAR(20), i DECIMAL(12,2), j TIMESTAMP(3));
		INSERT INTO bench.t SELECT seq, seq, seq*7, seq*100000, seq/3, seq/7, seq/9, CONCAT('m-', seq), 'SE', seq/100,
			'2026-01-02 03:04:05.678' FROM bench.seq_1_to_10000`)
	for _, keys := range []int{1, 100} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			c := lease(b, openOn(b, "127.0.0.1:"+query1(b, n, "SELECT @@port"), Config{Size: 1}))
			defer c.Release()
			query := "SELECT * FROM bench.t WHERE id IN (?" + strings.Repeat(",?", keys-1) + ")"
			args := make([]column.Value, keys)
			sink := &count{}
			next := int64(0)
			b.ReportAllocs()
			for b.Loop() {
				for i := range args {
					next++
					args[i] = column.IntValue(next%10_000 + 1)
				}
				if err := c.Select(time.Now().Add(time.Second), query, args, sink); err != nil {
					b.Fatal(err)
				}
			}
			if sink.rows != b.N*keys {
				b.Fatalf("%d rows of %d statements", sink.rows, b.N)
			}
		})
	}
}

// BenchmarkLease is TryAcquire and Release on a pool of two connections that pings nobody.
func BenchmarkLease(b *testing.B) {
	nobody := &fakeNode{}
	p := newPool(Config{Size: 2, KeepAlive: never, Lifetime: never, IdleLimit: never}.withDefaults())
	p.dial = nobody.dial
	go p.run()
	defer func() { _ = p.Close(context.Background()) }()
	await(b, p, "two connections", func() bool { return p.Stats().Free == 2 })
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.TryAcquire().Release()
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if c := p.TryAcquire(); c != nil {
					c.Release()
				}
			}
		})
	})
	b.Run("up", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !p.Up() {
				b.Fatal("down")
			}
		}
	})
}
