package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/contract"
	"github.com/rongate/rongate/internal/frauddata"
	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
	"github.com/rongate/rongate/vectors"
)

var shared testbed.Shared

func TestMain(m *testing.M) { os.Exit(shared.Main(m).Run()) }

// configure writes what rongate would be run with on a cluster, and returns the configuration's path.
func configure(t *testing.T, db testbed.Cluster, catalogue []byte) string {
	t.Helper()
	dir := t.TempDir()
	text := "zone: " + db.Nodes()[0].Zone + "\ndeadline: 5s\ncatalog: {file: catalog.yaml}\nnodes:\n"
	for _, n := range db.Nodes() {
		text += fmt.Sprintf("  - {address: %q, zone: %s}\n", n.Address, n.Zone)
	}
	text += "database: {user: " + testbed.User + ", passwordFile: password.txt}\nconnections: {perNode: 2}\n"
	for name, content := range map[string]string{
		"rongate.yaml": text, "catalog.yaml": string(catalogue), "password.txt": "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "rongate.yaml")
}

// start serves until the test's end, and returns the address.
func start(t *testing.T, path string, now func() time.Time) string {
	t.Helper()
	cfg, err := readConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newService(t.Context(), cfg, 4)
	if err != nil {
		t.Fatal(err)
	}
	s.now = now
	server := httptest.NewServer(s.routes())
	t.Cleanup(func() {
		server.Close()
		s.close()
	})
	return server.URL
}

// ask sends a request and returns its answer.
func ask(t *testing.T, method, url, body string) (int, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, answer
}

// equalJSON compares texts as JSON; numbers have to have the same digits.
func equalJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var values [2]any
	for i, text := range [][]byte{a, b} {
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		if err := decoder.Decode(&values[i]); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	return reflect.DeepEqual(values[0], values[1])
}

// fraud returns the shared cluster with the fraud data in it, and the path of the configuration.
func fraud(t *testing.T, now time.Time) (db testbed.Cluster, path string) {
	t.Helper()
	db = shared.Get(t, testbed.KindMariaDB)
	data, err := frauddata.New(frauddata.Config{Rows: frauddata.MinRows, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Exec(t.Context(), "DROP DATABASE IF EXISTS "+frauddata.Database); err != nil {
		t.Fatal(err)
	}
	if err := data.Load(t.Context(), db.Exec, db.Engine(), db.KeyOptions(), nil); err != nil {
		t.Fatal(err)
	}
	return db, configure(t, db, frauddata.Catalog())
}

// startRongate returns what rongate answers from the same configuration.
func startRongate(t *testing.T, path string, now func() time.Time) (*catalog.Snapshot, func(body string) []byte) {
	t.Helper()
	cfg, err := readConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := lookup.Open(lookup.Config{Zone: cfg.zone, Nodes: cfg.nodes, Pool: pool.Config{User: cfg.user}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := reader.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	c, err := catalog.Open(t.Context(), catalog.Config{Path: cfg.catalogue, Describer: reader, Refresh: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	service := vectors.New(vectors.Config{Deadline: cfg.deadline, Now: now}, reader)
	if err := service.Use(c.Current()); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); !service.Ready(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no node is up")
		}
	}
	return c.Current(), func(body string) []byte {
		t.Helper()
		answer, failure := service.Append(nil, &vectors.Request{Body: []byte(body), Received: time.Now(), Access: everything{}})
		if failure != nil {
			t.Fatalf("rongate: %s: %v", body, failure)
		}
		return answer
	}
}

// entry is that of a number, for the view's serving keys.
func entry(view *catalog.View, n uint64) string {
	var keys []string
	for _, k := range view.ServingKeys {
		value := fmt.Sprint(n)
		switch k.Name {
		case "merchant_id":
			value = fmt.Sprintf("%q", frauddata.MerchantID(frauddata.RegularOf(n)))
			if len(view.ServingKeys) == 1 {
				value = fmt.Sprintf("%q", frauddata.MerchantID(n-4001))
			}
		case "card_id":
			value = fmt.Sprintf("%q", frauddata.CardID(n))
		}
		keys = append(keys, fmt.Sprintf("%q:%s", k.Name, value))
	}
	return "{" + strings.Join(keys, ",") + "}"
}

// TestAnswersAreRongates asks both for vectors of every feature view of the fraud data.
func TestAnswersAreRongates(t *testing.T) {
	now := func() time.Time { return time.Date(2026, 6, 7, 8, 9, 10, 0, time.UTC) }
	_, path := fraud(t, now())
	url := start(t, path, now)
	snapshot, rongate := startRongate(t, path, now)
	passed := map[string]string{
		"fraud/1": `{"amount": 12.50, "country": "NO"}`,
		"fraud/2": `{"max_amount_30d": "7", "balance": -0.5, "is_new": true,
			"device_hash": 18446744073709551615, "token": "Aw=="}`,
		"fraud/3":    `{"device_os": "web", "screen_dpi": -1, "session_entropy": 0.5}`,
		"account/1":  `{"account_id": 5, "home_city": "<Ö & \"B\">", "updated_at": "2026-01-02 03:04:05.1", "segment": "premium"}`,
		"merchant/1": `{"about": null, "opened_on": "2026-01-02"}`,
	}
	statuses := map[string]int{}
	for _, view := range snapshot.Views {
		name := fmt.Sprintf("%s/%d", view.Name, view.Version)
		head := fmt.Sprintf(`{"featureView":%q,"version":%d`, view.Name, view.Version)
		var batch []string
		for n := uint64(4690); n < 4790; n++ {
			batch = append(batch, entry(view, n))
		}
		entries := head + `,"entries":[` + strings.Join(batch, ",") + `]`
		first, last := view.Features[0].Name, view.Features[len(view.Features)-1].Name
		for _, body := range []string{
			head + `,"entry":` + entry(view, 4711) + `}`,
			head + `,"entry":` + entry(view, 4713) + `}`,
			head + `,"entry":` + entry(view, 4715) + `,"options":{"deadlineMs":4000}}`,
			head + `,"entry":` + entry(view, 99999) + `,"passedFeatures":` + passed[name] + `}`,
			head + `,"entry":` + entry(view, 4711) + `,"passedFeatures":` + passed[name] + `,"options":{"partial":true}}`,
			head + `,"entry":` + entry(view, 4711) + fmt.Sprintf(`,"features":[%q,%q]}`, last, first),
			head + `,"entry":{}}`,
			head + `,"entry":` + fmt.Sprintf(`{%q:null}}`, view.ServingKeys[0].Name),
			entries + `}`,
			entries + fmt.Sprintf(`,"features":[%q],"passedFeatures":[`, last) + passed[name] + strings.Repeat(",null", 99) + `]}`,
		} {
			status, got := ask(t, http.MethodPost, url+"/feature-vectors", body)
			want := rongate(body)
			if status != http.StatusOK || !equalJSON(t, got, want) {
				t.Errorf("%s\ngot  %d %s\nwant %s", body, status, got, want)
			}
			for _, s := range []string{"COMPLETE", "EXPIRED", "MISSING"} {
				statuses[s] += bytes.Count(want, []byte(s))
			}
		}
	}
	if len(snapshot.Views) != len(passed) || statuses["COMPLETE"] == 0 || statuses["EXPIRED"] == 0 || statuses["MISSING"] == 0 {
		t.Errorf("%d views, %v", len(snapshot.Views), statuses)
	}
}

// TestContract replays those of the golden pairs that take no more than the baseline knows.
func TestContract(t *testing.T) {
	db := shared.Get(t, testbed.KindMariaDB)
	if err := db.Exec(t.Context(), strings.Join(contract.Schema(db.Engine()), ";\n")+";\n"); err != nil {
		t.Fatal(err)
	}
	url := start(t, configure(t, db, contract.Catalog()), contract.Now)
	cases, err := contract.Cases()
	if err != nil {
		t.Fatal(err)
	}
	replayed := 0
	for _, c := range cases {
		if c.Status != http.StatusOK || c.Only != "" && c.Only != string(db.Kind()) || beyond(&c) {
			continue
		}
		replayed++
		status, got := ask(t, c.Method, url+c.Path, string(c.Body))
		if status != c.Status || !equalJSON(t, got, c.WantBody) {
			t.Errorf("%s: %s\ngot  %d %s\nwant %s", c.Name, c.Comment, status, got, c.WantBody)
		}
	}
	if replayed < 50 {
		t.Errorf("only %d cases were replayed", replayed)
	}
}

// beyond reports whether a case takes what only rongate has.
func beyond(c *contract.Case) bool {
	if strings.HasPrefix(c.Path, "/0.1.0/") {
		return true
	}
	for _, option := range []string{"types", "detail", "numbers", "maxAgeMs"} {
		if bytes.Contains(c.Body, []byte(`"`+option+`"`)) {
			return true
		}
	}
	switch c.Name {
	case "110-key-accent-insensitive", "505-openapi":
		return true
	}
	return false
}

func TestMistakes(t *testing.T) {
	_, path := fraud(t, time.Now())
	url := start(t, path, time.Now) + "/feature-vectors"
	for body, want := range map[string]int{
		``:                                                                                  400,
		`{"featureView":"fraud"`:                                                            400,
		`{"featureView":"none","entry":{}}`:                                                 404,
		`{"featureView":"fraud","entry":{}}`:                                                400,
		`{"featureView":"account"}`:                                                         400,
		`{"featureView":"account","entry":1}`:                                               400,
		`{"featureView":"account","entries":[]}`:                                            400,
		`{"featureView":"account","entry":{},"entries":[{}]}`:                               400,
		`{"featureView":"account","entry":{"accuont_id":1}}`:                                400,
		`{"featureView":"account","entry":{"account_id":1.5}}`:                              400,
		`{"featureView":"account","entry":{"account_id":true}}`:                             400,
		`{"featureView":"account","entry":{},"features":[]}`:                                400,
		`{"featureView":"account","entry":{},"features":["none"]}`:                          400,
		`{"featureView":"account","entry":{},"passedFeatures":[]}`:                          400,
		`{"featureView":"account","entry":{},"passedFeatures":{"none":1}}`:                  400,
		`{"featureView":"account","entry":{},"passedFeatures":{"balance":"x"}}`:             400,
		`{"featureView":"account","entries":[{}],"passedFeatures":[{},{}]}`:                 400,
		`{"featureView":"account","entries":[{}],"passedFeatures":{}}`:                      400,
		`{"featureView":"account","entry":{},"options":{"types":true}}`:                     400,
		`{"featureView":"account","entries":[` + strings.Repeat("{},", maxEntries) + `{}]}`: 413,
	} {
		if status, answer := ask(t, http.MethodPost, url, body); status != want || !json.Valid(answer) {
			t.Errorf("%.100s: %d %s; want %d", body, status, answer, want)
		}
	}
}

// TestFaults freezes and kills the nodes of the own zone.
func TestFaults(t *testing.T) {
	db, path := fraud(t, time.Now())
	url := start(t, path, time.Now)
	own := db.Nodes()[:2]
	each := func(act func(testbed.Process) error) {
		for _, n := range own {
			if err := act(n.Process); err != nil {
				t.Fatal(err)
			}
		}
	}
	const body = `{"featureView":"account","entry":{"account_id":4711},"options":{"deadlineMs":%d,"partial":true}}`
	expect := func(deadline, status, ready int) {
		t.Helper()
		if got, answer := ask(t, http.MethodPost, url+"/feature-vectors", fmt.Sprintf(body, deadline)); got != status {
			t.Errorf("%d %s; want %d", got, answer, status)
		}
		if got, answer := ask(t, http.MethodGet, url+"/readyz", ""); ready > 0 && got != ready {
			t.Errorf("/readyz: %d %s; want %d", got, answer, ready)
		}
	}
	expect(5000, http.StatusOK, http.StatusOK)
	each(testbed.Process.Pause)
	expect(50, http.StatusGatewayTimeout, 0)
	each(testbed.Process.Resume)
	expect(5000, http.StatusOK, http.StatusOK)
	each(testbed.Process.Kill)
	expect(5000, http.StatusServiceUnavailable, http.StatusServiceUnavailable)
}

// TestRun runs the command until it is told to end.
func TestRun(t *testing.T) {
	_, path := fraud(t, time.Now())
	var addresses [2]string
	var held [2]net.Listener // so that the two differ
	for i := range addresses {
		var err error
		if held[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		addresses[i] = held[i].Addr().String()
	}
	for _, listener := range held {
		listener.Close()
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"--config", path, "--listen", addresses[0], "--private-listen", addresses[1]})
	}()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", addresses[0]); err == nil {
			conn.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatal("it does not listen")
		}
	}
	for _, url := range []string{addresses[0] + "/readyz", addresses[1] + "/readyz", addresses[1] + "/debug/pprof/"} {
		if status, answer := ask(t, http.MethodGet, "http://"+url, ""); status != http.StatusOK {
			t.Errorf("%s: %d %s", url, status, answer)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := run(t.Context(), []string{"--config", filepath.Join(t.TempDir(), "none.yaml")}); err == nil {
		t.Error("it runs without a configuration")
	}
}
