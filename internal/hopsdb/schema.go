package hopsdb

import (
	"fmt"
	"strings"
)

// A Release is one of Hopsworks, by what its metadata tables have.
type Release int

// The releases.
const (
	Release40 Release = iota // 4.0: the base of all that came later
	Release5                 // with the columns and tables that were added since
)

// A tableDef is a metadata table: its columns, and those of later releases.
type tableDef struct {
	name  string
	base  string
	later string
	keys  string // beside the primary key
}

// id is the column that most tables have their primary key in.
const id = "id"

// primary is the table's primary key.
func (d *tableDef) primary() string {
	switch d.name {
	case "users":
		return "uid"
	case "project_team":
		return "project_id, team_member"
	}
	return id
}

// tableDefs are the metadata tables that serving has to do with.
func tableDefs() []tableDef {
	defs := []tableDef{
		{
			"project", "projectname varchar(100) NOT NULL, username varchar(150) NOT NULL, description varchar(2000), " +
				"topic_name varchar(255), online_feature_store_available tinyint(1) NOT NULL DEFAULT 1",
			"namespace varchar(255)", "UNIQUE KEY projectname (projectname)",
		},
		{"feature_store", "name varchar(100) NOT NULL, project_id int NOT NULL, " +
			"created timestamp NULL DEFAULT CURRENT_TIMESTAMP", "", "KEY project_id (project_id)"},
		{
			"feature_group", "name varchar(63) NOT NULL, feature_store_id int NOT NULL, creator int NOT NULL, " +
				"version int NOT NULL, description varchar(1000), feature_group_type int NOT NULL DEFAULT 0, " +
				"on_demand_feature_group_id int, " +
				"cached_feature_group_id int, stream_feature_group_id int, event_time varchar(63), online_enabled tinyint(1), " +
				"topic_name varchar(255), deprecated tinyint(1) DEFAULT 0",
			"ttl int, ttl_enabled tinyint(1)", "UNIQUE KEY name_version (feature_store_id, name, version)",
		},
		{"on_demand_feature_group", "query varchar(2000), connector_id int, spine tinyint(1) NOT NULL DEFAULT 0", "", ""},
		{"feature_view", "name varchar(63) NOT NULL, feature_store_id int NOT NULL, creator int NOT NULL, " +
			"version int NOT NULL, description varchar(10000)", "", "UNIQUE KEY name_version (feature_store_id, name, version)"},
		{
			"training_dataset_join", "training_dataset int, feature_group int, feature_group_commit_id bigint, " +
				"type tinyint NOT NULL DEFAULT 0, idx int NOT NULL DEFAULT 0, prefix varchar(63), feature_view_id int",
			"left_feature_group int, parent_idx int", "KEY feature_view_id (feature_view_id)",
		},
		{
			"training_dataset_feature", "training_dataset int, feature_group int, name varchar(1000) NOT NULL, type varchar(1000), " +
				"td_join int, idx int, label tinyint(1) NOT NULL DEFAULT 0, inference_helper_column tinyint(1) NOT NULL DEFAULT 0, " +
				"training_helper_column tinyint(1) NOT NULL DEFAULT 0, feature_view_id int",
			"on_demand_transformation int", "KEY feature_view_id (feature_view_id)",
		},
		{
			"serving_key", "prefix varchar(63) DEFAULT '', feature_name varchar(1000) NOT NULL, join_on varchar(1000), " +
				"join_index int NOT NULL, feature_group_id int NOT NULL, required tinyint(1) NOT NULL DEFAULT 0, feature_view_id int",
			"type varchar(1000)", "KEY feature_view_id (feature_view_id)",
		},
		{
			"subjects", "subject varchar(255) NOT NULL, version int NOT NULL, schema_id int NOT NULL, project_id int NOT NULL", "",
			"UNIQUE KEY subject (subject, version, project_id)",
		},
		{"schemas", "`schema` text NOT NULL, project_id int NOT NULL", "", ""},
		{"embedding", "", "feature_group_id int NOT NULL", "KEY feature_group_id (feature_group_id)"},
	}
	return append(defs, userDefs()...)
}

// userDefs are the tables of who may read what.
func userDefs() []tableDef {
	return []tableDef{
		{
			"users", "uid int NOT NULL AUTO_INCREMENT, username varchar(10) NOT NULL, email varchar(150), " +
				"status int NOT NULL DEFAULT -1", "", "UNIQUE KEY email (email)",
		},
		{
			"project_team", "project_id int NOT NULL, team_member varchar(150) NOT NULL, team_role varchar(32) NOT NULL", "",
			"KEY team_member (team_member)",
		},
		{
			"api_key", "prefix varchar(45) NOT NULL, secret varchar(512) NOT NULL, salt varchar(256) NOT NULL, " +
				"created timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, name varchar(45) NOT NULL, user_id int NOT NULL, " +
				"reserved tinyint(1) DEFAULT 0",
			"expiry timestamp NULL", "UNIQUE KEY prefix_UNIQUE (prefix), UNIQUE KEY index4 (user_id, name)",
		},
		{"api_key_scope", "api_key int NOT NULL, scope varchar(45) NOT NULL", "", "UNIQUE KEY index2 (api_key, scope)"},
		{
			"dataset", "inode_name varchar(255) NOT NULL, projectId int NOT NULL, feature_store_id int, " +
				"permission varchar(45) NOT NULL DEFAULT 'READ_ONLY'", "", "",
		},
		{
			"dataset_shared_with", "dataset int NOT NULL, project int NOT NULL, accepted tinyint(1) NOT NULL DEFAULT 0", "",
			"UNIQUE KEY index2 (dataset, project)",
		},
		{
			"shared_feature_store", "", "feature_store int NOT NULL, shared_with_project int NOT NULL, " +
				"shared_entirely tinyint(1) NOT NULL DEFAULT 1", "",
		},
		{
			"shared_feature_group", "", "feature_store int NOT NULL, feature_group int NOT NULL, " +
				"shared_with_project int NOT NULL, shared_entirely tinyint(1) NOT NULL DEFAULT 1", "",
		},
		{"shared_feature", "", "feature_group int NOT NULL, feature varchar(63) NOT NULL, shared_with_project int NOT NULL", ""},
		{
			"restricted_feature_group_access", "", "feature_store int NOT NULL, feature_group int NOT NULL, " +
				"granted_to_user int NOT NULL, can_access_entirely tinyint(1) NOT NULL DEFAULT 1", "KEY rfga_user (granted_to_user)",
		},
		{
			"restricted_feature_access", "", "restricted_feature_group_access int NOT NULL, feature varchar(63) NOT NULL, " +
				"granted_to_user int NOT NULL", "KEY rfa_parent (restricted_feature_group_access)",
		},
	}
}

// Embedded stands in the place of an engine for a database that has neither AUTO_INCREMENT nor indexes but primary keys.
const Embedded = "embedded"

// create is the statements that make the metadata tables.
func (b *Box) create() {
	charset, plain := " CHARACTER SET latin1", b.engine == Embedded
	if plain {
		charset, b.engine = "", ""
	}
	b.add("CREATE DATABASE %s%s", quote(b.Schema), charset)
	for _, d := range tableDefs() {
		if columns := d.columns(b.release); columns != nil {
			definition := strings.Join(append(columns, d.indexes(plain)...), ", ")
			if plain {
				definition = strings.ReplaceAll(definition, " AUTO_INCREMENT", "")
			}
			b.add("CREATE TABLE %s (%s) %s", b.table(d.name), definition, b.engine)
		}
	}
}

// columns are those of a release; nil: it does not have the table.
func (d *tableDef) columns(release Release) (list []string) {
	if d.base != "" {
		list = append(list, d.base)
	}
	if d.later != "" && release >= Release5 {
		list = append(list, d.later)
	}
	if list != nil && d.primary() == id {
		list = append([]string{"id int NOT NULL AUTO_INCREMENT"}, list...)
	}
	return list
}

// indexes are the table's, or its primary key alone.
func (d *tableDef) indexes(primaryAlone bool) []string {
	list := []string{"PRIMARY KEY (" + d.primary() + ")"}
	if d.keys != "" && !primaryAlone {
		list = append(list, d.keys)
	}
	return list
}

// insert adds a row to a metadata table, and returns its id. Values are SQL.
func (b *Box) insert(table string, columns string, values ...any) int {
	b.ids[table]++
	id := b.ids[table]
	into := fmt.Sprintf("INSERT INTO %s (id, %s) VALUES ", b.table(table), columns)
	row := fmt.Sprintf("(%d"+strings.Repeat(", %v", len(values))+")", append([]any{id}, values...)...)
	last := len(b.statements) - 1
	if b.rows > 0 && b.rows < rowsAtOnce && strings.HasPrefix(b.statements[last], into) {
		b.long.WriteString(", " + row)
		b.rows++
		return id
	}
	b.flush()
	b.long.WriteString(into + row)
	b.statements = append(b.statements, into) // for the sake of its place; see flush
	b.rows = 1
	return id
}

// rowsAtOnce is how many rows one statement adds at most.
const rowsAtOnce = 500

// flush ends the statement that rows are being added to.
func (b *Box) flush() {
	if b.rows > 0 {
		b.statements[len(b.statements)-1] = b.long.String()
		b.long.Reset()
		b.rows = 0
	}
}

func (b *Box) table(name string) string { return quote(b.Schema) + "." + quote(name) }

func (b *Box) add(format string, args ...any) {
	b.flush()
	b.statements = append(b.statements, fmt.Sprintf(format, args...))
}

// quote makes an identifier.
func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// text is a string literal.
func text(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", "''") + "'"
}

// orNull is a string literal, NULL if it is empty.
func orNull(s string) string {
	if s == "" {
		return "NULL"
	}
	return text(s)
}

// bit is a boolean as SQL has it.
func bit(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
