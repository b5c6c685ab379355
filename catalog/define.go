package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/internal/yamldoc"
)

// A StoreDef is a feature store as a source other than a file defines it.
type StoreDef struct {
	Name     string
	Database string
	Groups   []*GroupDef
	Views    []*ViewDef
}

// A GroupDef is a feature group. Its key is the table's primary key.
type GroupDef struct {
	ID        int64 // that the source knows it by
	Name      string
	Version   int
	Table     string // in the store's database
	EventTime string // empty: it has none
	TTL       time.Duration
	Booleans  []string                  // columns whose offline type is boolean
	Complex   map[string]column.Decoder // of columns that hold complex features

	// Absent says that there is no table: all rows are missing. Columns are what there would be, as far as views need it,
	// and Key those that its key would have, as far as they are among these.
	Absent  bool
	Columns []column.Def
	Key     []string
}

// A ViewDef is a feature view. Labels are left out.
type ViewDef struct {
	Name        string
	Version     int
	Joins       []JoinDef
	Features    []FeatureDef
	ServingKeys []string // that callers may give though nothing is read by them
	OtherKeys   []string // other names of these
	Unfit       string   // why the source itself has it that the view cannot be served; empty: it can
	Deleted     bool     // that is since a feature group of it was deleted
}

// A JoinDef is a feature group's part in a view.
type JoinDef struct {
	Group  *GroupDef // of any of the stores
	Prefix string
	Keys   []KeyDef // those that are not mapped have the name of their column
}

// A KeyDef maps a key column to a serving key.
type KeyDef struct {
	Column, ServingKey string
	Others             []string // see Join.OtherKeys
}

// A FeatureDef is one feature of a view. Its name is the join's prefix and the column's name.
type FeatureDef struct {
	Join    int // index in the view's Joins
	Column  string
	Type    string // how clients are told the type of a complex feature
	Offline string // its type in Hopsworks
}

// Define makes a Spec of definitions. Other than a file's, it is resolved view by view: one that is mistaken is left out of
// the Snapshot, which says why. source is what it is called in messages. Definitions that were part of the Spec before, if
// there was one, cost nothing: neither here nor when the Spec is resolved. They must not have been altered since.
func Define(source string, stores []*StoreDef, before *Spec) *Spec {
	s := &Spec{each: true, groups: map[*GroupDef]*groupSpec{}, views: map[*ViewDef]*viewSpec{}}
	if before == nil {
		before = &Spec{}
	}
	for _, def := range stores {
		store := &storeSpec{name: word{text: def.Name}, database: word{text: def.Database}}
		s.stores = append(s.stores, store)
		for _, g := range def.Groups {
			spec := before.groups[g]
			if spec == nil {
				spec = defineGroup(source, def, g)
			}
			s.groups[g] = spec
			store.groups = append(store.groups, spec)
		}
	}
	for i, def := range stores {
		for _, v := range def.Views {
			spec := before.views[v]
			if spec == nil {
				spec = defineView(source, def, v, s.groups)
			}
			s.views[v] = spec
			s.stores[i].views = append(s.stores[i].views, spec)
		}
	}
	return s
}

func defineGroup(source string, store *StoreDef, def *GroupDef) *groupSpec {
	at := yamldoc.Pos{File: source, Field: fmt.Sprintf("feature group %s_%d of %s", def.Name, def.Version, store.Name)}
	g := &groupSpec{
		at: at, id: def.ID, store: store.Name, name: word{at, def.Name}, version: def.Version,
		table: TableName{store.Database, def.Table}, tableAt: at, keyAt: at, ttl: def.TTL, ttlAt: at, complex: def.Complex,
		unfit: errors.Join(nameFault(store.Database), nameFault(def.Name), nameFault(def.Table)),
	}
	if def.EventTime != "" {
		g.eventTime = word{at, def.EventTime}
	}
	for _, b := range def.Booleans {
		g.booleans = append(g.booleans, word{at, b})
	}
	if def.Absent {
		g.absent = &Table{Name: g.table, Columns: def.Columns, PrimaryKey: def.Key}
	}
	return g
}

func defineView(source string, store *StoreDef, def *ViewDef, groups map[*GroupDef]*groupSpec) *viewSpec {
	at := yamldoc.Pos{File: source, Field: fmt.Sprintf("feature view %s/%s version %d", store.Name, def.Name, def.Version)}
	v := &viewSpec{
		at: at, store: store.Name, name: word{at, def.Name}, version: def.Version, extraKeys: def.ServingKeys,
		otherKeys: def.OtherKeys, deleted: def.Deleted,
		unfit: errors.Join(nameFault(store.Name), nameFault(def.Name)),
	}
	if def.Unfit != "" {
		v.unfit = errors.New(def.Unfit)
	}
	for i := range def.Joins {
		v.joins = append(v.joins, defineJoin(at, &def.Joins[i], groups))
	}
	for _, f := range def.Features {
		j := v.joins[f.Join]
		at.Field = v.at.Field + ": feature " + j.prefix.text + f.Column
		v.features = append(v.features, &featureSpec{
			name: word{at, j.prefix.text + f.Column}, join: j, typeName: f.Type, offline: f.Offline,
		})
	}
	return v
}

func defineJoin(at yamldoc.Pos, def *JoinDef, groups map[*GroupDef]*groupSpec) *joinSpec {
	g := groups[def.Group]
	j := &joinSpec{
		at: at, store: word{at, g.store}, name: word{at, g.name.text}, version: g.version, prefix: word{at, def.Prefix}, group: g,
	}
	for _, k := range def.Keys {
		j.keys = append(j.keys, keySpec{column: word{at, k.Column}, servingKey: word{at, k.ServingKey}, others: k.Others})
	}
	return j
}

// nameFault says why something cannot be the name of what the database, a URL or an answer names by it.
func nameFault(name string) error {
	switch {
	case name == "":
		return errors.New("a name is empty")
	case utf8.RuneCountInString(name) > maxName:
		return fmt.Errorf("the name %.20s... is longer than %d characters", name, maxName)
	case strings.ContainsFunc(name, func(r rune) bool { return r == '`' || r == '/' || r == '*' || unicode.IsControl(r) }):
		return fmt.Errorf("the name %q has a character that no name may have", name)
	}
	return nil
}

// Unserved is a feature view that a source has and that is not served.
type Unserved struct {
	Store, Name string
	Version     int
	Why         string
	Deleted     bool // a feature group of it was deleted
}

// tablesOf returns the tables of some views, those of which it is known why they cannot be served without looking at any
// left out.
func (s *Spec) tablesOf(views []Unserved) (tables []TableName) {
	for _, store := range s.stores {
		for _, v := range store.views {
			if v.unfit != nil || !slices.ContainsFunc(views, func(u Unserved) bool {
				return u.Store == v.store && u.Name == v.name.text && u.Version == v.version
			}) {
				continue
			}
			for _, j := range v.joins {
				if j.group.absent == nil {
					tables = append(tables, j.group.table)
				}
			}
		}
	}
	slices.SortFunc(tables, TableName.compare)
	return slices.Compact(tables)
}

// A made is what a Snapshot was made of, where views are resolved one by one, for the next to take over.
type made struct {
	groups map[*groupSpec]*group
	views  map[*viewSpec]*View
}

// resolveEach resolves views one by one, over the groups that can be read. Those of the snapshot before are taken over
// where neither they nor what they read has changed.
func (r *resolver) resolveEach(views []*viewSpec) {
	made := made{r.groups, make(map[*viewSpec]*View, len(views))}
	for _, v := range views {
		if old := r.madeBefore(v); old != nil {
			made.views[v] = old
			for i := range old.Joins {
				for _, s := range old.Joins[i].Selects {
					r.adopt(s)
				}
			}
		}
	}
	for _, v := range views {
		if old := made.views[v]; old != nil {
			r.snapshot.Views = append(r.snapshot.Views, old)
			continue
		}
		if err := r.resolveAlone(v); err != nil {
			r.snapshot.Unserved = append(r.snapshot.Unserved,
				Unserved{Store: v.store, Name: v.name.text, Version: v.version, Why: err.Error(), Deleted: v.deleted})
			continue
		}
		made.views[v] = r.snapshot.Views[len(r.snapshot.Views)-1]
	}
	r.snapshot.made = made
}

// madeBefore is what was made of a view for the snapshot before; nil: nothing that holds still.
func (r *resolver) madeBefore(v *viewSpec) *View {
	old := r.before.views[v]
	if old == nil {
		return nil
	}
	for _, j := range v.joins {
		if g := r.groups[j.group]; g == nil || g != r.before.groups[j.group] {
			return nil
		}
	}
	return old
}

// resolveAlone adds a view to the snapshot or says what is wrong with it.
func (r *resolver) resolveAlone(v *viewSpec) error {
	if v.unfit != nil {
		return v.unfit
	}
	for _, j := range v.joins {
		if err := r.unfit[j.group]; err != nil {
			return err
		}
	}
	r.report = yamldoc.Report{}
	r.resolveView(v)
	return r.report.Err()
}

// resolveGroupAlone resolves a group and keeps what is wrong with it for the views that join it.
func (r *resolver) resolveGroupAlone(spec *groupSpec, table *Table) *group {
	if old := r.before.groups[spec]; old != nil && spec.unfit == nil && (old.table == table || spec.absent != nil) {
		return old
	}
	r.report = yamldoc.Report{}
	g := r.resolveGroup(spec, table)
	if err := errors.Join(spec.unfit, r.report.Err()); err != nil {
		r.unfit[spec] = err
		return nil
	}
	return g
}
