package hopsdb

import (
	"fmt"
	"slices"
	"strings"
)

// A Box is an installation that is being made.
type Box struct {
	Schema string // the metadata's database

	release    Release
	engine     string
	statements []string
	long       strings.Builder // the last of them, while rows are added to it
	rows       int             // how many it has
	ids        map[string]int
}

// New begins an installation with its metadata in a database of that name.
func New(schema string, release Release, engine string) *Box {
	b := &Box{Schema: schema, release: release, engine: engine, ids: map[string]int{}}
	b.create()
	return b
}

// Take returns the statements that were added since the last Take, to be run in order.
func (b *Box) Take() []string {
	b.flush()
	list := b.statements
	b.statements = nil
	return list
}

// Add adds a statement.
func (b *Box) Add(statement string) { b.add("%s", statement) }

// A Project is a project with its feature store.
type Project struct {
	box       *Box
	id, store int
	Name      string // of the project, the feature store and its database
}

// Project adds a project, whose name has to be in lower case, and its database.
func (b *Box) Project(name string) *Project {
	p := b.Adopt(name)
	b.add("CREATE DATABASE %s", quote(name))
	return p
}

// Adopt is Project for a database that there is.
func (b *Box) Adopt(name string) *Project {
	p := &Project{box: b, Name: name}
	p.id = b.insert("project", "projectname, username", text(name), text("user1@company.example"))
	p.store = b.insert("feature_store", "name, project_id", text(name), p.id)
	return p
}

// A Column is one of a feature group.
type Column struct {
	Name    string
	Offline string // type, such as bigint
	SQL     string // type of the table's column; empty: that of Hopsworks for Offline
	Key     bool
}

// A Group is a feature group.
type Group struct {
	Name      string
	Version   int
	Columns   []Column
	EventTime string
	TTL       int  // seconds; only a later release has it
	TTLOff    bool // it is there, but not in force
	Undecided bool // online_enabled is NULL
	Offline   bool // not online-enabled
	Spine     bool
	Embedding bool
	NoTable   bool     // the metadata speak of a table that there is not
	Schemas   []string // Avro schemas of its rows, the newest last; they are needed where a column is complex

	id      int
	project *Project
}

// Group adds a feature group and its table, with rows: each the values of all columns, as SQL.
func (p *Project) Group(g Group, rows ...string) *Group {
	b := p.box
	g.project = p
	spine := "NULL"
	if g.Spine {
		spine = fmt.Sprint(b.insert("on_demand_feature_group", "query, spine", "''", 1))
	}
	columns := "name, feature_store_id, creator, version, event_time, online_enabled, on_demand_feature_group_id"
	online := fmt.Sprint(bit(!g.Offline && !g.Spine))
	if g.Undecided {
		online = "NULL"
	}
	values := []any{text(g.Name), p.store, 1, g.Version, orNull(g.EventTime), online, spine}
	if b.release >= Release5 {
		columns += ", ttl, ttl_enabled"
		values = append(values, g.TTL, bit(g.TTL > 0 && !g.TTLOff))
	}
	g.id = b.insert("feature_group", columns, values...)
	for i, schema := range g.Schemas {
		id := b.insert("schemas", "`schema`, project_id", text(schema), p.id)
		b.insert("subjects", "subject, version, schema_id, project_id",
			text(fmt.Sprintf("%s_%d", g.Name, g.Version)), i+1, id, p.id)
	}
	if g.Embedding && b.release >= Release5 {
		b.insert("embedding", "feature_group_id", g.id)
	}
	if !g.NoTable && !g.Offline && !g.Spine && !g.Embedding {
		g.createTable(rows)
	}
	return &g
}

// ID is the group's in the metadata.
func (g *Group) ID() int { return g.id }

func (g *Group) createTable(rows []string) {
	b := g.project.box
	var columns, key []string
	for _, c := range g.Columns {
		kind := c.SQL
		if kind == "" {
			kind = onlineType(c.Offline)
		}
		if c.Key {
			key = append(key, quote(c.Name))
			kind += " NOT NULL"
		} else if strings.HasPrefix(kind, "timestamp") {
			kind += " NULL"
		}
		columns = append(columns, quote(c.Name)+" "+kind)
	}
	b.add("CREATE TABLE %s (%s, PRIMARY KEY (%s)) %s",
		g.table(), strings.Join(columns, ", "), strings.Join(key, ", "), b.engine)
	for part := range slices.Chunk(rows, 500) {
		b.add("INSERT INTO %s VALUES (%s)", g.table(), strings.Join(part, "), ("))
	}
}

func (g *Group) table() string {
	return quote(g.project.Name) + "." + quote(fmt.Sprintf("%s_%d", g.Name, g.Version))
}

// onlineType is the column that Hopsworks makes of an offline type, if nothing else is said.
func onlineType(offline string) string {
	switch kind, _, _ := strings.Cut(offline, "<"); kind {
	case "boolean":
		return "tinyint"
	case "string":
		return "varchar(100)"
	case "binary", "array", "map", "struct", "uniontype":
		return "varbinary(100)"
	}
	return offline
}

// A Join is a feature group's part in a view.
type Join struct {
	Group    *Group
	Prefix   string
	Features []string          // see View
	On       map[string]string // key columns that a feature on the left is joined on
	Keys     []Key             // the rows of serving_key as they are; nil: as Hopsworks makes them
	Deleted  bool              // its feature group was deleted since
}

// A Key is a row of serving_key.
type Key struct {
	Column, Prefix, JoinOn string
	Required               bool
}

// View adds a feature view, and returns its id. Its own row comes last. In front of a feature's name, - stands for a label,
// + for an inference helper, * for a training helper and ~ for one whose join is not said; @3 behind it is its place, which
// else is after the one before.
func (p *Project) View(name string, version int, joins ...Join) int {
	b := p.box
	id := b.ids["feature_view"] + 1
	idx := 0
	for i, j := range joins {
		group := fmt.Sprint(j.Group.id)
		if j.Deleted {
			group = "NULL"
		}
		join := b.insert("training_dataset_join", "feature_group, idx, prefix, feature_view_id", group, i, orNull(j.Prefix), id)
		for _, f := range j.Features {
			feature, place, said := strings.Cut(strings.TrimLeft(f, "-+*~"), "@")
			at, ofJoin := fmt.Sprint(idx), fmt.Sprint(join)
			if said {
				at = place
			}
			if f[0] == '~' {
				ofJoin = "NULL"
			}
			b.insert("training_dataset_feature",
				"feature_group, name, type, td_join, idx, label, inference_helper_column, training_helper_column, feature_view_id",
				group, text(feature), text(j.Group.offline(feature)), ofJoin, at,
				bit(f[0] == '-'), bit(f[0] == '+'), bit(f[0] == '*'), id)
			idx++
		}
		for _, k := range j.servingKeys() {
			b.insert("serving_key", "prefix, feature_name, join_on, join_index, feature_group_id, required, feature_view_id",
				text(k.Prefix), text(k.Column), orNull(k.JoinOn), i, j.Group.id, bit(k.Required), id)
		}
	}
	return b.insert("feature_view", "name, feature_store_id, creator, version", text(name), p.store, 1, version)
}

func (g *Group) offline(column string) string {
	for _, c := range g.Columns {
		if c.Name == column {
			return c.Offline
		}
	}
	return ""
}

// servingKeys are what Hopsworks makes of a join: a key that is joined on a feature has its value from there.
func (j *Join) servingKeys() []Key {
	if j.Keys != nil {
		return j.Keys
	}
	var keys []Key
	for _, c := range j.Group.Columns {
		if c.Key {
			on := j.On[c.Name]
			keys = append(keys, Key{Column: c.Name, Prefix: j.Prefix, JoinOn: on, Required: on == ""})
		}
	}
	return keys
}

// Many adds feature views of one feature group each, with so many features, and as many feature groups as it takes for each
// to be read by a hundred views. The groups have no rows.
func (p *Project) Many(views, features int) {
	b := p.box
	columns := []Column{{Name: "id", Offline: "bigint", Key: true}}
	for i := range features {
		columns = append(columns, Column{Name: fmt.Sprintf("f%02d", i), Offline: "double"})
	}
	const viewsOfOne = 100
	var groups []*Group
	for i := range (views + viewsOfOne - 1) / viewsOfOne {
		groups = append(groups, p.Group(Group{Name: fmt.Sprintf("many%03d", i), Version: 1, Columns: columns}))
	}
	first := b.ids["feature_view"] + 1
	join := b.ids["training_dataset_join"] + 1
	for v := range views {
		b.insert("training_dataset_join", "feature_group, idx, feature_view_id", groups[v/viewsOfOne].id, 0, first+v)
	}
	for v := range views {
		for i, c := range columns[1:] {
			b.insert("training_dataset_feature", "feature_group, name, type, td_join, idx, feature_view_id",
				groups[v/viewsOfOne].id, text(c.Name), text(c.Offline), join+v, i, first+v)
		}
	}
	for v := range views {
		b.insert("serving_key", "feature_name, join_index, feature_group_id, required, feature_view_id",
			text("id"), 0, groups[v/viewsOfOne].id, 1, first+v)
	}
	for v := range views {
		b.insert("feature_view", "name, feature_store_id, creator, version", text(fmt.Sprintf("many%05d", v)), p.store, 1, 1)
	}
}

// DropView deletes a feature view.
func (b *Box) DropView(id int) {
	b.add("DELETE FROM %s WHERE id = %d", b.table("feature_view"), id)
	for _, child := range []string{"training_dataset_join", "training_dataset_feature", "serving_key"} {
		b.add("DELETE FROM %s WHERE feature_view_id = %d", b.table(child), id)
	}
}

// DropGroup deletes a feature group and its table.
func (b *Box) DropGroup(g *Group) {
	b.add("UPDATE %s SET feature_group = NULL WHERE feature_group = %d", b.table("training_dataset_feature"), g.id)
	b.add("DELETE FROM %s WHERE id = %d", b.table("feature_group"), g.id)
	b.add("DROP TABLE %s", g.table())
}

// SetTTL alters a feature group's time to live, in seconds.
func (b *Box) SetTTL(g *Group, seconds int) {
	b.add("UPDATE %s SET ttl = %d, ttl_enabled = %d WHERE id = %d", b.table("feature_group"), seconds, bit(seconds > 0), g.id)
}
