package lookup

import (
	"testing"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
)

// BenchmarkRow adds rows of a key and 16 columns, of the types that features mostly have, to a block.
func BenchmarkRow(b *testing.B) {
	var columns []*column.Column
	var row []column.Value
	add := func(d column.Def, v column.Value) {
		c, err := column.New(d)
		if err != nil {
			b.Fatal(err)
		}
		columns, row = append(columns, c), append(row, v)
	}
	text := func(s string) column.Value { return column.BytesValue([]byte(s)) }
	add(column.Def{Name: "id", DataType: "bigint", ColumnType: "bigint", NumericPrecision: 19}, column.IntValue(4711))
	for range 4 {
		add(column.Def{Name: "d", DataType: "double", ColumnType: "double", NumericPrecision: 22}, column.Float64Value(1825.25))
		add(column.Def{Name: "i", DataType: "int", ColumnType: "int unsigned", NumericPrecision: 10}, column.UintValue(300))
	}
	for range 2 {
		add(column.Def{
			Name: "dec", DataType: "decimal", ColumnType: "decimal(12,2)", NumericPrecision: 12, NumericScale: 2,
		}, text("123456.78"))
		add(column.Def{
			Name: "v", DataType: "varchar", ColumnType: "varchar(40)", CharMaxLength: 40,
			Charset: "utf8mb4", Collation: "utf8mb4_bin",
		}, text("Stockholm"))
		add(column.Def{
			Name: "t", DataType: "timestamp", ColumnType: "timestamp(3)", DatetimePrecision: 3,
		}, text("2026-01-02 03:04:05.678"))
		add(column.Def{Name: "n", DataType: "double", ColumnType: "double", NumericPrecision: 22}, column.Null())
	}
	plan := compile(&catalog.Select{
		Group:   &catalog.Group{Table: catalog.TableName{Database: "db", Name: "t"}, Key: columns[:1]},
		Columns: columns[1:], EventTime: -1,
	}, 1)
	s := &statement{}
	s.reset(plan, 1<<30)
	enc, err := columns[0].AppendKeyValue(nil, row[0])
	if err != nil {
		b.Fatal(err)
	}
	s.add(enc)
	block := &block{width: len(columns) - 1}
	s.prepare(block)
	b.ReportAllocs()
	for b.Loop() {
		block.rows, block.data, block.ends, block.events = 0, block.data[:0], block.ends[:0], block.events[:0]
		block.answers[0] = rowMissing
		if err := s.Row(row); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*block.width), "ns/cell")
}
