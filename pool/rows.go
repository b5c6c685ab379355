package pool

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/rongate/rongate/column"
)

// driverStatement is a statement of the driver's.
type driverStatement struct {
	driver.Stmt
	args    []column.Value // that Receive is to send
	rows    resultRows     // those that are being read
	scratch *driverScratch
}

// driverScratch is what the statements of a session use one after the other.
type driverScratch struct {
	args     []driver.Value
	cells    []driver.Value
	values   []column.Value
	columns  []ResultColumn
	unsigned []bool // by column: integers become column.UintValue
}

// querier is what the driver's statements do besides what driver.Stmt says: no context, because statements are not
// cancelled, and no named values, which the driver would copy.
type querier interface {
	Query(args []driver.Value) (driver.Rows, error)
}

// resultRows is what the driver's results do besides what driver.Rows says.
type resultRows interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypePrecisionScale
}

// Send leaves it to Receive: the driver does both at once.
func (d *driverStatement) Send(args []column.Value) error {
	d.args = args
	return nil
}

// Spent is always so: the driver closes its connection.
func (d *driverStatement) Spent() bool { return true }

func (d *driverStatement) Receive() error {
	s := d.scratch
	rows, err := d.Stmt.(querier).Query(s.box(d.args))
	d.args = nil
	clear(s.args)
	if err != nil {
		return err
	}
	d.rows = rows.(resultRows)
	s.describe(d.rows)
	return nil
}

func (d *driverStatement) Columns() []ResultColumn { return d.scratch.columns }

func (d *driverStatement) Skip() error { return d.rows.Close() }

var errTruncatedRow = errors.New("a row is shorter than its columns")

// untouched marks the first cell before a row is read into the cells. The driver gives io.EOF both for the end of the
// result and for a row that ends early, which would pass for the end and lose the rows after it; but it has written to
// the first cell then.
type untouched struct{}

func (d *driverStatement) Next() ([]column.Value, error) {
	s := d.scratch
	s.cells[0] = untouched{}
	switch err := d.rows.Next(s.cells); {
	case err == nil:
		return s.values, s.unbox()
	case !errors.Is(err, io.EOF):
		return nil, err
	case s.cells[0] != driver.Value(untouched{}):
		return nil, errTruncatedRow
	}
	// The last row's bytes may be in a buffer that the driver has given up.
	clear(s.cells[:cap(s.cells)])
	clear(s.values[:cap(s.values)])
	if err := d.rows.Close(); err != nil {
		return nil, err
	}
	return nil, io.EOF
}

// box converts the parameters to the types that the driver sends.
func (s *driverScratch) box(args []column.Value) []driver.Value {
	s.args = s.args[:0]
	for _, arg := range args {
		s.args = append(s.args, boxed(arg))
	}
	return s.args
}

func boxed(v column.Value) driver.Value {
	if b, ok := v.Bytes(); ok {
		if b == nil {
			return []byte{} // the driver sends a nil slice as NULL
		}
		return b
	}
	if i, ok := v.Int(); ok {
		return i
	}
	if u, ok := v.Uint(); ok {
		return u
	}
	if f, ok := v.Float64(); ok {
		return f
	}
	if f, ok := v.Float32(); ok {
		return float64(f)
	}
	return nil
}

// describe prepares the scratch for a result's columns.
func (s *driverScratch) describe(rows resultRows) {
	names := rows.Columns()
	s.columns, s.unsigned = s.columns[:0], s.unsigned[:0]
	for i, name := range names {
		typ := rows.ColumnTypeDatabaseTypeName(i)
		s.columns = append(s.columns, ResultColumn{Name: name, Type: typ, Scale: scaleOf(rows, i, typ)})
		s.unsigned = append(s.unsigned, strings.HasPrefix(typ, "UNSIGNED "))
	}
	n := max(len(names), 1) // Next marks the first cell even where there is none
	if cap(s.cells) < n {
		s.cells, s.values = make([]driver.Value, n), make([]column.Value, n)
	}
	s.cells, s.values = s.cells[:n], s.values[:len(names)]
}

// anyScale is what the protocol says for a number of decimals that is not fixed. The driver writes times of that scale
// without a fraction.
const anyScale = 0x1f

func scaleOf(rows resultRows, i int, typ string) int {
	switch typ {
	case "DECIMAL", "DATETIME", "TIMESTAMP", "TIME":
	default:
		return -1
	}
	_, scale, ok := rows.ColumnTypePrecisionScale(i)
	if !ok || scale == math.MaxInt64 {
		return -1
	}
	if scale == anyScale && typ != "DECIMAL" {
		return 0
	}
	return int(scale)
}

// unbox converts a row. Bytes alias the driver's read buffer, which the next read overwrites.
func (s *driverScratch) unbox() error {
	for i := range s.values {
		v, err := unboxed(s.cells[i], s.unsigned[i])
		if err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
		s.values[i] = v
	}
	return nil
}

func unboxed(v driver.Value, unsigned bool) (column.Value, error) {
	switch v := v.(type) {
	case nil:
		return column.Null(), nil
	case int64:
		if unsigned {
			return column.UintValue(uint64(v)), nil
		}
		return column.IntValue(v), nil
	case []byte:
		if unsigned { // the driver renders what an int64 cannot hold as text
			u, err := strconv.ParseUint(string(v), 10, 64)
			if err != nil {
				return column.Value{}, fmt.Errorf("not an unsigned integer: %w", err)
			}
			return column.UintValue(u), nil
		}
		return column.BytesValue(v), nil
	case float32:
		return column.Float32Value(v), nil
	case float64:
		return column.Float64Value(v), nil
	}
	return column.Value{}, fmt.Errorf("unexpected driver type %T", v)
}
