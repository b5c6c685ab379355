package catalog

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rongate/rongate/column"
)

// readTables reads definitions as testdata/rich.tables has them.
func readTables(t testing.TB, text string) map[TableName]*Table {
	t.Helper()
	tables := make(map[TableName]*Table)
	var table *Table
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, " "):
			table.Columns = append(table.Columns, readDef(t, strings.TrimSpace(line)))
		default:
			name, key, _ := strings.Cut(strings.TrimSuffix(line, ")"), "(")
			database, name, ok := strings.Cut(name, ".")
			if !ok {
				t.Fatalf("not a table: %s", line)
			}
			table = &Table{Name: TableName{database, name}}
			if key != "" {
				table.PrimaryKey = strings.Split(key, ", ")
			}
			tables[table.Name] = table
		}
	}
	return tables
}

// readDef reads "name type [unsigned] [charset]".
func readDef(t testing.TB, text string) column.Def {
	t.Helper()
	words := strings.Fields(text)
	d := column.Def{Name: words[0], ColumnType: words[1], Nullable: true}
	for _, word := range words[2:] {
		if word == "unsigned" {
			d.ColumnType += " unsigned"
		} else {
			d.Charset, d.Collation = word, word+"_general_ci"
		}
	}
	kind, numbers, _ := strings.Cut(strings.TrimSuffix(words[1], ")"), "(")
	d.DataType = kind
	if numbers == "" {
		return d
	}
	first, second, _ := strings.Cut(numbers, ",")
	n, err := strconv.Atoi(first)
	if err != nil {
		t.Fatalf("not a type: %s", text)
	}
	switch kind {
	case "decimal":
		d.NumericPrecision = n
		d.NumericScale, _ = strconv.Atoi(second)
	case "datetime", "timestamp", "time":
		d.DatetimePrecision = n
	case "bit":
		d.NumericPrecision = n
	default:
		d.CharMaxLength = int64(n)
	}
	return d
}

func readTestdata(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// resolveRich returns the Snapshot of testdata/rich.yaml.
func resolveRich(t testing.TB) *Snapshot {
	t.Helper()
	spec, err := ParseFile("testdata/rich.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := spec.Resolve(readTables(t, readTestdata(t, "rich.tables")))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// dump writes a Snapshot for people.
func dump(s *Snapshot) string {
	var b strings.Builder
	for _, v := range s.Views {
		fmt.Fprintf(&b, "view %s/%s/%d\n", v.Store, v.Name, v.Version)
		if v.Hedging != HedgingFull {
			fmt.Fprintf(&b, "  hedging %d\n", v.Hedging)
		}
		for slot, k := range v.ServingKeys {
			fmt.Fprintf(&b, "  key %d: %s (%s)\n", slot, k.Name, k.Type)
		}
		for i, j := range v.Joins {
			fmt.Fprintf(&b, "  join %d: %s/%s/%d prefix %q keys %v event time %d, selects", i,
				j.Group.Store, j.Group.Name, j.Group.Version, j.Prefix, j.KeySlots, j.EventTime)
			for _, sel := range j.Selects {
				fmt.Fprintf(&b, " %d", slices.Index(s.Selects, sel))
			}
			b.WriteString("\n")
		}
		for _, f := range v.Features {
			fmt.Fprintf(&b, "  feature %s (%s): join %d key %d select %d cell %d",
				f.Name, f.Type, f.Join, f.Key, f.Select, f.Cell)
			if f.Default != nil {
				fmt.Fprintf(&b, " default %s", f.Default)
			}
			b.WriteString("\n")
		}
	}
	for slot, sel := range s.Selects {
		fmt.Fprintf(&b, "select %d: %s by%s ttl %v:%s; event time %d, large %v\n", slot, sel.Group.Table,
			columnNames(sel.Group.Key), sel.Group.TTL, columnNames(sel.Columns), sel.EventTime, sel.Large)
	}
	return b.String()
}

func columnNames(columns []*column.Column) string {
	var b strings.Builder
	for _, c := range columns {
		b.WriteString(" " + c.Name)
	}
	return b.String()
}
