package hopsworks

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/rongate/rongate/catalog"
)

// tellDefs renders definitions, but for addresses and what groups say of their columns, which may be more than is needed.
func tellDefs(stores []*catalog.StoreDef) string {
	var b strings.Builder
	for _, s := range stores {
		fmt.Fprintf(&b, "store %s of %s\n", s.Name, s.Database)
		var groups []string
		for _, g := range s.Groups {
			groups = append(groups,
				fmt.Sprintf("  group %s_%d %s %s %v %v\n", g.Name, g.Version, g.Table, g.EventTime, g.TTL, g.Absent))
		}
		slices.Sort(groups)
		b.WriteString(strings.Join(groups, ""))
		for _, v := range s.Views {
			fmt.Fprintf(&b, "  view %s %d %v %v unfit %q\n", v.Name, v.Version, v.Features, v.ServingKeys, v.Unfit)
			for _, j := range v.Joins {
				fmt.Fprintf(&b, "    join %s_%d %q %v\n", j.Group.Name, j.Group.Version, j.Prefix, j.Keys)
			}
		}
	}
	return b.String()
}

// checkSaid fails if a group says less of its columns than one that was made anew.
func checkSaid(t *testing.T, got, fresh []*catalog.StoreDef) {
	t.Helper()
	groups := map[string]*catalog.GroupDef{}
	for _, s := range got {
		for _, g := range s.Groups {
			groups[s.Name+g.Table] = g
		}
	}
	for _, s := range fresh {
		for _, want := range s.Groups {
			g := groups[s.Name+want.Table]
			for _, name := range want.Booleans {
				if !slices.Contains(g.Booleans, name) {
					t.Fatalf("%s: %s is no boolean", want.Table, name)
				}
			}
			for name := range want.Complex {
				if g.Complex[name] == nil {
					t.Fatalf("%s: %s is not decoded", want.Table, name)
				}
			}
			for _, c := range want.Columns {
				if !slices.Contains(g.Columns, c) {
					t.Fatalf("%s: there is no column %s", want.Table, c.Name)
				}
			}
		}
	}
}

// somewhere returns one of so many, or now and then 0, which is none.
func somewhere(r *rand.Rand, n int) int64 { return int64(r.IntN(n + 1)) }

// randomView is a view of one or two of five groups.
func randomView(r *rand.Rand, id int64) *View {
	v := &View{ID: id, Store: 1 + somewhere(r, 1), Name: fmt.Sprint("v", id), Version: 1}
	types := map[string]string{"a": "int", "b": "boolean", "c": "array<int>", "d": "string", "e": "boolean"}
	for i := range 1 + r.Int64N(2) {
		group := 1 + r.Int64N(5)
		v.Joins = append(v.Joins, Join{ID: 10*id + i, Group: group, Index: i, Prefix: strings.Repeat("p", int(i))})
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			if r.IntN(2) == 0 {
				v.Features = append(v.Features, Feature{
					Group: group, Join: 10*id + i, Index: int64(len(v.Features)), Name: name, Type: types[name], Label: r.IntN(4) == 0,
				})
			}
		}
		v.Keys = append(v.Keys, ServingKey{Group: group, Join: i, Name: "id", Required: true})
	}
	return v
}

// TestDefiner: what is kept of the definitions before is what would be made anew, whatever has changed.
func TestDefiner(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	schema := `{"type":"record","name":"r","fields":[{"name":"c","type":["null",{"type":"array","items":"int"}]}]}`
	m := &Metadata{Stores: []Store{{1, "one", 1}, {2, "two", 2}}}
	for id := range int64(5) {
		m.Groups = append(m.Groups, Group{
			ID: 1 + id, Store: 1 + id%2, Name: fmt.Sprint("g", id), Version: 1, EventTime: "d", Online: id != 3, Spine: id == 4,
		})
	}
	var d Definer
	kept, made := 0, 0
	last := map[string]*catalog.ViewDef{}
	for step := range int64(2000) {
		next := &Metadata{
			Stores: slices.Clone(m.Stores), Groups: slices.Clone(m.Groups), Views: slices.Clone(m.Views), Schemas: slices.Clone(m.Schemas),
		}
		switch n := r.IntN(20); {
		case n < 10 || len(next.Views) == 0:
			next.Views = append(next.Views, randomView(r, step))
		case n < 15:
			i := r.IntN(len(next.Views))
			next.Views = slices.Delete(next.Views, i, i+1)
		case n < 16:
			next.Groups[r.IntN(len(next.Groups))].TTL = r.Int64N(3)
		case n < 17:
			g := &next.Groups[r.IntN(len(next.Groups))]
			next.Schemas = []Schema{{g.Store, g.label(), step, schema}}
		case n < 18:
			next.Groups[r.IntN(len(next.Groups))].Online = r.IntN(3) > 0
		case n < 19 && len(next.Stores) == 2:
			next.Stores = next.Stores[:1]
		case n < 19:
			next.Stores = append(next.Stores, Store{2, "two", 2})
		}
		got := d.Define(next)
		fresh := next.Define()
		if a, b := tellDefs(got), tellDefs(fresh); a != b {
			t.Fatalf("step %d\ngot\n%s\nwant\n%s", step, a, b)
		}
		checkSaid(t, got, fresh)
		now := map[string]*catalog.ViewDef{}
		for _, s := range got {
			for _, v := range s.Views {
				if now[v.Name] = v; last[v.Name] == v {
					kept++
				} else {
					made++
				}
			}
		}
		m, last = next, now
	}
	t.Logf("%d views kept, %d made anew", kept, made)
	if kept < made {
		t.Error("most views should have been kept")
	}
}

// TestDefinerOfRenamedStore: a view goes by its feature store's name, whatever it reads.
func TestDefinerOfRenamedStore(t *testing.T) {
	m := sample()
	m.Stores = append(m.Stores, Store{2, "guest", 8})
	m.Views[0].Store = 2 // which reads a group of another store
	var d Definer
	before := d.Define(m)[1].Views[0]
	renamed := *m
	renamed.Stores = []Store{m.Stores[0], {2, "host", 8}}
	if now := d.Define(&renamed)[1]; now.Name != "host" || now.Views[0] == before {
		t.Errorf("%s has the definition that was %s's", now.Name, "guest")
	}
	kept := d.Define(&renamed)[1].Views[0]
	if d.Define(&renamed)[1].Views[0] != kept {
		t.Error("it was defined anew though nothing has changed")
	}
}

// TestKeyNames: what is required or joined on counts before the prefixed name, and that before the bare one.
func TestKeyNames(t *testing.T) {
	p := &part{Join: Join{Index: 1}}
	for _, tc := range []struct {
		rule string
		keys []ServingKey
		want string
	}{
		{"required", []ServingKey{{Join: 1, Name: "id", Prefix: "p_", Required: true, JoinOn: "left"}}, "[p_id id]"},
		{"joined on", []ServingKey{{Join: 1, Name: "id", Prefix: "p_", JoinOn: "left"}}, "[left p_id id]"},
		{"joined on its own name", []ServingKey{{Join: 1, Name: "id", JoinOn: "id"}}, "[id]"},
		{"neither", []ServingKey{{Join: 1, Name: "id", Prefix: "0_"}}, "[0_id id]"},
		{"no prefix", []ServingKey{{Join: 1, Name: "id", Required: true}}, "[id]"},
		{"of another join", []ServingKey{{Join: 0, Name: "id", Prefix: "p_", Required: true}}, "[id]"},
		{"two of one column", []ServingKey{
			{Join: 1, Name: "id", Prefix: "a_", JoinOn: "left"}, {Join: 1, Name: "id", Prefix: "b_", Required: true},
		}, "[left b_id a_id id]"},
	} {
		v := &View{Keys: tc.keys}
		if got := fmt.Sprint(v.keyNames(p, "id")); got != tc.want {
			t.Errorf("%s: %s; want %s", tc.rule, got, tc.want)
		}
	}
}
