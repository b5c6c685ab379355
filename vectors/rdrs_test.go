package vectors

import (
	"fmt"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/pool"
)

// rdrsBody is a request for view fraud, or another with its version, of store payments.
func rdrsBody(view, entries, more string) string {
	return fmt.Sprintf(`{"featureStoreName":"payments","featureViewName":%q,"featureViewVersion":1,"entries":%s%s}`, view, entries, more)
}

// rdrs is answer for the RDRS Forms, by whether there is a list of entries.
func (f *fixture) rdrs(body string) string {
	r := f.request(body)
	r.Form = formOf(body)
	got, err := f.service.Append(nil, r)
	if err == nil {
		return string(got)
	}
	if len(got) != 0 {
		f.t.Errorf("an error and %q", got)
	}
	return fmt.Sprintf("%s %s %d %d", err.Code, err.Field, err.Entry, err.RDRS)
}

func formOf(body string) Form {
	if strings.Contains(body, `"entries":[`) {
		return FormRDRSBatch
	}
	return FormRDRS
}

func TestRDRSWhatFails(t *testing.T) {
	const batch = `[{"id":1,"merchant":"m1"},{"id":4,"merchant":"m2"}]`
	const detail = `,"options":{"includeDetailedStatus":true}`
	whole := func(features, status, detail string) string {
		return fmt.Sprintf(`{"features":%s,"metadata":null,"status":%s,"detailedStatus":%s}`, features, status, detail)
	}
	for _, tc := range []struct{ rule, broken, entries, more, want string }{
		{
			"defaults stand for what is missing, and key features for themselves", "", `{"id":9,"merchant":"m3"}`, "",
			whole(`[9,-1,"XX",null,"m3",0.5]`, `"MISSING"`, `null`),
		},
		{
			"an expired row is missing", "", `{"id":8,"merchant":"m1"}`, detail, whole(`[8,-1,"XX",null,"m1",1.25]`, `"MISSING"`,
				`[{"featureGroupId":-1,"httpStatus":404},{"featureGroupId":-1,"httpStatus":200}]`),
		},
		{"a group that cannot be read fails a vector", "merchant_1", `{"id":1,"merchant":"m1"}`, "", "unavailable  -1 0"},
		{
			"and makes its rows null in a batch", "merchant_1", batch, detail, whole(`[null,null]`, `["ERROR","ERROR"]`,
				`[[{"featureGroupId":-1,"httpStatus":200},{"featureGroupId":-1,"httpStatus":500}],`+
					`[{"featureGroupId":-1,"httpStatus":200},{"featureGroupId":-1,"httpStatus":500}]]`),
		},
		{
			"but those that need it not", "merchant_1", `[{"id":1},{"id":4,"merchant":"m2"}]`, "",
			whole(`[[1,0.25,"SE",1152921504606846977,null,0.5],null]`, `["MISSING","ERROR"]`, `null`),
		},
		{"a batch of which nothing can be read fails", "account_1", `[{"id":1},{"id":4}]`, "", "unavailable  -1 0"},
		{
			"a broken row needs nothing", "account_1", `[{"id":"x"},{}]`, "", whole(`[null,null]`, `["ERROR","ERROR"]`, `null`),
		},
		{"an entry of the batch is named", "", `[{"id":1},{"id":null}]`, "", "missing_field entries.id 1 0"},
		{"passed features too many are numbered", "", batch, `,"passedFeatures":[{}]`, "invalid_value passedFeatures -1 13"},
		{"no entries are numbered", "", `[]`, "", "invalid_value entries -1 15"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			f := newFixture(t)
			if tc.broken != "" {
				f.breakTable(tc.broken, &pool.ServerError{Number: 1142, Message: "refused"})
			}
			if got := f.rdrs(rdrsBody("fraud", tc.entries, tc.more)); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// TestRDRSAccess: who has no rights in a store learns nothing of its views, and who has is told what is wrong.
func TestRDRSAccess(t *testing.T) {
	f := newFixture(t)
	ask := func(store, view string, access Access) string {
		r := f.request(fmt.Sprintf(`{"featureStoreName":%q,"featureViewName":%q,"featureViewVersion":1,"entries":{"x":1}}`, store, view))
		r.Form, r.Access = FormRDRS, access
		_, err := f.service.Append(nil, r)
		return fmt.Sprintf("%s %d: %s", err.Code, err.RDRS, err.Message)
	}
	stranger := ask("payments", "fraud", onlyStore("other"))
	if want := "forbidden 0: the API key is not authorized to access payments"; stranger != want {
		t.Errorf("got %s", stranger)
	}
	for _, view := range []string{"nothing", "", "wide"} {
		if got := ask("payments", view, onlyStore("other")); got != stranger {
			t.Errorf("of view %q a stranger is told %s", view, got)
		}
	}
	for _, tc := range []struct{ store, view, want string }{
		{"payments", "nothing", "unknown_view 1: feature store payments has no feature view nothing version 1"},
		{"nowhere", "fraud", "unknown_view 2: there is no feature store nowhere"},
		{"", "fraud", "unknown_view 2: there is no feature store "},
		{"payments", "fraud", "unknown_key 0: x is not a serving key of fraud version 1, which takes id, merchant"},
	} {
		if got := ask(tc.store, tc.view, everything{}); got != tc.want {
			t.Errorf("%s/%s: %s", tc.store, tc.view, got)
		}
	}
	if got := ask("payments", "fraud", blind{}); got != "forbidden 0: the API key is not authorized to access all that feature view fraud reads" {
		t.Errorf("got %s", got)
	}
}

// blind may be told of everything and read nothing.
type blind struct{ everything }

func (blind) MayRead(*catalog.View) bool { return false }

// TestRDRSPatience: nothing takes longer than the client waits, whatever the server's own deadline is.
func TestRDRSPatience(t *testing.T) {
	var h head
	c := cursor{data: []byte(rdrsBody("fraud", `{}`, ""))}
	if err := c.decodeRDRSHead(&h, false); err != nil {
		t.Fatal(err)
	}
	received := time.Unix(now, 0)
	for _, tc := range []struct{ server, header, want time.Duration }{
		{time.Minute, 0, 2 * time.Second}, {500 * time.Millisecond, 0, 500 * time.Millisecond}, {time.Minute, time.Second, time.Second},
	} {
		r := Request{Received: received, Timeout: tc.header}
		if got := deadline(&Config{Deadline: tc.server}, &r, &h.options).Sub(received); got != tc.want {
			t.Errorf("%v and %v: %v", tc.server, tc.header, got)
		}
	}
}

// TestRDRSAllocations holds whole requests to the budget of native ones.
func TestRDRSAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // the collector empties pools, which are filled again then
	f := newFixture(t)
	entries := strings.TrimSuffix(strings.TrimPrefix(wideBody(100), `{"featureView":"wide","entries":`), "}")
	for _, body := range []string{
		rdrsBody("fraud", `{"id":1,"merchant":"m1"}`, `,"passedFeatures":null,"options":{"validatePassedFeatures":false}`),
		rdrsBody("fraud", `{"id":9,"merchant":"m3"}`, `,"passedFeatures":{"amount":1.5},"options":{"includeDetailedStatus":true}`),
		rdrsBody("wide", entries, `,"passedFeatures":[],"metadataOptions":{"featureName":true,"featureType":true}`),
	} {
		r, dst := f.request(body), []byte(nil)
		r.Form = formOf(body)
		run := func() {
			r.Received = time.Now()
			var err *Error
			if dst, err = f.service.Append(dst[:0], r); err != nil {
				t.Fatal(body, err)
			}
		}
		for range 100 { // every scratch grows to its size
			run()
		}
		if got := testing.AllocsPerRun(100, run); got > 0 {
			t.Errorf("%.120s: %v allocations", body, got)
		}
	}
}

// BenchmarkForms is the same batch from body to answer in either API.
func BenchmarkForms(b *testing.B) {
	entries := strings.TrimSuffix(strings.TrimPrefix(wideBody(10), `{"featureView":"wide","entries":`), "}")
	for _, form := range []struct {
		name string
		Form
		body string
	}{
		{"native", FormNative, `{"featureStore":"payments","featureView":"wide","version":1,"entries":` + entries + `}`},
		{"rdrs", FormRDRSBatch, rdrsBody("wide", entries, `,"passedFeatures":[],"options":{"validatePassedFeatures":false}`)},
	} {
		b.Run(form.name, func(b *testing.B) {
			f := newFixture(b)
			r, dst := f.request(form.body), []byte(nil)
			r.Form = form.Form
			b.ReportAllocs()
			for b.Loop() {
				r.Received = time.Now()
				var err *Error
				if dst, err = f.service.Append(dst[:0], r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
