package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/rongate/rongate/catalog"
)

const (
	maxBodyBytes = 1 << 20
	maxEntries   = 1000
)

type request struct {
	FeatureStore   string           `json:"featureStore"`
	FeatureView    string           `json:"featureView"`
	Version        int              `json:"version"`
	Entry          map[string]any   `json:"entry"`
	Entries        []map[string]any `json:"entries"`
	PassedFeatures any              `json:"passedFeatures"`
	Features       []string         `json:"features"`
	Options        struct {
		Partial    bool  `json:"partial"`
		DeadlineMs int64 `json:"deadlineMs"`
	} `json:"options"`
}

type response struct {
	FeatureStore string   `json:"featureStore"`
	FeatureView  string   `json:"featureView"`
	Version      int      `json:"version"`
	Features     []string `json:"features"`
	Vector       []any    `json:"vector,omitempty"`
	Vectors      [][]any  `json:"vectors,omitempty"`
	Status       any      `json:"status"`
}

// A task is a request that is understood.
type task struct {
	view     *catalog.View
	named    map[string]*catalog.Feature
	single   bool
	partial  bool
	entries  []map[string]any
	passed   []map[string]any // by entry, by feature
	features []*catalog.Feature
	groups   []*group // by join
}

// A group is one join of the view, for all entries.
type group struct {
	join   *catalog.Join
	needed bool               // by a feature of the projection
	keys   []key              // by entry
	rows   []map[string][]any // by select of the join, by the key's id
	errs   []error            // by select of the join
	err    error              // all of them
}

// A key is one entry's for one join.
type key struct {
	parts    []any // nil: absent or null
	complete bool
	id       string
}

// answer answers a POST /feature-vectors.
func (s *service) answer(r *http.Request) (any, error) {
	began := time.Now()
	var req request
	decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBodyBytes))
	decoder.UseNumber()
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&req); err != nil {
		return nil, badRequest("%v", err)
	}
	limit := s.deadline
	if ms := req.Options.DeadlineMs; ms > 0 {
		limit = min(limit, time.Duration(ms)*time.Millisecond)
	}
	ctx, cancel := context.WithDeadline(r.Context(), began.Add(limit))
	defer cancel()
	t, err := s.understand(&req)
	if err != nil {
		return nil, err
	}
	if err := s.read(ctx, t); err != nil {
		return nil, err
	}
	return t.respond(s.now()), nil
}

// understand checks a request and makes its keys.
func (s *service) understand(r *request) (*task, error) {
	view, err := s.snapshot.Find([]byte(r.FeatureStore), []byte(r.FeatureView), r.Version)
	if unknown := new(catalog.UnknownViewError); errors.As(err, &unknown) {
		return nil, &problem{http.StatusNotFound, err.Error()}
	} else if err != nil {
		return nil, badRequest("%v", err)
	}
	t := &task{
		view: view, named: s.features[view], single: r.Entry != nil, partial: r.Options.Partial, entries: r.Entries,
	}
	if t.single {
		t.entries = []map[string]any{r.Entry}
	}
	switch {
	case t.single == (r.Entries != nil) || len(t.entries) == 0:
		return nil, badRequest("give entry, or entries with at least one")
	case len(t.entries) > maxEntries:
		return nil, &problem{http.StatusRequestEntityTooLarge, "too many entries"}
	}
	for i, entry := range t.entries {
		for name := range entry {
			if !slices.ContainsFunc(view.ServingKeys, func(k catalog.ServingKey) bool { return k.Name == name }) {
				return nil, badRequest("entry %d: unknown serving key %s", i, name)
			}
		}
	}
	for i := range view.Joins {
		join := &view.Joins[i]
		g := &group{join: join, rows: make([]map[string][]any, len(join.Selects)), errs: make([]error, len(join.Selects))}
		if g.keys, err = keysOf(view, join, t.entries); err != nil {
			return nil, err
		}
		t.groups = append(t.groups, g)
	}
	if err := t.project(r.Features); err != nil {
		return nil, err
	}
	return t, t.pass(r.PassedFeatures)
}

func keysOf(view *catalog.View, join *catalog.Join, entries []map[string]any) ([]key, error) {
	keys := make([]key, len(entries))
	for i, entry := range entries {
		k := &keys[i]
		k.complete = true
		for part, slot := range join.KeySlots {
			name := view.ServingKeys[slot].Name
			value, err := fromClient(join.Group.Key[part], entry[name])
			if err != nil {
				return nil, badRequest("entry %d: %s: %v", i, name, err)
			}
			k.parts = append(k.parts, value)
			k.complete = k.complete && value != nil
		}
		k.id = keyID(join.Group.Key, k.parts)
	}
	return keys, nil
}

// project chooses the features, all if none are named, and with them the groups that are read.
func (t *task) project(names []string) error {
	if names == nil {
		for i := range t.view.Features {
			names = append(names, t.view.Features[i].Name)
		}
	}
	for _, name := range names {
		f := t.named[name]
		if f == nil {
			return badRequest("unknown feature %s", name)
		}
		t.features = append(t.features, f)
		t.groups[f.Join].needed = true
	}
	if len(names) == 0 {
		return badRequest("features must have at least one")
	}
	return nil
}

// pass takes the passed features: an object, or for a batch a list of as many as there are entries.
func (t *task) pass(sent any) error {
	t.passed = make([]map[string]any, len(t.entries))
	list, isList := sent.([]any)
	if t.single {
		list, isList = []any{sent}, true
	}
	switch {
	case sent == nil:
		return nil
	case !isList || len(list) != len(t.entries):
		return badRequest("passedFeatures must have an item for each entry")
	}
	for i, item := range list {
		features, ok := item.(map[string]any)
		if !ok && item != nil {
			return badRequest("passedFeatures %d: must be an object", i)
		}
		for name, value := range features {
			f := t.named[name]
			if f == nil {
				return badRequest("passedFeatures %d: unknown feature %s", i, name)
			}
			var err error
			if features[name], err = fromClient(f.Column, value); err != nil {
				return badRequest("passedFeatures %d: %s: %v", i, name, err)
			}
		}
		t.passed[i] = features
	}
	return nil
}

// read reads all groups that are needed, at the same time. A group that cannot be read fails the request, unless partial
// answers were asked for and there is something to be told.
func (s *service) read(ctx context.Context, t *task) error {
	var reading sync.WaitGroup
	for _, g := range t.groups {
		for i, sel := range g.join.Selects {
			if g.needed {
				n := s.node()
				reading.Go(func() { g.rows[i], g.errs[i] = n.read(ctx, sel, g.keys) })
			}
		}
	}
	reading.Wait()
	var failure error
	some := false
	for _, g := range t.groups {
		if g.err = errors.Join(g.errs...); g.err != nil {
			failure = g.err
		} else if g.needed && slices.ContainsFunc(g.keys, func(k key) bool { return k.complete }) {
			some = true
		}
	}
	if failure == nil || t.partial && some {
		return nil
	}
	slog.Warn("a feature group could not be read", "error", failure)
	if ctx.Err() != nil {
		return &problem{http.StatusGatewayTimeout, "the deadline passed before all feature groups were read"}
	}
	return &problem{http.StatusServiceUnavailable, "a feature group could not be read"}
}

// status is what became of a feature group for one entry. Greater is worse.
type status int

const (
	complete status = iota
	missing
	expired
	failed
)

func (s status) String() string { return [...]string{"COMPLETE", "MISSING", "EXPIRED", "ERROR"}[s] }

func (g *group) status(entry int, now time.Time) status {
	k := &g.keys[entry]
	switch {
	case !k.complete:
		return missing
	case g.err != nil:
		return failed
	}
	for _, rows := range g.rows {
		if rows[k.id] == nil {
			return missing
		}
	}
	if ttl := g.join.Group.TTL; ttl > 0 && g.join.EventTime >= 0 {
		at := g.join.Selects[g.join.EventTime].EventTime
		event, dated := eventMillis(g.cell(entry, g.join.EventTime, at))
		if !dated || now.UnixMilli()-event > ttl.Milliseconds() {
			return expired
		}
	}
	return complete
}

// cell is a stored value of a row that was found.
func (g *group) cell(entry, sel, column int) any {
	return g.rows[sel][g.keys[entry].id][len(g.join.Group.Key)+column]
}

// respond puts the answer together.
func (t *task) respond(now time.Time) *response {
	r := &response{FeatureStore: t.view.Store, FeatureView: t.view.Name, Version: t.view.Version}
	for _, f := range t.features {
		r.Features = append(r.Features, f.Name)
	}
	worst := make([]string, len(t.entries))
	for entry := range t.entries {
		statuses := make([]status, len(t.groups))
		for i, g := range t.groups {
			if g.needed {
				statuses[i] = g.status(entry, now)
			}
		}
		worst[entry] = slices.Max(statuses).String()
		vector := make([]any, len(t.features))
		for i, f := range t.features {
			vector[i] = t.value(entry, f, statuses[f.Join])
		}
		r.Vectors = append(r.Vectors, vector)
	}
	r.Status = worst
	if t.single {
		r.Vector, r.Vectors, r.Status = r.Vectors[0], nil, worst[0]
	}
	return r
}

// value is what the caller passed, its own key, what is stored, or else the default.
func (t *task) value(entry int, f *catalog.Feature, s status) any {
	if passed, ok := t.passed[entry][f.Name]; ok {
		return passed
	}
	g := t.groups[f.Join]
	switch {
	case f.Key >= 0:
		return g.keys[entry].parts[f.Key]
	case s == complete:
		return g.cell(entry, f.Select, f.Cell)
	case s != failed && f.Default != nil:
		return json.RawMessage(f.Default)
	}
	return nil
}
