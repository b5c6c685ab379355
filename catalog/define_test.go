package catalog

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A defined is a Catalog of definitions, in a synctest bubble.
type defined struct {
	*Catalog
	t      *testing.T
	server *server
	store  *StoreDef
	spec   *Spec // in force
	groups map[string]*GroupDef
}

const definedTables = "s.a_1(id)\n  id bigint\n  v int\ns.b_1(id)\n  id bigint\n  w int\n"

func openDefined(t *testing.T, tables string) *defined {
	t.Helper()
	d := &defined{
		t: t, server: &server{tables: readTables(t, tables)}, store: &StoreDef{Name: "s", Database: "s"},
		groups: map[string]*GroupDef{},
	}
	d.add("v1", "a", "v")
	d.spec = Define("test", []*StoreDef{d.store}, nil)
	c, err := Open(t.Context(), Config{Spec: d.spec, Describer: d.server, Refresh: -1})
	if err != nil {
		t.Fatal(err)
	}
	d.Catalog = c
	return d
}

// add adds a view of one feature of a group.
func (d *defined) add(view, group, feature string) {
	g := d.groups[group]
	if g == nil {
		g = &GroupDef{Name: group, Version: 1, Table: group + "_1"}
		d.groups[group] = g
		d.store.Groups = append(d.store.Groups, g)
	}
	d.store.Views = append(d.store.Views, &ViewDef{
		Name: view, Version: 1, Joins: []JoinDef{{Group: g}}, Features: []FeatureDef{{Column: feature}},
	})
}

// replace adopts the definitions as they are now. Whatever is taken over of what was there, it is as if nothing had been.
func (d *defined) replace() {
	d.t.Helper()
	before := d.Current()
	d.spec = Define("test", []*StoreDef{d.store}, d.spec)
	if err := d.Replace(d.t.Context(), d.spec); err != nil {
		d.t.Fatal(err)
	}
	fresh, err := Define("test", []*StoreDef{d.store}, nil).Resolve(d.refresher.known(d.spec.Tables()))
	if err != nil {
		d.t.Fatal(err)
	}
	if got, want := dump(inOrder(d.Current())), dump(inOrder(fresh)); got != want {
		d.t.Errorf("after %s\ngot\n%s\nwant\n%s", dump(inOrder(before)), got, want)
	}
}

// inOrder is a snapshot whose selects are in the order in which its views use them.
func inOrder(s *Snapshot) *Snapshot {
	ordered := &Snapshot{Views: s.Views}
	for _, v := range s.Views {
		for _, j := range v.Joins {
			for _, sel := range j.Selects {
				if !slices.Contains(ordered.Selects, sel) {
					ordered.Selects = append(ordered.Selects, sel)
				}
			}
		}
	}
	if len(ordered.Selects) != len(s.Selects) {
		panic("a snapshot has selects that none of its views uses, or lacks one")
	}
	return ordered
}

// TestReplaceKeepsViews: a view whose definition and tables are the same is the same, by its address; the others are not.
func TestReplaceKeepsViews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDefined(t, definedTables)
		defer d.Close()
		d.add("v2", "b", "w")
		d.replace()
		before := d.Current().Views
		d.add("v3", "b", "w")
		d.replace()
		if now := d.Current(); now.Views[0] != before[0] || now.Views[1] != before[1] || len(now.Selects) != 2 {
			t.Errorf("views were resolved anew that have not changed; %d selects", len(now.Selects))
		}
		d.store.Views = d.store.Views[1:] // v1, and with it what is read of a
		d.replace()
		if now := d.Current(); now.Views[0] != before[1] || len(now.Selects) != 1 {
			t.Errorf("%d views, %d selects", len(now.Views), len(now.Selects))
		}
		d.server.alter(t, TableName{"s", "b_1"}, "s.b_1(id)\n  id bigint\n  w bigint\n")
		d.Stale(TableName{"s", "b_1"})
		time.Sleep(time.Second)
		synctest.Wait()
		if now := d.Current(); now.Views[0] == before[1] || now.Views[0].Features[0].Type != "bigint" {
			t.Errorf("the view of an altered table is %+v", now.Views[0].Features)
		}
		altered := d.Current().Views[0]
		d.add("v4", "a", "v")
		d.replace()
		if d.Current().Views[0] != altered {
			t.Error("it was resolved anew though it has not changed since")
		}
	})
}

// want compares the names of the views that are served, and of those that are not.
func (d *defined) want(served, unserved string) {
	d.t.Helper()
	var yes, no []string
	for _, v := range d.Current().Views {
		yes = append(yes, v.Name)
	}
	for _, u := range d.Current().Unserved {
		no = append(no, u.Name)
	}
	if got := strings.Join(yes, " "); got != served {
		d.t.Errorf("served %q, want %q", got, served)
	}
	if got := strings.Join(no, " "); got != unserved {
		d.t.Errorf("not served %q, want %q", got, unserved)
	}
}

// TestReplaceDescribesWhatIsNew: a table that is known is not described again.
func TestReplaceDescribesWhatIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDefined(t, definedTables)
		defer d.Close()
		d.want("v1", "")
		d.add("v2", "b", "w")
		d.replace()
		d.want("v1 v2", "")
		d.replace()
		if got := d.server.since(1); len(got) != 1 || got[0].tables != "b_1" {
			t.Errorf("described %v, want b_1 once", got)
		}
	})
}

// TestReplaceAfterAnAlteration: a view of a column that is new finds it, though the table is known.
func TestReplaceAfterAnAlteration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDefined(t, definedTables)
		defer d.Close()
		d.server.alter(t, TableName{"s", "a_1"}, "s.a_1(id)\n  id bigint\n  v int\n  x int\n")
		d.add("v2", "a", "x")
		d.add("v3", "a", "y")
		d.replace()
		d.want("v1 v2", "v3")
		described := len(d.server.since(0))
		d.replace()
		if more := len(d.server.since(0)) - described; more != 0 {
			t.Errorf("what is still wrong was described %d times more", more)
		}
	})
}

// TestTableThatComesLater: a view whose table is not there is served when it is, and the others all the while.
func TestTableThatComesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDefined(t, definedTables)
		defer d.Close()
		d.add("v2", "c", "v")
		d.replace()
		d.want("v1", "v2")
		d.server.alter(t, TableName{"s", "c_1"}, "s.c_1(id)\n  id bigint\n  v int\n")
		time.Sleep(2 * maxRest)
		d.want("v1 v2", "")
	})
}

// TestAlteredTableTakesNoView: an alteration by which a view cannot be served leaves it as it was, as long as it is defined.
func TestAlteredTableTakesNoView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDefined(t, definedTables)
		defer d.Close()
		d.add("v2", "b", "w")
		d.replace()
		name := TableName{"s", "b_1"}
		d.server.alter(t, name, "s.b_1(id)\n  id bigint\n  other int\n")
		d.Stale(name)
		time.Sleep(2 * maxRest)
		d.want("v1 v2", "")
		d.server.alter(t, name, "s.b_1(id)\n  id bigint\n  w double\n")
		time.Sleep(2 * maxRest)
		d.want("v1 v2", "")
		v, err := d.Current().Find(nil, []byte("v2"), 1)
		if err != nil || v.Features[0].Type != "double" {
			t.Errorf("%v, %v", v, err)
		}
	})
}

// TestDefinitionsThatAreUnfit: a name that could end an identifier, or mean something else in a URL, is refused with its view.
func TestDefinitionsThatAreUnfit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDefined(t, definedTables)
		defer d.Close()
		d.add("a`b", "a", "v")
		d.add("a/b", "a", "v")
		d.add("v2", "x`; DROP TABLE y", "v")
		d.add("said", "a", "v")
		d.store.Views[len(d.store.Views)-1].Unfit = "the source says so"
		d.replace()
		d.want("v1", "a/b a`b said v2")
		for _, u := range d.Current().Unserved {
			if u.Why == "" {
				t.Errorf("%s: no reason", u.Name)
			}
		}
	})
}
