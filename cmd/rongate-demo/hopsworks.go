package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rongate/rongate/internal/frauddata"
	"github.com/rongate/rongate/internal/hopsdb"
	"github.com/rongate/rongate/internal/yamldoc"
)

// hopsworksSchema is the database of the metadata.
const hopsworksSchema = "hopsworks"

// describeInHopsworks returns the statements that make a Hopsworks installation of what frauddata.Catalog says, but for the
// defaults, which Hopsworks has not, and the API key of a user who may read it.
func describeInHopsworks(data *frauddata.Data, engine string) (statements []string, key string) {
	box := hopsdb.New(hopsworksSchema, hopsdb.Release5, engine)
	project := box.Adopt(frauddata.Database)
	store := yamldoc.Parse("catalog.yaml", frauddata.Catalog()).Root().Required("featureStores").List()[0].Map()
	groups := map[string]*hopsdb.Group{}
	for _, item := range store.Required("featureGroups").List() {
		g := item.Map()
		group := hopsdb.Group{
			Name: g.Required("name").Text(""), Version: int(g.Required("version").Int(1, 1, 9)),
			EventTime: g.Optional("eventTime").Text(""), NoTable: true,
			TTL: int(g.Optional("ttl").Duration(0, time.Second, 1000*time.Hour) / time.Second),
		}
		var booleans []string // of all others the table says what they are
		for _, f := range g.Optional("features").List() {
			booleans = append(booleans, f.Map().Required("name").Text(""))
		}
		table := fmt.Sprintf("%s_%d", group.Name, group.Version)
		for _, of := range data.Groups() {
			if of.Table() == table {
				group.Columns = offlineColumns(of, booleans)
			}
		}
		groups[table] = project.Group(group)
	}
	for _, item := range store.Required("featureViews").List() {
		v := item.Map()
		joins := joinsOf(v.Required("joins").List(), groups)
		for place, f := range v.Required("features").List() {
			addFeature(data, joins, f, place)
		}
		project.View(v.Required("name").Text(""), int(v.Required("version").Int(1, 1, 9)), joins...)
	}
	user := box.User("demo@company.example")
	project.Member(user, hopsdb.DataOwner)
	key = user.Key("demo", "FEATURESTORE").Text
	return box.Take(), key
}

// joinsOf are the joins of a view, without their features. A key that a group before has too is joined on that.
func joinsOf(items []yamldoc.Value, groups map[string]*hopsdb.Group) []hopsdb.Join {
	joins := make([]hopsdb.Join, len(items))
	given := map[string]bool{}
	for i, item := range items {
		j := item.Map()
		group := groups[fmt.Sprintf("%s_%d", j.Required("group").Text(""), j.Required("version").Int(1, 1, 9))]
		joins[i] = hopsdb.Join{Group: group, On: map[string]string{}}
		for _, column := range group.Columns {
			if column.Key && given[column.Name] {
				joins[i].On[column.Name] = column.Name
			}
			given[column.Name] = given[column.Name] || column.Key
		}
	}
	return joins
}

// addFeature adds a feature to the join that has it, with its place in the view.
func addFeature(data *frauddata.Data, joins []hopsdb.Join, item yamldoc.Value, place int) {
	mark, name := "", ""
	if item.IsMap() {
		f := item.Map()
		name = f.Required("name").Text("")
		if f.Optional("label").Bool(false) {
			mark = "-"
		}
	} else {
		name = item.Text("")
	}
	known, _ := data.Feature(name)
	for i := range joins {
		if g := joins[i].Group; known.Group().Table() == fmt.Sprintf("%s_%d", g.Name, g.Version) {
			joins[i].Features = append(joins[i].Features, fmt.Sprintf("%s%s@%d", mark, name, place))
		}
	}
}

// offlineColumns are a group's columns as its metadata have them.
func offlineColumns(g *frauddata.Group, booleans []string) (columns []hopsdb.Column) {
	for _, c := range g.Columns() {
		offline := offlineType(c.SQL)
		if slices.Contains(booleans, c.Name) {
			offline = "boolean"
		}
		columns = append(columns, hopsdb.Column{Name: c.Name, Offline: offline, Key: c.Key})
	}
	return columns
}

// offlineType is the type that a feature has in the offline store.
func offlineType(sql string) string {
	sql = strings.ToLower(sql)
	kind, _, _ := strings.Cut(sql, "(")
	kind, _, _ = strings.Cut(kind, " ")
	switch kind {
	case "tinyint", "smallint", "mediumint", "int", "year", "bit":
		return "int"
	case "bigint", "float", "double", "date":
		return kind
	case "decimal":
		head, _, _ := strings.Cut(sql, ")")
		return head + ")"
	case "timestamp", "datetime":
		return "timestamp"
	case "binary", "varbinary", "blob":
		return "binary"
	}
	return "string"
}
