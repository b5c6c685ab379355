package catalog

import (
	"os"
	"slices"
	"testing"

	"github.com/rongate/rongate/column"
)

// TestGolden compares the Snapshot of a rich catalogue with the one on file, which UPDATE_GOLDEN=1 writes anew.
func TestGolden(t *testing.T) {
	s := resolveRich(t)
	got := dump(s)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile("testdata/rich.golden", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := readTestdata(t, "rich.golden"); got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
	checkSnapshot(t, s)
}

// TestDeterminism resolves often, since the order of maps differs from run to run.
func TestDeterminism(t *testing.T) {
	want := dump(resolveRich(t))
	for range 20 {
		if got := dump(resolveRich(t)); got != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	}
}

// checkSnapshot checks what every user of a Snapshot relies on.
func checkSnapshot(t *testing.T, s *Snapshot) {
	t.Helper()
	groups := make(map[TableName]*Group)
	for slot, sel := range s.Selects {
		if g := groups[sel.Group.Table]; g != nil && g != sel.Group {
			t.Errorf("table %s has two groups", sel.Group.Table)
		}
		groups[sel.Group.Table] = sel.Group
		if sel.EventTime >= 0 && sel.Columns[sel.EventTime] != sel.Group.EventTime {
			t.Errorf("select %d: its event time is another column", slot)
		}
		for _, other := range s.Selects[:slot] {
			if other.Group == sel.Group && slices.Equal(other.Columns, sel.Columns) {
				t.Errorf("selects %v and %d are the same", other.Columns, slot)
			}
		}
	}
	for _, v := range s.Views {
		for _, j := range v.Joins {
			checkJoin(t, s, v, j)
		}
		for _, f := range v.Features {
			checkFeature(t, v, f)
		}
	}
}

func checkJoin(t *testing.T, s *Snapshot, v *View, j Join) {
	t.Helper()
	if len(j.Selects) == 0 || len(j.Selects) > 2 || len(j.KeySlots) != len(j.Group.Key) {
		t.Errorf("%s: %d selects, %d key slots", v.Name, len(j.Selects), len(j.KeySlots))
	}
	for i, sel := range j.Selects {
		if !slices.Contains(s.Selects, sel) || sel.Group != j.Group {
			t.Errorf("%s: select %d is not the snapshot's, or of another group", v.Name, i)
		}
		if (sel.EventTime >= 0) != (i == j.EventTime) {
			t.Errorf("%s: select %d: event time %d, while the join reads it in %d", v.Name, i, sel.EventTime, j.EventTime)
		}
	}
	if (j.EventTime >= 0) != (j.Group.EventTime != nil) {
		t.Errorf("%s: event time in select %d of a group that has %v", v.Name, j.EventTime, j.Group.EventTime)
	}
}

func checkFeature(t *testing.T, v *View, f Feature) {
	t.Helper()
	var c *column.Column
	if f.Key >= 0 {
		c = v.Joins[f.Join].Group.Key[f.Key]
	} else {
		c = v.Joins[f.Join].Selects[f.Select].Columns[f.Cell]
	}
	if c != f.Column {
		t.Errorf("feature %s points to column %s", f.Name, c.Name)
	}
}

func TestTables(t *testing.T) {
	spec, err := ParseFile("testdata/rich.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := []TableName{
		{"payments_db", "account_stats_1"},
		{"payments_db", "documents_1"},
		{"payments_db", "merchants"},
		{"payments_db", "wallet_2"},
		{"shared", "fx_1"},
	}
	if got := spec.Tables(); !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}

// TestContract parses the catalogue of the contract's golden cases.
func TestContract(t *testing.T) {
	if _, err := ParseFile("../contract/catalog.yaml"); err != nil {
		t.Fatal(err)
	}
}
