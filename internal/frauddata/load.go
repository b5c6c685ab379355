package frauddata

import (
	"context"
	"fmt"
)

const (
	rowsPerInsert = 500
	rowsPerScript = 5000 // a script may cost the start of a command-line client
)

// A Script runs SQL statements, each ended by a semicolon, over one connection.
type Script = func(ctx context.Context, sql string) error

// Load makes the database and its tables by scripts of statements, and fills them. engine and keyOptions are those of
// Group.Create. tell is told of how many rows are there, of how many, every some thousands; nil if nobody is.
func (d *Data) Load(ctx context.Context, exec Script, engine, keyOptions string, tell func(done, all int)) error {
	if err := exec(ctx, d.Schema(engine, keyOptions)); err != nil {
		return fmt.Errorf("create the tables: %w", err)
	}
	done := 0
	for _, g := range d.groups {
		err := g.Insert(ctx, exec, func(rows int) {
			if tell != nil {
				tell(done+rows, d.cfg.Rows)
			}
		})
		if err != nil {
			return err
		}
		done += g.count
	}
	return nil
}

// Schema is the script that makes the database, which must not be there yet, and its tables.
func (d *Data) Schema(engine, keyOptions string) string {
	script := "CREATE DATABASE " + Database + ";\n"
	for _, g := range d.groups {
		script += g.Create(engine, keyOptions) + ";\n"
	}
	return script
}

// Insert fills the group's table by scripts of INSERT statements, and tells of how many rows it has every so many.
func (g *Group) Insert(ctx context.Context, exec Script, tell func(rows int)) error {
	const start = "SET time_zone='+00:00';\n"
	script := []byte(start)
	flush := func(rows int) error {
		if len(script) == len(start) {
			return nil
		}
		if err := exec(ctx, string(append(script, ";\n"...))); err != nil {
			return fmt.Errorf("load %s: %w", g.table, err)
		}
		script = script[:len(start)]
		tell(rows)
		return nil
	}
	rows := 0
	for row := range g.Rows() {
		switch {
		case rows%rowsPerInsert != 0:
			script = append(script, ",\n"...)
		case rows%rowsPerScript != 0:
			script = append(script, ";\n"...)
			fallthrough
		default:
			script = fmt.Appendf(script, "INSERT INTO %s.%s VALUES\n", Database, g.table)
		}
		script = append(script, '(')
		for i, value := range row {
			if i > 0 {
				script = append(script, ',')
			}
			script = Literal(script, value)
		}
		script = append(script, ')')
		if rows++; rows%rowsPerScript == 0 {
			if err := flush(rows); err != nil {
				return err
			}
		}
	}
	return flush(rows)
}
