package devdb

import (
	"fmt"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
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

// CanSupport implements sql.Index. The lookups that the table makes have no ranges; others are ranges that the engine
// made, for joins.
func (primaryIndex) CanSupport(_ *sql.Context, ranges ...sql.Range) bool { return len(ranges) == 0 }

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
