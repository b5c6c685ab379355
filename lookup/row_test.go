package lookup

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-json"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/pool"
)

// everyColumn has a key and a column of every kind.
func everyColumn(tb testing.TB) *catalog.Select {
	tb.Helper()
	text := func(name, dataType, columnType string) column.Def {
		return column.Def{
			Name: name, DataType: dataType, ColumnType: columnType, CharMaxLength: 20,
			Charset: "utf8mb4", Collation: "utf8mb4_general_ci",
		}
	}
	var columns []*column.Column
	for _, d := range []column.Def{
		{Name: "id", DataType: "bigint", ColumnType: "bigint unsigned", NumericPrecision: 20},
		text("name", "varchar", "varchar(20)"),
		{Name: "i", DataType: "int", ColumnType: "int", NumericPrecision: 10},
		{Name: "dec", DataType: "decimal", ColumnType: "decimal(10,2)", NumericPrecision: 10, NumericScale: 2},
		{Name: "f", DataType: "float", ColumnType: "float", NumericPrecision: 12},
		{Name: "d", DataType: "double", ColumnType: "double", NumericPrecision: 22},
		{Name: "b", DataType: "bit", ColumnType: "bit(40)", NumericPrecision: 40},
		{Name: "y", DataType: "year", ColumnType: "year"},
		{Name: "date", DataType: "date", ColumnType: "date"},
		{Name: "dt", DataType: "datetime", ColumnType: "datetime(3)", DatetimePrecision: 3},
		{Name: "tm", DataType: "time", ColumnType: "time"},
		text("c", "char", "char(20)"), text("t", "text", "text"),
		text("e", "enum", "enum('a','b')"), text("s", "set", "set('a','b')"),
		{Name: "vb", DataType: "varbinary", ColumnType: "varbinary(20)", CharMaxLength: 20},
		{Name: "bl", DataType: "blob", ColumnType: "blob", CharMaxLength: 65535},
		{Name: "js", DataType: "json", ColumnType: "json"},
		{Name: "ts", DataType: "timestamp", ColumnType: "timestamp(6)", DatetimePrecision: 6},
	} {
		c, err := column.New(d)
		if err != nil {
			tb.Fatal(err)
		}
		columns = append(columns, c)
	}
	return &catalog.Select{
		Group:   &catalog.Group{Table: catalog.TableName{Database: "db", Name: "t"}, Key: columns[:2]},
		Columns: columns[2:], EventTime: len(columns) - 3,
	}
}

// values cuts fuzz input into values of all kinds.
func values(data []byte, n int) []column.Value {
	vs := make([]column.Value, n)
	for i := range vs {
		if len(data) == 0 {
			continue
		}
		kind := data[0] % 6
		data = data[1:]
		var word [8]byte
		used := copy(word[:], data)
		bits := binary.LittleEndian.Uint64(word[:])
		switch kind {
		case 0:
			continue
		case 1:
			vs[i] = column.IntValue(int64(bits))
		case 2:
			vs[i] = column.UintValue(bits)
		case 3:
			vs[i] = column.Float32Value(math.Float32frombits(uint32(bits)))
		case 4:
			vs[i] = column.Float64Value(math.Float64frombits(bits))
		case 5:
			if used = 0; len(data) > 0 {
				used = min(len(data), 1+int(data[0]%24))
				vs[i] = column.BytesValue(data[1:used])
			}
		}
		data = data[used:]
	}
	return vs
}

// FuzzRows: whatever a server sends as rows, the block holds valid JSON or the statement fails, and no key gets a row that
// does not exist.
func FuzzRows(f *testing.F) {
	f.Add([]byte("\x05\x04key1"), []byte("\x02\x07\x00\x00\x00\x00\x00\x00\x00\x05\x05key1\x00\x00"), []byte{})
	f.Add([]byte("\x05\x05k\xc3\xa91"), []byte("\x01\x07\x00\x00\x00\x00\x00\x00\x00\x05\x05KEY1"), []byte("\x05\x03abc"))
	plan := compile(everyColumn(f), 1)
	f.Fuzz(func(t *testing.T, name, first, second []byte) {
		s := &statement{}
		s.reset(plan, 1<<20)
		for _, text := range [][]byte{name, []byte("key1")} {
			key, err := plan.columns[0].AppendKey(nil, column.Literal{Kind: column.LiteralNumber, Text: []byte("7")})
			if err != nil {
				t.Fatal(err)
			}
			key, err = plan.columns[1].AppendKey(key, column.Literal{Kind: column.LiteralString, Text: text})
			if err != nil {
				return
			}
			s.add(key)
		}
		b := &block{width: len(plan.sel.Columns)}
		err := s.execute(rowsConn{[][]column.Value{
			values(first, len(plan.columns)), values(second, len(plan.columns)),
		}}, b)
		if err != nil {
			if !errors.Is(err, errDefinition) && !errors.Is(err, ErrTooLarge) {
				t.Errorf("an unexpected error: %v", err)
			}
			return
		}
		for _, row := range b.answers {
			if row < rowUndecided || row >= int32(b.rows) {
				t.Errorf("row %d of %d", row, b.rows)
			}
		}
		for row := range b.rows {
			for cell := range b.width {
				if text := b.cells(row, cell, 1); !json.Valid(text) {
					t.Errorf("%s is not JSON: %q", plan.sel.Columns[cell].SQLType, text)
				}
			}
		}
	})
}

// rowsConn answers every statement with the same rows.
type rowsConn struct{ rows [][]column.Value }

func (c rowsConn) Select(_ time.Time, _ string, _ []column.Value, sink pool.Sink) error {
	for _, row := range c.rows {
		if err := sink.Row(row); err != nil {
			return err
		}
	}
	return nil
}

func (rowsConn) Forget(string) {}
func (rowsConn) Broken() bool  { return false }
func (rowsConn) Detach() bool  { return false }
func (rowsConn) Release()      {}

// refusing answers every statement with an error and counts them.
type refusing struct {
	rowsConn
	err   error
	asked int
}

func (c *refusing) Select(time.Time, string, []column.Value, pool.Sink) error {
	c.asked++
	return c.err
}

// TestWarm: a table that cannot be read keeps no connection from the others; a connection or a cluster that fails does.
func TestWarm(t *testing.T) {
	sel := everyColumn(t)
	for _, tc := range []struct {
		name  string
		err   error
		fails bool
		stale int
	}{
		{"all is well", nil, false, 0},
		{"no privilege", &pool.ServerError{Number: 1142}, false, 0},
		{"no table", &pool.ServerError{Number: 1146}, false, 2},
		{"connection lost", pool.ErrBroken, true, 0},
		{"cluster not ready", &pool.ServerError{Number: 1297, NDB: 4009}, true, 0},
	} {
		stale := 0
		r, err := Open(Config{Nodes: []NodeConfig{{Address: "a"}}, OnStale: func(catalog.TableName) { stale++ }})
		if err != nil {
			t.Fatal(err)
		}
		r.plans.Store(&[]*Plan{compile(sel, 1), compile(sel, 1)})
		c := &refusing{err: tc.err}
		if err := r.warm(c); (err != nil) != tc.fails || stale != tc.stale || !tc.fails && c.asked != 2 {
			t.Errorf("%s: %v after %d statements, %d stale", tc.name, err, c.asked, stale)
		}
	}
}

// stalling answers for every table but one, on which the connection's time is up.
type stalling struct {
	rowsConn
	table string
	asked []string
}

func (c *stalling) Select(_ time.Time, query string, _ []column.Value, _ pool.Sink) error {
	c.asked = append(c.asked, query)
	if strings.Contains(query, c.table) {
		return pool.ErrTimeout
	}
	return nil
}

// TestWarmPassesOverStalledTable: a locked table fails one warm-up; then connections serve the others. Where there is no
// other, the connection does not serve.
func TestWarmPassesOverStalledTable(t *testing.T) {
	r, err := Open(Config{Nodes: []NodeConfig{{Address: "a"}}})
	if err != nil {
		t.Fatal(err)
	}
	locked, other := everyColumn(t), everyColumn(t)
	locked.Group.Table.Name = "locked"
	r.plans.Store(&[]*Plan{compile(locked, 1), compile(other, 1)})
	c := &stalling{table: "locked"}
	if err := r.warm(c); !errors.Is(err, pool.ErrTimeout) {
		t.Errorf("the first warm-up: %v", err)
	}
	if err := r.warm(c); err != nil || len(c.asked) != 2 || strings.Contains(c.asked[1], "locked") {
		t.Errorf("the second warm-up: %v after %q", err, c.asked)
	}
	r.plans.Store(&[]*Plan{compile(locked, 1)})
	if err := r.warm(c); !errors.Is(err, pool.ErrTimeout) {
		t.Errorf("with nothing but the stalled table: %v", err)
	}
}
