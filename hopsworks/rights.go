package hopsworks

import (
	"slices"
	"strings"

	"github.com/rongate/rongate/catalog"
)

// restrictedRole is the role of a project's member who may read what was granted to it by name, and nothing else.
const restrictedRole = "Feature store restricted"

// A member is a user's part in a project.
type member struct {
	Project    int64 `json:"project"`
	Restricted bool  `json:"restricted,omitempty"`
}

// A grant is what a restricted member may read of a feature group.
type grant struct {
	Group    int64    `json:"group"`
	Whole    bool     `json:"whole,omitempty"`
	Features []string `json:"features,omitempty"`
}

// Rights are what the holder of an API key may read. They are immutable.
//
// A feature view may be read if all feature groups that it reads may: those of the feature stores of the user's projects,
// and those that are shared with one of these projects, whole or as far as the view reads them. A restricted member of a
// project has none of this, but the groups and features that were granted to it. The view itself has to be of a feature
// store of the user's projects, or of one of which something is shared with them.
type Rights struct {
	whole  map[string]bool // names of feature stores of which everything may be read
	seen   map[string]bool // of those of which something may be
	groups map[groupName]features
}

// groupName tells feature groups apart as a catalogue does.
type groupName struct {
	store, name string
	version     int
}

// features are names of columns; nil: all there are.
type features map[string]bool

// MayRead reports whether a feature view may be read, all of it.
func (r *Rights) MayRead(v *catalog.View) bool {
	if !r.seen[v.Store] {
		return false
	}
	for i := range v.Joins {
		if !r.mayRead(v, i) {
			return false
		}
	}
	return true
}

func (r *Rights) mayRead(v *catalog.View, join int) bool {
	g := v.Joins[join].Group
	if r.whole[g.Store] {
		return true
	}
	some, ok := r.groups[groupName{g.Store, g.Name, g.Version}]
	if !ok || some == nil {
		return ok
	}
	for i := range v.Features {
		if f := &v.Features[i]; f.Join == join && !some[f.Column.Name] {
			return false
		}
	}
	return true
}

// MayKnow reports that callers are told that there is no feature view that they may read: that says nothing of those which
// there are.
func (*Rights) MayKnow(_, _ string) bool { return true }

// MayTell reports whether the caller may read everything in a feature store: those who may see its feature views in
// Hopsworks, too.
func (r *Rights) MayTell(store, _ string) bool { return r.whole[store] }

// A sharing is what rights take of the metadata, so that it is quickly found.
type sharing struct {
	number uint64             // tells it apart from those before
	own    map[int64][]string // by project, the names of its feature stores
	with   map[int64][]*Share // by project
	stores map[int64]string
	groups map[int64]groupName
}

func newSharing(m *Metadata) *sharing {
	s := &sharing{
		own: map[int64][]string{}, with: map[int64][]*Share{}, stores: map[int64]string{}, groups: map[int64]groupName{},
	}
	for _, store := range m.Stores {
		s.own[store.Project] = append(s.own[store.Project], store.Name)
		s.stores[store.ID] = store.Name
	}
	for i := range m.Groups {
		if g := &m.Groups[i]; s.stores[g.Store] != "" {
			s.groups[g.ID] = groupName{s.stores[g.Store], g.Name, int(g.Version)}
		}
	}
	for i := range m.Shares {
		s.with[m.Shares[i].Project] = append(s.with[m.Shares[i].Project], &m.Shares[i])
	}
	return s
}

// rights works out what a user may read.
func (s *sharing) rights(members []member, grants []grant) *Rights {
	r := &Rights{whole: map[string]bool{}, seen: map[string]bool{}, groups: map[groupName]features{}}
	reach := map[groupName]bool{} // of grants
	for _, m := range members {
		for _, name := range s.own[m.Project] {
			r.seen[name] = true
			if !m.Restricted {
				r.whole[name] = true
			}
		}
		if m.Restricted {
			s.reach(m.Project, grants, reach)
			continue
		}
		for _, share := range s.with[m.Project] {
			s.add(r, share)
		}
	}
	for _, g := range grants {
		if name := s.groups[g.Group]; reach[name] {
			r.add(name, g.Whole, g.Features)
		}
	}
	return r
}

// reach adds the groups whose grants count for a restricted member of a project: the project's own, and those that are
// shared with it. What was granted for the sake of another project, or once, to one who is restricted no more, is of no
// account.
func (s *sharing) reach(project int64, grants []grant, into map[groupName]bool) {
	for _, g := range grants {
		name, ok := s.groups[g.Group]
		if ok && (slices.Contains(s.own[project], name.store) || s.isShared(project, name)) {
			into[name] = true
		}
	}
}

// isShared reports whether something of a group is shared with a project.
func (s *sharing) isShared(project int64, name groupName) bool {
	return slices.ContainsFunc(s.with[project], func(share *Share) bool {
		return share.Whole && s.stores[share.Store] == name.store || s.groups[share.Group] == name
	})
}

func (s *sharing) add(r *Rights, share *Share) {
	if name := s.stores[share.Store]; name != "" {
		r.seen[name] = true
		if share.Whole {
			r.whole[name] = true
		}
	}
	if g, ok := s.groups[share.Group]; ok {
		r.seen[g.store] = true
		r.add(g, share.Whole, share.Features)
	}
}

// add adds a feature group, or some of its features. None at all is nothing.
func (r *Rights) add(g groupName, whole bool, names []string) {
	some, ok := r.groups[g]
	switch {
	case g.name == "" || !whole && len(names) == 0 || ok && some == nil:
		return
	case whole:
		r.groups[g] = nil
		return
	case !ok:
		some = features{}
		r.groups[g] = some
	}
	for _, name := range names {
		some[name] = true
	}
}

// isRestricted reports whether a role is that of a restricted member.
func isRestricted(role string) bool {
	return strings.EqualFold(strings.TrimSpace(role), restrictedRole)
}
