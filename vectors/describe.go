package vectors

import (
	"strconv"

	"github.com/goccy/go-json"
)

// The documents of the GET routes.
type (
	viewList struct {
		FeatureViews []viewName `json:"featureViews"`
	}
	viewName struct {
		FeatureStore string `json:"featureStore"`
		FeatureView  string `json:"featureView"`
		Version      int    `json:"version"`
	}
	viewDocument struct {
		viewName
		ServingKeys   []keyDocument     `json:"servingKeys"`
		Features      []featureDocument `json:"features"`
		FeatureGroups []groupDocument   `json:"featureGroups"`
	}
	keyDocument struct {
		Name string `json:"name"`
		Type string `json:"type"`
	}
	featureDocument struct {
		Name    string          `json:"name"`
		Type    string          `json:"type"`
		Default json.RawMessage `json:"default,omitempty"`
	}
	groupDocument struct {
		Name      string           `json:"name"`
		Version   int              `json:"version"`
		Prefix    string           `json:"prefix,omitempty"`
		Key       []columnDocument `json:"key"`
		EventTime string           `json:"eventTime,omitempty"`
		TTLMillis int64            `json:"ttlMs,omitempty"`
	}
	columnDocument struct {
		Column     string `json:"column"`
		ServingKey string `json:"servingKey"`
		Type       string `json:"type"`
	}
)

// AppendViews appends the list of the feature views that the caller may read.
func (s *Service) AppendViews(dst []byte, access Access) ([]byte, *Error) {
	p := s.program.Load()
	if p == nil {
		return dst, errorf(Unavailable, "", "the catalogue is not loaded yet; try again later")
	}
	list := viewList{FeatureViews: []viewName{}}
	for _, v := range p.snapshot.Views {
		if access.MayRead(v) {
			list.FeatureViews = append(list.FeatureViews, viewName{v.Store, v.Name, v.Version})
		}
	}
	return appendJSON(dst, list), nil
}

// AppendView appends the description of one feature view. An empty store is any.
func (s *Service) AppendView(dst []byte, store, name, version string, access Access) ([]byte, *Error) {
	p := s.program.Load()
	if p == nil {
		return dst, errorf(Unavailable, "", "the catalogue is not loaded yet; try again later")
	}
	number, err := strconv.Atoi(version)
	if err != nil || number < 1 || strconv.Itoa(number) != version {
		return dst, errorf(InvalidValue, "version", "must be a whole number of at least 1")
	}
	v, failure := p.resolve([]byte(store), []byte(name), number, access)
	if failure != nil {
		return dst, failure
	}
	return appendJSON(dst, v.document()), nil
}

func (v *view) document() viewDocument {
	d := viewDocument{viewName: viewName{v.Store, v.Name, v.Version}}
	for _, k := range v.ServingKeys {
		d.ServingKeys = append(d.ServingKeys, keyDocument{k.Name, k.Type})
	}
	for i := range v.Features {
		f := &v.Features[i]
		d.Features = append(d.Features, featureDocument{f.Name, f.Type, f.Default})
	}
	for i := range v.Joins {
		join := &v.Joins[i]
		g := groupDocument{
			Name: join.Group.Name, Version: join.Group.Version, Prefix: join.Prefix,
			TTLMillis: join.Group.TTL.Milliseconds(),
		}
		if join.Group.EventTime != nil {
			g.EventTime = join.Group.EventTime.Name
		}
		for part, slot := range join.KeySlots {
			c := join.Group.Key[part]
			g.Key = append(g.Key, columnDocument{c.Name, v.ServingKeys[slot].Name, c.SQLType})
		}
		d.FeatureGroups = append(d.FeatureGroups, g)
	}
	return d
}

func appendJSON(dst []byte, document any) []byte {
	b, err := json.MarshalWithOption(document, json.DisableHTMLEscape())
	if err != nil {
		panic("vectors: a document that is no JSON: " + err.Error())
	}
	return append(dst, b...)
}
