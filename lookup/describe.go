package lookup

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/pool"
)

const (
	columnsQuery = "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, CHARACTER_MAXIMUM_LENGTH, CHARACTER_SET_NAME," +
		" COLLATION_NAME, NUMERIC_PRECISION, NUMERIC_SCALE, DATETIME_PRECISION FROM information_schema.COLUMNS" +
		" WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION"

	primaryKeyQuery = "SELECT COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE" +
		" WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND CONSTRAINT_NAME = 'PRIMARY' ORDER BY ORDINAL_POSITION"

	// describeTimeout bounds one query of information_schema, which opens the table and on NDB may fetch its definition. A
	// stalled node must leave time for the next one.
	describeTimeout = 2 * time.Second
)

// Describe reads the definitions of tables from information_schema, over a connection of its own so that it takes none
// from the request path. Tables that do not exist are absent from the result. The nodes are tried in order, own zone
// first, until ctx ends.
func (r *Reader) Describe(ctx context.Context, tables []catalog.TableName) (map[catalog.TableName]*catalog.Table, error) {
	var errs []error
	for _, n := range r.askable() {
		found, err := describeOn(ctx, n, tables)
		if err == nil {
			return found, nil
		}
		errs = append(errs, fmt.Errorf("node %s: %w", n.Address, err))
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

// askable returns how to connect to each of the nodes: those of the own zone first, and those that leave last, each as it
// was configured. As long as they serve, their tables must be known.
func (r *Reader) askable() []pool.Config {
	r.mu.Lock()
	defer r.mu.Unlock()
	var staying, leaving []pool.Config
	for _, t := range r.tiers {
		for _, n := range t.nodes {
			if n.leaving {
				leaving = append(leaving, n.access)
			} else {
				staying = append(staying, n.access)
			}
		}
	}
	return append(staying, leaving...)
}

func describeOn(
	ctx context.Context, cfg pool.Config, tables []catalog.TableName,
) (map[catalog.TableName]*catalog.Table, error) {
	cfg.DrainGrace = time.Millisecond // nobody uses the connection again
	found := make(map[catalog.TableName]*catalog.Table, len(tables))
	err := pool.Once(ctx, cfg, func(c *pool.Conn) error {
		for _, name := range tables {
			if err := ctx.Err(); err != nil {
				return err
			}
			t, err := describeTable(c, name)
			if err != nil {
				return fmt.Errorf("describe %s.%s: %w", name.Database, name.Name, err)
			}
			if len(t.Columns) > 0 {
				found[name] = t
			}
		}
		return nil
	})
	return found, err
}

func describeTable(c *pool.Conn, name catalog.TableName) (*catalog.Table, error) {
	t := &catalog.Table{Name: name}
	args := []column.Value{column.BytesValue([]byte(name.Database)), column.BytesValue([]byte(name.Name))}
	columns, err := rows(c, columnsQuery, args)
	if err != nil {
		return nil, err
	}
	for _, row := range columns {
		t.Columns = append(t.Columns, column.Def{
			Name: row[0].text, DataType: row[1].text, ColumnType: row[2].text, Nullable: row[3].text == "YES",
			CharMaxLength: row[4].number, Charset: row[5].text, Collation: row[6].text,
			NumericPrecision: int(row[7].number), NumericScale: int(row[8].number), DatetimePrecision: int(row[9].number),
		})
	}
	key, err := rows(c, primaryKeyQuery, args)
	if err != nil {
		return nil, err
	}
	for _, row := range key {
		t.PrimaryKey = append(t.PrimaryKey, row[0].text)
	}
	return t, nil
}

// field is one cell of information_schema, whose columns are text on one server and integers on another.
type field struct {
	text   string
	number int64
}

// collect is a pool.Sink that keeps the rows of a small result.
type collect [][]field

func (*collect) Columns([]pool.ResultColumn) error { return nil }

func (rs *collect) Row(values []column.Value) error {
	row := make([]field, len(values))
	for i, v := range values {
		if b, ok := v.Bytes(); ok {
			row[i].text = string(b)
			row[i].number, _ = strconv.ParseInt(row[i].text, 10, 64) // 0 where the field is not a number
		} else if n, ok := v.Int(); ok {
			row[i].number = n
		} else if n, ok := v.Uint(); ok {
			row[i].number = int64(min(n, 1<<62))
		}
	}
	*rs = append(*rs, row)
	return nil
}

func rows(c *pool.Conn, query string, args []column.Value) ([][]field, error) {
	var rs collect
	err := c.Select(time.Now().Add(describeTimeout), query, args, &rs)
	return rs, err
}
