package devdb

import (
	"fmt"
	"slices"

	"github.com/dolthub/go-mysql-server/sql"
)

// A definition is what a table is made of. It is immutable: an ALTER TABLE makes another one.
type definition struct {
	database  string
	name      string
	schema    sql.PrimaryKeySchema
	key       []keyColumn // in the primary key's order
	collation sql.CollationID
	comment   string
}

// newDefinition takes the columns of a CREATE TABLE. It refuses what a table here cannot do.
func newDefinition(
	database, name string, schema sql.PrimaryKeySchema, collation sql.CollationID, comment string,
) (*definition, error) {
	d := &definition{database: database, name: name, collation: collation, comment: comment}
	d.schema = sql.NewPrimaryKeySchema(schema.Copy(), slices.Clone(schema.PkOrdinals)...)
	for _, c := range d.schema.Schema {
		c.Source, c.DatabaseSource = name, database
		if c.AutoIncrement {
			return nil, fmt.Errorf("devdb has no AUTO_INCREMENT (column %s)", c.Name)
		}
		if c.Generated != nil {
			return nil, fmt.Errorf("devdb has no generated columns (column %s)", c.Name)
		}
	}
	if len(d.schema.PkOrdinals) == 0 {
		return nil, fmt.Errorf("devdb has no tables without a primary key (table %s)", name)
	}
	for _, ordinal := range d.schema.PkOrdinals {
		d.schema.Schema[ordinal].Nullable = false // whatever an ALTER TABLE says
		k, err := newKeyColumn(d.schema.Schema[ordinal], ordinal)
		if err != nil {
			return nil, err
		}
		d.key = append(d.key, k)
	}
	return d, nil
}

// renamed is the definition under another name.
func (d *definition) renamed(name string) (*definition, error) {
	return newDefinition(d.database, name, d.schema, d.collation, d.comment)
}

// appendKey appends the index key of a row.
func (d *definition) appendKey(dst []byte, row sql.Row) ([]byte, error) {
	var err error
	for _, k := range d.key {
		if dst, err = k.append(dst, row[k.ordinal]); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// keyText is how messages about a row call its key.
func (d *definition) keyText(row sql.Row) string {
	values := make([]any, len(d.key))
	for i, k := range d.key {
		values[i] = row[k.ordinal]
	}
	return fmt.Sprint(values)
}
