package lookup

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
)

const (
	// maxKeys is how many distinct keys one statement asks for: the data nodes answer 128 in one round trip, and more
	// in as many round trips as it takes.
	maxKeys = 128

	// maxLargeKeys is the same for TEXT, BLOB and JSON columns, which cost a round trip a row: a smaller statement
	// keeps its connection for less time.
	maxLargeKeys = 16
)

// A Plan is a select compiled to SQL: one statement for each power of two of keys. It is immutable but for its queues,
// shareable and typical, which Reader.mu guards, and belongs to the Reader that made it.
type Plan struct {
	sel     *catalog.Select
	columns []*column.Column // what the statement returns: the key, then the select's columns
	keys    int              // how many of columns are the key
	maxKeys int
	match   column.Match // the weakest rule among the key columns
	queries []string     // by bucket: 1, 2, 4 … maxKeys keys
	queues  []queue      // by tier

	// shareable is how many keys a statement may have that several pieces share: maxKeys, unless its rows are so wide that
	// those of fewer keys were too large for a block.
	shareable int

	typical typical // guarded by Reader.mu
}

// learn adapts shareable to how a shared statement of so many keys has ended: half of what was too large, one more of what
// was not. Reader.mu is held.
func (p *Plan) learn(keys int, tooLarge bool) {
	switch {
	case tooLarge:
		p.shareable = max(1, min(p.shareable, keys/2))
	case keys >= p.shareable:
		p.shareable = min(p.shareable+1, p.maxKeys)
	}
}

// compile makes the Plan of a select for a Reader with the given number of tiers.
func compile(sel *catalog.Select, tiers int) *Plan {
	p := newPlan(sel, tiers)
	p.writeQueries()
	return p
}

// newPlan is compile but for the statements.
func newPlan(sel *catalog.Select, tiers int) *Plan {
	p := &Plan{sel: sel, keys: len(sel.Group.Key), maxKeys: maxKeys, queues: make([]queue, tiers)}
	if sel.Large {
		p.maxKeys = maxLargeKeys
	}
	p.shareable = p.maxKeys
	p.columns = append(p.columns, sel.Group.Key...)
	p.columns = append(p.columns, sel.Columns...)
	for _, c := range sel.Group.Key {
		p.match = max(p.match, c.Match())
	}
	return p
}

func (p *Plan) writeQueries() {
	for n := 1; n <= p.maxKeys; n *= 2 {
		p.queries = append(p.queries, p.query(n))
	}
}

// sameAs reports whether another plan reads the same: table, columns and their types, key and event time.
func (p *Plan) sameAs(o *Plan) bool {
	return p.sel.Group.Table == o.sel.Group.Table && p.keys == o.keys && p.maxKeys == o.maxKeys &&
		p.sel.EventTime == o.sel.EventTime && slices.EqualFunc(p.columns, o.columns, (*column.Column).Equal)
}

// bucket returns the statement for n keys and how many it takes.
func (p *Plan) bucket(n int) (query string, size int) {
	size = 1
	for _, q := range p.queries {
		if n <= size {
			return q, size
		}
		size *= 2
	}
	panic("lookup: more keys than a statement takes")
}

// query writes the statement for n keys. One key is compared with =, several with IN, row constructors where the key
// has several columns: on NDB this form is a batch of key reads, while OR and UNION are far slower or no batch at all.
func (p *Plan) query(n int) string {
	var b strings.Builder
	b.WriteString("SELECT ")
	writeColumns(&b, p.columns)
	b.WriteString(" FROM ")
	writeName(&b, p.sel.Group.Table.Database)
	b.WriteByte('.')
	writeName(&b, p.sel.Group.Table.Name)
	b.WriteString(" WHERE ")
	key := p.columns[:p.keys]
	if n == 1 {
		for i, c := range key {
			if i > 0 {
				b.WriteString(" AND ")
			}
			writeName(&b, c.Name)
			b.WriteString(" = ")
			b.WriteString(parameter(c))
		}
		return b.String()
	}
	row := parameter(key[0])
	if len(key) == 1 {
		writeColumns(&b, key)
	} else {
		row = constructor(key)
		b.WriteByte('(')
		writeColumns(&b, key)
		b.WriteByte(')')
	}
	b.WriteString(" IN (")
	b.WriteString(row)
	for range n - 1 {
		b.WriteByte(',')
		b.WriteString(row)
	}
	b.WriteByte(')')
	return b.String()
}

// exactDigits is how many decimal digits a double holds exactly.
const exactDigits = 15

// parameter is what a key column is compared with. MariaDB compares a DECIMAL with text as doubles, which makes wide keys
// equal that are not; as a DECIMAL of the column's own type they are compared exactly, by a key read on every server.
func parameter(c *column.Column) string {
	if c.Kind == column.Decimal && c.Precision > exactDigits {
		return fmt.Sprintf("CAST(? AS DECIMAL(%d,%d))", c.Precision, c.Scale)
	}
	return "?"
}

// constructor is the row of parameters that is compared with a key of several columns. MariaDB finds no row, silently,
// where such a row holds text that is not in its column's character set and that is not UTF-8; converted to the column's
// character set and collation it does, and the look-up stays a key read on every server.
func constructor(key []*column.Column) string {
	parts := make([]string, len(key))
	for i, c := range key {
		parts[i] = parameter(c)
		if c.Charset != "" && c.Charset != "binary" && !strings.HasPrefix(c.Charset, "utf8") {
			parts[i] = "CONVERT(? USING " + c.Charset + ") COLLATE " + c.Collation
		}
	}
	return "(" + strings.Join(parts, ",") + ")"
}

func writeColumns(b *strings.Builder, columns []*column.Column) {
	for i, c := range columns {
		if i > 0 {
			b.WriteByte(',')
		}
		writeName(b, c.Name)
	}
}

// writeName quotes an identifier. The catalogue refuses names with a backtick.
func writeName(b *strings.Builder, name string) {
	b.WriteByte('`')
	b.WriteString(name)
	b.WriteByte('`')
}

// emptyKey returns the encoded key that a new connection is warmed with: zeros and empty strings. Whether a row has it
// does not matter.
func (p *Plan) emptyKey() (enc []byte, err error) {
	for _, c := range p.columns[:p.keys] {
		l := column.Literal{Kind: column.LiteralString}
		switch c.Kind {
		case column.Int, column.Decimal:
			l.Text = []byte("0")
		case column.Date:
			l.Text = []byte("2000-01-01")
		case column.DateTime, column.Timestamp:
			l.Text = []byte("2000-01-01 00:00:00")
		}
		if enc, err = c.AppendKey(enc, l); err != nil {
			return nil, err
		}
	}
	return enc, nil
}
