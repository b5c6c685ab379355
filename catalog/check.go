package catalog

import (
	"fmt"

	"github.com/rongate/rongate/internal/yamldoc"
)

// check finds the mistakes that show without the tables, and leads every join to its group. Names that are empty have
// been reported and are passed over.
func (s *Spec) check(report *yamldoc.Report) {
	seen := make(places)
	for _, store := range s.stores {
		if store.name.text == "" {
			continue
		}
		seen.check(report, "feature store "+store.name.text, store.name.at)
		for _, g := range store.groups {
			g.check(report, seen)
		}
	}
	for _, store := range s.stores {
		for _, v := range store.views {
			s.checkView(report, seen, v)
		}
	}
}

// places tells where a thing was first named, by what it is and its name.
type places map[string]yamldoc.Pos

// check reports a thing that is there twice.
func (p places) check(report *yamldoc.Report, what string, at yamldoc.Pos) {
	if first, twice := p[what]; twice {
		report.Add(at, "%s is there twice; it is on line %d too", what, first.Line)
		return
	}
	p[what] = at
}

func (g *groupSpec) check(report *yamldoc.Report, seen places) {
	if g.name.text == "" || g.version == 0 {
		return
	}
	seen.check(report, fmt.Sprintf("feature group %s version %d of %s", g.name.text, g.version, g.store), g.at)
	// One table is one feature group: two would disagree about its event time or its booleans.
	seen.check(report, "table "+g.table.String(), g.tableAt)
	if g.ttl > 0 && g.eventTime.text == "" {
		report.Add(g.ttlAt, "needs eventTime, which tells how old a row is; name that column or leave ttl out")
	}
	checkDistinct(report, "key column", g.key)
	checkDistinct(report, "feature", g.booleans)
}

func checkDistinct(report *yamldoc.Report, what string, names []word) {
	seen := make(places)
	for _, n := range names {
		if n.text != "" {
			seen.check(report, what+" "+n.text, n.at)
		}
	}
}

func (s *Spec) checkView(report *yamldoc.Report, seen places, v *viewSpec) {
	if v.name.text != "" && v.version > 0 {
		seen.check(report, fmt.Sprintf("feature view %s version %d of %s", v.name.text, v.version, v.store), v.at)
	}
	prefixes := make(places)
	complete := true
	for _, j := range v.joins {
		s.link(report, j)
		if j.group == nil {
			complete = false
			continue
		}
		v.checkPrefix(report, prefixes, j)
	}
	served := false
	features := make([]word, len(v.features))
	for i, f := range v.features {
		features[i] = f.name
		served = served || !f.label
		if complete {
			v.checkGroup(report, f)
		}
	}
	checkDistinct(report, "feature", features)
	if len(v.features) > 0 && !served {
		report.Add(v.at, "all its features are labels, which are never served; list a feature that is not")
	}
}

// link finds a join's group. It is silent where the group may be one whose name or version could not be read.
func (s *Spec) link(report *yamldoc.Report, j *joinSpec) {
	if j.name.text == "" || j.version == 0 {
		return
	}
	var stores, labels []string
	known, unread := false, false
	for _, store := range s.stores {
		stores = append(stores, store.name.text)
		unread = unread || store.name.text == ""
		if store.name.text != j.store.text {
			continue
		}
		known = true
		for _, g := range store.groups {
			if g.name.text == j.name.text && g.version == j.version {
				j.group = g
				return
			}
			labels = append(labels, g.label())
			unread = unread || g.name.text == "" || g.version == 0
		}
	}
	switch {
	case unread:
	case known:
		report.Add(j.name.at, "feature store %s has no feature group %s; %s",
			j.store.text, j.label(), yamldoc.Suggest(j.label(), labels))
	default:
		report.Add(j.store.at, "there is no feature store %s; %s", j.store.text, yamldoc.Suggest(j.store.text, stores))
	}
}

// checkPrefix reports a group that is joined twice under one prefix: its features could not be told apart.
func (v *viewSpec) checkPrefix(report *yamldoc.Report, prefixes places, j *joinSpec) {
	what := j.store.text + "\x00" + j.label() + "\x00" + j.prefix.text
	if first, twice := prefixes[what]; twice {
		report.Add(j.at, "feature group %s is joined with the same prefix on line %d; give one of them another prefix",
			j.label(), first.Line)
		return
	}
	prefixes[what] = j.at
}

// checkGroup reports a feature of a group that the view does not join.
func (v *viewSpec) checkGroup(report *yamldoc.Report, f *featureSpec) {
	if f.group.text == "" {
		return
	}
	var labels []string
	for _, j := range v.joins {
		if j.label() == f.group.text {
			return
		}
		labels = append(labels, j.label())
	}
	report.Add(f.group.at, "the view joins no feature group %s; %s", f.group.text, yamldoc.Suggest(f.group.text, labels))
}
