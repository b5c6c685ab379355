package hopsworks

import "slices"

// shares reads what projects may read of others. How that is kept depends on the release: at first a feature store was
// shared as the dataset that it is, and counted once it was accepted; since then there are tables of their own, for feature
// groups and single features too, where nothing has to be accepted, and datasets say nothing of feature stores.
func (r *reading) shares() error {
	for _, part := range []func() error{r.datasetShares, r.storeShares, r.groupShares} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) datasetShares() error {
	if r.release.has("shared_feature_store") || // else what was left over there would count for ever
		!r.release.has("dataset_shared_with", "dataset", "project", "accepted") ||
		!r.release.has("dataset", "id", "feature_store_id") {
		return nil
	}
	type row2 struct{ id, store int64 }
	list, err := rowsOf(r, "dataset", "`feature_store_id` IS NOT NULL", nil, []string{"id", "feature_store_id"},
		func(row row) (d row2, err error) {
			d = row2{row.number(0, &err), row.number(1, &err)}
			return d, err
		})
	if err != nil {
		return err
	}
	stores := map[int64]int64{}
	for _, d := range list {
		stores[d.id] = d.store
	}
	shares, err := rowsOf(r, "dataset_shared_with", "`accepted` <> 0", nil, []string{"project", "dataset"},
		func(row row) (s Share, err error) {
			s = Share{Project: row.number(0, &err), Store: stores[row.number(1, &err)], Whole: true}
			return s, err
		})
	for _, s := range shares {
		if s.Store != 0 { // else it is a dataset of another kind
			r.next.Shares = append(r.next.Shares, s)
		}
	}
	return err
}

func (r *reading) storeShares() error {
	const table = "shared_feature_store"
	columns := []string{"shared_with_project", "feature_store", "shared_entirely"}
	if !r.release.has(table, columns...) {
		return nil
	}
	shares, err := rowsOf(r, table, "", nil, columns, func(row row) (s Share, err error) {
		s = Share{Project: row.number(0, &err), Store: row.number(1, &err), Whole: row.yes(2, false, &err)}
		return s, err
	})
	r.next.Shares = append(r.next.Shares, shares...)
	return err
}

func (r *reading) groupShares() error {
	const table = "shared_feature_group"
	columns := []string{"shared_with_project", "feature_group", "shared_entirely"}
	if !r.release.has(table, columns...) {
		return nil
	}
	shares, err := rowsOf(r, table, "", nil, columns, func(row row) (s Share, err error) {
		s = Share{Project: row.number(0, &err), Group: row.number(1, &err), Whole: row.yes(2, false, &err)}
		return s, err
	})
	if err != nil {
		return err
	}
	type of struct{ project, group int64 }
	type single struct {
		of
		name string
	}
	const features = "shared_feature"
	named := map[of][]string{}
	if r.release.has(features, "shared_with_project", "feature_group", "feature") {
		list, err := rowsOf(r, features, "", nil, []string{"shared_with_project", "feature_group", "feature"},
			func(row row) (s single, err error) {
				s = single{of{row.number(0, &err), row.number(1, &err)}, row.text(2)}
				return s, err
			})
		if err != nil {
			return err
		}
		for _, s := range list {
			named[s.of] = append(named[s.of], s.name)
		}
	}
	for _, s := range shares {
		if !s.Whole {
			s.Features = named[of{s.Project, s.Group}]
			slices.Sort(s.Features)
		}
		r.next.Shares = append(r.next.Shares, s)
	}
	return nil
}
