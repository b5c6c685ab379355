package hopsworks

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rongate/rongate/column"
)

const releaseQuery = "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ?"

// A release is which columns the tables of an installation have, and which tables there are.
type release struct {
	schema string // the database
	tables map[string][]string
}

// discover reads which tables and columns there are.
func discover(ctx context.Context, a *asker, schema string) (*release, error) {
	found := scan[[2]string]{columns: 2, make: func(r row) ([2]string, error) {
		return [2]string{strings.ToLower(r.text(0)), strings.ToLower(r.text(1))}, nil
	}}
	args := []column.Value{column.BytesValue([]byte(schema))}
	if err := a.ask(ctx, 0, releaseQuery, args, &found); err != nil {
		return nil, fmt.Errorf("describe the tables of database %s: %w", schema, err)
	}
	r := &release{schema: schema, tables: map[string][]string{}}
	for _, c := range found.found {
		r.tables[c[0]] = append(r.tables[c[0]], c[1])
	}
	if len(r.tables) == 0 {
		return nil, fmt.Errorf("there is no database %s, or the user may not read it; grant SELECT on its tables", schema)
	}
	return r, nil
}

// has reports whether there is a table with some columns.
func (r *release) has(table string, columns ...string) bool {
	there, ok := r.tables[table]
	for _, c := range columns {
		ok = ok && slices.Contains(there, c)
	}
	return ok
}

// from is the beginning of a SELECT of columns of a table. Those of later releases, which begin with a question mark, are
// NULL where they are absent.
func (r *release) from(table string, columns ...string) (query string, err error) {
	var list []string
	for _, c := range columns {
		name, optional := strings.CutPrefix(c, "?")
		switch {
		case r.has(table, name):
			list = append(list, quote(name))
		case optional:
			list = append(list, "NULL")
		default:
			return "", fmt.Errorf("table %s.%s has no column %s, or the user may not read it; "+
				"it is none of Hopsworks, or of a release that rongate does not know", r.schema, table, name)
		}
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + r.name(table), nil
}

// name is a table as SQL has it.
func (r *release) name(table string) string { return quote(r.schema) + "." + quote(table) }

// quote makes an identifier of a name, whatever is in it.
func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// counted are the tables that a poll looks at: a row that is added changes the greatest id, one that is deleted the number.
// Rows that are altered are found by comparing, now and then: a time to live, say, or a share that is accepted.
func (r *release) counted() []string {
	tables := []string{
		"feature_store", "feature_group", "feature_view", "training_dataset_join", "training_dataset_feature", "serving_key",
		"subjects",
	}
	for _, t := range []string{"dataset_shared_with", "shared_feature_store", "shared_feature_group", "shared_feature"} {
		if r.has(t, "id") {
			tables = append(tables, t)
		}
	}
	return tables
}

// pollQuery asks how many rows the tables have, and for the greatest id: neither scans a table.
func (r *release) pollQuery() string {
	var parts []string
	for _, table := range r.counted() {
		parts = append(parts, "(SELECT COUNT(*) FROM "+r.name(table)+"), (SELECT MAX(`id`) FROM "+r.name(table)+")")
	}
	return "SELECT " + strings.Join(parts, ", ")
}

// A mark is what pollQuery answers.
type mark string

func (r *release) poll(ctx context.Context, a *asker) (mark, error) {
	columns := 2 * len(r.counted())
	found := scan[mark]{columns: columns, make: func(r row) (mark, error) {
		cells := make([]string, columns)
		for i := range cells {
			cells[i] = r.text(i)
		}
		return mark(strings.Join(cells, " ")), nil
	}}
	if err := a.ask(ctx, 0, r.pollQuery(), nil, &found); err != nil {
		return "", fmt.Errorf("poll the metadata: %w", err)
	}
	if len(found.found) != 1 {
		return "", fmt.Errorf("poll the metadata: %d rows", len(found.found))
	}
	return found.found[0], nil
}
