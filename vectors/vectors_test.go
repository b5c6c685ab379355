package vectors

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-json"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

func TestAnswers(t *testing.T) {
	const opening = `{"featureStore":"payments","featureView":"fraud","version":1,`
	const all = `"features":["id","amount","country","big","m_name","m_score"],`
	f := newFixture(t)
	for _, tc := range []struct{ name, body, want string }{
		{
			"single", `{"featureView":"fraud","entry":{"id":4,"merchant":"m1"}}`,
			opening + all + `"vector":[4,1,"SE",1152921504606846980,"m1",1.25],"status":"COMPLETE"}`,
		},
		{
			"batch", `{"featureView":"fraud","entries":[{"id":9,"merchant":"m2"},{"id":"7","merchant":"m3"},{"merchant":"m1","id":8}]}`,
			opening + all + `"vectors":[[9,-1,"XX",null,"m2",null],[7,null,"SE",1152921504606846983,"m3",0.5],` +
				`[8,-1,"XX",null,"m1",1.25]],"status":["MISSING","MISSING","EXPIRED"]}`,
		},
		{
			"keys absent", `{"featureView":"fraud","entries":[{},{"id":null,"merchant":"m1"}]}`,
			opening + all + `"vectors":[[null,-1,"XX",null,null,0.5],[null,-1,"XX",null,"m1",1.25]],"status":["MISSING","MISSING"]}`,
		},
		{
			"projection", `{"featureView":"fraud","features":["big","id"],"entry":{"id":1,"merchant":"nobody"}}`,
			opening + `"features":["big","id"],"vector":[1152921504606846977,1],"status":"COMPLETE"}`,
		},
		{
			"detail, types, numbers", `{"featureView":"fraud","features":["m_score","big","amount"],"entry":{"id":1,"merchant":"m1"},` +
				`"options":{"detail":true,"types":true,"numbers":"string"}}`,
			opening + `"features":["m_score","big","amount"],"types":["double","bigint","double"],` +
				`"vector":[1.25,"1152921504606846977",0.25],"status":"COMPLETE",` +
				`"groups":[{"name":"account_1","status":"COMPLETE","ageMs":60000},{"name":"merchant_1","prefix":"m_","status":"COMPLETE"}]}`,
		},
		{
			"passed", `{"featureView":"fraud","features":["amount","country","id"],"entries":[{"id":1},{"id":9},{"id":2}],` +
				`"passedFeatures":[{"amount":12.50,"id":77},null,{"country":null}]}`,
			opening + `"features":["amount","country","id"],"vectors":[[12.5,"SE",77],[-1,"XX",9],[0.5,null,2]],` +
				`"status":["COMPLETE","MISSING","COMPLETE"]}`,
		},
		{
			"max age", `{"featureView":"fraud","features":["amount"],"entry":{"id":1},"options":{"maxAgeMs":59999}}`,
			opening + `"features":["amount"],"vector":[-1],"status":"EXPIRED"}`,
		},
		{
			"max age at the bound", `{"featureView":"fraud","features":["amount"],"entry":{"id":1},"options":{"maxAgeMs":60000}}`,
			opening + `"features":["amount"],"vector":[0.25],"status":"COMPLETE"}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := f.answer(tc.body); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// breakTable makes statements on one table fail, on all nodes.
func (f *fixture) breakTable(table string, err error) {
	for _, n := range f.nodes {
		n.OnSelect = func(query string, _ int, _ time.Time) error {
			if strings.Contains(query, table) {
				return err
			}
			return nil
		}
	}
}

func TestPartial(t *testing.T) {
	refused := &pool.ServerError{Number: 1142, Message: "SELECT command denied to user 'secret'@'10.0.0.1'"}
	for _, tc := range []struct{ name, table, options, features, want string }{
		{"a group fails the request", "merchant_1", `{}`, "", "unavailable  -1"},
		{
			"partial", "merchant_1", `{"partial":true,"detail":true}`, "",
			`"vector":[4,1,"SE",1152921504606846980,"m1",null],"status":"ERROR",` +
				`"groups":[{"name":"account_1","status":"COMPLETE","ageMs":60000},{"name":"merchant_1","prefix":"m_","status":"ERROR"}]}`,
		},
		{
			"partial, never a default for what could not be read", "account_1", `{"partial":true}`, "",
			`"vector":[4,null,null,null,"m1",1.25],"status":"ERROR"}`,
		},
		{"partial, nothing read", "_1", `{"partial":true}`, "", "unavailable  -1"},
		{"a group that is not asked for may fail", "merchant_1", `{}`, `"features":["amount"],`, `"vector":[1],"status":"COMPLETE"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t)
			f.breakTable(tc.table, refused)
			got := f.answer(fmt.Sprintf(`{"featureView":"fraud",%s"entry":{"id":4,"merchant":"m1"},"options":%s}`, tc.features, tc.options))
			if !strings.HasSuffix(got, tc.want) {
				t.Errorf("got %s, want it to end with %s", got, tc.want)
			}
		})
	}
}

// TestClientSeesNoCause: what the server said stays in Err.
func TestClientSeesNoCause(t *testing.T) {
	f := newFixture(t)
	secret := &pool.ServerError{Number: 1142, Message: "secret"}
	f.breakTable("_1", secret)
	_, err := f.service.Append(nil, f.request(`{"featureView":"fraud","entry":{"id":4}}`))
	if err == nil || strings.Contains(err.Message, "secret") || !errors.Is(err, secret) {
		t.Errorf("got %+v", err)
	}
}

func TestDeadlines(t *testing.T) {
	for _, tc := range []struct {
		name, options string
		header        time.Duration
		want          time.Duration
	}{
		{"the server's own", `{}`, 0, 500 * time.Millisecond},
		{"the option shortens it", `{"deadlineMs":20}`, 0, 20 * time.Millisecond},
		{"the header shortens it", `{"deadlineMs":200}`, 30 * time.Millisecond, 30 * time.Millisecond},
		{"neither lengthens it", `{"deadlineMs":2000}`, time.Minute, 500 * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				for _, n := range f.nodes {
					n.OnSelect = func(string, int, time.Time) error { time.Sleep(time.Second); return nil }
				}
				start := time.Now()
				r := f.request(`{"featureView":"fraud","entry":{"id":4},"options":` + tc.options + `}`)
				r.Timeout = tc.header
				_, err := f.service.Append(nil, r)
				if err == nil || err.Code != DeadlineExceeded || time.Since(start) != tc.want {
					t.Errorf("got %v after %v, want a passed deadline after %v", err, time.Since(start), tc.want)
				}
				time.Sleep(time.Second) // until the statements have ended
				synctest.Wait()
			})
		})
	}
}

// TestPartialAtTheDeadline: the groups that made it are served.
func TestPartialAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		for _, n := range f.nodes {
			n.OnSelect = func(query string, _ int, _ time.Time) error {
				if strings.Contains(query, "account") {
					time.Sleep(time.Second)
				}
				return nil
			}
		}
		const want = `"vector":[4,null,null,null,"m1",1.25],"status":"ERROR"}`
		got := f.answer(`{"featureView":"fraud","entry":{"id":4,"merchant":"m1"},"options":{"partial":true,"deadlineMs":10}}`)
		if !strings.HasSuffix(got, want) {
			t.Errorf("got %s", got)
		}
		time.Sleep(time.Second)
		synctest.Wait()
	})
}

// onlyStore may read one store. Asked without a store, it may read some view of any name, as a key for a store is.
type onlyStore string

func (s onlyStore) MayRead(v *catalog.View) bool { return v.Store == string(s) }

func (s onlyStore) MayKnow(store, _ string) bool { return store == "" || store == string(s) }
func (s onlyStore) MayTell(store, _ string) bool { return store == string(s) }

// TestForbidden: who may not read a view is not told whether it exists: a view of another store and one that there is not
// get the same answer.
func TestForbidden(t *testing.T) {
	f := newFixture(t)
	for _, tc := range []struct {
		store string
		want  Code
	}{{`"featureStore":"payments",`, Forbidden}, {"", UnknownView}} {
		for _, view := range []string{"fraud", "twice", "nothing"} {
			r := f.request(`{` + tc.store + `"featureView":"` + view + `","entry":{"id":4}}`)
			r.Access = onlyStore("other")
			if _, err := f.service.Append(nil, r); err == nil || err.Code != tc.want {
				t.Errorf("%s%s: got %v, want %s", tc.store, view, err, tc.want)
			}
		}
	}
	if list, _ := f.service.AppendViews(nil, onlyStore("other")); string(list) != `{"featureViews":[]}` {
		t.Errorf("listed %s", list)
	}
	for _, store := range []string{"", "payments"} {
		known, unknown := describe(f, store, "fraud"), describe(f, store, "nothing")
		if known != unknown {
			t.Errorf("described: %s, where there is nothing %s", known, unknown)
		}
	}
	if got := f.answer(`{"featureView":"twice","entry":{"id":4}}`); got != "ambiguous_view version -1" {
		t.Errorf("got %s", got)
	}
}

func describe(f *fixture, store, view string) Code {
	_, err := f.service.AppendView(nil, store, view, "1", onlyStore("other"))
	if err == nil {
		return ""
	}
	return err.Code
}

func TestBounds(t *testing.T) {
	f := newFixture(t)
	entries := func(n int) string {
		return `{"featureView":"wide","entries":[` + strings.Repeat(`{"id":1},`, n-1) + `{"id":1}]}`
	}
	if got := f.answer(entries(1000)); !strings.HasSuffix(got, `"COMPLETE"]}`) {
		t.Errorf("1000 entries: %.100s", got)
	}
	if got := f.answer(entries(1001)); got != "batch_too_large entries -1" {
		t.Errorf("1001 entries: %.100s", got)
	}
	detail := strings.TrimSuffix(entries(200), "}") + `,"features":["f0"],"options":{"detail":true}}`
	cfg := *f.service.cfg.Load()
	cfg.MaxAnswerBytes = len(f.answer(detail)) - 1
	f.service.Change(cfg)
	if got := f.answer(detail); got != "answer_too_large  -1" {
		t.Errorf("an answer that its detail makes too large: %.100s", got)
	}
	cfg.MaxAnswerBytes = 10_000
	f.service.Change(cfg)
	if got := f.answer(entries(100)); got != "answer_too_large  -1" {
		t.Errorf("a large answer: %.100s", got)
	}
}

// TestNamesAreCut: a message repeats no more of a client's name than a person reads.
func TestNamesAreCut(t *testing.T) {
	f := newFixture(t)
	long := strings.Repeat("é", 10_000)
	for _, body := range []string{
		`{"` + long + `":1}`, `{"options":{"` + long + `":1}}`, `{"featureView":"fraud","entry":{"` + long + `":1}}`,
		`{"featureView":"fraud","features":["` + long + `"],"entry":{}}`,
		`{"featureView":"fraud","entry":{},"passedFeatures":{"` + long + `":1}}`,
	} {
		_, err := f.service.Append(nil, f.request(body))
		if err == nil || len(err.Field) > 100 || len(err.Message) > 300 || !utf8.ValidString(err.Field+err.Message) {
			t.Errorf("got %.200v", err)
		}
	}
}

// TestLargeNumbersAreLong: milliseconds beyond what anybody waits for are as good as the greatest there are.
func TestLargeNumbersAreLong(t *testing.T) {
	f := newFixture(t)
	for _, ms := range []string{"9007199254740991", "9223372036854775808", "1" + strings.Repeat("0", 60)} {
		body := `{"featureView":"fraud","features":["amount"],"entry":{"id":4},"options":{"deadlineMs":` + ms + `,"maxAgeMs":` + ms + `}}`
		if got := f.answer(body); !strings.HasSuffix(got, `"vector":[1],"status":"COMPLETE"}`) {
			t.Errorf("%s ms: %s", ms, got)
		}
	}
}

// TestScratchIsBounded: after a large batch the scratch is dropped, and what is kept holds neither body nor rows.
func TestScratchIsBounded(t *testing.T) {
	f := newFixture(t)
	f.answer(`{"featureView":"fraud","entry":{"id":4,"merchant":"m1"}}`)
	f.answer(`{"featureView":"fraud","entries":[` + strings.Repeat(`{"id":4,"merchant":"`+strings.Repeat(`\u0061`, 20)+`"},`, 999) + `{}]}`)
	for range 10 {
		q, _ := f.service.spare.Get().(*request)
		if q == nil {
			break
		}
		if q.size() > maxScratchBytes || q.cursor.data != nil || q.head.name != nil || q.view != nil {
			t.Errorf("a scratch of %d bytes keeps %+v", q.size(), q.head)
		}
		for _, st := range q.states[:cap(q.states)] {
			if st.rows != [2]lookup.Row{} {
				t.Error("a scratch keeps a row")
			}
		}
	}
}

func TestDuplicateName(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1,"b":{"a":2}}`: "", `[{"a":1},{"a":2}]`: "", `[]`: "", `{}`: "",
		`{"a":1,"\u0061":2}`: "a", `[1,[{"x":{"y":[{"z":1,"z":2}]}}]]`: "z",
	} {
		l := column.Literal{Kind: column.LiteralObject, Text: []byte(text)}
		if text[0] == '[' {
			l.Kind = column.LiteralArray
		}
		if got := duplicateName(l); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestNotLoaded(t *testing.T) {
	s := New(Config{}, nil)
	if _, err := s.Append(nil, &Request{}); err == nil || err.Code != Unavailable {
		t.Errorf("got %v", err)
	}
	if s.Ready() {
		t.Error("ready without a catalogue")
	}
}

// FuzzRequest: whatever the body, the answer is JSON or an error, and the scratch is fit for the next request.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{"featureView":"fraud","entry":{"id":4,"merchant":"m1"}}`,
		`{"featureView":"fraud","version":1,"featureStore":"payments","entries":[{"id":"4","merchant":"m\u0031\ud83d\ude00"},{}],` +
			`"passedFeatures":[{"amount":-0,"country":"\u00e5"},null],"features":["m_score","amount","country"],` +
			`"options":{"types":true,"detail":true,"partial":true,"numbers":"string","deadlineMs":20,"maxAgeMs":60000}}`,
		`[[[[{"a":[null,true,false,1e5,-0.5E-3]}]]]]`, ``,
		strings.Repeat("[", 32) + strings.Repeat("]", 32), strings.Repeat("[", 33) + strings.Repeat("]", 33), `{"featureView":"wide","entries":[{"id":9223372036854775808}]}`,
	} {
		f.Add([]byte(seed))
	}
	fx := newFixture(f)
	const control = `{"featureView":"fraud","entry":{"id":4,"merchant":"m1"}}`
	want := fx.answer(control)
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := fx.service.Append(nil, &Request{Body: body, Received: time.Now(), Access: everything{}})
		if err == nil && !json.Valid(got) {
			t.Errorf("not JSON: %s", got)
		}
		replaced := bytes.ContainsRune(body, utf8.RuneError) || bytes.Contains(bytes.ToLower(body), []byte(`\ufffd`))
		if problem := validate(body); !replaced && (problem == nil) != valid(body) {
			t.Errorf("validate says %v of %q", problem, body)
		}
		if again := fx.answer(control); again != want {
			t.Errorf("the request after it got %s", again)
		}
	})
}

// valid is what validate should find, by an independent reading: encoding/json takes invalid UTF-8, unpaired surrogates
// (both of which it decodes to U+FFFD, so that bodies with that character cannot be judged) and any depth.
func valid(body []byte) bool {
	if !stdjson.Valid(body) || !utf8.Valid(body) {
		return false
	}
	decoder := stdjson.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	for depth := 0; ; {
		token, err := decoder.Token()
		if err != nil {
			return true
		}
		switch token := token.(type) {
		case stdjson.Delim:
			if depth++; token == '}' || token == ']' {
				depth -= 2
			}
			if depth > maxDepth {
				return false
			}
		case string:
			if strings.ContainsRune(token, utf8.RuneError) {
				return false
			}
		}
	}
}

// TestPassedAreForgotten: what one request passes is nothing to the next, whatever views they and those between are for.
func TestPassedAreForgotten(t *testing.T) {
	f := newFixture(t)
	const fraud = `{"featureView":"fraud","version":1,"entry":{"id":1,"merchant":"m1"}`
	want := f.answer(fraud + `,"passedFeatures":{"amount":9}}`)
	for range 3 { // one of them gets the scratch of the one before
		f.answer(fraud + `,"passedFeatures":{"country":"NO","big":7,"m_score":8}}`)
		f.answer(`{"featureView":"twice","version":1,"entry":{"id":1}}`)
		if got := f.answer(fraud + `,"passedFeatures":{"amount":9}}`); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
