package catalog

// A GroupName is a feature group as the catalogue file has it.
type GroupName struct {
	Store, Name string
	Version     int
	Table       TableName
}

// A ViewName is a feature view as the catalogue file has it.
type ViewName struct {
	Store, Name string
	Version     int
}

// Groups returns the feature groups in the order of the file.
func (s *Spec) Groups() []GroupName {
	var names []GroupName
	for _, store := range s.stores {
		for _, g := range store.groups {
			names = append(names, GroupName{g.store, g.name.text, g.version, g.table})
		}
	}
	return names
}

// Views returns the feature views in the order of the file.
func (s *Spec) Views() []ViewName {
	var names []ViewName
	for _, store := range s.stores {
		for _, v := range store.views {
			names = append(names, ViewName{v.store, v.name.text, v.version})
		}
	}
	return names
}

// Sound resolves as much of the catalogue as has no mistake over the tables as they are: the views that are sound, each
// judged by itself with the groups it joins. It is for those who look for more mistakes, and nothing to be served.
func (s *Spec) Sound(tables map[TableName]*Table) *Snapshot {
	if snapshot, err := s.Resolve(tables); err == nil {
		return snapshot
	}
	sound := s.only(func(v *viewSpec) bool {
		alone := s.only(func(other *viewSpec) bool { return other == v })
		_, err := alone.Resolve(tables)
		return err == nil
	})
	snapshot, err := sound.Resolve(tables)
	if err != nil {
		return &Snapshot{} // what a view's groups and features are does not depend on other views
	}
	return snapshot
}

// only is the Spec of some of the views, and of the groups that they join.
func (s *Spec) only(keep func(*viewSpec) bool) *Spec {
	part := &Spec{}
	joined := map[*groupSpec]bool{}
	for _, store := range s.stores {
		kept := &storeSpec{name: store.name, database: store.database}
		for _, v := range store.views {
			if !keep(v) {
				continue
			}
			kept.views = append(kept.views, v)
			for _, j := range v.joins {
				joined[j.group] = true
			}
		}
		part.stores = append(part.stores, kept)
	}
	for i, store := range s.stores {
		for _, g := range store.groups {
			if joined[g] {
				part.stores[i].groups = append(part.stores[i].groups, g)
			}
		}
	}
	return part
}
