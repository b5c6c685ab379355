package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/rongate/rongate/internal/frauddata"
	"github.com/rongate/rongate/internal/hopsdb"
)

// hopsworksSchema is the database of the metadata.
const hopsworksSchema = "hopsworks"

// A catalogue is what frauddata.Catalog says, as far as Hopsworks would have it too: there are no defaults.
type catalogue struct {
	FeatureStores []struct {
		FeatureGroups []struct {
			Name      string                        `json:"name"`
			Version   int                           `json:"version"`
			EventTime string                        `json:"eventTime"`
			TTL       string                        `json:"ttl"`
			Features  []struct{ Name, Type string } `json:"features"`
		} `json:"featureGroups"`
		FeatureViews []struct {
			Name    string `json:"name"`
			Version int    `json:"version"`
			Joins   []struct {
				Group   string `json:"group"`
				Version int    `json:"version"`
			} `json:"joins"`
			Features []any `json:"features"` // a name, or a mapping with one
		} `json:"featureViews"`
	} `json:"featureStores"`
}

// describeInHopsworks returns the statements that make a Hopsworks installation of the data, and the API key of a user who
// may read it.
func describeInHopsworks(data *frauddata.Data, engine string) (statements []string, key string, err error) {
	var c catalogue
	if err := yaml.Unmarshal(frauddata.Catalog(), &c); err != nil {
		return nil, "", err
	}
	box := hopsdb.New(hopsworksSchema, hopsdb.Release5, engine)
	project := box.Adopt(frauddata.Database)
	groups := map[string]*hopsdb.Group{}
	for _, g := range c.FeatureStores[0].FeatureGroups {
		group := hopsdb.Group{Name: g.Name, Version: g.Version, EventTime: g.EventTime, NoTable: true}
		if days, ok := strings.CutSuffix(g.TTL, "d"); ok {
			var n int
			if _, err := fmt.Sscan(days, &n); err != nil {
				return nil, "", err
			}
			group.TTL = n * int(24*time.Hour/time.Second)
		}
		var booleans []string
		for _, f := range g.Features {
			booleans = append(booleans, f.Name)
		}
		table := fmt.Sprintf("%s_%d", g.Name, g.Version)
		for _, of := range data.Groups() {
			if of.Table() == table {
				group.Columns = offlineColumns(of, booleans)
			}
		}
		groups[table] = project.Group(group)
	}
	for _, v := range c.FeatureStores[0].FeatureViews {
		joins := make([]hopsdb.Join, len(v.Joins))
		given := map[string]bool{}
		for i, j := range v.Joins {
			table := fmt.Sprintf("%s_%d", j.Group, j.Version)
			joins[i] = hopsdb.Join{Group: groups[table], On: map[string]string{}, Features: featuresOf(data, v.Features, table)}
			for _, column := range groups[table].Columns {
				if column.Key && given[column.Name] {
					joins[i].On[column.Name] = column.Name
				}
				given[column.Name] = given[column.Name] || column.Key
			}
		}
		project.View(v.Name, v.Version, joins...)
	}
	user := box.User("demo@company.example")
	project.Member(user, hopsdb.DataOwner)
	key = user.Key("demo", "FEATURESTORE").Text
	return box.Take(), key, nil
}

// featuresOf are the features of a view that a table has, with their places in the view.
func featuresOf(data *frauddata.Data, features []any, table string) (found []string) {
	for place, f := range features {
		name, mark := "", ""
		switch f := f.(type) {
		case string:
			name = f
		case map[string]any:
			name, _ = f["name"].(string)
			if f["label"] == true {
				mark = "-"
			}
		}
		if known, ok := data.Feature(name); ok && known.Group().Table() == table {
			found = append(found, fmt.Sprintf("%s%s@%d", mark, name, place))
		}
	}
	return found
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
