package vectors

import (
	"strconv"
	"strings"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
)

// A Form is the API that a request is written in, and answered in. All of them mean the same by a view, a key and a row.
type Form uint8

// The forms. RDRS is RonDB's REST server: what is said of its API here is from its documentation, and from what its tests
// hold of it. Where rongate answers otherwise, the README says so.
const (
	FormNative    Form = iota // POST /feature-vectors
	FormRDRS                  // POST /0.1.0/feature_store: one vector
	FormRDRSBatch             // POST /0.1.0/batch_feature_store
)

// rdrsPatience is how long the Hopsworks client waits for RDRS if nobody has told it otherwise. Nobody reads what comes
// later.
const rdrsPatience = 2 * time.Second

// An RDRSCode is how an error of RDRS's API is numbered.
type RDRSCode int

// Those that an Error cannot be told from its Code.
const (
	RDRSUnknownView      RDRSCode = 1
	RDRSUnknownStore     RDRSCode = 2
	RDRSDeletedGroup     RDRSCode = 3
	RDRSUnreadableView   RDRSCode = 6
	RDRSWrongPassedCount RDRSCode = 13
	RDRSNoEntry          RDRSCode = 15
)

// numbered says which number an error has in RDRS's API.
func (e *Error) numbered(code RDRSCode) *Error {
	e.RDRS = code
	return e
}

// A span is a piece of the text of the entries.
type span struct{ start, end int }

// rdrsView is what the RDRS Forms need of a view.
type rdrsView struct {
	names    map[string]int // by which keys are given → index
	taken    string         // for messages: these names
	parts    [][]int        // of the joins' keys, one join's after the other's: the names that it is given by, best first
	first    []int          // by join: the first of its parts
	features map[string][]int
	types    [][]byte // the features' offline types as JSON strings
	groups   [][]byte // by join: the start of its detailed status, up to the code
	complex  []int    // features that may not fit their schema
}

func compileRDRS(cv *catalog.View) *rdrsView {
	v := &rdrsView{names: map[string]int{}, features: map[string][]int{}}
	var taken []string
	name := func(name string) int {
		i, known := v.names[name]
		if !known {
			i = len(v.names)
			v.names[name] = i
			taken = append(taken, name)
		}
		return i
	}
	for j := range cv.Joins {
		join := &cv.Joins[j]
		v.first = append(v.first, len(v.parts))
		for part, slot := range join.KeySlots {
			names := []int{name(cv.ServingKeys[slot].Name)}
			if join.OtherKeys != nil {
				for _, other := range join.OtherKeys[part] {
					names = append(names, name(other))
				}
			}
			v.parts = append(v.parts, names)
		}
		v.groups = append(v.groups, detailOpening(join.Group))
	}
	for _, k := range cv.ServingKeys {
		name(k.Name)
	}
	for _, k := range cv.OtherKeys {
		name(k)
	}
	v.taken = strings.Join(taken, ", ")
	for i := range cv.Features {
		f := &cv.Features[i]
		v.features[f.Name] = append(v.features[f.Name], i)
		v.types = append(v.types, quoted(offlineType(f)))
		if f.Column.Complex != nil {
			v.complex = append(v.complex, i)
		}
	}
	return v
}

// detailOpening is the start of a group's detailed status. RDRS has -1 for a group whose id is not known.
func detailOpening(g *catalog.Group) []byte {
	id := g.ID
	if id == 0 {
		id = -1
	}
	b := strconv.AppendInt([]byte(`{"featureGroupId":`), id, 10)
	return append(b, `,"httpStatus":`...)
}

// offlineType is the type that RDRS tells of a feature: that of the column, if there is no other.
func offlineType(f *catalog.Feature) string {
	if f.Offline != "" {
		return f.Offline
	}
	return f.Type
}

// The JSON types that RDRS tells apart in passed features.
const (
	jsonBoolean = "boolean"
	jsonNumber  = "number"
	jsonString  = "string"
	jsonOther   = "array or object"
)

// passedType is the JSON type that a passed feature must have.
func passedType(f *catalog.Feature) string {
	switch kind, _, _ := strings.Cut(strings.ToLower(f.Offline), "("); kind {
	case "":
		return passedTypeOf(f.Column)
	case "boolean":
		return jsonBoolean
	case "tinyint", "smallint", "int", "bigint", "float", "double", "decimal":
		return jsonNumber
	case "date", "timestamp", "string", "binary", "char", "varchar":
		return jsonString
	}
	return jsonOther
}

// passedTypeOf is passedType where there is no offline type.
func passedTypeOf(c *column.Column) string {
	switch c.Kind {
	case column.Int, column.Decimal, column.Float, column.Double, column.Bit, column.Year:
		if c.Boolean {
			return jsonBoolean
		}
		return jsonNumber
	case column.JSON:
		return jsonOther
	}
	return jsonString
}

// typeOf is the JSON type of what a client sent.
func typeOf(k column.LiteralKind) string {
	switch k {
	case column.LiteralTrue, column.LiteralFalse:
		return jsonBoolean
	case column.LiteralNumber:
		return jsonNumber
	case column.LiteralString:
		return jsonString
	}
	return jsonOther
}

// resolveRDRS finds the view that a request names. A caller that may not tell one that it may not read from one that there
// is not learns no more than that it may not read it.
func (p *program) resolveRDRS(store, name []byte, version int, access Access) (*view, *Error) {
	var cv *catalog.View
	if len(store) > 0 && version > 0 { // else they would stand for any
		cv, _ = p.snapshot.Find(store, name, version)
	}
	switch {
	case cv != nil && access.MayRead(cv):
		return p.views[cv], nil
	case !access.MayTell(string(store), string(name)):
		return nil, errorf(Forbidden, "", "the API key is not authorized to access %s", shown(store))
	case cv != nil:
		return nil, errorf(Forbidden, "", "the API key is not authorized to access all that feature view %s reads", cv.Name)
	}
	return nil, p.notServed(string(store), string(name), version)
}

// notServed says why there is no view of a name, to somebody who may know.
func (p *program) notServed(store, name string, version int) *Error {
	for _, u := range p.snapshot.Unserved {
		if u.Store != store || u.Name != name || u.Version != version {
			continue
		}
		if u.Deleted {
			return errorf(UnknownView, "", "the feature view has features of a feature group that was deleted").
				numbered(RDRSDeletedGroup)
		}
		return errorf(UnknownView, "", "the feature view cannot be served; rongate's log says why").numbered(RDRSUnreadableView)
	}
	for _, s := range p.snapshot.Stores {
		if s == store {
			return errorf(UnknownView, "", "feature store %s has no feature view %s version %d", shown([]byte(store)),
				shown([]byte(name)), version).numbered(RDRSUnknownView)
		}
	}
	return errorf(UnknownView, "", "there is no feature store %s", shown([]byte(store))).numbered(RDRSUnknownStore)
}
