package lookup

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/pool"
)

// A SelectReport is what became of reading rows by one select, with the statements and the matching that serve it.
type SelectReport struct {
	Select *catalog.Select
	Err    error // why it cannot be read
	Rows   int   // rows that were asked for by the keys they have, and found: 0 where the table is empty

	One, Several Access // by one key and by several
	AccessErr    error  // why the server does not tell; One and Several are not known then
}

// Access is how the server goes about a statement, as EXPLAIN shows it.
type Access struct {
	Type  string // "const", "range", "ALL"; empty: the server knew from the primary key that there is no row
	Key   string // the index
	Rows  int64  // it expects to look at
	Extra string
	ByWay bool // not by the primary key, but only because the server chose so: the primary key could be used
}

const primary = "PRIMARY"

// ByKey reports whether rows are found by the primary key.
func (a Access) ByKey() bool {
	switch a.Type {
	case "const", "eq_ref", "ref", "range":
		return a.Key == primary
	case "":
		return strings.Contains(a.Extra, "const table")
	}
	return false
}

// ByPart reports whether rows are found by some of the columns of the primary key, of which there are more: a key of all
// of them, as one, has at most one row, and no server shows that as "ref".
func (a Access) ByPart() bool { return a.Type == "ref" && a.Key == primary }

// Scan reports whether all rows are gone through, in the table or in an index.
func (a Access) Scan() bool { return a.Type == "ALL" || a.Type == "index" }

// errLost is a row that a scan gives and its own key does not.
var errLost = errors.New("a row of the table is not found by its own key")

// severalKeys is for how many keys the statement for several is explained and read. All such statements are alike.
const severalKeys = 2

// readOne reads some of the rows that there are. One that is not found may have been deleted meanwhile, so that it is
// not the only one that is tried.
func readOne(c selector, p *Plan) SelectReport {
	var r SelectReport
	for range 2 {
		r = SelectReport{Select: p.sel}
		if r.Err = r.read(c, p); !errors.Is(r.Err, errLost) {
			break
		}
	}
	return r
}

func (r *SelectReport) read(c selector, p *Plan) error {
	keys, err := someKeys(c, p)
	if err != nil {
		return err
	}
	there := len(keys)
	if unused, err := p.emptyKey(); err == nil && there < severalKeys && !contains(keys, unused) {
		keys = append(keys, unused)
	}
	if len(keys) == 0 {
		return nil // there is nothing to be asked for, by anybody
	}
	if r.One, r.AccessErr = explain(c, p, keys[:1], 1); r.AccessErr == nil {
		r.Several, r.AccessErr = explain(c, p, keys, severalKeys)
	}
	if errors.Is(r.AccessErr, pool.ErrBroken) {
		return r.AccessErr
	}
	if _, err := fetch(c, p, keys[:1], min(there, 1)); err != nil {
		return err
	}
	r.Rows, err = fetch(c, p, keys, there)
	return err
}

// fetch reads the rows of some keys; the first ones are known to be there. A key that the statement leaves undecided is
// asked for alone when it is served.
func fetch(c selector, p *Plan, keys [][]byte, there int) (found int, err error) {
	s := &statement{}
	s.reset(p, defaultMaxBlockBytes)
	for _, key := range keys {
		s.add(key)
	}
	s.deadline = time.Now().Add(describeTimeout)
	b := &block{width: len(p.sel.Columns)}
	if err := s.execute(c, b); err != nil {
		return 0, err
	}
	if slices.Contains(b.answers[:there], rowMissing) {
		return 0, errLost
	}
	return b.rows, nil
}

// someKeys returns the keys of some rows of the table, encoded. A key that no caller could send, such as a zero date,
// is passed over.
func someKeys(c selector, p *Plan) ([][]byte, error) {
	var b strings.Builder
	b.WriteString("SELECT ")
	writeColumns(&b, p.columns[:p.keys])
	fmt.Fprintf(&b, " FROM %s LIMIT %d", quoted(p.sel.Group.Table), severalKeys)
	found := keySink{columns: p.columns[:p.keys]}
	err := c.Select(time.Now().Add(describeTimeout), b.String(), nil, &found)
	return found.keys, err
}

// keySink is a pool.Sink that encodes rows of nothing but key columns.
type keySink struct {
	columns []*column.Column
	keys    [][]byte
}

func (*keySink) Columns([]pool.ResultColumn) error { return nil }

func (s *keySink) Row(values []column.Value) error {
	var key []byte
	var err error
	for i, c := range s.columns {
		if key, err = c.AppendKeyValue(key, values[i]); err != nil {
			return nil // not a key that could be asked for
		}
	}
	s.keys = append(s.keys, key)
	return nil
}

func contains(keys [][]byte, key []byte) bool {
	return slices.ContainsFunc(keys, func(other []byte) bool { return bytes.Equal(other, key) })
}

// explain asks how the server goes about the statement for size keys, and where that is not by the primary key, whether it
// could be. Where there are no other columns than the key's, a server that would rather scan scans the primary key's index
// even if that is forced.
func explain(c selector, p *Plan, keys [][]byte, size int) (Access, error) {
	s := &statement{}
	s.reset(p, 0)
	for _, key := range keys {
		s.add(key)
	}
	query, bucket := p.bucket(size)
	s.bind(bucket)
	a, err := access(c, query, s.args)
	if err != nil || a.ByKey() {
		return a, err
	}
	forced, err := access(c, forcePrimary(query, p.sel.Group.Table), s.args)
	a.ByWay = err == nil && (forced.ByKey() || forced.Type == "index" && forced.Key == primary)
	return a, nil
}

// forcePrimary adds a hint to one of a plan's statements. No name has a backtick, so that the table's occurs but once.
func forcePrimary(query string, table catalog.TableName) string {
	from := " FROM " + quoted(table)
	return strings.Replace(query, from+" WHERE ", from+" FORCE INDEX (PRIMARY) WHERE ", 1)
}

func access(c selector, query string, args []column.Value) (Access, error) {
	var found explained
	if err := c.Select(time.Now().Add(describeTimeout), "EXPLAIN FORMAT=TRADITIONAL "+query, args, &found); err != nil {
		return Access{}, err
	}
	if len(found.rows) != 1 {
		return Access{}, fmt.Errorf("EXPLAIN answers with %d rows", len(found.rows))
	}
	return found.rows[0], nil
}

// explained is a pool.Sink for what EXPLAIN gives. Servers have different columns, and the same names for them.
type explained struct {
	names []string
	rows  []Access
}

func (e *explained) Columns(columns []pool.ResultColumn) error {
	for _, c := range columns {
		e.names = append(e.names, c.Name)
	}
	return nil
}

func (e *explained) Row(values []column.Value) error {
	var row collect
	if err := row.Row(values); err != nil {
		return err
	}
	var a Access
	for i, name := range e.names {
		switch name {
		case "type":
			a.Type = row[0][i].text
		case "key":
			a.Key = row[0][i].text
		case "rows":
			a.Rows = row[0][i].number
		case "Extra":
			a.Extra = row[0][i].text
		}
	}
	e.rows = append(e.rows, a)
	return nil
}

// quoted is a table as a statement names it.
func quoted(name catalog.TableName) string {
	var b strings.Builder
	writeName(&b, name.Database)
	b.WriteByte('.')
	writeName(&b, name.Name)
	return b.String()
}
