package protocol

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/rongate/rongate/column"
)

// maxColumns is the most that a table or a SELECT can have on these servers.
const maxColumns = 4096

// A Statement is one that is prepared on a connection.
type Statement struct {
	conn   *Conn
	id     uint32
	params int

	columns     []Column
	cells       []cell // by column: how its values are read
	definitions []byte // what columns was made from, each with its length before it
	open        bool   // rows are being read
	spent       bool   // the last error is final
}

// Prepare prepares a statement.
func (c *Conn) Prepare(query string) (*Statement, error) {
	c.begin(commandPrepare)
	c.out = append(c.out, query...)
	if err := c.send(); err != nil {
		return nil, err
	}
	p, err := c.answer()
	if err != nil {
		return nil, err
	}
	const size = 9 // mark, id, columns, parameters; more may follow
	if p[0] != markOK || len(p) < size {
		return nil, fmt.Errorf("%w: not the answer to a prepare", ErrMalformed)
	}
	s := &Statement{conn: c, id: binary.LittleEndian.Uint32(p[1:]), params: int(binary.LittleEndian.Uint16(p[7:]))}
	columns := int(binary.LittleEndian.Uint16(p[5:]))
	if err := c.skipDefinitions(s.params); err != nil {
		return nil, err
	}
	if columns > 0 {
		if err := s.describe(columns); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// skipDefinitions passes over the definitions of n parameters, which say nothing.
func (c *Conn) skipDefinitions(n int) error {
	if n == 0 {
		return nil
	}
	for range n {
		if _, err := c.answer(); err != nil {
			return err
		}
	}
	return c.endOfList()
}

// Columns are those of the last Receive. They are valid until the next.
func (s *Statement) Columns() []Column { return s.columns }

// Send sends the statement. Null is NULL, nil bytes are an empty text.
func (s *Statement) Send(args []column.Value) error {
	if len(args) != s.params {
		return fmt.Errorf("%d arguments for %d parameters", len(args), s.params)
	}
	c := s.conn
	c.begin(commandExecute)
	c.out = binary.LittleEndian.AppendUint32(c.out, s.id)
	c.out = append(c.out, 0, 1, 0, 0, 0) // no cursor; run once
	if len(args) > 0 {
		c.out = appendArguments(c.out, args)
	}
	return c.send()
}

// Receive reads the answer up to the rows. If it fails for want of time (os.ErrDeadlineExceeded) it can be called again
// with more, unless Spent says that it cannot.
func (s *Statement) Receive() error {
	s.conn.in.hold()
	err := s.receive()
	if err != nil {
		s.spent = !s.conn.in.rewind(err)
	}
	return err
}

// Spent reports whether the last error of Receive or Next is one after which it cannot be called again.
func (s *Statement) Spent() bool { return s.spent }

func (s *Statement) receive() error {
	c := s.conn
	p, err := c.answer()
	if err != nil {
		return err
	}
	switch p[0] {
	case markOK: // no result
		s.forget()
		return c.done(p)
	case markFile:
		return fmt.Errorf("%w: it asks for a file", ErrMalformed)
	}
	err = s.readHead(p)
	s.open = err == nil
	return err
}

// forget makes it a statement of which no columns are known.
func (s *Statement) forget() { s.columns, s.cells, s.definitions = nil, nil, nil }

// readHead reads the number of columns and their definitions.
func (s *Statement) readHead(p packet) error {
	n, rest, ok := p.integer()
	if !ok || n > maxColumns {
		return fmt.Errorf("%w: no number of columns", ErrMalformed)
	}
	if s.conn.caps.CachedMetadata {
		follows, _, ok := rest.bytes(1)
		if !ok {
			return fmt.Errorf("%w: whether column definitions follow is missing", ErrMalformed)
		}
		if follows[0] == 0 {
			if int(n) != len(s.columns) {
				return fmt.Errorf("%w: %d columns that were never described", ErrMalformed, n)
			}
			return s.conn.endOfList()
		}
	}
	return s.describe(int(n))
}

// describe reads the definitions of n columns. Those that came with the last answer are not looked at again.
func (s *Statement) describe(n int) error {
	known, changed := s.definitions, len(s.columns) != n
	var read []byte // what has been read, from when it differs
	for i := range n {
		p, err := s.conn.answer()
		if err != nil {
			s.forget() // the server may not: it need not describe again what it has described
			return err
		}
		if !changed {
			if rest, same := cutDefinition(known, p); same {
				known = rest
				continue
			}
			changed = true
		}
		if read == nil && i > 0 {
			read = append(read, s.definitions[:len(s.definitions)-len(known)]...)
		}
		read = binary.LittleEndian.AppendUint32(read, uint32(len(p)))
		read = append(read, p...)
	}
	if changed {
		if err := s.parse(read, n); err != nil {
			return err
		}
	}
	return s.conn.endOfList()
}

// cutDefinition cuts p off the front of known definitions, if it is there.
func cutDefinition(known []byte, p packet) (rest []byte, same bool) {
	const size = 4
	if len(known) < size+len(p) || binary.LittleEndian.Uint32(known) != uint32(len(p)) {
		return known, false
	}
	if !bytes.Equal(known[size:size+len(p)], p) {
		return known, false
	}
	return known[size+len(p):], true
}

// parse makes columns of definitions.
func (s *Statement) parse(definitions []byte, n int) error {
	// New slices: whoever holds the old columns may compare.
	s.columns, s.cells, s.definitions = make([]Column, 0, n), make([]cell, 0, n), definitions
	for len(definitions) > 0 {
		size := binary.LittleEndian.Uint32(definitions)
		col, cell, err := parseColumn(definitions[4 : 4+size])
		if err != nil {
			return err
		}
		s.columns, s.cells = append(s.columns, col), append(s.cells, cell)
		definitions = definitions[4+size:]
	}
	return nil
}

// Next reads a row. Its values and their bytes are valid until the next call. At the end it is io.EOF. If it fails for
// want of time it can be called again with more, as Receive.
func (s *Statement) Next() ([]column.Value, error) {
	if !s.open {
		return nil, io.EOF
	}
	c := s.conn
	c.in.hold()
	p, err := c.answer()
	if err != nil {
		s.spent = !c.in.rewind(err)
		s.open = !s.spent
		return nil, err
	}
	switch p[0] {
	case markEnd:
		s.open = false
		if err := c.endOfRows(p); err != nil {
			return nil, err
		}
		return nil, io.EOF
	case markOK:
		return s.row(p[1:])
	}
	return nil, fmt.Errorf("%w: neither a row nor the end of the rows", ErrMalformed)
}

// row reads the cells of a row: a bit for each that is NULL, of which the first two are not used, and the others.
func (s *Statement) row(p packet) ([]column.Value, error) {
	const unused = 2
	c := s.conn
	nulls, rest, ok := p.bytes((len(s.cells) + unused + 7) / 8)
	if !ok {
		return nil, fmt.Errorf("%w: a row of %d bytes for %d columns", ErrMalformed, len(p), len(s.cells))
	}
	if cap(c.values) < len(s.cells) {
		c.values = make([]column.Value, len(s.cells))
	}
	c.values, c.text = c.values[:len(s.cells)], c.text[:0]
	for i := range s.cells {
		bit, v := i+unused, &c.values[i]
		if nulls[bit/8]>>(bit%8)&1 != 0 {
			*v = column.Null()
			continue
		}
		if rest, ok = s.cells[i].cut(rest, v, &c.text); !ok {
			return nil, fmt.Errorf("%w: column %d (%s) of a row", ErrMalformed, i+1, s.columns[i].Type)
		}
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%w: a row is longer than its columns", ErrMalformed)
	}
	return c.values, nil
}

// Close has the server forget the statement, to which there is no answer. Nothing may be under way.
func (s *Statement) Close() error {
	s.conn.begin(commandClose)
	s.conn.out = binary.LittleEndian.AppendUint32(s.conn.out, s.id)
	return s.conn.send()
}

// The types that arguments are sent as. Keys are compared by an index only where they are: an integer for a column of
// text, say, makes the server read the whole table.
const (
	typeLongLong  byte = 0x08
	typeDouble    byte = 0x05
	typeNull      byte = 0x06
	typeString    byte = 0xfe
	unsignedParam byte = 0x80
)

// appendArguments appends a bit for each argument that is NULL, their types and their values.
func appendArguments(dst []byte, args []column.Value) []byte {
	nulls := len(dst)
	for range (len(args) + 7) / 8 {
		dst = append(dst, 0)
	}
	dst = append(dst, 1) // the types follow
	for i, arg := range args {
		typ, flag := argumentType(arg)
		if typ == typeNull {
			dst[nulls+i/8] |= 1 << (i % 8)
		}
		dst = append(dst, typ, flag)
	}
	for _, arg := range args {
		dst = appendArgument(dst, arg)
	}
	return dst
}

func argumentType(v column.Value) (typ, flag byte) {
	if _, ok := v.Int(); ok {
		return typeLongLong, 0
	}
	if _, ok := v.Bytes(); ok {
		return typeString, 0
	}
	if _, ok := v.Uint(); ok {
		return typeLongLong, unsignedParam
	}
	if v.IsNull() {
		return typeNull, 0
	}
	return typeDouble, 0
}

func appendArgument(dst []byte, v column.Value) []byte {
	if i, ok := v.Int(); ok {
		return binary.LittleEndian.AppendUint64(dst, uint64(i))
	}
	if b, ok := v.Bytes(); ok {
		return append(appendInteger(dst, uint64(len(b))), b...)
	}
	if u, ok := v.Uint(); ok {
		return binary.LittleEndian.AppendUint64(dst, u)
	}
	if f, ok := v.Float64(); ok {
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
	}
	if f, ok := v.Float32(); ok {
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(float64(f)))
	}
	return dst // NULL
}

// appendInteger appends a length-encoded integer.
func appendInteger(dst []byte, n uint64) []byte {
	switch {
	case n < 0xfb:
		return append(dst, byte(n))
	case n <= math.MaxUint16:
		return append(dst, 0xfc, byte(n), byte(n>>8))
	case n < 1<<24:
		return append(dst, 0xfd, byte(n), byte(n>>8), byte(n>>16))
	}
	return binary.LittleEndian.AppendUint64(append(dst, 0xfe), n)
}
