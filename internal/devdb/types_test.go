package devdb

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

// columnTypes are the types of columns that rongate serves.
func columnTypes() []string {
	return []string{
		"TINYINT", "TINYINT UNSIGNED", "TINYINT(1)", "SMALLINT", "SMALLINT UNSIGNED", "MEDIUMINT", "MEDIUMINT UNSIGNED", "INT", "INT UNSIGNED",
		"BIGINT", "BIGINT UNSIGNED", "FLOAT", "DOUBLE", "DECIMAL(10,2)", "DECIMAL(65,30)", "DECIMAL(5)", "BIT(1)", "BIT(64)", "YEAR",
		"DATE", "DATETIME", "DATETIME(3)", "DATETIME(6)", "TIMESTAMP", "TIMESTAMP(3)", "TIMESTAMP(6)", "TIME",
		"CHAR(3)", "VARCHAR(20)", "VARCHAR(20) CHARACTER SET latin1", "CHAR(4) CHARACTER SET ascii", "VARCHAR(9) CHARACTER SET utf16",
		"TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT", "ENUM('a','b')", "SET('a','b')",
		"BINARY(4)", "VARBINARY(4)", "TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB", "JSON",
	}
}

// TestResultsAreAsDescribed: what information_schema says of a column is what a result says of it, or else rongate would
// take every row for one of an altered table. NULL and NOT NULL differ in the flags of a result.
func TestResultsAreAsDescribed(t *testing.T) {
	db := start(t)
	var columns, names []string
	for i, typ := range columnTypes() {
		columns = append(columns, fmt.Sprintf("n%d %s NULL, r%d %s NOT NULL", i, typ, i, typ))
		names = append(names, fmt.Sprintf("n%d, r%d", i, i))
	}
	exec(t, db, "CREATE DATABASE d; CREATE TABLE d.t (id INT PRIMARY KEY, "+strings.Join(columns, ", ")+")")
	reader, err := lookup.Open(lookup.Config{
		Nodes: []lookup.NodeConfig{{Address: db.Addresses()[0]}},
		Pool:  pool.Config{User: user, Password: func() (string, error) { return password, nil }},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close(t.Context()) }()
	name := catalog.TableName{Database: "d", Name: "t"}
	found, err := reader.Describe(t.Context(), []catalog.TableName{name})
	if err != nil || found[name] == nil {
		t.Fatal(found, err)
	}
	rows, err := dial(t, db, 1, false).Query("SELECT "+strings.Join(names, ", ")+" FROM d.t WHERE id = ?", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	results, err := rows.ColumnTypes()
	if err != nil || rows.Err() != nil {
		t.Fatal(err, rows.Err())
	}
	defs := found[name].Columns[1:]
	for i, r := range results {
		c, err := column.New(defs[i])
		if err != nil {
			t.Errorf("%s: %v", defs[i].ColumnType, err)
			continue
		}
		scale := -1
		if _, digits, ok := r.DecimalSize(); ok {
			scale = int(digits)
		}
		if !c.FitsWire(r.DatabaseTypeName(), scale) {
			t.Errorf("%s is described as %+v, and a result has %s, %d", columnTypes()[i/2], defs[i], r.DatabaseTypeName(), scale)
		}
		if nullable := strings.HasPrefix(c.Name, "n"); c.Nullable != nullable {
			t.Errorf("%s: nullable %v", c.Name, c.Nullable)
		}
	}
}
