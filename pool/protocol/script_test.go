package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/rongate/rongate/column"
)

// A peer is a server that answers each command with the next element of its script, whatever the command.
type peer struct {
	answers [][]byte
	unread  []byte
	piece   int      // the most that a Read gives; 0: all
	heard   [][]byte // the commands, with their headers
}

func (p *peer) Write(b []byte) (int, error) {
	p.heard = append(p.heard, slices.Clone(b))
	if len(p.answers) > 0 && b[4] != commandClose {
		p.unread = append(p.unread, p.answers[0]...)
		p.answers = p.answers[1:]
	}
	return len(b), nil
}

func (p *peer) Read(b []byte) (int, error) {
	if len(p.unread) == 0 {
		return 0, io.EOF
	}
	if p.piece > 0 {
		b = b[:min(p.piece, len(b))]
	}
	n := copy(b, p.unread)
	p.unread = p.unread[n:]
	return n, nil
}

// frame gives packets their headers, numbered from first, and splits those that are too long for one.
func frame(first byte, packets ...[]byte) []byte {
	var b []byte
	for _, p := range packets {
		for {
			n := min(len(p), maxPayload)
			b = append(b, byte(n), byte(n>>8), byte(n>>16), first)
			b = append(b, p[:n]...)
			p = p[n:]
			first++
			if n < maxPayload {
				break
			}
		}
	}
	return b
}

// modes are what a conversation can have been agreed to be like.
func modes() map[string]Capabilities {
	return map[string]Capabilities{
		"EOF":                 {},
		"no EOF":              {DeprecateEOF: true},
		"cached metadata":     {DeprecateEOF: true, CachedMetadata: true},
		"cached metadata EOF": {CachedMetadata: true},
	}
}

// eachMode runs a test in every mode.
func eachMode(t *testing.T, test func(t *testing.T, s script)) {
	for name, caps := range modes() {
		t.Run(name, func(t *testing.T) { test(t, script{caps}) })
	}
}

// A script writes what a server says in a mode.
type script struct{ caps Capabilities }

func okay() []byte { return []byte{markOK, 0, 0, 2, 0, 0, 0} }
func eof() []byte  { return []byte{markEnd, 0, 0, 2, 0} }

func refused(number uint16, message string) []byte {
	return append(append([]byte{markErr, byte(number), byte(number >> 8)}, "#HY000"...), message...)
}

// end is what ends the rows.
func (s script) end() []byte {
	if s.caps.DeprecateEOF {
		return []byte{markEnd, 0, 0, 2, 0, 0, 0}
	}
	return eof()
}

// list is packets and what ends them.
func (s script) list(packets ...[]byte) [][]byte {
	if len(packets) == 0 || s.caps.DeprecateEOF {
		return packets
	}
	return append(slices.Clone(packets), eof())
}

// prepared answers a prepare.
func (s script) prepared(params int, columns ...def) []byte {
	first := []byte{markOK, 7, 0, 0, 0, byte(len(columns)), byte(len(columns) >> 8), byte(params), byte(params >> 8), 0, 0, 0}
	var unknown [][]byte
	for range params {
		unknown = append(unknown, def{name: "?", code: codeVarString}.packet())
	}
	return frame(1, slices.Concat([][]byte{first}, s.list(unknown...), s.list(packets(columns)...))...)
}

// head is what comes before the rows, with column definitions.
func (s script) head(columns ...def) [][]byte {
	count := appendInteger(nil, uint64(len(columns)))
	if s.caps.CachedMetadata {
		count = append(count, 1)
	}
	return append([][]byte{count}, s.list(packets(columns)...)...)
}

// shortHead is what comes before the rows where the definitions of n columns are left out.
func (s script) shortHead(n int) [][]byte {
	head := [][]byte{append(appendInteger(nil, uint64(n)), 0)}
	if !s.caps.DeprecateEOF {
		head = append(head, eof())
	}
	return head
}

// result is a whole answer to an execute.
func (s script) result(columns []def, rows ...[]byte) []byte {
	return frame(1, append(append(s.head(columns...), rows...), s.end())...)
}

// A def is a column definition. A collation of 0 is utf8mb4's.
type def struct {
	name      string
	code      byte
	flags     uint16
	decimals  byte
	collation uint16
}

func (d def) packet() []byte {
	p := []byte("\x03def\x01s\x01t\x05table")
	p = append(appendInteger(p, uint64(len(d.name))), d.name...)
	p = append(p, "\x08original\x0c"...)
	if d.collation == 0 {
		d.collation = 45
	}
	p = binary.LittleEndian.AppendUint16(p, d.collation)
	p = append(p, 1, 2, 3, 4, d.code) // display length, type
	p = binary.LittleEndian.AppendUint16(p, d.flags)
	return append(p, d.decimals, 0, 0)
}

func packets(columns []def) [][]byte {
	var all [][]byte
	for _, d := range columns {
		all = append(all, d.packet())
	}
	return all
}

func texts(names ...string) []def {
	var columns []def
	for _, name := range names {
		columns = append(columns, def{name: name, code: codeVarString})
	}
	return columns
}

// row is a row of cells as they are sent; nil is NULL.
func row(cells ...[]byte) []byte {
	p := append([]byte{markOK}, make([]byte, (len(cells)+2+7)/8)...)
	for i, cell := range cells {
		if cell == nil {
			p[1+(i+2)/8] |= 1 << ((i + 2) % 8)
		}
	}
	return append(p, slices.Concat(cells...)...)
}

// text is a cell of text.
func text(s string) []byte { return append(appendInteger(nil, uint64(len(s))), s...) }

func textRow(cells ...string) []byte {
	var all [][]byte
	for _, s := range cells {
		all = append(all, text(s))
	}
	return row(all...)
}

// show renders values with the kinds that they have.
func show(values []column.Value) string {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteByte(' ')
		}
		if n, ok := v.Int(); ok {
			fmt.Fprintf(&b, "int:%d", n)
		} else if n, ok := v.Uint(); ok {
			fmt.Fprintf(&b, "uint:%d", n)
		} else if f, ok := v.Float32(); ok {
			fmt.Fprintf(&b, "float:%v", f)
		} else if f, ok := v.Float64(); ok {
			fmt.Fprintf(&b, "double:%v", f)
		} else if text, ok := v.Bytes(); ok {
			fmt.Fprintf(&b, "%q", text)
		} else {
			b.WriteString("NULL")
		}
	}
	return b.String()
}

// rowsOf reads the rows to their end.
func rowsOf(s *Statement) (rows []string, err error) {
	for {
		values, err := s.Next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows = append(rows, show(values))
	}
}

// mustPrepare prepares a statement on a conversation of these answers.
func mustPrepare(t testing.TB, s script, answers ...[]byte) (*peer, *Statement) {
	t.Helper()
	p := &peer{answers: answers}
	statement, err := New(p, s.caps).Prepare("SELECT")
	if err != nil {
		t.Fatal(err)
	}
	return p, statement
}

// converse prepares a statement, executes it and reads the rows.
func converse(c *Conn) (columns []Column, rows []string, err error) {
	s, err := c.Prepare("SELECT")
	if err != nil {
		return nil, nil, err
	}
	if err := s.Execute(nil); err != nil {
		return nil, nil, err
	}
	rows, err = rowsOf(s)
	return s.Columns(), rows, err
}

// mustGive executes a statement and compares its rows.
func mustGive(t testing.TB, s *Statement, want ...string) {
	t.Helper()
	if err := s.Execute(nil); err != nil {
		t.Fatal(err)
	}
	rows, err := rowsOf(s)
	if err != nil || !slices.Equal(rows, want) {
		t.Errorf("rows %q, %v; want %q", rows, err, want)
	}
	if !s.conn.Idle() {
		t.Error("not idle after the last row")
	}
}

// Execute is Send and Receive.
func (s *Statement) Execute(args []column.Value) error {
	if err := s.Send(args); err != nil {
		return err
	}
	return s.Receive()
}
