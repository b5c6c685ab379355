package catalog

import (
	"cmp"
	"slices"

	"github.com/rongate/rongate/column"
)

// A Table is a table's definition as the server describes it.
type Table struct {
	Name       TableName
	Columns    []column.Def // in the table's order
	PrimaryKey []string     // names of its columns, in the key's order
}

// equal reports whether nothing differs that a Snapshot is made from.
func (t *Table) equal(other *Table) bool {
	return slices.Equal(t.Columns, other.Columns) && slices.Equal(t.PrimaryKey, other.PrimaryKey)
}

// String is the table as SQL writes it, without quotes.
func (n TableName) String() string { return n.Database + "." + n.Name }

func (n TableName) compare(other TableName) int {
	return cmp.Or(cmp.Compare(n.Database, other.Database), cmp.Compare(n.Name, other.Name))
}
