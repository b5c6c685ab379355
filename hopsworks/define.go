package hopsworks

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rongate/rongate/avro"
	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
)

// A Definer makes definitions of one Metadata after the other. What is the same has the same definition, by its address, so
// that what is made of it can be kept.
type Definer struct{ last *definer }

// Define makes a catalogue's definitions of what the metadata say. A view that cannot be served says why: the rest is.
func (d *Definer) Define(m *Metadata) []*catalog.StoreDef {
	next := newDefiner(m)
	next.takeOver(d.last)
	defs := next.all(m)
	if next.spoilt { // a definition that was to be kept would have had to be altered
		next = newDefiner(m)
		defs = next.all(m)
	}
	next.before, next.storesBefore = nil, nil // else every run would keep the one before
	d.last = next
	return defs
}

// Define is Definer's for one Metadata alone.
func (m *Metadata) Define() []*catalog.StoreDef { return new(Definer).Define(m) }

func newDefiner(m *Metadata) *definer {
	d := &definer{
		stores: map[int64]*catalog.StoreDef{}, projects: map[int64]int64{}, groups: map[int64]*group{},
		schemas: map[schemaKey]string{}, views: map[*View]*catalog.ViewDef{}, listed: map[*catalog.GroupDef]bool{},
	}
	for _, s := range m.Stores {
		def := &catalog.StoreDef{Name: s.Name, Database: s.Name}
		d.stores[s.ID], d.projects[s.ID] = def, s.Project
		d.defs = append(d.defs, def)
	}
	for _, s := range m.Schemas {
		d.schemas[schemaKey{s.Project, s.Subject}] = s.Text
	}
	for i := range m.Groups {
		d.groups[m.Groups[i].ID] = &group{Group: &m.Groups[i]}
	}
	return d
}

// takeOver keeps the definitions of groups that are the same, and of views whose groups all are.
func (d *definer) takeOver(last *definer) {
	if last == nil {
		return
	}
	for id, g := range d.groups {
		old := last.groups[id]
		if old == nil || *old.Group != *g.Group || !d.sameStore(last, g) {
			continue
		}
		old.Group, old.same, old.frozen = g.Group, true, old.def != nil
		d.groups[id] = old
	}
	d.before, d.storesBefore = last.views, last.stores
}

// sameStore reports whether a group's feature store, and the schema of its rows, are what they were.
func (d *definer) sameStore(last *definer, g *group) bool {
	now, then := d.stores[g.Store], last.stores[g.Store]
	key := schemaKey{d.projects[g.Store], g.label()}
	return now != nil && then != nil && now.Name == then.Name && d.projects[g.Store] == last.projects[g.Store] &&
		d.schemas[key] == last.schemas[key]
}

func (d *definer) all(m *Metadata) []*catalog.StoreDef {
	for _, v := range m.Views {
		store := d.stores[v.Store]
		if store == nil {
			continue // it goes with its store, and its row will
		}
		def := d.before[v]
		if def == nil || !d.keeps(v) {
			def = d.view(v)
		}
		for i := range def.Joins {
			d.list(v, def.Joins[i].Group)
		}
		d.views[v] = def
		store.Views = append(store.Views, def)
	}
	return d.defs
}

// keeps reports whether a view's feature store is called as it was, and all its groups are defined as they were.
func (d *definer) keeps(v *View) bool {
	if then := d.storesBefore[v.Store]; then == nil || then.Name != d.stores[v.Store].Name {
		return false
	}
	for _, j := range v.Joins {
		if g := d.groups[j.Group]; g == nil || !g.same {
			return false
		}
	}
	return true
}

// list makes a group's definition one of its store's.
func (d *definer) list(v *View, def *catalog.GroupDef) {
	if d.listed[def] {
		return
	}
	d.listed[def] = true
	for _, j := range v.Joins {
		if g := d.groups[j.Group]; g != nil && g.def == def {
			store := d.stores[g.Store]
			store.Groups = append(store.Groups, def)
			return
		}
	}
}

// maxTTL is a century in seconds: what Hopsworks takes beyond it may be more than a time.Duration does.
const maxTTL = 100 * 365 * 24 * 60 * 60

// definer is one run of Define.
type definer struct {
	stores   map[int64]*catalog.StoreDef
	projects map[int64]int64 // of the stores
	groups   map[int64]*group
	schemas  map[schemaKey]string
	defs     []*catalog.StoreDef
	views    map[*View]*catalog.ViewDef // that were made, or taken over
	before   map[*View]*catalog.ViewDef // of the run before
	listed   map[*catalog.GroupDef]bool // that are their stores'

	storesBefore map[int64]*catalog.StoreDef
	spoilt       bool // something is missing in a definition that is frozen
}

// A group is a Group with its definition, which is made when a view needs it.
type group struct {
	*Group
	def      *catalog.GroupDef
	record   *avro.Record // nil: no complex feature was asked for yet
	mistaken error        // why there is no record
	same     bool         // as it was in the run before
	frozen   bool         // def is of a run before, and must stay as it is
}

// define returns the definition of a group, nil if its feature store is gone.
func (d *definer) define(g *group) *catalog.GroupDef {
	store := d.stores[g.Store]
	if g.def != nil || store == nil {
		return g.def
	}
	g.def = &catalog.GroupDef{
		ID: g.ID, Name: g.Name, Version: int(g.Version), Table: g.label(), EventTime: g.EventTime, Absent: g.Spine,
		Complex: map[string]column.Decoder{},
	}
	if g.EventTime != "" && g.TTL > 0 {
		g.def.TTL = time.Duration(min(g.TTL, maxTTL)) * time.Second
	}
	return g.def
}

// view makes the definition of a view.
func (d *definer) view(v *View) *catalog.ViewDef {
	def := &catalog.ViewDef{Name: v.Name, Version: int(v.Version)}
	if err := d.fill(def, v); err != nil {
		def.Unfit, def.Deleted = err.Error(), errors.Is(err, errDeleted)
		def.Joins, def.Features, def.ServingKeys, def.OtherKeys = nil, nil, nil, nil
	}
	return def
}

// A part is a join of a view on its way to the definition.
type part struct {
	Join
	group    *group
	features []Feature // that are served
	at       int       // its place in the definition; -1: nothing of it is read
}

func (d *definer) fill(def *catalog.ViewDef, v *View) error {
	parts, err := d.parts(v)
	if err != nil {
		return err
	}
	for i := range parts {
		if err := d.join(def, &parts[i], v); err != nil {
			return err
		}
	}
	for _, f := range v.Features {
		p := partOf(parts, &f)
		if f.Label || p.at < 0 { // or of a group with embeddings
			continue
		}
		def.Features = append(def.Features, featureOf(&f, p))
	}
	if len(def.Features) == 0 {
		return fmt.Errorf("none of its features is kept in a table: they are labels, or of feature groups with embeddings")
	}
	return nil
}

// errDeleted is why a view cannot be served that has lost one of its feature groups.
var errDeleted = errors.New("feature group that was deleted")

// parts leads every join to its group and every feature to its join.
func (d *definer) parts(v *View) ([]part, error) {
	if len(v.Joins) == 0 || len(v.Features) == 0 {
		return nil, fmt.Errorf("the metadata has no joins or no features of it")
	}
	parts := make([]part, len(v.Joins))
	for i, j := range v.Joins {
		parts[i] = part{Join: j, group: d.groups[j.Group], at: -1}
	}
	for _, f := range v.Features {
		p := partOf(parts, &f)
		switch {
		case f.Label:
			continue // never read, so that it does not matter what it is of
		case f.Group == 0 || p == nil || p.group == nil || d.stores[p.group.Store] == nil:
			return nil, fmt.Errorf("feature %s is of a %w", f.Name, errDeleted)
		case !p.group.Embedding:
			p.features = append(p.features, f)
		}
	}
	return parts, nil
}

// partOf is the join that a feature is of; nil: there is none.
func partOf(parts []part, f *Feature) *part {
	for i := range parts {
		if parts[i].ID == f.Join || f.Join == 0 && parts[i].Group == f.Group {
			return &parts[i]
		}
	}
	return nil
}

// join adds a join to the definition of a view, if something of it is served; else its serving keys alone, which callers
// give all the same.
func (d *definer) join(def *catalog.ViewDef, p *part, v *View) error {
	keys := v.keysOf(p)
	if len(p.features) == 0 {
		for _, k := range keys {
			addKey(def, k)
		}
		return nil
	}
	if !p.group.Online && !p.group.Spine {
		return fmt.Errorf("feature group %s is not online-enabled", p.group.label())
	}
	g := d.draft(p.group)
	if g.Absent {
		declare(g, p.features, keys)
		kept := keys[:0]
		for _, k := range keys { // of the others nothing is known
			if slices.Contains(g.Key, k.Column) {
				kept = append(kept, k)
			} else {
				addKey(def, k)
			}
		}
		keys = kept
	}
	for _, f := range p.features {
		switch {
		case strings.EqualFold(f.Type, "boolean") && !slices.Contains(g.Booleans, f.Name):
			g.Booleans = append(g.Booleans, f.Name)
		case f.complex() && g.Complex[f.Name] == nil && !g.Absent:
			decoder, err := d.decoder(p.group, f.Name)
			if err != nil {
				return err
			}
			g.Complex[f.Name] = decoder
		}
	}
	d.spoilt = d.spoilt || saysMore(g, p.group.def)
	p.at = len(def.Joins)
	def.Joins = append(def.Joins, catalog.JoinDef{Group: p.group.def, Prefix: p.Prefix, Keys: keys})
	return nil
}

// addKey lets callers give a key by which nothing is read.
func addKey(def *catalog.ViewDef, k catalog.KeyDef) {
	def.ServingKeys = append(def.ServingKeys, k.ServingKey)
	def.OtherKeys = append(def.OtherKeys, k.Others...)
}

// draft returns the definition of a group to be added to: a copy of one that is frozen.
func (d *definer) draft(g *group) *catalog.GroupDef {
	def := d.define(g)
	if !g.frozen {
		return def
	}
	draft := *def
	draft.Booleans, draft.Columns = slices.Clip(def.Booleans), slices.Clip(def.Columns)
	draft.Key, draft.Complex = slices.Clip(def.Key), maps.Clone(def.Complex)
	return &draft
}

// saysMore reports whether something was added to a definition.
func saysMore(draft, def *catalog.GroupDef) bool {
	return len(draft.Booleans) > len(def.Booleans) || len(draft.Columns) > len(def.Columns) ||
		len(draft.Key) > len(def.Key) || len(draft.Complex) > len(def.Complex)
}

// keysOf maps the key columns of a join to serving keys, as Hopsworks has made them: nothing is computed. A key that is not
// required has its value from a column of the join on the left, by whose name callers give it; by its own name with and
// without the prefix they may give it too, if they do not by that.
func (v *View) keysOf(p *part) []catalog.KeyDef {
	var keys []catalog.KeyDef
	for _, k := range v.Keys {
		if k.Join != p.Index || slices.ContainsFunc(keys, func(d catalog.KeyDef) bool { return d.Column == k.Name }) {
			continue
		}
		names := v.keyNames(p, k.Name)
		keys = append(keys, catalog.KeyDef{Column: k.Name, ServingKey: names[0], Others: names[1:]})
	}
	return keys
}

// keyNames are the names by which callers give a key column of a join, the one that counts before others first. There may
// be more than one serving key of it.
func (v *View) keyNames(p *part, column string) (names []string) {
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, required := range []bool{true, false} {
		for _, k := range v.Keys {
			if k.Join != p.Index || k.Name != column {
				continue
			}
			if required && !k.Required && k.JoinOn != "" {
				add(k.JoinOn)
			} else {
				add(k.Prefix + k.Name)
			}
		}
	}
	add(column)
	return names
}

// decoder returns what renders a complex feature.
func (d *definer) decoder(g *group, name string) (column.Decoder, error) {
	if g.record == nil && g.mistaken == nil {
		g.record, g.mistaken = d.schema(g)
	}
	if g.mistaken != nil {
		return nil, g.mistaken
	}
	t := g.record.Field(name)
	if t == nil {
		return nil, fmt.Errorf("the schema of feature group %s has no field %s", g.label(), name)
	}
	return t, nil
}

// schema reads the schema of a group.
func (d *definer) schema(g *group) (*avro.Record, error) {
	text, ok := d.schemas[schemaKey{d.projects[g.Store], g.label()}]
	if !ok {
		return nil, fmt.Errorf("there is no schema of feature group %s, by which its complex features are read", g.label())
	}
	record, err := avro.Parse([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("feature group %s: %w", g.label(), err)
	}
	return record, nil
}

// featureOf is the definition of a feature.
func featureOf(f *Feature, p *part) catalog.FeatureDef {
	def := catalog.FeatureDef{Join: p.at, Column: f.Name, Offline: f.Type}
	if f.complex() {
		def.Type = strings.ToLower(f.Type)
	}
	return def
}

// declare says of which columns a group without a table would be, from what the features' offline types tell.
func declare(g *catalog.GroupDef, features []Feature, keys []catalog.KeyDef) {
	for _, f := range features {
		if slices.ContainsFunc(g.Columns, func(d column.Def) bool { return d.Name == f.Name }) {
			continue
		}
		g.Columns = append(g.Columns, onlineType(&f))
		if slices.ContainsFunc(keys, func(k catalog.KeyDef) bool { return k.Column == f.Name }) {
			g.Key = append(g.Key, f.Name)
		}
	}
}

// onlineType is the column in which Hopsworks keeps features of an offline type, if nothing else is said.
func onlineType(f *Feature) column.Def {
	d := column.Def{Name: f.Name, Nullable: true}
	name := strings.ToLower(f.Type)
	kind, _, _ := strings.Cut(name, "(")
	switch kind {
	case "boolean":
		d.DataType, d.ColumnType = "tinyint", "tinyint"
	case "tinyint", "smallint", "int", "bigint", "float", "double", "date":
		d.DataType, d.ColumnType = kind, kind
	case "timestamp":
		d.DataType, d.ColumnType, d.DatetimePrecision = "timestamp", "timestamp(6)", 6
	case "decimal":
		d.DataType, d.ColumnType, d.NumericPrecision = "decimal", name, 10
		_, _ = fmt.Sscanf(name, "decimal(%d,%d)", &d.NumericPrecision, &d.NumericScale) // Hive's default is (10,0)
	case "string":
		d.DataType, d.ColumnType, d.CharMaxLength = "varchar", "varchar(100)", 100
		d.Charset, d.Collation = "utf8mb4", "utf8mb4_bin"
	default:
		d.DataType, d.ColumnType, d.CharMaxLength = "varbinary", "varbinary(100)", 100
	}
	return d
}
