package features

import (
	"testing"
	"time"

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
