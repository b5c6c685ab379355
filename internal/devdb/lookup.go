package devdb

import (
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
	"github.com/dolthub/go-mysql-server/sql/transform"
)

// maxProduct is how many keys a lookup may have: the product of the values asked for in each column of the key.
const maxProduct = 1 << 16

// SkipIndexCosting implements sql.IndexSearchable: what LookupForExpressions does not find is a scan. The engine would
// find ranges, but loses collations on the way.
func (t *table) SkipIndexCosting() bool { return true }

// LookupForExpressions implements sql.IndexSearchable: it finds the filters of a conjunction that fix the whole primary
// key and makes of them a lookup. What it returns as left are the other filters. It finds nothing where
// the statement gives the table another name: it is not told that name, and a subquery's filter may be about a table
// outside.
func (t *table) LookupForExpressions(
	ctx *sql.Context, filters ...sql.Expression,
) (sql.IndexLookup, *sql.FuncDepSet, sql.Expression, bool, error) {
	s := search{ctx: ctx, def: t.def, columns: make([]*condition, len(t.def.key))}
	for i, filter := range filters {
		s.add(i, filter)
	}
	keys, used, ok := s.keys()
	if !ok {
		return sql.IndexLookup{}, nil, nil, false, nil
	}
	var left []sql.Expression
	for i, filter := range filters {
		if !slices.Contains(used, i) {
			left = append(left, filter)
		}
	}
	lookup := sql.IndexLookup{Index: primaryIndex{t.def}, Ranges: keys}
	return lookup, &sql.FuncDepSet{}, expression.JoinAnd(left...), true, nil
}

// search looks for conditions on the columns of a primary key.
type search struct {
	ctx     *sql.Context
	def     *definition
	whole   *condition   // on the whole key
	columns []*condition // on each column, by position in the key
}

// A condition is a filter that allows a set of values: of one column, or of all columns of the key, joined.
type condition struct {
	filter int
	values [][]byte
}

// add takes a filter into account if it is of use.
func (s *search) add(number int, filter sql.Expression) {
	var left sql.Expression
	var right []sql.Expression
	switch f := filter.(type) {
	case *expression.Equals:
		left, right = f.Left(), []sql.Expression{f.Right()}
		if s.columnsOf(left) == nil {
			left, right = f.Right(), []sql.Expression{f.Left()}
		}
	case *expression.InTuple:
		left, right = f.Left(), elements(f.Right())
	case *expression.HashInTuple:
		left, right = f.Left(), elements(f.Right())
	}
	positions := s.columnsOf(left)
	if positions == nil || right == nil || len(positions) > 1 && len(positions) != len(s.def.key) {
		return
	}
	c := &condition{filter: number}
	for _, r := range right {
		value, what := s.value(positions, r)
		switch what {
		case undecided:
			return
		case exactly:
			c.values = append(c.values, value)
		}
	}
	if len(positions) == len(s.def.key) {
		s.whole = c
	} else {
		s.columns[positions[0]] = c
	}
}

func elements(e sql.Expression) []sql.Expression {
	tuple, _ := e.(expression.Tuple)
	return tuple
}

// columnsOf returns the positions in the key of a column, or of a row constructor that has every column of the key once;
// nil for any other expression.
func (s *search) columnsOf(e sql.Expression) []int {
	switch e := e.(type) {
	case *expression.GetField:
		for i, k := range s.def.key {
			if strings.EqualFold(s.def.name, e.Table()) && strings.EqualFold(k.name, e.Name()) {
				return []int{i}
			}
		}
	case expression.Tuple:
		var positions []int
		for _, part := range e {
			at := s.columnsOf(part)
			if len(at) != 1 || slices.Contains(positions, at[0]) {
				return nil
			}
			positions = append(positions, at[0])
		}
		if len(positions) == len(s.def.key) {
			return positions
		}
	}
	return nil
}

// value returns what the index has for the values that the columns at these positions are compared with, in the key's
// order.
func (s *search) value(positions []int, e sql.Expression) ([]byte, outcome) {
	parts := []sql.Expression{e}
	if tuple, ok := e.(expression.Tuple); ok {
		parts = tuple
	}
	if len(parts) != len(positions) {
		return nil, undecided
	}
	encoded := make([][]byte, len(s.def.key))
	result := exactly
	for i, part := range parts {
		k := &s.def.key[positions[i]]
		constant, ok := s.constant(k, part)
		if !ok {
			return nil, undecided
		}
		var what outcome
		encoded[positions[i]], what = k.encode(s.ctx, constant)
		result = max(result, what)
	}
	return slices.Concat(encoded...), result
}

// constant evaluates an expression that depends on no row. One with a collation of its own is compared by that collation,
// for which there is no index.
func (s *search) constant(k *keyColumn, e sql.Expression) (any, bool) {
	if collated, ok := e.(*expression.CollatedExpression); ok {
		if collation, _ := collated.CollationCoercibility(s.ctx); collation != k.collation {
			return nil, false
		}
		e = collated.Child()
	}
	depends := transform.InspectExpr(e, func(e sql.Expression) bool {
		switch e.(type) {
		case *expression.Literal, *expression.Convert, *expression.ConvertUsing, *expression.UnaryMinus:
			return false
		}
		return true
	})
	if depends {
		return nil, false
	}
	value, err := e.Eval(s.ctx, nil)
	if err != nil {
		return nil, false
	}
	return inUTF8(value, e.Type())
}

// inUTF8 is a text that the engine has converted to another character set as it is stored, which is in UTF-8 whatever the
// column's character set. Other values stay.
func inUTF8(value any, typ sql.Type) (any, bool) {
	text, ok := value.(string)
	if t, isText := typ.(sql.StringType); ok && isText {
		switch charset := t.CharacterSet(); charset {
		case sql.CharacterSet_utf8mb4, sql.CharacterSet_utf8mb3, sql.CharacterSet_binary:
		default:
			decoded, ok := charset.Encoder().Decode([]byte(text))
			return string(decoded), ok
		}
	}
	return value, true
}

// keys returns the keys that the conditions leave, each once, and the filters they stand for.
func (s *search) keys() (keys keySet, used []int, ok bool) {
	if s.whole != nil {
		return distinct(s.whole.values), []int{s.whole.filter}, true
	}
	keys = keySet{nil}
	for _, c := range s.columns {
		if c == nil || len(keys)*len(c.values) > maxProduct {
			return nil, nil, false
		}
		var longer keySet
		for _, key := range keys {
			for _, value := range c.values {
				longer = append(longer, slices.Concat(key, value))
			}
		}
		keys, used = longer, append(used, c.filter)
	}
	return distinct(keys), used, true
}

func distinct(keys [][]byte) keySet {
	seen := make(map[string]struct{}, len(keys))
	return slices.DeleteFunc(keys, func(key []byte) bool {
		_, twice := seen[string(key)]
		seen[string(key)] = struct{}{}
		return twice
	})
}
