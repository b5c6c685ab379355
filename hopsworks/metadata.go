package hopsworks

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// A Metadata is what the metadata layer says of feature stores, as far as serving needs it: its rows, by their ids, and
// nothing computed. It is immutable. Its JSON form is what the snapshot file holds.
type Metadata struct {
	Stores  []Store  `json:"stores"`
	Groups  []Group  `json:"groups"`
	Views   []*View  `json:"views"` // a View is never altered: Metadata that follow one another share those that stay
	Schemas []Schema `json:"schemas"`
	Shares  []Share  `json:"shares,omitempty"`
}

// A Store is a row of feature_store.
type Store struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"` // of the database too
	Project int64  `json:"project"`
}

// A Group is a row of feature_group, and what other tables say of it.
type Group struct {
	ID        int64  `json:"id"`
	Store     int64  `json:"store"`
	Name      string `json:"name"`
	Version   int64  `json:"version"`
	EventTime string `json:"eventTime,omitempty"`
	TTL       int64  `json:"ttl,omitempty"` // seconds; 0: rows do not expire
	Online    bool   `json:"online,omitempty"`
	Spine     bool   `json:"spine,omitempty"`     // a stand-in for what the caller has: there is no table
	Embedding bool   `json:"embedding,omitempty"` // kept in a vector database
}

// A Share is what a project may read of others: a feature store or a feature group, one of the two is 0.
type Share struct {
	Project  int64    `json:"project"` // that it is shared with
	Store    int64    `json:"store,omitempty"`
	Group    int64    `json:"group,omitempty"`
	Whole    bool     `json:"whole,omitempty"`    // else Features of the group, or of the store its groups' own Shares
	Features []string `json:"features,omitempty"` // by name, in order
}

// A View is a row of feature_view with those that belong to it.
type View struct {
	ID      int64  `json:"id"`
	Store   int64  `json:"store"`
	Name    string `json:"name"`
	Version int64  `json:"version"`

	Joins    []Join       `json:"joins"`
	Features []Feature    `json:"features"`
	Keys     []ServingKey `json:"keys"`
}

// A Join is a row of training_dataset_join.
type Join struct {
	ID     int64  `json:"id"`
	Group  int64  `json:"group"` // 0: it was deleted
	Index  int64  `json:"index"`
	Prefix string `json:"prefix,omitempty"`
}

// A Feature is a row of training_dataset_feature.
type Feature struct {
	ID    int64  `json:"id"`
	Group int64  `json:"group"` // 0: it was deleted
	Join  int64  `json:"join"`  // the id of the join; 0: not said
	Index int64  `json:"index"`
	Name  string `json:"name"` // of the column
	Type  string `json:"type"` // offline, such as bigint or array<double>
	Label bool   `json:"label,omitempty"`
}

// A ServingKey is a row of serving_key.
type ServingKey struct {
	ID       int64  `json:"id"`
	Group    int64  `json:"group"`
	Join     int64  `json:"join"` // the index of the join
	Name     string `json:"name"` // of the column
	Prefix   string `json:"prefix,omitempty"`
	JoinOn   string `json:"joinOn,omitempty"`
	Required bool   `json:"required,omitempty"`
}

// A Schema is the newest Avro schema of a feature group's rows.
type Schema struct {
	Project int64  `json:"project"`
	Subject string `json:"subject"` // <name>_<version> of the feature group
	ID      int64  `json:"id"`      // of the row of schemas
	Text    string `json:"text"`
}

// sort brings everything in an order that does not depend on the server's.
func (m *Metadata) sort() {
	slices.SortFunc(m.Stores, func(a, b Store) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(m.Groups, func(a, b Group) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(m.Views, func(a, b *View) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(m.Schemas, func(a, b Schema) int {
		return cmp.Or(cmp.Compare(a.Project, b.Project), cmp.Compare(a.Subject, b.Subject))
	})
	slices.SortFunc(m.Shares, func(a, b Share) int {
		return cmp.Or(cmp.Compare(a.Project, b.Project), cmp.Compare(a.Store, b.Store), cmp.Compare(a.Group, b.Group),
			compareBool(a.Whole, b.Whole))
	})
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func (s Share) equal(o Share) bool {
	return s.Project == o.Project && s.Store == o.Store && s.Group == o.Group && s.Whole == o.Whole &&
		slices.Equal(s.Features, o.Features)
}

// sort brings the children of a view in their order: that of the view's vectors for features.
func (v *View) sort() {
	slices.SortFunc(v.Joins, func(a, b Join) int { return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.ID, b.ID)) })
	slices.SortFunc(v.Features, func(a, b Feature) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(v.Keys, func(a, b ServingKey) int { return cmp.Or(cmp.Compare(a.Join, b.Join), cmp.Compare(a.ID, b.ID)) })
}

// whole reports whether the view has children of every kind that one has.
func (v *View) whole() bool { return len(v.Joins) > 0 && len(v.Features) > 0 && len(v.Keys) > 0 }

// A schemaKey finds a feature group's schema.
type schemaKey struct {
	project int64
	subject string
}

// complexGroups returns the keys of the schemas that it takes to read the complex features of all views.
func (m *Metadata) complexGroups() map[schemaKey]bool {
	projects, wanted := map[int64]int64{}, map[int64]bool{}
	for _, s := range m.Stores {
		projects[s.ID] = s.Project
	}
	for _, v := range m.Views {
		for _, f := range v.Features {
			if f.complex() && !f.Label {
				wanted[f.Group] = true
			}
		}
	}
	keys := map[schemaKey]bool{}
	for _, g := range m.Groups {
		if wanted[g.ID] {
			keys[schemaKey{projects[g.Store], g.label()}] = true
		}
	}
	return keys
}

// label is the name of the group's table and of the subject of its schemas.
func (g *Group) label() string { return g.Name + "_" + strconv.FormatInt(g.Version, 10) }

// complex reports whether the feature is kept as an Avro datum.
func (f *Feature) complex() bool {
	for _, kind := range []string{"array", "map", "struct", "uniontype"} {
		if len(f.Type) >= len(kind) && strings.EqualFold(f.Type[:len(kind)], kind) {
			return true
		}
	}
	return false
}
