package pool

import (
	"fmt"
	"strings"

	"github.com/rongate/rongate/column"
)

// tape is a Sink that keeps what it receives as text.
type tape struct {
	columns []ResultColumn
	calls   int // of Columns
	rows    []string

	refuseColumns, refuseRow error
	onRow                    func()
}

func (p *tape) Columns(columns []ResultColumn) error {
	p.columns = append([]ResultColumn(nil), columns...)
	p.calls++
	return p.refuseColumns
}

func (p *tape) Row(values []column.Value) error {
	if p.onRow != nil {
		p.onRow()
	}
	cells := make([]string, len(values))
	for i, v := range values {
		cells[i] = show(v)
	}
	p.rows = append(p.rows, strings.Join(cells, " "))
	return p.refuseRow
}

// show renders a value with the kind that it has.
func show(v column.Value) string {
	if i, ok := v.Int(); ok {
		return fmt.Sprintf("int:%d", i)
	}
	if u, ok := v.Uint(); ok {
		return fmt.Sprintf("uint:%d", u)
	}
	if f, ok := v.Float32(); ok {
		return fmt.Sprintf("float32:%v", f)
	}
	if f, ok := v.Float64(); ok {
		return fmt.Sprintf("float64:%v", f)
	}
	if b, ok := v.Bytes(); ok {
		return fmt.Sprintf("%q", b)
	}
	return "NULL"
}
