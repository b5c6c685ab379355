package devdb

import (
	"fmt"
	"io"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/go-mysql-server/sql/plan"
)

// A table is a store as one statement sees it: with the definition that the statement was planned for.
type table struct {
	*store
	def *definition
}

var (
	_ sql.IndexSearchableTable = (*table)(nil)
	_ sql.IndexedTable         = (*table)(nil)
	_ sql.PrimaryKeyTable      = (*table)(nil)
	_ sql.CommentedTable       = (*table)(nil)
	_ sql.StatisticsTable      = (*table)(nil)
	_ sql.InsertableTable      = (*table)(nil)
	_ sql.UpdatableTable       = (*table)(nil)
	_ sql.DeletableTable       = (*table)(nil)
	_ sql.ReplaceableTable     = (*table)(nil)
	_ sql.TruncateableTable    = (*table)(nil)
)

// Name implements sql.Table.
func (t *table) Name() string { return t.def.name }

// String implements sql.Table.
func (t *table) String() string { return t.def.name }

// Schema implements sql.Table.
func (t *table) Schema() sql.Schema { return t.def.schema.Schema }

// PrimaryKeySchema implements sql.PrimaryKeyTable.
func (t *table) PrimaryKeySchema() sql.PrimaryKeySchema { return t.def.schema }

// Collation implements sql.Table.
func (t *table) Collation() sql.CollationID { return t.def.collation }

// Comment implements sql.CommentedTable.
func (t *table) Comment() string { return t.def.comment }

// RowCount implements sql.StatisticsTable.
func (t *table) RowCount(*sql.Context) (uint64, bool, error) { return uint64(t.count()), true, nil }

// roughCell is about what a cell takes: the interface and a small value behind it.
const roughCell = 32

// DataLength implements sql.StatisticsTable. It is rough.
func (t *table) DataLength(*sql.Context) (uint64, error) {
	return uint64(t.count() * len(t.def.schema.Schema) * roughCell), nil
}

// A scanPartition is all rows for which the filter is true, if there is one; a keyPartition those that some keys have.
type (
	scanPartition struct{ filter sql.Expression }
	keyPartition  struct{ keys keySet }
)

// Key implements sql.Partition.
func (scanPartition) Key() []byte { return []byte("all") }

// Key implements sql.Partition.
func (keyPartition) Key() []byte { return []byte("keys") }

// Partitions implements sql.Table.
func (t *table) Partitions(*sql.Context) (sql.PartitionIter, error) {
	return sql.PartitionsToPartitionIter(scanPartition{}), nil
}

// PartitionRows implements sql.Table.
func (t *table) PartitionRows(_ *sql.Context, p sql.Partition) (sql.RowIter, error) {
	switch p := p.(type) {
	case keyPartition:
		rows, err := t.get(t.def, p.keys)
		return sql.RowsToRowIter(rows...), err
	case scanPartition:
		all := &scan{table: t, end: t.slots()}
		if p.filter != nil {
			return plan.NewFilterIter(p.filter, all), nil
		}
		return all, nil
	}
	return nil, fmt.Errorf("devdb: a partition of type %T", p)
}

// scan passes over the rows that were there when it began, some at a time, without holding a lock in between.
type scan struct {
	table   *table
	at, end int // slots
	rows    []sql.Row
	buf     [256]sql.Row
}

// Next implements sql.RowIter.
func (s *scan) Next(*sql.Context) (sql.Row, error) {
	if len(s.rows) == 0 {
		n, next, err := s.table.scan(s.table.def, s.buf[:], s.at, s.end)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, io.EOF
		}
		s.at, s.rows = next, s.buf[:n]
	}
	row := s.rows[0]
	s.rows = s.rows[1:]
	return row, nil
}

// Close implements sql.RowIter.
func (*scan) Close(*sql.Context) error { return nil }

// GetIndexes implements sql.IndexAddressable.
func (t *table) GetIndexes(*sql.Context) ([]sql.Index, error) {
	return []sql.Index{primaryIndex{t.def}}, nil
}

// IndexedAccess implements sql.IndexAddressable.
func (t *table) IndexedAccess(*sql.Context, sql.IndexLookup) sql.IndexedTable { return t }

// PreciseMatch implements sql.IndexAddressable: rows that the index finds need not be compared again.
func (t *table) PreciseMatch() bool { return true }

// LookupPartitions implements sql.IndexedTable.
func (t *table) LookupPartitions(ctx *sql.Context, lookup sql.IndexLookup) (sql.PartitionIter, error) {
	var p sql.Partition
	switch ranges := lookup.Ranges.(type) {
	case keySet:
		p = keyPartition{ranges}
	case sql.MySQLRangeCollection:
		if keys, ok := t.def.keysOf(ctx, ranges); ok {
			p = keyPartition{keys}
			break
		}
		filter, err := t.def.filterOf(ranges)
		if err != nil {
			return nil, err
		}
		p = scanPartition{filter}
	default:
		return nil, fmt.Errorf("devdb: ranges of type %T", ranges)
	}
	return sql.PartitionsToPartitionIter(p), nil
}

// Inserter implements sql.InsertableTable.
func (t *table) Inserter(*sql.Context) sql.RowInserter { return &editor{table: t} }

// Updater implements sql.UpdatableTable.
func (t *table) Updater(*sql.Context) sql.RowUpdater { return &editor{table: t} }

// Deleter implements sql.DeletableTable.
func (t *table) Deleter(*sql.Context) sql.RowDeleter { return &editor{table: t} }

// Replacer implements sql.ReplaceableTable.
func (t *table) Replacer(*sql.Context) sql.RowReplacer { return &editor{table: t} }

// Truncate implements sql.TruncateableTable.
func (t *table) Truncate(*sql.Context) (int, error) { return t.clear(), nil }
