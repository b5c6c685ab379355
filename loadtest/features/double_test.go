package features

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"github.com/rongate/rongate/internal/frauddata"
)

func TestMain(m *testing.M) {
	if answer := os.Getenv(noopEnv); answer != "" {
		serveNoop(answer)
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

func newData(t testing.TB, now time.Time) *frauddata.Data {
	t.Helper()
	data, err := frauddata.New(frauddata.Config{Rows: frauddata.MinRows, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A question is a request as a server reads it.
type question struct {
	FeatureStore, FeatureView string
	Version                   int
	Entry                     json.RawMessage
	Entries                   []json.RawMessage
	PassedFeatures            json.RawMessage
	Features                  []string
	Options                   map[string]bool
}

// A double answers as a gateway that has the catalogue and the rows of a data set.
type double struct {
	data  *frauddata.Data
	views []viewDocument

	asked atomic.Int64
	// spoil may alter the answer to the n-th question, from 1; it reports whether it has answered by itself.
	spoil func(n int64, q *question, answer *string, w http.ResponseWriter) bool
	seen  func(q *question) // if any: is told of every question
}

// newDouble describes the views of frauddata's catalogue.
func newDouble(t testing.TB, data *frauddata.Data) *double {
	t.Helper()
	var catalog struct {
		FeatureStores []struct {
			FeatureGroups []struct {
				Name, EventTime string
				Version         int
				Key             []string
				TTL             string
			} `yaml:"featureGroups"`
			FeatureViews []struct {
				Name     string
				Version  int
				Joins    []struct{ Group string }
				Features []yaml.Node
			} `yaml:"featureViews"`
		} `yaml:"featureStores"`
	}
	text := strings.ReplaceAll(string(frauddata.Catalog()), "eventTime:", "eventtime:")
	if err := yaml.Unmarshal([]byte(text), &catalog); err != nil {
		t.Fatal(err)
	}
	store := catalog.FeatureStores[0]
	d := &double{data: data}
	for _, view := range store.FeatureViews {
		v := viewDocument{viewName: viewName{FeatureStore: frauddata.Database, FeatureView: view.Name, Version: view.Version}}
		seen := map[string]bool{}
		for _, join := range view.Joins {
			for _, g := range store.FeatureGroups {
				if g.Name != join.Group {
					continue
				}
				group := groupDocument{Name: g.Name, Version: g.Version, EventTime: g.EventTime}
				if g.TTL == "7d" {
					group.TTLMillis = (7 * 24 * time.Hour).Milliseconds()
				}
				for _, key := range g.Key {
					group.Key = append(group.Key, keyDocument{key, key})
					if !seen[key] {
						v.ServingKeys = append(v.ServingKeys, struct{ Name string }{key})
					}
					seen[key] = true
				}
				v.FeatureGroups = append(v.FeatureGroups, group)
			}
		}
		for _, node := range view.Features {
			var f struct {
				Name  string
				Label bool
			}
			if node.Decode(&f.Name) != nil {
				if err := node.Decode(&f); err != nil {
					t.Fatal(err)
				}
			}
			if f.Label {
				continue
			}
			feature := featureDocument{Name: f.Name, Type: "other"}
			if f.Name == "amount" {
				feature.Type = "double"
			}
			known, _ := data.Feature(f.Name)
			if instead := known.AppendInstead(nil); !known.IsKey() && string(instead) != "null" {
				feature.Default = instead
			}
			v.Features = append(v.Features, feature)
		}
		d.views = append(d.views, v)
	}
	return d
}

// start returns the address that the double serves at.
func (d *double) start(t testing.TB) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /feature-views", func(w http.ResponseWriter, _ *http.Request) {
		var names []viewName
		for _, v := range d.views {
			names = append(names, v.viewName)
		}
		writeJSON(w, map[string]any{"featureViews": names})
	})
	mux.HandleFunc("GET /feature-views/{name}/{version}", func(w http.ResponseWriter, r *http.Request) {
		for _, v := range d.views {
			if v.FeatureView == r.PathValue("name") && strconv.Itoa(v.Version) == r.PathValue("version") {
				writeJSON(w, v)
				return
			}
		}
		w.WriteHeader(http.StatusNotFound)
	})
	mux.HandleFunc("POST /feature-vectors", d.serve)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func writeJSON(w http.ResponseWriter, document any) {
	text, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(text)
}

func (d *double) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Request-Id", r.Header.Get("X-Request-Id"))
	body, err := io.ReadAll(r.Body)
	var q question
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err == nil {
		err = decoder.Decode(&q)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	n := d.asked.Add(1)
	if d.seen != nil {
		d.seen(&q)
	}
	answer := d.answer(&q)
	if d.spoil == nil || !d.spoil(n, &q, &answer, w) {
		_, _ = io.WriteString(w, answer)
	}
}

// answer works the answer out from what the catalogue and the data say, without anything of what is tested here.
func (d *double) answer(q *question) string {
	var view *viewDocument
	for i := range d.views {
		if v := &d.views[i]; v.FeatureView == q.FeatureView && v.Version == q.Version {
			view = v
		}
	}
	names := q.Features
	if names == nil {
		for _, f := range view.Features {
			names = append(names, f.Name)
		}
	}
	entries, passed := q.Entries, []map[string]json.RawMessage(nil)
	single := q.Entry != nil
	if single {
		entries, passed = []json.RawMessage{q.Entry}, make([]map[string]json.RawMessage, 1)
		if q.PassedFeatures != nil {
			mustDecode(q.PassedFeatures, &passed[0])
		}
	} else if passed = make([]map[string]json.RawMessage, len(entries)); q.PassedFeatures != nil {
		mustDecode(q.PassedFeatures, &passed)
	}
	var vectors, statuses []string
	for i, entry := range entries {
		var values []string
		worst := frauddata.Complete
		for _, name := range names {
			feature, _ := d.data.Feature(name)
			value, status := feature.AppendWant(nil, entryOf(entry))
			worst = max(worst, status)
			if p, ok := passed[i][name]; ok {
				value = p
			}
			values = append(values, string(value))
		}
		vectors = append(vectors, "["+strings.Join(values, ",")+"]")
		statuses = append(statuses, strconv.Quote(worst.String()))
	}
	head := fmt.Sprintf(`{"featureStore":%q,"featureView":%q,"version":%d,"features":["%s"]`,
		q.FeatureStore, q.FeatureView, q.Version, strings.Join(names, `","`))
	if single {
		return fmt.Sprintf(`%s,"vector":%s,"status":%s}`, head, vectors[0], statuses[0])
	}
	return fmt.Sprintf(`%s,"vectors":[%s],"status":[%s]}`, head, strings.Join(vectors, ","), strings.Join(statuses, ","))
}

func entryOf(text json.RawMessage) (e frauddata.Entry) {
	var keys struct {
		Account  uint64 `json:"account_id"`
		Merchant string `json:"merchant_id"`
		Card     string `json:"card_id"`
	}
	mustDecode(text, &keys)
	e.Account = keys.Account
	_, _ = fmt.Sscanf(keys.Merchant, "m-%d", &e.Merchant)
	_, _ = fmt.Sscanf(keys.Card, "c-%d", &e.Card)
	return e
}

func mustDecode(text []byte, into any) {
	if err := json.Unmarshal(text, into); err != nil {
		panic(err)
	}
}
