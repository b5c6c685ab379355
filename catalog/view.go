package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/internal/yamldoc"
)

// A view is a View being resolved.
type view struct {
	*View
	spec   *viewSpec
	joins  []*group          // of the joins, one by one
	stored []map[string]bool // of the joins, the columns that are read for features
	keys   []keyUse          // of the serving keys, what they were first mapped to
}

// A keyUse is a column that a serving key is mapped to.
type keyUse struct {
	label  string // of the group
	column *column.Column
}

// resolveView adds a view to the snapshot. One that joins a group which cannot be read is passed over: what is wrong
// with the group has been reported, and little could be said about the view's features.
func (r *resolver) resolveView(spec *viewSpec) {
	v := &view{spec: spec, View: &View{
		Store: spec.store, Name: spec.name.text, Version: spec.version, Hedging: spec.hedging, OtherKeys: spec.otherKeys,
	}}
	for _, j := range spec.joins {
		g := r.groups[j.group]
		if g == nil {
			return
		}
		v.joins = append(v.joins, g)
		v.stored = append(v.stored, make(map[string]bool))
		v.Joins = append(v.Joins, Join{
			Group: g.Group, Prefix: j.prefix.text, KeySlots: r.keySlots(v, j, g), OtherKeys: otherKeys(j, g), EventTime: -1,
		})
	}
	v.addKeys(spec.extraKeys)
	for _, f := range spec.features {
		r.resolveFeature(v, f)
	}
	if r.report.Err() != nil {
		return // no plan of what is not understood
	}
	for i := range v.Joins {
		r.planJoin(v, i)
	}
	for i := range v.Features {
		if f := &v.Features[i]; f.Key < 0 {
			f.Select, f.Cell = v.Joins[f.Join].find(f.Column)
		}
	}
	r.snapshot.Views = append(r.snapshot.Views, v.View)
}

// addKeys adds serving keys by which nothing is read.
func (v *view) addKeys(names []string) {
	for _, name := range names {
		if !slices.ContainsFunc(v.ServingKeys, func(k ServingKey) bool { return k.Name == name }) {
			v.ServingKeys = append(v.ServingKeys, ServingKey{Name: name})
		}
	}
}

// keySlots maps a join's key columns to serving keys: those that the file says, else those of the columns' names.
func (r *resolver) keySlots(v *view, j *joinSpec, g *group) []int {
	for _, k := range j.keys {
		if !slices.Contains(g.table.PrimaryKey, k.column.text) {
			r.report.Add(k.column.at, "column %s is not part of the primary key of %s; %s",
				k.column.text, j.label(), yamldoc.Suggest(k.column.text, g.table.PrimaryKey))
		}
	}
	slots := make([]int, len(g.Key))
	for i, c := range g.Key {
		servingKey := word{j.at, c.Name}
		for _, k := range j.keys {
			if k.column.text == c.Name {
				servingKey = k.servingKey
			}
		}
		slots[i] = r.keySlot(v, servingKey, keyUse{j.label(), c})
		if first := slices.Index(slots[:i], slots[i]); first >= 0 {
			r.report.Add(servingKey.at, "serving key %s is mapped to column %s and to column %s of %s; map one of them to "+
				"another serving key",
				servingKey.text, g.Key[first].Name, c.Name, j.label())
		}
	}
	return slots
}

// otherKeys are the other names by which the parts of a join's key are given; nil: there are none.
func otherKeys(j *joinSpec, g *group) (names [][]string) {
	for i, c := range g.Key {
		for _, k := range j.keys {
			if k.column.text != c.Name || len(k.others) == 0 {
				continue
			}
			if names == nil {
				names = make([][]string, len(g.Key))
			}
			names[i] = k.others
		}
	}
	return names
}

// keySlot returns the slot of a serving key, a new one if the view has none of that name.
func (r *resolver) keySlot(v *view, servingKey word, use keyUse) int {
	for slot, k := range v.ServingKeys {
		if k.Name != servingKey.text {
			continue
		}
		if first := v.keys[slot]; familyOf(first.column) != familyOf(use.column) {
			r.report.Add(servingKey.at, "serving key %s is mapped to %s and to %s, which no one value fits; "+
				"map one of them to another serving key", servingKey.text, first, use)
		}
		return slot
	}
	v.ServingKeys = append(v.ServingKeys, ServingKey{Name: servingKey.text, Type: use.column.SQLType})
	v.keys = append(v.keys, use)
	return len(v.ServingKeys) - 1
}

func (u keyUse) String() string {
	return fmt.Sprintf("column %s (%s) of %s", u.column.Name, u.column.SQLType, u.label)
}

// familyOf gives key columns that take the same client values the same kind.
func familyOf(c *column.Column) column.Kind {
	switch c.Kind {
	case column.Decimal:
		return column.Int
	case column.VarChar:
		return column.Char
	case column.VarBinary:
		return column.Binary
	case column.Timestamp:
		return column.DateTime
	}
	return c.Kind
}

// A candidate is a column that a feature's name may mean.
type candidate struct {
	join   int
	column string
	key    int // index in the group's key; -1: a stored column
}

// resolveFeature finds a feature's column. A label must be a column too, but of any type, since it is not read.
func (r *resolver) resolveFeature(v *view, spec *featureSpec) {
	from, ok := r.choose(v, spec)
	if !ok || spec.label {
		return
	}
	c := r.column(v.joins[from.join], spec.name.at, from.column)
	if c == nil {
		return
	}
	f := Feature{
		Name: spec.name.text, Type: cmp.Or(spec.typeName, typeName(c)), Offline: spec.offline, Column: c, Join: from.join,
		Key: from.key, Select: -1, Cell: -1,
	}
	f.Default = r.defaultOf(spec, f)
	if f.Key < 0 {
		v.stored[from.join][from.column] = true
	}
	v.Features = append(v.Features, f)
}

// choose returns the one column that a feature's name can mean.
func (r *resolver) choose(v *view, spec *featureSpec) (candidate, bool) {
	found := v.candidates(spec)
	switch {
	case len(found) == 0:
		r.report.Add(spec.name.at, "no joined feature group has it; %s", yamldoc.Suggest(spec.name.text, v.names(spec)))
		return candidate{}, false
	case v.sameServingKey(found):
		return found[0], true
	}
	owners := make([]string, len(found))
	for i, from := range found {
		owners[i] = fmt.Sprintf("column %s of %s", from.column, v.spec.joins[from.join].label())
	}
	r.report.Add(spec.name.at, "is ambiguous: it may be %s; name the group, or give one of the joins another prefix",
		strings.Join(owners, " or "))
	return candidate{}, false
}

// candidates returns the columns whose name after the join's prefix is the feature's.
func (v *view) candidates(spec *featureSpec) []candidate {
	var found []candidate
	for i, g := range v.joins {
		j := v.spec.joins[i]
		name, ok := strings.CutPrefix(spec.name.text, j.prefix.text)
		if spec.join != nil && spec.join != j {
			continue
		}
		if !ok || spec.group.text != "" && spec.group.text != j.label() || g.find(name) == nil {
			continue
		}
		found = append(found, candidate{join: i, column: name, key: slices.Index(g.table.PrimaryKey, name)})
	}
	return found
}

// names returns all features that the view could have, for a suggestion.
func (v *view) names(spec *featureSpec) []string {
	var names []string
	for i, g := range v.joins {
		if j := v.spec.joins[i]; spec.group.text == "" || spec.group.text == j.label() {
			for _, column := range g.columnNames() {
				names = append(names, j.prefix.text+column)
			}
		}
	}
	return names
}

// sameServingKey reports whether it makes no difference which column is meant: there is only one, or all of them echo
// one serving key.
func (v *view) sameServingKey(found []candidate) bool {
	slot := func(c candidate) int {
		if c.key < 0 {
			return -1
		}
		return v.Joins[c.join].KeySlots[c.key]
	}
	for _, c := range found[1:] {
		if slot(c) < 0 || slot(c) != slot(found[0]) {
			return false
		}
	}
	return true
}

// defaultOf returns the JSON fragment of a feature's default; nil: it has none.
func (r *resolver) defaultOf(spec *featureSpec, f Feature) []byte {
	if spec.value.Kind == column.LiteralNull {
		return nil
	}
	if f.Key >= 0 {
		r.report.Add(spec.valueAt, "%s is a key, which answers what the caller sent, so it takes no default; leave it out",
			f.Name)
		return nil
	}
	value, err := f.Column.AppendLiteral(nil, spec.value)
	if err != nil {
		r.report.Add(spec.valueAt, "does not fit column %s (%s): it %v", f.Column.Name, f.Type, err)
		return nil
	}
	return value
}

// typeName is how clients are told a column's type.
func typeName(c *column.Column) string {
	switch {
	case c.Boolean:
		return "boolean"
	case c.Kind == column.Timestamp:
		return c.SQLType + " UTC"
	}
	return c.SQLType
}
