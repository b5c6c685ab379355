package catalog

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/internal/yamldoc"
)

// Resolve makes the Snapshot of a catalogue over the tables as they are now. A table that is absent from the map does
// not exist. All mistakes come at once, as yamldoc.Problems. The same Spec and tables give the same Snapshot.
func (s *Spec) Resolve(tables map[TableName]*Table) (*Snapshot, error) {
	return s.resolveAfter(nil, tables)
}

// resolveAfter is Resolve that takes over what it can of the Snapshot before, if there was one.
func (s *Spec) resolveAfter(before *Snapshot, tables map[TableName]*Table) (*Snapshot, error) {
	r := &resolver{
		groups: make(map[*groupSpec]*group), unfit: make(map[*groupSpec]error), selects: make(map[string]*Select),
	}
	if before != nil {
		r.before = before.made
	}
	resolveGroup := r.resolveGroup
	if s.each {
		resolveGroup = r.resolveGroupAlone
	}
	var views []*viewSpec
	for _, store := range s.stores {
		r.snapshot.Stores = append(r.snapshot.Stores, store.name.text)
		for _, spec := range store.groups {
			r.groups[spec] = resolveGroup(spec, tables[spec.table])
		}
		views = append(views, store.views...)
	}
	slices.SortFunc(views, func(a, b *viewSpec) int {
		return cmp.Or(strings.Compare(a.store, b.store), strings.Compare(a.name.text, b.name.text),
			cmp.Compare(a.version, b.version))
	})
	if s.each {
		r.resolveEach(views)
		return &r.snapshot, nil
	}
	for _, spec := range views {
		r.resolveView(spec)
	}
	if err := r.report.Err(); err != nil {
		return nil, err
	}
	return &r.snapshot, nil
}

// A resolver is one run of Resolve.
type resolver struct {
	report   yamldoc.Report
	groups   map[*groupSpec]*group
	unfit    map[*groupSpec]error // why groups cannot be read, where views are resolved one by one
	selects  map[string]*Select   // by table and columns
	snapshot Snapshot
	before   made
}

// A group is a Group with its table, whose columns are made as they are needed: a table may have columns of types that
// rongate cannot serve, as long as nobody asks for them.
type group struct {
	*Group
	spec    *groupSpec
	table   *Table
	columns map[string]*column.Column
}

// resolveGroup returns nil if the group cannot be read.
func (r *resolver) resolveGroup(spec *groupSpec, table *Table) *group {
	if spec.absent != nil {
		table = spec.absent
	}
	switch {
	case table == nil:
		r.report.Add(spec.tableAt, "table %s does not exist, or the user may not read it; create it, grant SELECT or "+
			"mend its name",
			spec.table)
		return nil
	case len(table.PrimaryKey) == 0 && spec.absent == nil:
		r.report.Add(spec.tableAt, "table %s has no primary key, by which alone rows are read; add one", spec.table)
		return nil
	}
	g := &group{
		Group: &Group{
			ID: spec.id, Store: spec.store, Name: spec.name.text, Version: spec.version, Table: spec.table, TTL: spec.ttl,
		},
		spec: spec, table: table, columns: make(map[string]*column.Column),
	}
	r.checkBooleans(g)
	if !r.resolveKey(g) {
		return nil
	}
	r.resolveEventTime(g)
	return g
}

// checkBooleans reports booleans of other types. Column has set the mark already.
func (r *resolver) checkBooleans(g *group) {
	for _, n := range g.spec.booleans {
		if c := r.column(g, n.at, n.text); c != nil && c.Kind != column.Int {
			r.report.Add(n.at, "column %s is %s, and only an integer can be a boolean; leave the type out", n.text, c.SQLType)
		}
	}
}

// resolveKey sets the group's key, which is the primary key, and compares it with what the file says it is.
func (r *resolver) resolveKey(g *group) bool {
	if key := g.spec.key; len(key) > 0 {
		names := make([]string, len(key))
		for i, n := range key {
			names[i] = n.text
		}
		if !sameSet(names, g.table.PrimaryKey) {
			r.report.Add(g.spec.keyAt, "the primary key of table %s is (%s), not (%s); list those columns or leave key out",
				g.spec.table, strings.Join(g.table.PrimaryKey, ", "), strings.Join(names, ", "))
			return false
		}
	}
	for _, n := range g.table.PrimaryKey {
		c := r.column(g, g.spec.keyAt, n)
		if c == nil {
			return false
		}
		if err := c.CheckKey(); err != nil {
			r.report.Add(g.spec.keyAt, "table %s cannot be read by its primary key: column %s: %v", g.spec.table, n, err)
			return false
		}
		g.Key = append(g.Key, c)
	}
	return true
}

func (r *resolver) resolveEventTime(g *group) {
	n := g.spec.eventTime
	if n.text == "" {
		return
	}
	c := r.column(g, n.at, n.text)
	if c == nil {
		return
	}
	if slices.Contains(g.Key, c) {
		r.report.Add(n.at, "column %s is part of the primary key, so that a caller would have to know it; "+
			"leave eventTime out", n.text)
		return
	}
	if err := c.CheckEventTime(); err != nil {
		r.report.Add(n.at, "column %s: %v; name a TIMESTAMP, DATETIME, DATE or integer column", n.text, err)
		return
	}
	g.EventTime = c
}

// column makes a column of a group, once, or reports why it cannot be had and returns nil.
func (r *resolver) column(g *group, at yamldoc.Pos, name string) *column.Column {
	if c := g.columns[name]; c != nil {
		return c
	}
	def := g.find(name)
	if def == nil {
		r.report.Add(at, "table %s has no column %s; %s", g.spec.table, name, yamldoc.Suggest(name, g.columnNames()))
		return nil
	}
	c, err := column.New(*def)
	if err != nil {
		r.report.Add(at, "table %s: %v", g.spec.table, err)
		return nil
	}
	c.Boolean = c.Kind == column.Int && slices.ContainsFunc(g.spec.booleans, func(b word) bool { return b.text == name })
	if c.Complex = g.spec.complex[name]; c.Complex != nil && c.Kind != column.VarBinary && c.Kind != column.Blob {
		r.report.Add(at, "table %s: column %s is %s, and complex features are kept in VARBINARY or BLOB", g.spec.table, name,
			c.SQLType)
		return nil
	}
	g.columns[name] = c
	return c
}

// find returns the definition of a column; nil: the table has none of that name.
func (g *group) find(name string) *column.Def {
	for i := range g.table.Columns {
		if g.table.Columns[i].Name == name {
			return &g.table.Columns[i]
		}
	}
	return nil
}

func (g *group) columnNames() []string {
	names := make([]string, len(g.table.Columns))
	for i, def := range g.table.Columns {
		names[i] = def.Name
	}
	return names
}

// sameSet compares two lists without duplicates.
func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, s := range a {
		if !slices.Contains(b, s) {
			return false
		}
	}
	return true
}
