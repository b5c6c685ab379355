package devdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/dolthub/go-mysql-server/sql"
	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// Exec runs the statements of a script in a session of their own, up to the first that fails. Results are read and
// dropped.
func (db *DB) Exec(ctx context.Context, script string) error {
	own := session{sql.NewBaseSessionWithClientServer("", sql.Client{User: db.user, Address: "localhost"}, 0)}
	for script != "" {
		c := sql.NewContext(ctx, sql.WithSession(own))
		parsed, statement, rest, err := db.engine.Parser.Parse(c, script, true)
		if errors.Is(err, sqlparser.ErrEmpty) {
			return nil
		}
		if err == nil {
			err = db.run(c, statement, parsed)
		}
		if err != nil {
			return fmt.Errorf("devdb: %.200s: %w", script, err)
		}
		script = rest
	}
	return nil
}

func (db *DB) run(ctx *sql.Context, statement string, parsed sqlparser.Statement) error {
	_, rows, _, err := db.engine.QueryWithBindings(ctx, statement, parsed, nil, nil)
	if err != nil {
		return err
	}
	for {
		if _, err = rows.Next(ctx); err != nil {
			break
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, rows.Close(ctx))
}

// Load puts rows straight into a table: one value for each column, in the columns' order, of any Go type that the column
// can be made of (an integer, a float, a string, []byte, time.Time; nil for NULL). Rows before one that fails stay.
func (db *DB) Load(database, name string, rows iter.Seq[[]any]) error {
	ctx := sql.NewEmptyContext()
	d, err := db.databases.find(database)
	if err != nil {
		return fmt.Errorf("devdb: %w", err)
	}
	found, ok, err := d.GetTableInsensitive(ctx, name)
	if err == nil && !ok {
		err = sql.ErrTableNotFound.New(name)
	}
	if err != nil {
		return fmt.Errorf("devdb: %w", err)
	}
	t := found.(*table)
	n := 0
	for values := range rows {
		if err := t.load(ctx, values); err != nil {
			return fmt.Errorf("devdb: row %d for %s.%s: %w", n, database, name, err)
		}
		n++
	}
	return nil
}

func (t *table) load(ctx *sql.Context, values []any) error {
	if len(values) != len(t.def.schema.Schema) {
		return fmt.Errorf("%d values for %d columns", len(values), len(t.def.schema.Schema))
	}
	row := make(sql.Row, len(values))
	var err error
	for i, c := range t.def.schema.Schema {
		if row[i], err = converted(ctx, c, values[i]); err != nil {
			return err
		}
	}
	existing, err := t.insert(t.def, row)
	if err == nil && existing != nil {
		err = sql.NewUniqueKeyErr(t.def.keyText(row), true, existing)
	}
	return err
}

// converted is a value as a column stores it.
func converted(ctx *sql.Context, c *sql.Column, value any) (any, error) {
	if value == nil {
		if !c.Nullable {
			return nil, sql.ErrInsertIntoNonNullableProvidedNull.New(c.Name)
		}
		return nil, nil
	}
	v, in, err := c.Type.Convert(ctx, value)
	if err != nil {
		return nil, fmt.Errorf("column %s: %w", c.Name, err)
	}
	if in != sql.InRange {
		return nil, fmt.Errorf("column %s: %v is out of range", c.Name, value)
	}
	return v, nil
}
