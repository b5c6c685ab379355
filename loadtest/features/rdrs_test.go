package features

import (
	"context"
	"strings"
	"testing"
	"time"
)

// rdrsAsked is asked by the API of RonDB's REST server.
func rdrsAsked(t testing.TB, accounts ...uint64) *asker {
	t.Helper()
	a := asked(t, accounts...)
	a.rdrs = true
	a.write(false)
	return a
}

func TestRDRSRequests(t *testing.T) {
	const tail = `,"options":{"validatePassedFeatures":false,"includeDetailedStatus":false}}`
	const head = `{"featureStoreName":"payments","featureViewName":"fraud","featureViewVersion":1,"entries":`
	one, three := rdrsAsked(t, 4711), rdrsAsked(t, 4711, 4713, 4715)
	for _, tc := range []struct {
		from        *asker
		route, body string
	}{
		{one, "/0.1.0/feature_store", head + `{"account_id":4711},"passedFeatures":null` + tail},
		{
			three, "/0.1.0/batch_feature_store",
			head + `[{"account_id":4711},{"account_id":4713},{"account_id":4715}],"passedFeatures":[]` + tail,
		},
	} {
		if got := tc.from.route(); got != tc.route || string(tc.from.body) != tc.body {
			t.Errorf("%s %s", got, tc.from.body)
		}
	}
	one.passed[0], three.passed = 150, []int64{100, 0, 5}
	one.write(true)
	three.write(true)
	if got := string(one.body); !strings.Contains(got, `"passedFeatures":{"amount":1.5},`) {
		t.Error(got)
	}
	if got := string(three.body); !strings.Contains(got, `"passedFeatures":[{"amount":1},{"amount":0},{"amount":0.05}],`) {
		t.Error(got)
	}
}

func TestRDRSJudge(t *testing.T) {
	const single = `{"features":["SE",106.7,128.78],"metadata":null,"status":"COMPLETE","detailedStatus":null}`
	const batch = `{"features":[["SE",106.7,128.78],["XX",0,null],["XX",0,null]],"metadata":null,` +
		`"status":["COMPLETE","MISSING","MISSING"],"detailedStatus":null}`
	one, three := rdrsAsked(t, 4711), rdrsAsked(t, 4711, 4713, 4715)
	for _, a := range []*asker{one, three} {
		a.expect(time.Now())
	}
	if string(one.want) != single || string(three.want) != batch {
		t.Errorf("%s\n%s", one.want, three.want)
	}
	for _, tc := range []struct {
		name            string
		from            *asker
		body, old, with string
		failure, detail string // a part of it
	}{
		{"right", one, single, "", "", "", ""},
		{"right, a batch", three, batch, "", "", "", ""},
		{"another layout", one, single, `,"`, " ,\n\t\"", "", ""},
		{"a wrong value", one, single, "106.7", "106.8", Wrong, "amount is 106.8, not 106.7"},
		{"a wrong status", one, single, "COMPLETE", "MISSING", Wrong, `the status is "MISSING"`},
		{"an expired row that is not missing", three, batch, `"COMPLETE","MISSING"`, `"COMPLETE","EXPIRED"`, Wrong, "entry 1 of 3"},
		{
			"a row that could not be read", three, batch, `["XX",0,null]],"metadata":null,"status":["COMPLETE","MISSING","MISSING"]`,
			`null],"metadata":null,"status":["COMPLETE","MISSING","ERROR"]`, Error, "entry 2 of 3",
		},
		{"a null row that is no error", three, batch, `["XX",0,null]]`, `null]`, Wrong, "entry 2 of 3"},
		{"metadata unasked", one, single, `"metadata":null`, `"metadata":[]`, Wrong, "its metadata is []"},
		{"detail unasked", one, single, `"detailedStatus":null`, `"detailedStatus":[]`, Wrong, "its detailedStatus is []"},
		{"no detail", one, single, `,"detailedStatus":null`, "", Wrong, "its detailedStatus is"},
		{"no features", one, single, `"features":["SE",106.7,128.78],`, "", Wrong, "not laid out"},
		{"a native answer", one, singleHead + `"vector":["SE",106.7,128.78],"status":"COMPLETE"}`, "", "", Wrong, "not laid out"},
		{"a row too few", three, batch, `,["XX",0,null]]`, `]`, Wrong, "2 vectors and 3 statuses"},
	} {
		body := strings.Replace(tc.body, tc.old, tc.with, 1)
		if tc.old != "" && body == tc.body {
			t.Errorf("%s: nothing is changed", tc.name)
		}
		failure, detail := tc.from.judged(body)
		if failure != tc.failure || !strings.Contains(detail, tc.detail) {
			t.Errorf("%s: %q %s", tc.name, failure, detail)
		}
	}
	if failure, _ := asked(t, 4711).judged(single); failure != Wrong {
		t.Error("the other API's answer is taken")
	}
}

// TestRDRSHasNoProjection: what that API cannot be asked for is not left out in silence.
func TestRDRSHasNoProjection(t *testing.T) {
	data := newData(t, time.Now())
	for _, cfg := range []Config{{Features: []string{"amount"}}, {Partial: true}} {
		cfg.Data, cfg.RDRS = data, true
		if _, err := Open(context.Background(), "http://127.0.0.1:1", cfg); err == nil || !strings.Contains(err.Error(), "can be asked") {
			t.Error(err)
		}
	}
}
