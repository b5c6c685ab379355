package pool

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/rongate/rongate/column"
)

// resultRows is what the driver's results do besides what driver.Rows says.
type resultRows interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypePrecisionScale
}

var errTruncatedRow = errors.New("a row is shorter than its columns")

// untouched marks the first cell before a row is read into the cells. The driver gives io.EOF both for the end of the
// result and for a row that ends early, which would pass for the end and lose the rows after it; but it has written to
// the first cell then.
type untouched struct{}

// box converts the parameters to the types that the driver sends.
func (s *mysqlSession) box(args []column.Value) []driver.Value {
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

// feed passes a result to the sink and leaves the connection at its end, or broken.
func (s *mysqlSession) feed(rows driver.Rows, sink Sink) error {
	result := rows.(resultRows)
	s.describe(result)
	s.inSink = true
	err := sink.Columns(s.columns)
	s.inSink = false
	for err == nil {
		s.cells[0] = untouched{}
		if err := result.Next(s.cells); err != nil {
			return s.endOfRows(result, err)
		}
		if err := s.unbox(); err != nil {
			s.broken = true
			return fmt.Errorf("read a row: %w: %w", ErrBroken, err)
		}
		s.inSink = true
		err = sink.Row(s.values)
		s.inSink = false
	}
	s.skip(result)
	return err
}

// endOfRows tells the end of a result from a failure.
func (s *mysqlSession) endOfRows(rows driver.Rows, err error) error {
	if !errors.Is(err, io.EOF) {
		return s.failure("read a row", err)
	}
	if s.cells[0] != driver.Value(untouched{}) {
		s.broken = true
		return fmt.Errorf("read a row: %w: %w", ErrBroken, errTruncatedRow)
	}
	if err := rows.Close(); err != nil {
		return s.failure("end of the result", err)
	}
	return nil
}

// skip reads what is left of a result that the sink refused, if that does not take long.
func (s *mysqlSession) skip(rows driver.Rows) {
	if soon := time.Now().Add(skipTimeout); soon.Before(s.deadline) {
		if err := s.setDeadline(soon); err != nil {
			s.broken = true
			return
		}
	}
	if err := rows.Close(); err != nil {
		_ = s.failure("skip the rest", err)
	}
}

// describe prepares the scratch for a result's columns.
func (s *mysqlSession) describe(rows resultRows) {
	names := rows.Columns()
	s.columns, s.unsigned = s.columns[:0], s.unsigned[:0]
	for i, name := range names {
		typ := rows.ColumnTypeDatabaseTypeName(i)
		s.columns = append(s.columns, ResultColumn{Name: name, Type: typ, Scale: scaleOf(rows, i, typ)})
		s.unsigned = append(s.unsigned, strings.HasPrefix(typ, "UNSIGNED "))
	}
	n := max(len(names), 1) // feed marks the first cell even where there is none
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
func (s *mysqlSession) unbox() error {
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
