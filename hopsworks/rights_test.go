package hopsworks

import (
	"strings"
	"testing"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
)

// sharingSample has four projects: 1 has store own and group own/g, 2 has store other with groups a and b, 3 has a store that
// nobody shares, 4 has two stores.
func sharingSample(shares ...Share) *sharing {
	return newSharing(&Metadata{
		Stores: []Store{{1, "own", 1}, {2, "other", 2}, {3, "closed", 3}, {4, "left", 4}, {5, "right", 4}},
		Groups: []Group{
			{ID: 10, Store: 1, Name: "g", Version: 1},
			{ID: 20, Store: 2, Name: "a", Version: 1},
			{ID: 21, Store: 2, Name: "b", Version: 1},
			{ID: 22, Store: 2, Name: "a", Version: 2},
			{ID: 30, Store: 3, Name: "c", Version: 1},
			{ID: 99, Store: 77, Name: "lost", Version: 1},
		},
		Shares: shares,
	})
}

// viewOf is a feature view of a store that reads groups: store/name/version: columns.
func viewOf(store string, groups ...string) *catalog.View {
	v := &catalog.View{Store: store}
	for i, text := range groups {
		group, columns, _ := strings.Cut(text, ":")
		parts := strings.Split(group, "/")
		v.Joins = append(v.Joins, catalog.Join{Group: &catalog.Group{
			Store: parts[0], Name: parts[1], Version: int(parts[2][0] - '0'),
		}})
		for name := range strings.SplitSeq(columns, ",") {
			v.Features = append(v.Features, catalog.Feature{Join: i, Column: &column.Column{Name: name}})
		}
	}
	return v
}

// TestRights: who may read which views.
func TestRights(t *testing.T) {
	member1, restricted2 := []member{{Project: 1}}, []member{{Project: 2, Restricted: true}}
	for _, test := range []struct {
		rule    string
		members []member
		grants  []grant
		shares  []Share
		view    *catalog.View
		want    bool
	}{
		{"own store", member1, nil, nil, viewOf("own", "own/g/1:x"), true},
		{"no project", nil, nil, nil, viewOf("own", "own/g/1:x"), false},
		{"another project", member1, nil, nil, viewOf("other", "other/a/1:x"), false},
		{"both stores of a project", []member{{Project: 4}}, nil, nil, viewOf("left", "right/z/1:x"), true},
		{"a group of another project", member1, nil, nil, viewOf("own", "own/g/1:x", "other/a/1:x"), false},
		{"member of both", []member{{Project: 1}, {Project: 2}}, nil, nil, viewOf("own", "own/g/1:x", "other/a/1:x"), true},
		{"a store that is shared", member1, nil, []Share{{Project: 1, Store: 2, Whole: true}}, viewOf("other", "other/b/1:x"), true},
		{
			"a store that is shared with another", member1, nil,
			[]Share{{Project: 3, Store: 2, Whole: true}},
			viewOf("other", "other/b/1:x"), false,
		},
		{"a store of which groups are shared", member1, nil, []Share{{Project: 1, Store: 2}}, viewOf("other", "other/b/1:x"), false},
		{"a group that is shared", member1, nil, []Share{{Project: 1, Group: 20, Whole: true}}, viewOf("own", "other/a/1:x"), true},
		{"its own store's view", member1, nil, []Share{{Project: 1, Group: 20, Whole: true}}, viewOf("other", "other/a/1:x"), true},
		{"another version of it", member1, nil, []Share{{Project: 1, Group: 20, Whole: true}}, viewOf("own", "other/a/2:x"), false},
		{
			"another group beside it", member1, nil,
			[]Share{{Project: 1, Group: 20, Whole: true}},
			viewOf("other", "other/a/1:x", "other/b/1:x"), false,
		},
		{
			"features that are shared", member1, nil,
			[]Share{{Project: 1, Group: 20, Features: []string{"x", "y"}}},
			viewOf("own", "own/g/1:z", "other/a/1:x,y"), true,
		},
		{
			"a feature that is not", member1, nil,
			[]Share{{Project: 1, Group: 20, Features: []string{"x"}}},
			viewOf("own", "other/a/1:x,y"), false,
		},
		{"features in two shares", []member{{Project: 1}, {Project: 3}}, nil, []Share{
			{Project: 1, Group: 20, Features: []string{"x"}}, {Project: 3, Group: 20, Features: []string{"y"}},
		}, viewOf("own", "other/a/1:x,y"), true},
		{"the whole in another share", []member{{Project: 1}, {Project: 3}}, nil, []Share{
			{Project: 1, Group: 20, Whole: true}, {Project: 3, Group: 20, Features: []string{"y"}},
		}, viewOf("own", "other/a/1:x,y"), true},
		{"a share of no features", member1, nil, []Share{{Project: 1, Group: 20}}, viewOf("own", "other/a/1:x"), false},
		{
			"a share of a group that is gone", member1, nil,
			[]Share{{Project: 1, Group: 98, Whole: true}},
			viewOf("own", "other/a/1:x"), false,
		},
		{
			"a share of a store that is gone", member1, nil,
			[]Share{{Project: 1, Store: 77, Whole: true}},
			viewOf("", "/lost/1:x"), false,
		},
		{"restricted, without a grant", restricted2, nil, nil, viewOf("other", "other/a/1:x"), false},
		{"restricted, with a grant", restricted2, []grant{{Group: 20, Whole: true}}, nil, viewOf("other", "other/a/1:x"), true},
		{
			"restricted, with a grant of another group", restricted2,
			[]grant{{Group: 21, Whole: true}},
			nil,
			viewOf("other", "other/a/1:x"), false,
		},
		{
			"restricted, with a grant of the features", restricted2,
			[]grant{{Group: 20, Features: []string{"x"}}},
			nil,
			viewOf("other", "other/a/1:x"), true,
		},
		{
			"restricted, with a grant of others", restricted2,
			[]grant{{Group: 20, Features: []string{"y"}}},
			nil,
			viewOf("other", "other/a/1:x"), false,
		},
		{"restricted, with a grant of none", restricted2, []grant{{Group: 20}}, nil, viewOf("other", "other/a/1:x"), false},
		{
			"restricted, and shared with the project", restricted2, nil,
			[]Share{{Project: 2, Store: 1, Whole: true}},
			viewOf("other", "own/g/1:x"), false,
		},
		{"restricted there, a member here", append(restricted2, member1...), nil, nil, viewOf("own", "own/g/1:x"), true},
		{"restricted there, no matter here", append(restricted2, member1...), nil, nil, viewOf("own", "other/a/1:x"), false},
		{
			"restricted elsewhere, with a grant left over",
			[]member{{Project: 1, Restricted: true}},
			[]grant{{Group: 20, Whole: true}},
			nil, viewOf("own", "other/a/1:x"), false,
		},
		{
			"restricted, with a grant of what is shared with the project",
			[]member{{Project: 1, Restricted: true}},
			[]grant{{Group: 20, Whole: true}},
			[]Share{{Project: 1, Group: 20, Features: []string{"x"}}},
			viewOf("own", "other/a/1:x"), true,
		},
		{
			"restricted, with a grant of a store that is shared with the project",
			[]member{{Project: 1, Restricted: true}},
			[]grant{{Group: 20, Features: []string{"x"}}},
			[]Share{{Project: 1, Store: 2, Whole: true}},
			viewOf("own", "other/a/1:x"), true,
		},
		{
			"restricted, with a grant of a store of which other groups are shared",
			[]member{{Project: 1, Restricted: true}},
			[]grant{{Group: 20, Whole: true}},
			[]Share{{Project: 1, Store: 2}, {Project: 1, Group: 21, Whole: true}},
			viewOf("own", "other/a/1:x"), false,
		},
		{"a grant to one who is not restricted", member1, []grant{{Group: 20, Whole: true}}, nil, viewOf("own", "other/a/1:x"), false},
		{"a grant of a group that is gone", restricted2, []grant{{Group: 98, Whole: true}}, nil, viewOf("other", "//0:x"), false},
	} {
		t.Run(test.rule, func(t *testing.T) {
			if got := sharingSample(test.shares...).rights(test.members, test.grants).MayRead(test.view); got != test.want {
				t.Errorf("%t", got)
			}
		})
	}
}

// TestSplitKey: what cannot be a key is told without looking.
func TestSplitKey(t *testing.T) {
	long := strings.Repeat("p", maxPrefix)
	for presented, want := range map[string]bool{
		"abc.def": true, "a.b.c": true, long + ".s": true, "a." + strings.Repeat("s", maxSecret): true,
		"": false, ".": false, "abc": false, "abc.": false, ".def": false, long + "p.s": false, long: false,
		"a." + strings.Repeat("s", maxSecret+1): false, "a\x00.s": false, "a b.s": false, "ä.s": false,
	} {
		name, secret, ok := splitKey([]byte(presented))
		if ok != want {
			t.Errorf("%.60q: %t", presented, ok)
		}
		if text := strings.TrimRight(string(name[:]), "\x00") + "." + string(secret); ok && text != presented {
			t.Errorf("%.60q became %.60q", presented, text)
		}
	}
}
