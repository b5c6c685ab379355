package hopsworks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rongate/rongate/avro"
	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
)

// Define makes a catalogue's definitions of what the metadata say. A view that cannot be served says why: the rest is.
// The same Metadata give the same definitions.
func (m *Metadata) Define() []*catalog.StoreDef {
	d := &definer{
		stores: map[int64]*catalog.StoreDef{}, projects: map[int64]int64{}, groups: map[int64]*group{},
		schemas: map[schemaKey]string{},
	}
	var defs []*catalog.StoreDef
	for _, s := range m.Stores {
		def := &catalog.StoreDef{Name: s.Name, Database: s.Name}
		d.stores[s.ID], d.projects[s.ID] = def, s.Project
		defs = append(defs, def)
	}
	for _, s := range m.Schemas {
		d.schemas[schemaKey{s.Project, s.Subject}] = s.Text
	}
	for i := range m.Groups {
		d.groups[m.Groups[i].ID] = &group{Group: &m.Groups[i]}
	}
	for _, v := range m.Views {
		if store := d.stores[v.Store]; store != nil { // else it goes with its store, and its row will
			store.Views = append(store.Views, d.view(v))
		}
	}
	return defs
}

// maxTTL is a century in seconds: what Hopsworks takes beyond it may be more than a time.Duration does.
const maxTTL = 100 * 365 * 24 * 60 * 60

// definer is one run of Define.
type definer struct {
	stores   map[int64]*catalog.StoreDef
	projects map[int64]int64 // of the stores
	groups   map[int64]*group
	schemas  map[schemaKey]string
}

// A group is a Group with its definition, which is made when a view needs it.
type group struct {
	*Group
	def      *catalog.GroupDef
	record   *avro.Record // nil: no complex feature was asked for yet
	mistaken error        // why there is no record
}

// define returns the definition of a group, nil if its feature store is gone.
func (d *definer) define(g *group) *catalog.GroupDef {
	store := d.stores[g.Store]
	if g.def != nil || store == nil {
		return g.def
	}
	g.def = &catalog.GroupDef{
		Name: g.Name, Version: int(g.Version), Table: g.label(), EventTime: g.EventTime, Absent: g.Spine,
		Complex: map[string]column.Decoder{},
	}
	if g.EventTime != "" && g.TTL > 0 {
		g.def.TTL = time.Duration(min(g.TTL, maxTTL)) * time.Second
	}
	store.Groups = append(store.Groups, g.def)
	return g.def
}

// view makes the definition of a view.
func (d *definer) view(v *View) *catalog.ViewDef {
	def := &catalog.ViewDef{Name: v.Name, Version: int(v.Version)}
	if err := d.fill(def, v); err != nil {
		def.Unfit = err.Error()
		def.Joins, def.Features, def.ServingKeys = nil, nil, nil
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
			return nil, fmt.Errorf("feature %s is of a feature group that was deleted", f.Name)
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
			def.ServingKeys = append(def.ServingKeys, k.ServingKey)
		}
		return nil
	}
	if !p.group.Online && !p.group.Spine {
		return fmt.Errorf("feature group %s is not online-enabled", p.group.label())
	}
	g := d.define(p.group)
	if g.Absent {
		declare(g, p.features, keys)
		kept := keys[:0]
		for _, k := range keys { // of the others nothing is known
			if slices.Contains(g.Key, k.Column) {
				kept = append(kept, k)
			} else {
				def.ServingKeys = append(def.ServingKeys, k.ServingKey)
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
	p.at = len(def.Joins)
	def.Joins = append(def.Joins, catalog.JoinDef{Group: g, Prefix: p.Prefix, Keys: keys})
	return nil
}

// keysOf maps the key columns of a join to serving keys, as Hopsworks has made them: nothing is computed. A key that is not
// required has its value from a column of the join on the left, by whose name callers give it.
func (v *View) keysOf(p *part) []catalog.KeyDef {
	var keys []catalog.KeyDef
	for _, k := range v.Keys {
		if k.Join != p.Index || slices.ContainsFunc(keys, func(d catalog.KeyDef) bool { return d.Column == k.Name }) {
			continue
		}
		name := k.Prefix + k.Name
		if !k.Required && k.JoinOn != "" {
			name = k.JoinOn
		}
		keys = append(keys, catalog.KeyDef{Column: k.Name, ServingKey: name})
	}
	return keys
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
	def := catalog.FeatureDef{Join: p.at, Column: f.Name}
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
