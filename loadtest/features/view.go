package features

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/goccy/go-json"

	"github.com/rongate/rongate/internal/frauddata"
)

const (
	// maxGroups bounds the feature groups of a view: what is found in them is kept on the stack.
	maxGroups = 8

	// expiryMargin is how far from its end a row's time to live is not sure to have ended, or not to have: clocks differ,
	// and an answer takes its time.
	expiryMargin = time.Minute
)

// A view is a feature view of the gateway about which the data knows all.
type view struct {
	name     viewName
	head     []byte // of a request, up to its entries
	rdrsHead []byte // of one by the API of RonDB's REST server
	tail     []byte // of a request, from what follows its entries and passed features
	opening  []byte // of an answer, up to the vectors
	quoted   quoted
	features []feature // of the projection
	groups   []group   // that are read
	passed   int       // which of the features a request may pass; negative: none
	keys     struct{ account, merchant, card bool }
	present  ranks // entries that have a row in every group
	absent   ranks // the others
}

// quoted is what answers say of a view, as JSON.
type quoted struct{ store, view, version []byte }

type feature struct {
	frauddata.Feature
	name   string
	quoted []byte // as JSON
	key    bool
	group  int // in the view's groups
}

type group struct {
	*frauddata.Group
	ttl time.Duration // 0: rows do not expire
}

// compile works out everything about a feature view that does not depend on a request.
func compile(cfg *Config, d *viewDocument) (*view, error) {
	if d.FeatureStore != frauddata.Database {
		return nil, fmt.Errorf("the feature store %s is not the one that the data is of", d.FeatureStore)
	}
	v := &view{name: d.viewName, passed: -1}
	for _, key := range d.ServingKeys {
		switch key.Name {
		case "account_id":
			v.keys.account = true
		case "merchant_id":
			v.keys.merchant = true
		case "card_id":
			v.keys.card = true
		default:
			return nil, fmt.Errorf("the data knows no serving key %s", key.Name)
		}
	}
	if err := checkGroups(cfg.Data, d.FeatureGroups); err != nil {
		return nil, err
	}
	for i := range d.Features {
		if f := &d.Features[i]; len(cfg.Features) == 0 || slices.Contains(cfg.Features, f.Name) {
			if err := v.addFeature(cfg.Data, d, f); err != nil {
				return nil, err
			}
		}
	}
	if len(v.features) == 0 {
		return nil, errors.New("it has none of the features that are asked for")
	}
	if len(cfg.Features) > 0 {
		v.project(cfg.Features)
	}
	v.write(cfg)
	return v, v.enumerate(cfg.Data, &cfg.Keys)
}

// checkGroups refuses feature groups that are not the data's, or are found otherwise.
func checkGroups(data *frauddata.Data, documents []groupDocument) error {
	if len(documents) > maxGroups {
		return fmt.Errorf("it has more than %d feature groups", maxGroups)
	}
	for _, g := range documents {
		if _, known := dataGroup(data, &g); !known || g.Prefix != "" {
			return fmt.Errorf("the data knows no feature group %s%s", g.Prefix, g.table())
		}
		for _, k := range g.Key {
			if k.Column != k.ServingKey {
				return fmt.Errorf("the serving key %s stands for the column %s", k.ServingKey, k.Column)
			}
		}
	}
	return nil
}

func (g *groupDocument) table() string { return fmt.Sprintf("%s_%d", g.Name, g.Version) }

func dataGroup(data *frauddata.Data, g *groupDocument) (*frauddata.Group, bool) {
	for _, known := range data.Groups() {
		if known.Table() == g.table() {
			return known, true
		}
	}
	return nil, false
}

// addFeature adds a feature to the projection, and the group that it is read from.
func (v *view) addFeature(data *frauddata.Data, d *viewDocument, f *featureDocument) error {
	known, ok := data.Feature(f.Name)
	if !ok {
		return fmt.Errorf("the data knows no feature %s", f.Name)
	}
	added := feature{Feature: known, name: f.Name, quoted: quote(f.Name), key: known.IsKey()}
	from := -1
	for i := range d.FeatureGroups {
		g := &d.FeatureGroups[i]
		if added.key && slices.ContainsFunc(g.Key, func(k keyDocument) bool { return k.Column == f.Name }) {
			if from >= 0 {
				return fmt.Errorf("which feature group the key %s is of cannot be told", f.Name)
			}
			from = i
		} else if !added.key && g.table() == known.Group().Table() {
			from = i
		}
	}
	if from < 0 {
		return fmt.Errorf("the feature %s is of none of its feature groups", f.Name)
	}
	if instead := string(known.AppendInstead(nil)); !added.key && string(f.Default) != instead &&
		(len(f.Default) > 0 || instead != "null") {
		return fmt.Errorf("the default of %s is %s, and the data's %s", f.Name, f.Default, instead)
	}
	added.group = v.addGroup(data, &d.FeatureGroups[from])
	if v.passed < 0 && f.Type == "double" {
		v.passed = len(v.features)
	}
	v.features = append(v.features, added)
	return nil
}

func (v *view) addGroup(data *frauddata.Data, g *groupDocument) int {
	known, _ := dataGroup(data, g)
	for i, have := range v.groups {
		if have.Group == known {
			return i
		}
	}
	added := group{Group: known}
	if g.EventTime != "" {
		added.ttl = time.Duration(g.TTLMillis) * time.Millisecond
	}
	v.groups = append(v.groups, added)
	return len(v.groups) - 1
}

// project puts the features in the order that is asked for.
func (v *view) project(names []string) {
	passed := ""
	if v.passed >= 0 {
		passed = v.features[v.passed].name
	}
	slices.SortFunc(v.features, func(a, b feature) int { return slices.Index(names, a.name) - slices.Index(names, b.name) })
	v.passed = slices.IndexFunc(v.features, func(f feature) bool { return f.name == passed })
}

// write writes the parts of requests and answers that are always the same.
func (v *view) write(cfg *Config) {
	v.quoted = quoted{
		store: quote(v.name.FeatureStore), view: quote(v.name.FeatureView),
		version: strconv.AppendInt(nil, int64(v.name.Version), 10),
	}
	var features []byte
	for i, f := range v.features {
		if i > 0 {
			features = append(features, ',')
		}
		features = append(features, f.quoted...)
	}
	head := fmt.Appendf(nil, `{"featureStore":%s,"featureView":%s,"version":%s`,
		v.quoted.store, v.quoted.view, v.quoted.version)
	v.opening = fmt.Appendf(slices.Clip(head), `,"features":[%s]`, features)
	v.head = head
	v.rdrsHead = fmt.Appendf(nil, `{"featureStoreName":%s,"featureViewName":%s,"featureViewVersion":%s`,
		v.quoted.store, v.quoted.view, v.quoted.version)
	if len(cfg.Features) > 0 {
		v.tail = fmt.Appendf(v.tail, `,"features":[%s]`, features)
	}
	if cfg.Partial {
		v.tail = append(v.tail, `,"options":{"partial":true}`...)
	}
	v.tail = append(v.tail, '}')
}

func quote(text string) []byte {
	b, err := json.MarshalWithOption(text, json.DisableHTMLEscape())
	if err != nil {
		panic(err) // text can be encoded
	}
	return b
}

func (v *view) has(name string) bool {
	return slices.ContainsFunc(v.features, func(f feature) bool { return f.name == name })
}

// entry is the one of a number: an account with the card of its number, at the merchant where it is a regular customer.
func (v *view) entry(n uint64) (e frauddata.Entry) {
	e.Merchant = n
	if v.keys.account {
		e.Account = n
	}
	if v.keys.card {
		e.Card = n
	}
	if v.keys.account || v.keys.card {
		e.Merchant = frauddata.RegularOf(n)
	}
	if !v.keys.merchant {
		e.Merchant = 0
	}
	return e
}

// enumerate lists the numbers of entries, those that have a row in every group and those that do not.
func (v *view) enumerate(data *frauddata.Data, keys *Keys) error {
	first, last := frauddata.First().Merchant, data.Last().Merchant
	if v.keys.account || v.keys.card {
		first, last = frauddata.First().Account, max(data.Last().Account, data.Last().Card)
	}
	var present, absent []uint32
	for n := first; n <= last; n++ {
		if v.complete(v.entry(n)) {
			present = append(present, uint32(n))
		} else {
			absent = append(absent, uint32(n))
		}
	}
	if len(present) == 0 && keys.Missing < 1 {
		return errors.New("no entry has a row in all of its feature groups")
	}
	if len(absent) == 0 && keys.Missing > 0 {
		return errors.New("no entry lacks a row")
	}
	v.present, v.absent = newRanks(present, keys), newRanks(absent, keys)
	return nil
}

// draw draws an entry, and with the given probability one that lacks a row.
func (v *view) draw(random *rand.Rand, missing float64) frauddata.Entry {
	if missing > 0 && random.Float64() < missing {
		return v.entry(v.absent.draw(random))
	}
	return v.entry(v.present.draw(random))
}

func (v *view) complete(e frauddata.Entry) bool {
	for _, g := range v.groups {
		if _, found := g.Find(e); !found {
			return false
		}
	}
	return true
}
