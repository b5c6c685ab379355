package hopsworks

import (
	"fmt"
	"strconv"

	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/pool"
)

// maxRows bounds the rows of one answer: a hundred times what a large installation has.
const maxRows = 10_000_000

// scan collects the rows of an answer, each made by one function.
type scan[T any] struct {
	columns int
	make    func(row) (T, error)
	found   []T
}

func (s *scan[T]) reset() { s.found = nil }

func (s *scan[T]) Columns(columns []pool.ResultColumn) error {
	if len(columns) != s.columns {
		return fmt.Errorf("%d columns where %d were asked for", len(columns), s.columns)
	}
	return nil
}

func (s *scan[T]) Row(values []column.Value) error {
	if len(s.found) == maxRows {
		return fmt.Errorf("more than %d rows", maxRows)
	}
	one, err := s.make(row(values))
	if err != nil {
		return err
	}
	s.found = append(s.found, one)
	return nil
}

// A row is one of an answer. Its cells are valid until the next one, what its methods return for good.
type row []column.Value

// text is a cell as text; NULL is empty.
func (r row) text(i int) string {
	if b, ok := r[i].Bytes(); ok {
		return string(b)
	}
	if n, ok := r[i].Int(); ok {
		return strconv.FormatInt(n, 10)
	}
	if n, ok := r[i].Uint(); ok {
		return strconv.FormatUint(n, 10)
	}
	return ""
}

// number is a cell as a whole number; NULL is 0. What is none is an error in err, if that has none yet.
func (r row) number(i int, err *error) int64 {
	if n, ok := r[i].Int(); ok {
		return n
	}
	if n, ok := r[i].Uint(); ok && n < 1<<63 {
		return int64(n)
	}
	if r[i].IsNull() {
		return 0
	}
	b, _ := r[i].Bytes() // counts and sums may come as text
	n, failure := strconv.ParseInt(string(b), 10, 64)
	if failure != nil && *err == nil {
		*err = fmt.Errorf("column %d: not a whole number", i+1)
	}
	return n
}

// yes is a cell as a boolean; NULL is otherwise.
func (r row) yes(i int, otherwise bool, err *error) bool {
	if r[i].IsNull() {
		return otherwise
	}
	return r.number(i, err) != 0
}
