package catalog

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// An UnknownViewError says that there is no such feature view.
type UnknownViewError struct {
	Store    string // empty: none was given
	Name     string
	Version  int   // 0: none was given
	Versions []int // that there are of this name, where the version is what is wrong
}

func (e *UnknownViewError) Error() string {
	var b strings.Builder
	b.WriteString("there is no feature view " + e.Name)
	if e.Version > 0 {
		fmt.Fprintf(&b, " version %d", e.Version)
	}
	if e.Store != "" {
		b.WriteString(" in feature store " + e.Store)
	}
	if len(e.Versions) > 0 {
		b.WriteString("; its versions are " + strings.Join(versionNames(e.Versions), ", "))
	}
	return b.String()
}

// An AmbiguousError says what must be given to tell feature views of one name apart.
type AmbiguousError struct {
	What    string   // "featureStore" or "version"
	Choices []string // of What, sorted
}

func (e *AmbiguousError) Error() string {
	choices := strings.Join(e.Choices, ", ")
	return fmt.Sprintf("more than one feature view has this name; give %s, one of %s", e.What, choices)
}

// Find returns a feature view. An empty store and a version of 0 are not given; they are needed where two feature
// stores have a view of that name, and where there are two versions of it: a model must not change its features because
// another view was deployed. The error is an *UnknownViewError or an *AmbiguousError. It does not allocate unless it
// fails.
func (s *Snapshot) Find(store, name []byte, version int) (*View, error) {
	var found []*View // all versions in the one store that has the name
	for rest := s.Views; len(rest) > 0; {
		ofStore := rest[:endOfStore(rest)]
		rest = rest[len(ofStore):]
		if len(store) > 0 && ofStore[0].Store != string(store) {
			continue
		}
		versions := versionsOf(ofStore, name)
		if len(versions) > 0 && len(found) > 0 {
			return nil, s.ambiguousStore(name)
		}
		if len(versions) > 0 {
			found = versions
		}
	}
	switch {
	case version == 0 && len(found) == 1:
		return found[0], nil
	case version == 0 && len(found) > 1:
		return nil, &AmbiguousError{What: "version", Choices: versionNames(versionNumbers(found))}
	}
	for _, v := range found {
		if v.Version == version {
			return v, nil
		}
	}
	return nil, &UnknownViewError{string(store), string(name), version, versionNumbers(found)}
}

// endOfStore returns how many views at the beginning are of one feature store.
func endOfStore(views []*View) int {
	return sort.Search(len(views), func(i int) bool { return views[i].Store > views[0].Store })
}

// versionsOf returns the views of one name out of those of one feature store.
func versionsOf(views []*View, name []byte) []*View {
	begin := sort.Search(len(views), func(i int) bool { return views[i].Name >= string(name) })
	views = views[begin:]
	return views[:sort.Search(len(views), func(i int) bool { return views[i].Name > string(name) })]
}

func (s *Snapshot) ambiguousStore(name []byte) error {
	var stores []string
	for _, v := range s.Views {
		if v.Name == string(name) {
			stores = append(stores, v.Store)
		}
	}
	return &AmbiguousError{What: "featureStore", Choices: slices.Compact(stores)}
}

func versionNumbers(views []*View) []int {
	numbers := make([]int, len(views))
	for i, v := range views {
		numbers[i] = v.Version
	}
	return numbers
}

func versionNames(versions []int) []string {
	names := make([]string, len(versions))
	for i, v := range versions {
		names[i] = strconv.Itoa(v)
	}
	return names
}
