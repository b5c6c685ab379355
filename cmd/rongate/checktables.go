package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/internal/yamldoc"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

// fewRows is how many rows a table may have for a scan of it to mean nothing: servers prefer one there.
const fewRows = 100

// ndb is how information_schema names the engine whose tables the nodes share.
const ndb = "ndbcluster"

// judgeTables tells what is wrong with the tables as one node has them.
func judgeTables(f *findings, r *lookup.NodeReport, user string) {
	var problems yamldoc.Problems
	if errors.As(r.Mistakes, &problems) {
		for _, p := range problems {
			f.addOn(r.Address, trouble, "%s", p)
		}
	}
	for _, name := range sorted(r.Absent) {
		if refusal := (*pool.ServerError)(nil); errors.As(r.Absent[name], &refusal) && isDenied(refusal.Number) {
			f.addOn(r.Address, note, "table %s: %s; if it is there, GRANT SELECT ON %s TO %s",
				name, refusal.Message, sqlName(name), user)
		}
	}
	for _, s := range r.Selects {
		judgeRead(f, r.Address, s, user)
	}
	judgeEngines(f, r)
}

func sorted[V any](m map[catalog.TableName]V) []catalog.TableName {
	names := make([]catalog.TableName, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b catalog.TableName) int { return strings.Compare(a.String(), b.String()) })
	return names
}

func sqlName(t catalog.TableName) string { return "`" + t.Database + "`.`" + t.Name + "`" }

func isDenied(number uint16) bool {
	return number == erTableDenied || number == erColumnDenied || number == erDatabaseDenied
}

// judgeRead tells what is wrong with reading rows by one select.
func judgeRead(f *findings, node string, s lookup.SelectReport, user string) {
	group := "feature group " + labelOf(s.Select.Group)
	var refusal *pool.ServerError
	switch {
	case s.AccessErr == nil && s.One.ByPart():
		f.addOn(node, trouble, "%s: the primary key of table %s has columns that the user does not see; GRANT SELECT ON %s TO %s",
			group, s.Select.Group.Table, sqlName(s.Select.Group.Table), user)
		return
	case s.Err == nil:
	case errors.As(s.Err, &refusal) && isDenied(refusal.Number):
		f.addOn(node, trouble, "%s: %s; GRANT SELECT ON %s TO %s",
			group, refusal.Message, sqlName(s.Select.Group.Table), user)
	case errors.Is(s.Err, pool.ErrTimeout):
		f.addOn(node, trouble, "%s: table %s does not answer in time; see what locks it or what the server waits for",
			group, s.Select.Group.Table)
	default:
		f.addOn(node, trouble, "%s: table %s cannot be read: %v; see the server's log", group, s.Select.Group.Table, s.Err)
	}
	if s.AccessErr != nil {
		if s.Err == nil {
			f.addOn(node, warning, "the server does not EXPLAIN statements: %v; see by hand that they use the primary key",
				s.AccessErr)
		}
		return
	}
	for _, statement := range []struct {
		what string
		how  lookup.Access
	}{{"one key", s.One}, {"several keys", s.Several}} {
		if s.Err == nil && !isFine(statement.how) {
			f.addOn(node, trouble, "%s: the statement for %s does not use the primary key (EXPLAIN: type %s, key %s, %d rows); "+
				"run ANALYZE TABLE %s, and see that its PRIMARY KEY is not disabled or ignored",
				group, statement.what, orDash(statement.how.Type), orDash(statement.how.Key), statement.how.Rows,
				sqlName(s.Select.Group.Table))
		}
	}
}

// isFine lets a server scan a table of few rows, as long as it need not.
func isFine(a lookup.Access) bool { return a.ByKey() || a.ByWay && a.Rows <= fewRows }

func labelOf(g *catalog.Group) string { return fmt.Sprintf("%s/%s_%d", g.Store, g.Name, g.Version) }

// judgeEngines finds tables that the nodes do not share while they share others.
func judgeEngines(f *findings, r *lookup.NodeReport) {
	shared := false
	for _, engine := range r.Engines {
		shared = shared || strings.EqualFold(engine, ndb)
	}
	for _, name := range sorted(r.Engines) {
		if engine := r.Engines[name]; shared && !strings.EqualFold(engine, ndb) {
			f.addOn(r.Address, note, "table %s: its engine is %s while others are %s, so that every node has rows of its own; "+
				"ALTER TABLE %s ENGINE=NDB", name, engine, ndb, sqlName(name))
		}
	}
}

// judgeAgreement compares how nodes define the tables. What they lack altogether is among the catalogue's mistakes.
func judgeAgreement(f *findings, reports []*lookup.NodeReport) {
	first := map[catalog.TableName]*lookup.NodeReport{}
	for _, r := range reports {
		for _, name := range sorted(r.Tables) {
			other := first[name]
			if other == nil {
				first[name] = r
				continue
			}
			if what := difference(other.Tables[name], r.Tables[name]); what != "" {
				f.add(trouble, "table %s: nodes %s and %s disagree: %s; point both at one cluster, or finish the ALTER TABLE",
					name, other.Address, r.Address, what)
			}
		}
	}
}

// difference says in what a table differs from another's definition of it; empty: in nothing.
func difference(a, b *catalog.Table) string {
	if !slices.Equal(a.PrimaryKey, b.PrimaryKey) {
		return fmt.Sprintf("the primary key is (%s) and (%s)",
			strings.Join(a.PrimaryKey, ", "), strings.Join(b.PrimaryKey, ", "))
	}
	find := func(t *catalog.Table, name string) *column.Def {
		for i := range t.Columns {
			if t.Columns[i].Name == name {
				return &t.Columns[i]
			}
		}
		return nil
	}
	for _, c := range a.Columns {
		switch other := find(b, c.Name); {
		case other == nil:
			return fmt.Sprintf("the second has no column %s", c.Name)
		case *other != c:
			return fmt.Sprintf("column %s is %s and %s", c.Name, describeDef(c), describeDef(*other))
		}
	}
	for _, c := range b.Columns {
		if find(a, c.Name) == nil {
			return fmt.Sprintf("the first has no column %s", c.Name)
		}
	}
	return ""
}

func describeDef(d column.Def) string {
	words := d.ColumnType
	if d.Collation != "" {
		words += " " + d.Collation
	}
	if !d.Nullable {
		words += " not null"
	}
	return words
}

// judgeSnapshot tells what is sound and yet not as it should be: what makes reads slower than they need be.
func judgeSnapshot(f *findings, s *catalog.Snapshot) {
	told := map[catalog.TableName]bool{}
	for _, sel := range s.Selects {
		if g := sel.Group; !told[g.Table] {
			told[g.Table] = true
			judgeKey(f, g)
		}
	}
	judgeLarge(f, s)
}

// judgeKey warns of key columns whose comparison rongate leaves to the server.
func judgeKey(f *findings, g *catalog.Group) {
	for _, c := range g.Key {
		if c.Match() == column.MatchUnknown {
			f.add(warning, "feature group %s: key column %s has the collation %s, which rongate cannot compare by: of several "+
				"keys in a statement, those without a row are asked for again, one by one; choose %s_bin, or %s_general_ci "+
				"where case is not to count", labelOf(g), c.Name, c.Collation, c.Charset, c.Charset)
		}
	}
}

// judgeLarge warns of features that cost a round trip a row, each column once with all that reads it.
func judgeLarge(f *findings, s *catalog.Snapshot) {
	type place struct {
		group  string
		column *column.Column
	}
	var places []place
	readers := map[place][]string{}
	for _, v := range s.Views {
		for _, feature := range v.Features {
			if feature.Key >= 0 || !feature.Column.Large() {
				continue
			}
			at := place{labelOf(v.Joins[feature.Join].Group), feature.Column}
			if readers[at] == nil {
				places = append(places, at)
			}
			reader := fmt.Sprintf("feature %s of %s/%s version %d", feature.Name, v.Store, v.Name, v.Version)
			readers[at] = append(readers[at], reader)
		}
	}
	for _, at := range places {
		f.add(warning, "feature group %s: column %s (%s), read by %s, costs NDB a round trip a row; make it VARCHAR or "+
			"VARBINARY where it fits, or leave it out",
			at.group, at.column.Name, at.column.SQLType, strings.Join(readers[at], ", "))
	}
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
