package server

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-json"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/column"
	"github.com/rongate/rongate/internal/fakenode"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/vectors"
)

// TestRDRSErrors: what every error of package vectors is in the API of RonDB's REST server.
func TestRDRSErrors(t *testing.T) {
	var failure vectors.Error
	s := start(t, Config{}, &fakeService{
		append: func(dst []byte, _ *vectors.Request) ([]byte, *vectors.Error) { return dst, &failure },
	})
	for _, tc := range []struct {
		code   vectors.Code
		number vectors.RDRSCode
		field  string
		entry  int
		status int
		want   string
	}{
		{vectors.MalformedJSON, 0, "", -1, 400, "Error:what is wrong"},
		{vectors.MissingField, 0, "entries", -1, 400, "Error:Field validation: entries what is wrong"},
		{vectors.MissingField, 0, "entries.id", 3, 400, "Error:Field validation: entries.id of entry 3 what is wrong"},
		{vectors.WrongType, 0, "options", -1, 400, "Error:Field validation: options what is wrong"},
		{vectors.InvalidValue, 15, "entries", -1, 400, "No primary key is given."},
		{
			vectors.InvalidValue, 13, "passedFeatures", -1, 400,
			"Length of passed feature does not equal to that of the entries provided in the request.",
		},
		{vectors.UnknownView, 1, "", -1, 400, `{"code":1,"reason":"Feature view does not exist.","message":"what is wrong"}`},
		{vectors.UnknownView, 2, "", -1, 400, `{"code":2,"reason":"Feature store does not exist.","message":"what is wrong"}`},
		{vectors.UnknownView, 3, "", -1, 400, `{"code":3,"reason":"Feature group does not exist.","message":"what is wrong"}`},
		{vectors.UnknownView, 6, "", -1, 400, `{"code":6,"reason":"Reading feature view failed.","message":"what is wrong"}`},
		{vectors.UnknownKey, 0, "x", -1, 400, `{"code":12,"reason":"Incorrect primary key.","message":"what is wrong"}`},
		{vectors.InvalidKey, 0, "x", -1, 415, `{"code":10,"reason":"Wrong data type.","message":"what is wrong"}`},
		{vectors.UnknownPassedFeature, 0, "x", -1, 400, `{"code":11,"reason":"Feature does not exist.","message":"what is wrong"}`},
		{vectors.InvalidPassedFeature, 0, "x", -1, 400, `{"code":10,"reason":"Wrong data type.","message":"what is wrong"}`},
		{vectors.BatchTooLarge, 0, "x", -1, 400, `{"code":18,"reason":"Reading from db failed.","message":"what is wrong"}`},
		{vectors.AnswerTooLarge, 0, "", -1, 400, `{"code":18,"reason":"Reading from db failed.","message":"what is wrong"}`},
		{vectors.Overloaded, 0, "", -1, 429, `{"code":14,"reason":"Reading from db failed.","message":"what is wrong"}`},
		{vectors.Unavailable, 0, "", -1, 503, `{"code":14,"reason":"Reading from db failed.","message":"what is wrong"}`},
		{vectors.DeadlineExceeded, 0, "", -1, 504, `{"code":14,"reason":"Reading from db failed.","message":"what is wrong"}`},
		{vectors.UndecodableFeature, 0, "", -1, 500, `{"code":19,"reason":"Deserialising complex feature failed.","message":"what is wrong"}`},
		{vectors.Forbidden, 0, "", -1, 401, "what is wrong"},
	} {
		failure = vectors.Error{Code: tc.code, RDRS: tc.number, Field: tc.field, Entry: tc.entry, Message: "what is wrong"}
		for _, route := range []string{"/0.1.0/feature_store", "/0.1.0/batch_feature_store"} {
			resp := s.do("POST", route, "{}")
			if resp.status != tc.status || resp.body != tc.want {
				t.Errorf("%s %d: %d %s", tc.code, tc.number, resp.status, resp.body)
			}
			kind := "text/plain; charset=utf-8"
			if strings.HasPrefix(tc.want, "{") {
				kind = "application/json"
			}
			if got := resp.header.Get("Content-Type"); got != kind {
				t.Errorf("%s %d: Content-Type %s", tc.code, tc.number, got)
			}
			if retry := resp.header.Get("Retry-After"); (retry != "") != (tc.status == 429) {
				t.Errorf("%s: Retry-After %q", tc.code, retry)
			}
			if auth := resp.header.Get("WWW-Authenticate"); (auth != "") != (tc.status == 401) {
				t.Errorf("%s: WWW-Authenticate %q", tc.code, auth)
			}
		}
	}
	for code := range rdrsErrors {
		if _, native := statuses[code]; !native && code != vectors.UndecodableFeature {
			t.Errorf("%s has no status of its own", code)
		}
	}
}

// TestRDRSInternal: what goes wrong inside stays there.
func TestRDRSInternal(t *testing.T) {
	s := start(t, Config{}, &fakeService{
		append: func([]byte, *vectors.Request) ([]byte, *vectors.Error) { panic("10.0.0.1") },
	})
	resp := s.do("POST", "/0.1.0/feature_store", "{}")
	if resp.status != 500 || resp.problem(t).Code != codeInternal || strings.Contains(resp.body, "10.0.0.1") {
		t.Errorf("%d %s", resp.status, resp.body)
	}
}

// TestRDRSForms: each route asks in its own form.
func TestRDRSForms(t *testing.T) {
	var form vectors.Form
	s := start(t, Config{}, &fakeService{
		append: func(dst []byte, r *vectors.Request) ([]byte, *vectors.Error) {
			form = r.Form
			return append(dst, fakeAnswer...), nil
		},
	})
	for path, want := range map[string]vectors.Form{
		"/feature-vectors": vectors.FormNative, "/0.1.0/feature_store": vectors.FormRDRS,
		"/0.1.0/batch_feature_store": vectors.FormRDRSBatch,
	} {
		if resp := s.do("POST", path, "{}"); resp.status != 200 || form != want {
			t.Errorf("%s: %d, form %d", path, resp.status, form)
		}
	}
}

// TestRDRSHealth: 0 stands for a gateway that cannot read, and ping does not care.
func TestRDRSHealth(t *testing.T) {
	ready := fmt.Errorf("no node")
	s := start(t, Config{Ready: func() error { return ready }}, &fakeService{})
	for _, want := range []string{"0", "1"} {
		if resp := s.do("GET", "/0.1.0/health", ""); resp.status != 200 || resp.body != want {
			t.Errorf("%d %s instead of %s", resp.status, resp.body, want)
		}
		if resp := s.do("GET", "/0.1.0/ping", ""); resp.status != 200 || resp.body != "" {
			t.Errorf("ping: %d %s", resp.status, resp.body)
		}
		ready = nil
	}
}

const rdrsCatalogue = `
featureStores:
  - name: payments
    featureGroups:
      - {name: account, version: 1}
      - {name: merchant, version: 1}
    featureViews:
      - name: fraud
        version: 1
        joins:
          - {group: account, version: 1}
          - {group: merchant, version: 1, prefix: m_}
        features: [id, amount, m_name, m_score]
`

// rdrsService answers from memory: accounts 1 to 9, and merchants m1 to m9.
func rdrsService(t testing.TB) *vectors.Service {
	t.Helper()
	spec, err := catalog.Parse("catalog.yaml", []byte(rdrsCatalogue))
	if err != nil {
		t.Fatal(err)
	}
	double := func(name string) column.Def {
		return column.Def{Name: name, DataType: "double", ColumnType: "double", Nullable: true, NumericPrecision: 22}
	}
	tables := map[catalog.TableName]*catalog.Table{}
	rows := map[string]*fakenode.Table{}
	for name, columns := range map[string][]column.Def{
		"account_1": {{Name: "id", DataType: "bigint", ColumnType: "bigint", NumericPrecision: 19}, double("amount")},
		"merchant_1": {{
			Name: "name", DataType: "varchar", ColumnType: "varchar(20)", CharMaxLength: 20, Charset: "utf8mb4", Collation: "utf8mb4_bin",
		}, double("score")},
	} {
		table := &catalog.Table{
			Name: catalog.TableName{Database: "payments", Name: name}, Columns: columns, PrimaryKey: []string{columns[0].Name},
		}
		tables[table.Name] = table
		var made []*column.Column
		for _, def := range columns {
			c, err := column.New(def)
			if err != nil {
				t.Fatal(err)
			}
			made = append(made, c)
		}
		rows[table.Name.String()] = fakenode.NewTable(1, made...)
	}
	for i := range int64(10) {
		rows["payments.account_1"].Put(column.IntValue(i), column.Float64Value(float64(i)/4))
		rows["payments.merchant_1"].Put(column.BytesValue(fmt.Appendf(nil, "m%d", i)), column.Float64Value(float64(i)))
	}
	snapshot, err := spec.Resolve(tables)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := lookup.Open(lookup.Config{
		Nodes:   []lookup.NodeConfig{{Address: "a"}},
		Connect: fakenode.Connect(map[string]*fakenode.Node{"a": {Tables: rows, Size: 8}}),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close(t.Context()) }) // nothing is read any more
	service := vectors.New(vectors.Config{Deadline: time.Minute}, reader)
	if err := service.Use(snapshot); err != nil {
		t.Fatal(err)
	}
	return service
}

// FuzzRDRS sends anything at all by both routes of RonDB's REST server that take a body. Whatever comes back is an answer
// that is laid out as it must be, or says what is wrong with the request: nothing is rongate's fault.
func FuzzRDRS(f *testing.F) {
	body := func(entries, more string) string {
		return `{"featureStoreName":"payments","featureViewName":"fraud","featureViewVersion":1,"entries":` + entries + more + `}`
	}
	for _, text := range []string{
		body(`{"id":1,"name":"m1"}`, ""), body(`{"id":"1","name":"m\u0031"}`, `,"passedFeatures":{"amount":1,"m_score":2},"options":null`),
		body(`[{"id":1},{"name":2},{},{"x":1}]`, `,"passedFeatures":[null,{"amount":2},{},{"x":1}]`),
		body(`[{"id":1}]`, `,"metadataOptions":{"featureName":true,"featureType":null},"options":{"includeDetailedStatus":true,`+
			`"validatePassedFeatures":false}`),
		body(`{}`, `,"requestId":[1,{"a":"\""}]`), `{}`, `[]`, ``, `{"entries":null}`,
	} {
		f.Add(false, []byte(text))
		f.Add(true, []byte(text))
	}
	s, err := New(Config{Deadline: time.Minute}, rdrsService(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, batch bool, body []byte) {
		path := "/0.1.0/feature_store"
		if batch {
			path = "/0.1.0/batch_feature_store"
		}
		request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", path, len(body))
		c := &script{request: bytes.NewReader(append(request, body...))}
		_ = s.public.ServeConn(s.conns.admit(c)) // what fasthttp says of the client
		resp, err := http.ReadResponse(bufio.NewReader(&c.response), nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		switch resp.StatusCode {
		case http.StatusOK:
			checkRDRSAnswer(t, batch, answer)
		case http.StatusBadRequest, http.StatusUnsupportedMediaType:
			checkRDRSError(t, resp.Header.Get("Content-Type"), answer)
		default:
			t.Errorf("%d: %s", resp.StatusCode, answer)
		}
	})
}

func checkRDRSError(t *testing.T, kind string, answer []byte) {
	t.Helper()
	var e struct {
		Code            int
		Reason, Message string
	}
	switch err := json.Unmarshal(answer, &e); {
	case strings.HasPrefix(kind, "text/plain"):
		if len(answer) == 0 {
			t.Error("an empty error")
		}
	case err != nil || e.Code == 0 || e.Reason == "" || e.Message == "":
		t.Errorf("%v: %s", err, answer)
	}
}

func checkRDRSAnswer(t *testing.T, batch bool, answer []byte) {
	t.Helper()
	if !json.Valid(answer) {
		t.Fatalf("no JSON: %s", answer)
	}
	if !batch {
		var row struct {
			Features []json.RawMessage
			Status   string
		}
		if err := json.Unmarshal(answer, &row); err != nil || len(row.Features) != 4 || row.Status == "ERROR" {
			t.Errorf("%v: %s", err, answer)
		}
		return
	}
	var rows struct {
		Features       [][]json.RawMessage
		Status         []string
		DetailedStatus []json.RawMessage
	}
	err := json.Unmarshal(answer, &rows)
	if err != nil || len(rows.Features) != len(rows.Status) ||
		rows.DetailedStatus != nil && len(rows.DetailedStatus) != len(rows.Status) {
		t.Fatalf("%v: %s", err, answer)
	}
	for i, status := range rows.Status {
		if want := map[bool]int{true: 0, false: 4}[status == "ERROR"]; len(rows.Features[i]) != want {
			t.Errorf("row %d is %s: %s", i, status, answer)
		}
	}
}
