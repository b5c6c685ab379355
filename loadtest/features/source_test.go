package features

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/frauddata"
	"github.com/rongate/rongate/loadtest"
)

func open(t testing.TB, url string, cfg Config) *Source {
	t.Helper()
	s, err := Open(t.Context(), url, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ask sends some requests, one after the other.
func ask(t *testing.T, url string, source loadtest.Source, requests int) *loadtest.Result {
	t.Helper()
	result, err := loadtest.Run(t.Context(), loadtest.Config{
		URL: url, Source: source, Arrivals: loadtest.Constant, Seed: 1, Timeout: 30 * time.Second,
		Steps: []loadtest.Step{{Rate: 1000, Duration: time.Duration(requests) * time.Millisecond}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if result.Total.Sent != uint64(requests) {
		t.Fatalf("%d requests", result.Total.Sent)
	}
	return result
}

// TestAllRight wants every answer of a sound server to be passed, whatever is asked for.
func TestAllRight(t *testing.T) {
	data := newData(t, time.Now())
	for name, cfg := range map[string]Config{
		"singles":    {},
		"batches":    {Sizes: []Size{{Low: 2, High: 20}}},
		"everything": {Sizes: []Size{{1, 1, 5}, {2, 30, 1}}, Passed: 0.5, Keys: Keys{Zipf: 1, Missing: 0.3}},
		"projection": {Features: []string{"country", "amount", "updated_at"}, Passed: 0.5, Keys: Keys{Hot: 5, Share: 0.9}},
		"one view":   {Views: []View{{Name: "merchant"}}, Partial: true},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDouble(t, data)
			url := d.start(t)
			cfg.Data = data
			r := ask(t, url, open(t, url, cfg), 300)
			if r.Total.Answered != 300 || r.Total.Failures() != 0 {
				t.Errorf("%v %v", r.Total.Failed, r.Examples)
			}
		})
	}
}

func TestOpen(t *testing.T) {
	data := newData(t, time.Now())
	for _, tc := range []struct {
		name   string
		cfg    Config
		change func(d *double)
		err    string   // a part of it
		views  []string // that are asked for
	}{
		{name: "all", views: []string{"fraud/1", "fraud/2", "fraud/3", "account/1", "merchant/1"}},
		{name: "one", cfg: Config{Views: []View{{Name: "merchant"}}}, views: []string{"merchant/1"}},
		{
			name: "those with a feature", cfg: Config{Features: []string{"opened_on", "amount"}},
			views: []string{"fraud/1", "fraud/2", "fraud/3", "merchant/1"},
		},
		{name: "no such view", cfg: Config{Views: []View{{Name: "merchant", Version: 2}}}, err: "the gateway has no feature view"},
		{name: "three versions", cfg: Config{Views: []View{{Name: "fraud"}}}, err: "the gateway has fraud/1, fraud/2, fraud/3; name one"},
		{name: "a weight", cfg: Config{Views: []View{{Name: "account", Weight: -1}}}, err: "a weight of -1"},
		{name: "a size", cfg: Config{Sizes: []Size{{Low: 5, High: 4}}}, err: "requests of 5 to 4 entries"},
		{name: "a weight of sizes", cfg: Config{Sizes: []Size{{1, 1, -2}}}, err: "a weight of -2"},
		{name: "a share", cfg: Config{Passed: 2}, err: "a share of 2"},
		{name: "missing", cfg: Config{Keys: Keys{Missing: -1}}, err: "a share of -1"},
		{name: "zipf", cfg: Config{Keys: Keys{Zipf: 11}}, err: "an exponent of 11"},
		{name: "hot", cfg: Config{Keys: Keys{Hot: 5}}, err: "a hot set of 5"},
		{name: "hot and zipf", cfg: Config{Keys: Keys{Hot: 5, Share: 1, Zipf: 1}}, err: "not both"},
		{name: "no such feature", cfg: Config{Features: []string{"amount", "age"}}, err: "the feature age"},
		{name: "nothing to project", cfg: Config{Features: []string{"age"}}, err: "no feature view to ask for"},
		{
			name: "what the data does not know", views: []string{"fraud/1", "fraud/3"},
			change: func(d *double) {
				d.views[1].Features[0].Default = []byte("1")
				d.views[3].FeatureGroups[0].Prefix = "from_"
				d.views[4].ServingKeys[0].Name = "shop"
			},
		},
		{
			name: "named, and not known", cfg: Config{Views: []View{{Name: "account"}}}, err: "the data knows no feature age",
			change: func(d *double) { d.views[3].Features = append(d.views[3].Features, featureDocument{Name: "age"}) },
		},
		{name: "another store", change: func(d *double) {
			for i := range d.views {
				d.views[i].FeatureStore = "sales"
			}
		}, err: "the feature store sales"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := newDouble(t, data)
			if tc.change != nil {
				tc.change(d)
			}
			tc.cfg.Data = data
			s, err := Open(t.Context(), d.start(t), tc.cfg)
			switch {
			case tc.err == "" && err != nil, tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)):
				t.Errorf("%v; want %q", err, tc.err)
			case err == nil && !slices.Equal(s.Views(), tc.views):
				t.Errorf("%v; want %v; skipped %q", s.Views(), tc.views, s.Skipped)
			case err == nil && len(s.Views())+len(s.Skipped) != len(d.views):
				t.Errorf("skipped %q", s.Skipped)
			}
		})
	}
}

// TestOpenNeedsAServer wants it to be said what is wrong with one.
func TestOpenNeedsAServer(t *testing.T) {
	data := newData(t, time.Now())
	for answer, want := range map[string]string{
		"":                      "an empty answer",
		"<html>":                "GET /feature-views: ",
		`{"featureViews":[]}`:   "no feature view to ask for",
		"401":                   "401 Unauthorized: who are you",
		`{"featureViews":[{}]}`: "GET /feature-views//0",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/feature-views" {
				w.WriteHeader(http.StatusNotFound)
			} else if answer == "401" {
				http.Error(w, "who are you", http.StatusUnauthorized)
			} else {
				_, _ = w.Write([]byte(answer))
			}
		}))
		if _, err := Open(t.Context(), server.URL, Config{Data: data}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
		server.Close()
	}
	if _, err := Open(t.Context(), "unix:///nowhere/at/all", Config{Data: data}); err == nil || !strings.Contains(err.Error(), "/nowhere/at/all") {
		t.Error(err)
	}
	if _, err := Open(t.Context(), "http://127.0.0.1:1", Config{}); err == nil || !strings.Contains(err.Error(), "no data") {
		t.Error(err)
	}
}

// TestDated has rows that were loaded long ago, which the data that is given knows nothing of.
func TestDated(t *testing.T) {
	loaded := newData(t, time.Now().Add(-50*time.Hour))
	d := newDouble(t, loaded)
	url := d.start(t)
	source := open(t, url, Config{Data: newData(t, time.Time{}), Views: []View{{Name: "account"}}})
	if got, want := source.cfg.Data.Config().Now.UnixMilli(), loaded.Config().Now.UnixMilli(); got != want {
		t.Errorf("loaded at %d; want %d", got, want)
	}
	if r := ask(t, url, source, 100); r.Total.Failures() != 0 {
		t.Error(r.Examples)
	}
}

func TestDatedMistakes(t *testing.T) {
	data := newData(t, time.Now())
	more, err := frauddata.New(frauddata.Config{Rows: frauddata.MinRows + 10})
	if err != nil {
		t.Fatal(err)
	}
	url := newDouble(t, data).start(t)
	if _, err := Open(t.Context(), url, Config{Data: more}); err == nil || !strings.Contains(err.Error(), "as many rows") {
		t.Errorf("too few rows: %v", err)
	}
	url = newDouble(t, more).start(t)
	if _, err := Open(t.Context(), url, Config{Data: data}); err == nil || !strings.Contains(err.Error(), "as many rows") {
		t.Errorf("too many rows: %v", err)
	}
	for want, change := range map[string]func(n int64) string{
		"nearly all rows have expired": func(int64) string { return `{"vector":[null]}` },
		"the rows were not loaded at the same time": func(n int64) string {
			return `{"vector":["2026-01-0` + string(rune('0'+n%9+1)) + ` 00:00:00.000"]}`
		},
		"cannot parse": func(int64) string { return `{"vector":["yesterday"]}` },
		"2 values":     func(int64) string { return `{"vector":["a","b"]}` },
		"account/1":    func(int64) string { return `[` },
	} {
		d := newDouble(t, data)
		d.spoil = func(n int64, _ *question, answer *string, _ http.ResponseWriter) bool {
			if n > 3 { // after those at the end of the table
				*answer = change(n)
			}
			return false
		}
		_, err := Open(t.Context(), d.start(t), Config{Data: data})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	d := newDouble(t, data)
	d.views = slices.Delete(d.views, 3, 4) // the one with event times
	s := open(t, d.start(t), Config{Data: data})
	if s.cfg.Data != data || d.asked.Load() != 0 {
		t.Error("somebody was asked")
	}
}
