package vectors

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-json"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/lookup"
)

// A program is a snapshot compiled for answering. It is immutable and swapped whole.
type program struct {
	snapshot *catalog.Snapshot
	views    map[*catalog.View]*view
}

// view is a feature view with everything that depends on it alone worked out in advance.
type view struct {
	*catalog.View
	counts       *viewCounts
	plans        [][]*lookup.Plan // by join, then by select of the join
	keyIndex     map[string]int   // serving key name → index in ServingKeys
	featureIndex map[string]int   // feature name → index in Features
	title        string           // for messages: "fraud version 3"
	keyNames     string           // for messages: "account_id, merchant_id"
	listing      string           // for messages: where the features are listed
	opening      []byte           // the start of every answer, up to the list of features
	rdrs         *rdrsView
	names        [][]byte // the features' names and types as JSON strings
	types        [][]byte
	groups       [][]byte // by join: the start of its detail, up to the status
}

// compile makes the program of a snapshot from the plans of its selects. Views that were in the program before, if there was
// one, and are read by the same plans, are taken over, but for their counters.
func compile(s *catalog.Snapshot, plans []*lookup.Plan, before *program) *program {
	p := &program{snapshot: s, views: make(map[*catalog.View]*view, len(s.Views))}
	planOf := make(map[*catalog.Select]*lookup.Plan, len(plans))
	for i, plan := range plans {
		planOf[s.Selects[i]] = plan
	}
	for _, cv := range s.Views {
		if before != nil && before.views[cv].readBy(planOf) {
			v := *before.views[cv]
			v.counts = nil
			p.views[cv] = &v
		} else {
			p.views[cv] = compileView(cv, planOf)
		}
	}
	return p
}

// readBy reports whether v, which may be nil, is read by these plans.
func (v *view) readBy(planOf map[*catalog.Select]*lookup.Plan) bool {
	if v == nil {
		return false
	}
	for j := range v.plans {
		for i, plan := range v.plans[j] {
			if planOf[v.Joins[j].Selects[i]] != plan {
				return false
			}
		}
	}
	return true
}

func compileView(cv *catalog.View, planOf map[*catalog.Select]*lookup.Plan) *view {
	v := &view{
		View:         cv,
		keyIndex:     make(map[string]int, len(cv.ServingKeys)),
		featureIndex: make(map[string]int, len(cv.Features)),
		title:        fmt.Sprintf("%s version %d", cv.Name, cv.Version),
		listing:      fmt.Sprintf("GET /feature-views/%s/%d lists them", url.PathEscape(cv.Name), cv.Version),
	}
	keyNames := make([]string, len(cv.ServingKeys))
	for i, k := range cv.ServingKeys {
		v.keyIndex[k.Name] = i
		keyNames[i] = k.Name
	}
	v.keyNames = strings.Join(keyNames, ", ")
	for i := range cv.Features {
		f := &cv.Features[i]
		v.featureIndex[f.Name] = i
		v.names = append(v.names, quoted(f.Name))
		v.types = append(v.types, quoted(f.Type))
	}
	for i := range cv.Joins {
		join := &cv.Joins[i]
		var ps []*lookup.Plan
		for _, sel := range join.Selects {
			ps = append(ps, planOf[sel])
		}
		v.plans = append(v.plans, ps)
		v.groups = append(v.groups, groupOpening(join))
	}
	v.opening = append(v.opening, `{"featureStore":`...)
	v.opening = append(v.opening, quoted(cv.Store)...)
	v.opening = append(v.opening, `,"featureView":`...)
	v.opening = append(v.opening, quoted(cv.Name)...)
	v.opening = append(v.opening, `,"version":`...)
	v.opening = strconv.AppendInt(v.opening, int64(cv.Version), 10)
	v.opening = append(v.opening, `,"features":[`...)
	v.rdrs = compileRDRS(cv)
	return v
}

// groupOpening is the start of a join's detail.
func groupOpening(join *catalog.Join) []byte {
	b := append([]byte(`{"name":`), quoted(groupName(join.Group))...)
	if join.Prefix != "" {
		b = append(b, `,"prefix":`...)
		b = append(b, quoted(join.Prefix)...)
	}
	return append(b, `,"status":"`...)
}

func groupName(g *catalog.Group) string { return g.Name + "_" + strconv.Itoa(g.Version) }

// quoted returns s as a JSON string.
func quoted(s string) []byte {
	b, err := json.MarshalWithOption(s, json.DisableHTMLEscape())
	if err != nil {
		panic("vectors: a string that is no JSON: " + err.Error())
	}
	return b
}

// resolve finds the view that a request names and checks that its caller may read it. Whoever may not read a view is not
// told whether it exists.
func (p *program) resolve(store, name []byte, version int, access Access) (*view, *Error) {
	cv, err := p.snapshot.Find(store, name, version)
	switch {
	case err != nil:
		return p.unresolved(store, name, version, access, err)
	case !access.MayRead(cv):
		return nil, unknown(store, name, access)
	}
	return p.views[cv], nil
}

// unknown is the answer to a name that there is nothing under, or nothing that the caller may know of: the two must not
// be told apart.
func unknown(store, name []byte, access Access) *Error {
	if !access.MayKnow(string(store), string(name)) {
		return errorf(Forbidden, "featureView", "this key may not read the feature view")
	}
	return errorf(UnknownView, "featureView", "unknown feature view; GET /feature-views lists them")
}

// unresolved is resolve where the catalogue finds no view, or more than one: those that the caller may not read do not make
// a name ambiguous.
func (p *program) unresolved(store, name []byte, version int, access Access, err error) (*view, *Error) {
	var ambiguous *catalog.AmbiguousError
	if !errors.As(err, &ambiguous) {
		return nil, unknown(store, name, access)
	}
	var stores, versions []string
	var found *catalog.View
	for _, cv := range p.snapshot.Views {
		if cv.Name != string(name) || len(store) > 0 && cv.Store != string(store) || version > 0 && cv.Version != version ||
			!access.MayRead(cv) {
			continue
		}
		found = cv
		stores, versions = append(stores, cv.Store), append(versions, strconv.Itoa(cv.Version))
	}
	stores = slices.Compact(stores) // the views are in their order
	switch {
	case found == nil:
		return nil, unknown(store, name, access)
	case len(stores) > 1:
		return nil, errorf(AmbiguousView, "featureStore", "give featureStore: %s is in %s", name, strings.Join(stores, ", "))
	case len(versions) > 1:
		return nil, errorf(AmbiguousView, "version", "give version: %s has %s", name, strings.Join(versions, ", "))
	}
	return p.views[found], nil
}
