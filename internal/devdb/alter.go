package devdb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dolthub/go-mysql-server/sql"
)

var _ sql.AlterableTable = (*table)(nil)

// AddColumn implements sql.AlterableTable. The engine fills in the defaults afterwards.
func (t *table) AddColumn(_ *sql.Context, column *sql.Column, order *sql.ColumnOrder) error {
	at, err := t.position(order, len(t.Schema()))
	if err != nil {
		return err
	}
	return t.alter(slices.Insert(t.Schema().Copy(), at, column.Copy()), "", "", func(row sql.Row) (sql.Row, error) {
		return slices.Insert(slices.Clone(row), at, any(nil)), nil
	})
}

// DropColumn implements sql.AlterableTable.
func (t *table) DropColumn(_ *sql.Context, name string) error {
	at := t.Schema().IndexOfColName(name)
	if at < 0 {
		return sql.ErrColumnNotFound.New(name)
	}
	if t.Schema()[at].PrimaryKey {
		return fmt.Errorf("devdb cannot drop a column of a primary key (%s)", name)
	}
	return t.alter(slices.Delete(t.Schema().Copy(), at, at+1), "", "", func(row sql.Row) (sql.Row, error) {
		return slices.Delete(slices.Clone(row), at, at+1), nil
	})
}

// ModifyColumn implements sql.AlterableTable: another type, name or place.
func (t *table) ModifyColumn(ctx *sql.Context, name string, column *sql.Column, order *sql.ColumnOrder) error {
	from := t.Schema().IndexOfColName(name)
	if from < 0 {
		return sql.ErrColumnNotFound.New(name)
	}
	to, err := t.position(order, from)
	if err != nil {
		return err
	}
	if to > from && order != nil {
		to-- // counted with the column still in its old place
	}
	column = column.Copy()
	column.PrimaryKey = t.Schema()[from].PrimaryKey
	schema := slices.Insert(slices.Delete(t.Schema().Copy(), from, from+1), to, column)
	return t.alter(schema, name, column.Name, func(row sql.Row) (sql.Row, error) {
		value, err := converted(ctx, column, row[from])
		if err != nil {
			return nil, err
		}
		return slices.Insert(slices.Delete(slices.Clone(row), from, from+1), to, value), nil
	})
}

// position is where an ALTER TABLE puts a column: where it says, or else at the given place.
func (t *table) position(order *sql.ColumnOrder, otherwise int) (int, error) {
	switch {
	case order == nil:
		return otherwise, nil
	case order.First:
		return 0, nil
	}
	after := t.Schema().IndexOfColName(order.AfterColumn)
	if after < 0 {
		return 0, sql.ErrColumnNotFound.New(order.AfterColumn)
	}
	return after + 1, nil
}

// alter gives the table other columns, of which one may have another name, and remakes its rows.
func (t *table) alter(schema sql.Schema, from, to string, remake func(sql.Row) (sql.Row, error)) error {
	var ordinals []int
	for _, k := range t.def.key {
		name := k.name
		if strings.EqualFold(name, from) {
			name = to
		}
		ordinals = append(ordinals, schema.IndexOfColName(name))
	}
	columns := sql.NewPrimaryKeySchema(schema, ordinals...)
	def, err := newDefinition(t.def.database, t.def.name, columns, t.def.collation, t.def.comment)
	if err != nil {
		return err
	}
	if err := t.redefine(t.def, def, remake); err != nil {
		return err
	}
	t.def = def // the engine goes on with this table
	return nil
}
