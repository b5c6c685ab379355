//go:build !race

package protocol

import (
	"testing"

	"github.com/rongate/rongate/column"
)

// A loop answers every command with the same bytes.
type loop struct{ answer, unread []byte }

func (l *loop) Write(b []byte) (int, error) {
	l.unread = l.answer
	return len(b), nil
}

func (l *loop) Read(b []byte) (int, error) {
	n := copy(b, l.unread)
	l.unread = l.unread[n:]
	return n, nil
}

func TestNoAllocation(t *testing.T) {
	eachMode(t, func(t *testing.T, s script) {
		columns := []def{
			{name: "a", code: codeLongLong},
			{name: "b", code: codeVarString},
			{name: "c", code: codeDouble},
			{name: "d", code: codeDateTime, decimals: 3},
			{name: "e", code: codeTime},
			{name: "f", code: codeTiny},
		}
		integer, double := []byte{1, 2, 3, 4, 5, 6, 7, 8}, make([]byte, 8)
		var rows [][]byte
		for range 50 {
			rows = append(rows, row(integer, text("text"), double, []byte{4, 0xea, 7, 1, 2}, []byte{8, 0, 1, 0, 0, 0, 2, 3, 4}, nil),
				row(integer, nil, double, []byte{0}, nil, []byte{1}))
		}
		l := &loop{answer: s.prepared(2, columns...)}
		statement, err := New(l, s.caps).Prepare("SELECT")
		if err != nil {
			t.Fatal(err)
		}
		args := []column.Value{column.IntValue(1), column.BytesValue([]byte("key"))}
		execute := func() {
			if err := statement.Execute(args); err != nil {
				t.Fatal(err)
			}
			for range rows {
				if values, err := statement.Next(); err != nil || len(values) != len(columns) {
					t.Fatal(err)
				}
			}
			if rows, err := rowsOf(statement); err != nil || len(rows) > 0 {
				t.Fatalf("%d more rows, %v", len(rows), err)
			}
		}
		answers := map[string][]byte{"definitions": s.result(columns, rows...)}
		if s.caps.CachedMetadata {
			answers["no definitions"] = frame(1, append(append(s.shortHead(len(columns)), rows...), s.end())...)
		}
		for name, answer := range answers {
			l.answer = answer
			if n := testing.AllocsPerRun(50, execute); n > 0 {
				t.Errorf("%s: %v allocations", name, n)
			}
		}
	})
}
