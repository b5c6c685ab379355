package catalog

import (
	"slices"
	"strings"

	"github.com/rongate/rongate/column"
)

// planJoin decides what is read for a join: the columns of its features and the event time, those that cost NDB a round
// trip a row in a Select of their own. A join whose features are all keys still has a Select, by which it is told
// whether there is a row.
func (r *resolver) planJoin(v *view, i int) {
	g := v.joins[i]
	if g.spec.absent != nil {
		return // there is nothing to be read
	}
	var small, large []*column.Column
	for _, def := range g.table.Columns {
		switch c := g.columns[def.Name]; {
		case !v.stored[i][def.Name]:
		case c.Large():
			large = append(large, c)
		default:
			small = append(small, c)
		}
	}
	// The event time rides with what is read anyway. Large columns alone are no reason for a second statement.
	if c := g.EventTime; c != nil && !slices.Contains(small, c) {
		if len(small) > 0 || len(large) == 0 {
			small = g.insert(small, c)
		} else {
			large = g.insert(large, c)
		}
	}
	j := &v.Joins[i]
	if len(small) > 0 || len(large) == 0 {
		j.Selects = append(j.Selects, r.selectOf(g, small))
	}
	if len(large) > 0 {
		j.Selects = append(j.Selects, r.selectOf(g, large))
	}
	j.EventTime = slices.IndexFunc(j.Selects, func(s *Select) bool { return s.EventTime >= 0 })
}

// insert adds a column where the table has it, so that equal sets of columns are equal lists.
func (g *group) insert(columns []*column.Column, c *column.Column) []*column.Column {
	columns = append(columns, c)
	slices.SortFunc(columns, func(a, b *column.Column) int { return g.position(a.Name) - g.position(b.Name) })
	return columns
}

func (g *group) position(name string) int {
	return slices.IndexFunc(g.table.Columns, func(d column.Def) bool { return d.Name == name })
}

// selectOf returns the one Select of a group's columns.
func (r *resolver) selectOf(g *group, columns []*column.Column) *Select {
	var id strings.Builder
	id.WriteString(g.Table.String())
	for _, c := range columns {
		id.WriteString("`" + c.Name) // in no name of the catalogue, so that lists cannot be taken for one another
	}
	if s := r.selects[id.String()]; s != nil {
		return s
	}
	s := &Select{Group: g.Group, Columns: columns, EventTime: -1, id: id.String()}
	s.Large = slices.ContainsFunc(columns, (*column.Column).Large)
	if g.EventTime != nil {
		s.EventTime = slices.Index(columns, g.EventTime)
	}
	r.adopt(s)
	return s
}

// adopt makes a Select one of the snapshot's, unless it is.
func (r *resolver) adopt(s *Select) {
	if r.selects[s.id] == nil {
		r.selects[s.id] = s
		r.snapshot.Selects = append(r.snapshot.Selects, s)
	}
}

// find returns where a join reads a column.
func (j *Join) find(c *column.Column) (selected, cell int) {
	for i, s := range j.Selects {
		if cell := slices.Index(s.Columns, c); cell >= 0 {
			return i, cell
		}
	}
	return -1, -1
}
