package devdb

import (
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/expression"
)

// primaryIndex describes the index over the primary key.
type primaryIndex struct{ def *definition }

var _ sql.Index = primaryIndex{}

// ID implements sql.Index.
func (primaryIndex) ID() string { return "PRIMARY" }

// Database implements sql.Index.
func (i primaryIndex) Database() string { return i.def.database }

// Table implements sql.Index.
func (i primaryIndex) Table() string { return i.def.name }

// Expressions implements sql.Index.
func (i primaryIndex) Expressions() []string {
	all := make([]string, len(i.def.key))
	for n, k := range i.def.key {
		all[n] = i.def.name + "." + k.name
	}
	return all
}

// ColumnExpressionTypes implements sql.Index.
func (i primaryIndex) ColumnExpressionTypes() []sql.ColumnExpressionType {
	all := make([]sql.ColumnExpressionType, len(i.def.key))
	for n, expression := range i.Expressions() {
		all[n] = sql.ColumnExpressionType{Expression: expression, Type: i.def.key[n].typ}
	}
	return all
}

// IsUnique implements sql.Index.
func (primaryIndex) IsUnique() bool { return true }

// IsSpatial implements sql.Index.
func (primaryIndex) IsSpatial() bool { return false }

// IsFullText implements sql.Index.
func (primaryIndex) IsFullText() bool { return false }

// IsVector implements sql.Index.
func (primaryIndex) IsVector() bool { return false }

// IsGenerated implements sql.Index.
func (primaryIndex) IsGenerated() bool { return false }

// Comment implements sql.Index.
func (primaryIndex) Comment() string { return "" }

// IndexType implements sql.Index.
func (primaryIndex) IndexType() string { return "HASH" }

// PrefixLengths implements sql.Index.
func (primaryIndex) PrefixLengths() []uint16 { return nil }

// CanSupport implements sql.Index. Ranges that are more than points cost a scan.
func (primaryIndex) CanSupport(*sql.Context, ...sql.Range) bool { return true }

// CanSupportOrderBy implements sql.Index.
func (primaryIndex) CanSupportOrderBy(sql.Expression) bool { return false }

// keySet are the keys of one lookup, each once, as the index has them. It stands where the engine has ranges.
type keySet [][]byte

var _ sql.RangeCollection = keySet{}

// Len implements sql.RangeCollection.
func (ks keySet) Len() int { return len(ks) }

// ToRanges implements sql.RangeCollection: there are none.
func (keySet) ToRanges() []sql.Range { return nil }

// Equals implements sql.RangeCollection.
func (ks keySet) Equals(other sql.RangeCollection) (bool, error) {
	return ks.String() == other.String(), nil
}

// String implements sql.RangeCollection.
func (ks keySet) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d keys", len(ks))
	for i, key := range ks {
		if i == 8 {
			b.WriteString(" …")
			break
		}
		fmt.Fprintf(&b, " %x", key)
	}
	return b.String()
}

// DebugString implements sql.RangeCollection.
func (ks keySet) DebugString() string { return ks.String() }

// keysOf returns the keys of ranges that the engine has made, for a join, if each is one key.
func (d *definition) keysOf(ctx *sql.Context, ranges []sql.MySQLRange) (keySet, bool) {
	var keys keySet
	for _, r := range ranges {
		key, what := d.keyOf(ctx, r)
		switch what {
		case undecided:
			return nil, false
		case exactly:
			keys = append(keys, key)
		}
	}
	return distinct(keys), true
}

func (d *definition) keyOf(ctx *sql.Context, r sql.MySQLRange) (key []byte, result outcome) {
	if len(r) != len(d.key) {
		return nil, undecided
	}
	for i, part := range r {
		from, closed := part.LowerBound.(sql.Below)
		to, alsoClosed := part.UpperBound.(sql.Above)
		if !closed || !alsoClosed {
			return nil, undecided
		}
		low, what := d.key[i].encode(ctx, from.Key)
		high, whatHigh := d.key[i].encode(ctx, to.Key)
		if result = max(result, what, whatHigh); result == exactly && string(low) != string(high) {
			return nil, undecided
		}
		key = append(key, low...)
	}
	return key, result
}

// filterOf is an expression that tells whether a row is in one of the ranges.
func (d *definition) filterOf(ranges []sql.MySQLRange) (sql.Expression, error) {
	columns := make([]sql.Expression, len(d.key))
	for i, k := range d.key {
		columns[i] = expression.NewGetFieldWithTable(k.ordinal, 0, k.typ, d.database, d.name, k.name, false)
	}
	return expression.NewRangeFilterExpr(columns, ranges)
}
