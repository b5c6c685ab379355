package features

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// prepared is an asker and the answer of a sound server to whatever it asks.
func prepared(t testing.TB, cfg Config) (*asker, *fasthttp.Request, *fasthttp.Response) {
	t.Helper()
	cfg.Data = newData(t, time.Now())
	url := newDouble(t, cfg.Data).start(t)
	a := open(t, url, cfg).Asker(rand.New(rand.NewPCG(1, 2))).(*asker)
	return a, new(fasthttp.Request), new(fasthttp.Response)
}

// tenFeatures are of three of the feature groups.
func tenFeatures() []string {
	return []string{
		"amount", "txn_count_1h", "avg_amount_7d", "max_amount_30d", "country", "merchant_name", "fraud_rate_90d",
		"opened_on", "credit_limit", "last_terminal_at",
	}
}

// askAndCheck makes a request, has it answered rightly, and checks the answer.
func askAndCheck(t testing.TB, a *asker, req *fasthttp.Request, resp *fasthttp.Response) {
	req.Reset()
	a.Ask(req)
	a.expect(time.Now())
	resp.Reset()
	resp.SetBody(a.want)
	if failure, detail := a.Check(resp); failure != "" {
		t.Fatal(failure, detail)
	}
}

func BenchmarkAsk(b *testing.B) {
	fraud := []View{{Name: "fraud", Version: 2}}
	for name, cfg := range map[string]Config{
		"10 features":      {Views: fraud, Features: tenFeatures()},
		"46 features":      {Views: fraud, Passed: 1},
		"100x10 features":  {Views: fraud, Features: tenFeatures(), Sizes: []Size{{Low: 100, High: 100}}},
		"10 features zipf": {Views: fraud, Features: tenFeatures(), Keys: Keys{Zipf: 0.99}},
	} {
		a, req, resp := prepared(b, cfg)
		b.Run(name+"/ask", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				req.Reset()
				a.Ask(req)
			}
		})
		b.Run(name+"/check", func(b *testing.B) {
			req.Reset()
			a.Ask(req)
			a.expect(time.Now())
			resp.SetBody(a.want)
			b.ReportAllocs()
			for b.Loop() {
				if failure, detail := a.Check(resp); failure != "" {
					b.Fatal(failure, detail)
				}
			}
		})
		b.Run(name+"/check another layout", func(b *testing.B) {
			resp.SetBody(append(append([]byte{}, a.want...), '\n'))
			b.ReportAllocs()
			for b.Loop() {
				if failure, detail := a.Check(resp); failure != "" {
					b.Fatal(failure, detail)
				}
			}
		})
	}
}
