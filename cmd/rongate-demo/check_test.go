package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goccy/go-json"

	"github.com/rongate/rongate/internal/frauddata"
)

func smallData(t *testing.T) *frauddata.Data {
	t.Helper()
	data, err := frauddata.New(frauddata.Config{Rows: frauddata.MinRows})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestCheck(t *testing.T) {
	data := smallData(t)
	single := question{single: true, entries: []frauddata.Entry{{Account: 4711}}}
	passed := question{single: true, passed: "12.5", entries: single.entries}
	batch := question{entries: []frauddata.Entry{{Account: 4711}, {Account: 4713}, {Account: 4715}}}
	const (
		features = `{"features":["country","avg_amount_7d"],`
		edited   = `{"features":["country","new_one"],`
	)
	for _, tc := range []struct {
		name    string
		asked   question
		body    string
		edited  bool
		failure string
		mistake string // a part of it; empty for none
	}{
		{"right", single, features + `"vector":["SE",128.78],"status":"COMPLETE"}`, false, "", ""},
		{"a wrong value", single, features + `"vector":["NO",128.78],"status":"COMPLETE"}`, false, "", `country is "NO", not "SE"`},
		{"another form of a value", single, features + `"vector":["SE",128.780],"status":"COMPLETE"}`, false, "", "avg_amount_7d"},
		{"a wrong status", single, features + `"vector":["SE",128.78],"status":"MISSING"}`, false, "", "the status is MISSING"},
		{"an error", single, features + `"vector":[null,null],"status":"ERROR"}`, false, "ERROR", ""},
		{"cut off", single, `{"features"`, false, "", "JSON"},
		{"too short", single, features + `"vector":["SE"],"status":"COMPLETE"}`, false, "", "1 values for 2 features"},
		{"passed", passed, `{"features":["amount"],"vector":[12.5],"status":"COMPLETE"}`, false, "", ""},
		{"passed, and not served", passed, `{"features":["amount"],"vector":[106.7],"status":"COMPLETE"}`, false, "", "not 12.5"},
		{
			"a batch", batch, features + `"vectors":[["SE",128.78],["XX",null],["XX",null]],` +
				`"status":["COMPLETE","EXPIRED","MISSING"]}`, false, "", "",
		},
		{
			"a batch in another order", batch, features + `"vectors":[["XX",null],["SE",128.78],["XX",null]],` +
				`"status":["EXPIRED","COMPLETE","MISSING"]}`, false, "", `"entry":{"account_id":4711}}: country`,
		},
		{"a vector too few", batch, features + `"vectors":[["SE",128.78]],"status":["COMPLETE"]}`, false, "", "1 vectors"},
		{
			"other defaults, edited", batch, edited + `"vectors":[["SE",1],["YY",1],["YY",1]],` +
				`"status":["COMPLETE","COMPLETE","MISSING"]}`, true, "", "",
		},
		{"wrong, edited", single, edited + `"vector":["NO",1],"status":"COMPLETE"}`, true, "", `country is "NO"`},
	} {
		failure, mistake := check(data, tc.asked, []byte(tc.body), tc.edited)
		if failure != tc.failure || (mistake == nil) != (tc.mistake == "") ||
			!strings.Contains(fmt.Sprint(mistake), tc.mistake) && tc.mistake != "" {
			t.Errorf("%s: got %q, %v", tc.name, failure, mistake)
		}
	}
}

// TestQuestions draws until all kinds have come, and wants each to be what it is checked as.
func TestQuestions(t *testing.T) {
	draw := newDraw(smallData(t))
	kinds := map[string]bool{}
	for range 2000 {
		q := draw.question()
		var body struct {
			View    string `json:"featureView"`
			Version int
			Entry   json.RawMessage
			Entries []json.RawMessage
			Passed  map[string]json.RawMessage `json:"passedFeatures"`
		}
		if err := json.Unmarshal(q.body, &body); err != nil {
			t.Fatalf("%s: %v", q.body, err)
		}
		entries := body.Entries
		if q.single {
			entries = []json.RawMessage{body.Entry}
		}
		if len(entries) != len(q.entries) || string(body.Passed["amount"]) != q.passed {
			t.Fatalf("%s is checked as %+v", q.body, q)
		}
		for i, e := range q.entries {
			if string(entries[i]) != string(e.AppendKeys(nil)) {
				t.Fatalf("%s is checked as %+v", q.body, q)
			}
		}
		kinds[fmt.Sprint(body.View, body.Version, q.single, q.passed != "")] = true
	}
	if len(kinds) != 6 {
		t.Errorf("%v", kinds)
	}
}

func TestParseFigures(t *testing.T) {
	got := parseFigures([]byte(`# TYPE rongate_node_statements_total counter
rongate_node_statements_total{node="127.0.0.1:1",zone="a"} 285
rongate_node_statements_total{node="127.0.0.1:2",zone="b"} 1.2e+06
rongate_node_statements_running{node="127.0.0.1:2",zone="b"} 1
rongate_node_statements_total{node="127.0.0.1:3",zone="b"} what
rongate_reload_current 1
`))
	counts := got.statements
	if len(counts) != 2 || counts["127.0.0.1:1"] != 285 || counts["127.0.0.1:2"] != 1.2e6 || got.outdated {
		t.Errorf("%v", got)
	}
	if got := parseFigures([]byte("rongate_reload_current 0\n")); !got.outdated {
		t.Errorf("%v", got)
	}
}
