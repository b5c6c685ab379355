package features

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/rongate/rongate/internal/frauddata"
)

// asked is an asker that has asked for the country and the amount of some accounts: 4711, which has everything, 4713, which
// has expired, and 4715, which is missing.
func asked(t testing.TB, accounts ...uint64) *asker {
	t.Helper()
	data := newData(t, time.Now())
	source := open(t, newDouble(t, data).start(t), Config{
		Data: data, Views: []View{{Name: "fraud", Version: 1}}, Features: []string{"country", "amount", "avg_amount_7d"},
	})
	a := source.Asker(rand.New(rand.NewPCG(1, 2))).(*asker)
	a.Ask(new(fasthttp.Request))
	a.single, a.entries, a.passed = len(accounts) == 1, nil, nil
	for _, n := range accounts {
		a.entries = append(a.entries, frauddata.Entry{Account: n})
		a.passed = append(a.passed, -1)
	}
	a.write(false)
	return a
}

func (a *asker) judged(body string) (failure, detail string) {
	var resp fasthttp.Response
	resp.SetBodyString(body)
	return a.Check(&resp)
}

const (
	singleHead = `{"featureStore":"payments","featureView":"fraud","version":1,"features":["country","amount","avg_amount_7d"],`
	single     = singleHead + `"vector":["SE",106.7,128.78],"status":"COMPLETE"}`
	batch      = singleHead + `"vectors":[["SE",106.7,128.78],["XX",0,null],["XX",0,null]],` +
		`"status":["COMPLETE","EXPIRED","MISSING"]}`
)

func TestJudge(t *testing.T) {
	one, three := asked(t, 4711), asked(t, 4711, 4713, 4715)
	for _, tc := range []struct {
		name            string
		from            *asker
		body, old, with string
		failure, detail string // a part of it
	}{
		{"right", one, single, "", "", "", ""},
		{"right, a batch", three, batch, "", "", "", ""},
		{"another layout", one, single, `,"`, " ,\n\t\"", "", ""},
		{"another layout, a batch", three, batch, `,`, " ,\r\n\t", "", ""},
		{"another order", one, single, single, `{"status":"COMPLETE","vector":["SE",106.7,128.78],` + singleHead[1:len(singleHead)-1] + `}`, "", ""},
		{"a wrong text", one, single, "SE", "NO", Wrong, `fraud/1, entry 0 of 1, {"account_id":4711}: country is "NO", not "SE"`},
		{"a wrong number", one, single, "106.7", "106.8", Wrong, "amount is 106.8, not 106.7"},
		{"another form of a number", one, single, "106.7", "106.70", Wrong, "amount is 106.70, not 106.7"},
		{"null", one, single, "128.78", "null", Wrong, "avg_amount_7d is null, not 128.78"},
		{"a list for a value", one, single, "106.7", "[106.7]", Wrong, "amount is [106.7]"},
		{"a value too few", one, single, ",128.78", "", Wrong, "2 values, not 3"},
		{"a value too many", one, single, "128.78", "128.78,1", Wrong, "more than 3 values"},
		{"values swapped", one, single, `"SE",106.7`, `106.7,"SE"`, Wrong, "country is 106.7"},
		{"another status", one, single, "COMPLETE", "MISSING", Wrong, `the status is "MISSING", not "COMPLETE"`},
		{"no text for a status", one, single, `"COMPLETE"`, "1", Wrong, "the status is 1"},
		{"another store", one, single, "payments", "sales", Wrong, `its featureStore is "sales"`},
		{"another view", one, single, "fraud", "risk", Wrong, `its featureView is "risk"`},
		{"another version", one, single, `"version":1`, `"version":2`, Wrong, "its version is 2"},
		{"other features", one, single, `"country"`, `"city"`, Wrong, `its feature 0 is "city"`},
		{"features swapped", one, single, `"country","amount"`, `"amount","country"`, Wrong, `its feature 0 is "amount"`},
		{"a feature too few", one, single, `,"avg_amount_7d"`, "", Wrong, "its feature 2 is , not"},
		{"a feature too many", one, single, `"avg_amount_7d"`, `"avg_amount_7d","a"`, Wrong, "more than 3 features"},
		{"something more", one, single, `"vector"`, `"groups":[],"vector"`, Wrong, `it has "groups"`},
		{"something twice", one, single, `"version":1`, `"version":1,"version":1`, Wrong, `it has "version" twice`},
		{"no status", one, single, `,"status":"COMPLETE"`, "", Wrong, "not laid out"},
		{"a batch for one", one, batch, "", "", Wrong, "not laid out"},
		{"one for a batch", three, single, "", "", Wrong, "not laid out"},
		{"something after it", one, single, `"COMPLETE"}`, `"COMPLETE"}}`, Wrong, "something follows it"},
		{"cut off", one, single, `"COMPLETE"}`, `"COMP`, Wrong, "no JSON"},
		{"nothing", one, "", "", "", Wrong, "no JSON object"},
		{"an ERROR", one, single, `["SE",106.7,128.78],"status":"COMPLETE"`, `[null,null,null],"status":"ERROR"`, Error, "entry 0 of 1"},
		{"an ERROR that has something", one, single, "COMPLETE", "ERROR", Error, ""},
		{"an ERROR with a wrong value", one, single, `"SE",106.7,128.78],"status":"COMPLETE"`, `"NO",null,null],"status":"ERROR"`, Wrong, "NO"},
		{"an ERROR in a batch", three, batch, "MISSING", "ERROR", Error, "entry 2 of 3"},
		{"an ERROR and a wrong value", three, strings.Replace(batch, "MISSING", "ERROR", 1), "SE", "NO", Wrong, "entry 0 of 3"},
		{"a wrong value and an ERROR", three, strings.Replace(batch, "COMPLETE", "ERROR", 1), "EXPIRED", "MISSING", Wrong, "entry 1 of 3"},
		{
			"two vectors swapped", three, batch, batch, singleHead +
				`"vectors":[["XX",0,null],["SE",106.7,128.78],["XX",0,null]],"status":["EXPIRED","COMPLETE","MISSING"]}`,
			Wrong, `entry 0 of 3, {"account_id":4711}: country is "XX", not "SE"; it is the vector of entry 1`,
		},
		{"two statuses swapped", three, batch, `"EXPIRED","MISSING"`, `"MISSING","EXPIRED"`, Wrong, "it is the vector of entry 2"},
		{"a vector too few", three, batch, `,["XX",0,null]]`, `]`, Wrong, "2 vectors and 3 statuses for 3 entries"},
		{"a status too many", three, batch, `,"MISSING"`, `,"MISSING","MISSING"`, Wrong, "3 vectors and 4 statuses for 3 entries"},
		{"no list", three, batch, `["COMPLETE","EXPIRED","MISSING"]`, `"COMPLETE"`, Wrong, "no list"},
		{"a comma too many", three, batch, `null]],`, `null],],`, Wrong, "no list"},
		{"a comma too few", three, batch, `],["XX`, `]["XX`, Wrong, "no list"},
	} {
		body := strings.ReplaceAll(tc.body, tc.old, tc.with)
		if tc.old == "" {
			body = tc.body
		} else if body == tc.body {
			t.Errorf("%s: nothing is changed", tc.name)
		}
		failure, detail := tc.from.judged(body)
		if failure != tc.failure || !strings.Contains(detail, tc.detail) || (failure == "") != (detail == "") {
			t.Errorf("%s: %q %s", tc.name, failure, detail)
		}
	}
}

// TestStatusIsTheEnginesMatter: what an answer that is no vector says is not looked at.
func TestStatusIsTheEnginesMatter(t *testing.T) {
	var resp fasthttp.Response
	resp.SetStatusCode(503)
	if failure, _ := asked(t, 4711).Check(&resp); failure != "" {
		t.Error(failure)
	}
}

// TestExpiry moves the time towards the end of a row's life and over it.
func TestExpiry(t *testing.T) {
	a := asked(t, 4711)
	g := a.view.groups[0]
	row, _ := g.Find(a.entries[0])
	event, dated := g.EventTime(row)
	if !dated || g.ttl != 7*24*time.Hour {
		t.Fatalf("%v", g.ttl)
	}
	end := event.Add(g.ttl)
	expired := strings.NewReplacer(`"SE",106.7,128.78`, `"XX",0,null`, "COMPLETE", "EXPIRED").Replace(single)
	for _, tc := range []struct {
		after          time.Duration // the end of the row's life
		fresh, expired bool          // whether the answer is taken
	}{
		{-time.Hour, true, false},
		{-expiryMargin - time.Millisecond, true, false},
		{-expiryMargin, true, true},
		{-time.Millisecond, true, true},
		{time.Millisecond, true, true},
		{expiryMargin, true, true},
		{expiryMargin + time.Millisecond, false, true},
		{time.Hour, false, true},
	} {
		for body, taken := range map[string]bool{single: tc.fresh, expired: tc.expired} {
			now := end.Add(tc.after)
			a.expect(now)
			failure, detail := "", ""
			if string(a.want) != body {
				failure, detail = a.judge([]byte(body), now)
			}
			if (failure == "") != taken {
				t.Errorf("%v after the end, %s: %s", tc.after, body, detail)
			}
		}
		mixed := strings.Replace(single, "COMPLETE", "EXPIRED", 1)
		if failure, _ := a.judge([]byte(mixed), end.Add(tc.after)); failure != Wrong {
			t.Errorf("%v after the end a fresh vector is taken as expired", tc.after)
		}
	}
}

func FuzzJudge(f *testing.F) {
	one, three := asked(f, 4711), asked(f, 4711, 4713, 4715)
	for _, body := range []string{single, batch, strings.ReplaceAll(batch, ",", " , "), `{"a":"\"`, `[`, `{"version":{]}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, c := range []struct {
			a    *asker
			want string
		}{{one, single}, {three, batch}} {
			failure, detail := c.a.judge(bytes.Clone(body), time.Now())
			if (failure == "") != (detail == "") {
				t.Fatalf("%q: %q", failure, detail)
			}
			if failure != "" {
				continue
			}
			var got, want any
			if err := json.Unmarshal(body, &got); err != nil {
				t.Fatalf("%q is taken: %v", body, err)
			}
			if err := json.Unmarshal([]byte(c.want), &want); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%q is taken", body)
			}
		}
	})
}

// TestMemory: what is done for every request takes none.
func TestMemory(t *testing.T) {
	for name, cfg := range map[string]Config{
		"single": {Views: []View{{Name: "fraud", Version: 2}}},
		"all": {
			Sizes: []Size{{1, 1, 1}, {2, 30, 1}}, Passed: 0.5, Keys: Keys{Zipf: 1, Missing: 0.1}, APIKey: "key",
		},
	} {
		a, req, resp := prepared(t, cfg)
		for range 1000 { // buffers grow
			askAndCheck(t, a, req, resp)
		}
		if n := testing.AllocsPerRun(500, func() { askAndCheck(t, a, req, resp) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
