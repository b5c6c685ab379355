package hopsworks

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rongate/rongate/column"
)

const (
	// scanTime is how long a node may take to give all rows of a table: a large installation has a hundred thousand
	// features.
	scanTime = 20 * time.Second

	// fewViews is how many views are read one by one, by their ids, before all are read.
	fewViews = 64

	// schemasAtOnce is for how many schemas one statement asks; the texts have tens of kilobytes.
	schemasAtOnce = 32
)

// A reading is one run through the metadata.
type reading struct {
	ctx     context.Context
	asker   *asker
	release *release
	before  *Metadata // of the reading before; nil: there was none
	next    *Metadata
}

// read reads what has changed since another reading, or everything. Views are there with their children or not at all:
// Hopsworks writes a view's row last.
func read(ctx context.Context, a *asker, rel *release, before *Metadata) (*Metadata, error) {
	r := &reading{ctx: ctx, asker: a, release: rel, before: before, next: &Metadata{}}
	for _, step := range []func() error{r.stores, r.groups, r.views, r.schemas, r.shares} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	r.next.sort()
	return r.next, nil
}

// rowsOf runs a SELECT of columns of a table.
func rowsOf[T any](
	r *reading, table, where string, args []column.Value, columns []string, make func(row) (T, error),
) ([]T, error) {
	query, err := r.release.from(table, columns...)
	if err != nil {
		return nil, err
	}
	if where != "" {
		query += " WHERE " + where
	}
	found := scan[T]{columns: len(columns), make: make}
	if err := r.asker.ask(r.ctx, scanTime, query, args, &found); err != nil {
		return nil, fmt.Errorf("read %s: %w", table, err)
	}
	return found.found, nil
}

func (r *reading) stores() (err error) {
	r.next.Stores, err = rowsOf(r, "feature_store", "", nil, []string{"id", "name", "project_id"},
		func(row row) (s Store, err error) {
			s = Store{ID: row.number(0, &err), Name: row.text(1), Project: row.number(2, &err)}
			return s, err
		})
	return err
}

func (r *reading) groups() error {
	spines, err := r.ids("on_demand_feature_group", "id", "`spine` <> 0", "spine")
	if err != nil {
		return err
	}
	embedded, err := r.ids("embedding", "feature_group_id", "")
	if err != nil {
		return err
	}
	columns := []string{
		"id", "feature_store_id", "name", "version", "event_time", "online_enabled", "on_demand_feature_group_id",
		"?ttl", "?ttl_enabled",
	}
	r.next.Groups, err = rowsOf(r, "feature_group", "", nil, columns, func(row row) (g Group, err error) {
		g = Group{
			ID: row.number(0, &err), Store: row.number(1, &err), Name: row.text(2), Version: row.number(3, &err),
			EventTime: row.text(4), Online: row.yes(5, true, &err),
		}
		g.Spine, g.Embedding = spines[row.number(6, &err)], embedded[g.ID]
		if row.yes(8, false, &err) {
			g.TTL = row.number(7, &err)
		}
		return g, err
	})
	return err
}

// ids reads the numbers in one column of a table, which may be absent.
func (r *reading) ids(table, name, where string, needed ...string) (map[int64]bool, error) {
	if !r.release.has(table, append(needed, name)...) {
		return nil, nil
	}
	list, err := rowsOf(r, table, where, nil, []string{name}, func(row row) (id int64, err error) {
		id = row.number(0, &err)
		return id, err
	})
	set := make(map[int64]bool, len(list))
	for _, id := range list {
		set[id] = id != 0
	}
	return set, err
}

// views reads the list of views, and the children of those that were not there before.
func (r *reading) views() error {
	known := map[int64]*View{}
	if r.before != nil {
		for _, v := range r.before.Views {
			known[v.ID] = v
		}
	}
	columns := []string{"id", "feature_store_id", "name", "version"}
	list, err := rowsOf(r, "feature_view", "", nil, columns, func(row row) (v *View, err error) {
		v = &View{ID: row.number(0, &err), Store: row.number(1, &err), Name: row.text(2), Version: row.number(3, &err)}
		return v, err
	})
	if err != nil {
		return err
	}
	added := map[int64]*View{}
	for i, v := range list {
		old := known[v.ID]
		// One without children is read again: they may have been on their way.
		if old != nil && old.whole() && old.Store == v.Store && old.Name == v.Name && old.Version == v.Version {
			list[i] = old
		} else {
			added[v.ID] = v
		}
	}
	r.next.Views = list
	return r.children(added)
}

// children reads what belongs to some views: of each by itself, or, where there are many, of all views.
func (r *reading) children(added map[int64]*View) error {
	switch {
	case len(added) == 0:
		return nil
	case len(added) > fewViews:
		if err := r.childrenOf(added, "`feature_view_id` IS NOT NULL"); err != nil {
			return err
		}
	default:
		for id := range added {
			if err := r.childrenOf(added, "`feature_view_id` = ?", column.IntValue(id)); err != nil {
				return err
			}
		}
	}
	for _, v := range added {
		v.sort()
	}
	return nil
}

// A child is a row that belongs to a view.
type child[T any] struct {
	view int64
	row  T
}

func (r *reading) childrenOf(added map[int64]*View, where string, args ...column.Value) error {
	joins, err := r.joins(where, args)
	if err != nil {
		return err
	}
	features, err := r.features(where, args)
	if err != nil {
		return err
	}
	keys, err := r.keys(where, args)
	if err != nil {
		return err
	}
	for _, c := range joins {
		if v := added[c.view]; v != nil {
			v.Joins = append(v.Joins, c.row)
		}
	}
	for _, c := range features {
		if v := added[c.view]; v != nil {
			v.Features = append(v.Features, c.row)
		}
	}
	for _, c := range keys {
		if v := added[c.view]; v != nil {
			v.Keys = append(v.Keys, c.row)
		}
	}
	return nil
}

func (r *reading) joins(where string, args []column.Value) ([]child[Join], error) {
	columns := []string{"feature_view_id", "id", "feature_group", "idx", "prefix"}
	return rowsOf(r, "training_dataset_join", where, args, columns, func(row row) (c child[Join], err error) {
		c.view = row.number(0, &err)
		c.row = Join{ID: row.number(1, &err), Group: row.number(2, &err), Index: row.number(3, &err), Prefix: row.text(4)}
		return c, err
	})
}

func (r *reading) features(where string, args []column.Value) ([]child[Feature], error) {
	columns := []string{"feature_view_id", "id", "feature_group", "td_join", "idx", "name", "type", "label"}
	return rowsOf(r, "training_dataset_feature", where, args, columns, func(row row) (c child[Feature], err error) {
		c.view = row.number(0, &err)
		c.row = Feature{
			ID: row.number(1, &err), Group: row.number(2, &err), Join: row.number(3, &err), Index: row.number(4, &err),
			Name: row.text(5), Type: row.text(6), Label: row.yes(7, false, &err),
		}
		return c, err
	})
}

func (r *reading) keys(where string, args []column.Value) ([]child[ServingKey], error) {
	columns := []string{
		"feature_view_id", "id", "feature_group_id", "join_index", "feature_name", "prefix", "join_on", "required",
	}
	return rowsOf(r, "serving_key", where, args, columns, func(row row) (c child[ServingKey], err error) {
		c.view = row.number(0, &err)
		c.row = ServingKey{
			ID: row.number(1, &err), Group: row.number(2, &err), Join: row.number(3, &err), Name: row.text(4),
			Prefix: row.text(5), JoinOn: row.text(6), Required: row.yes(7, false, &err),
		}
		return c, err
	})
}

// A subject is a row of subjects.
type subject struct {
	name            string
	project, schema int64
	version         int64
}

// schemas reads the newest schema of each feature group of which a view has a complex feature.
func (r *reading) schemas() error {
	wanted := r.next.complexGroups()
	if len(wanted) == 0 {
		return nil
	}
	subjects, err := rowsOf(r, "subjects", "", nil, []string{"subject", "project_id", "version", "schema_id"},
		func(row row) (s subject, err error) {
			s = subject{row.text(0), row.number(1, &err), row.number(3, &err), row.number(2, &err)}
			return s, err
		})
	if err != nil {
		return err
	}
	newest := map[schemaKey]subject{}
	for _, s := range subjects {
		key := schemaKey{s.project, s.name}
		if wanted[key] && s.version > newest[key].version {
			newest[key] = s
		}
	}
	known := map[int64]string{} // a schema is never altered
	if r.before != nil {
		for _, s := range r.before.Schemas {
			known[s.ID] = s.Text
		}
	}
	var missing []int64
	for _, s := range newest {
		if _, ok := known[s.schema]; !ok {
			known[s.schema] = ""
			missing = append(missing, s.schema)
		}
	}
	for part := range slices.Chunk(missing, schemasAtOnce) {
		if err := r.texts(part, known); err != nil {
			return err
		}
	}
	for key, s := range newest {
		r.next.Schemas = append(r.next.Schemas, Schema{key.project, key.subject, s.schema, known[s.schema]})
	}
	return nil
}

// texts reads some schemas.
func (r *reading) texts(ids []int64, into map[int64]string) error {
	args := make([]column.Value, schemasAtOnce) // always as many, so that it is one statement
	for i := range args {
		args[i] = column.IntValue(ids[min(i, len(ids)-1)])
	}
	where := "`id` IN (?" + strings.Repeat(",?", schemasAtOnce-1) + ")"
	list, err := rowsOf(r, "schemas", where, args, []string{"id", "schema"}, func(row row) (s Schema, err error) {
		s = Schema{ID: row.number(0, &err), Text: row.text(1)}
		return s, err
	})
	for _, s := range list {
		into[s.ID] = s.Text
	}
	return err
}
