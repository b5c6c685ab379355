package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/faultnet"
	"github.com/rongate/rongate/internal/hopsdb"
	"github.com/rongate/rongate/internal/testbed"
)

// A servedCase is a request by the metadata, and what comes of it: the vector and its status, or the answer's code.
type servedCase struct {
	rule    string
	view    string // store/name/version, the store without its suffix
	entry   string
	want    string // features, vector and status, as JSON
	code    int    // 0: 200
	release hopsdb.Release
}

// installation is a company's feature stores, in a release of Hopsworks.
type installation struct {
	*hopsdb.Box
	suffix             string
	payments, people   *hopsdb.Project
	accounts, merchant *hopsdb.Group
	pairs, clients     *hopsdb.Group
	dated              *hopsdb.Group
	lists, spine       *hopsdb.Group
	bank               *hopsdb.Project // that the reader is no member of; of some tests alone
	reader             *hopsdb.APIKey  // of a member of both projects
}

func columns(list ...string) (found []hopsdb.Column) {
	for _, c := range list {
		name, rest, _ := strings.Cut(c, " ")
		offline, sql, _ := strings.Cut(rest, "/")
		kind, key := strings.CutSuffix(offline, "!")
		found = append(found, hopsdb.Column{Name: name, Offline: kind, SQL: sql, Key: key})
	}
	return found
}

// newInstallation makes one. Stores have a suffix, so that there can be several on one server.
func newInstallation(release hopsdb.Release, suffix, engine string) *installation {
	c := &installation{Box: hopsdb.New("hopsworks"+suffix, release, engine), suffix: suffix}
	c.payments, c.people = c.Project("payments"+suffix), c.Project("people"+suffix)
	c.accounts = c.payments.Group(hopsdb.Group{Name: "accounts", Version: 1, Columns: columns(
		"account_id bigint!", "balance decimal(20,4)", "active boolean", "opened date", "country string", "score double",
		"seen timestamp/timestamp(3)", "photo binary", "merchant_id string", "small smallint", "fraud int",
	)},
		`9007199254740993, 1234567890123456.7890, 1, '2026-01-02', 'SE', 0.1, '2026-01-02 03:04:05.678', x'00ff', 'm-1', -7, 1`,
		`2, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL`)
	c.merchant = c.payments.Group(hopsdb.Group{Name: "merchants", Version: 2, Columns: columns(
		"merchant_id string!", "name string", "risk float")}, `'m-1', 'Shop', 0.5`, `'m-2', 'Stall', 1.5`)
	c.pairs = c.payments.Group(hopsdb.Group{Name: "pairs", Version: 1, Columns: columns(
		"account_id bigint!", "merchant_id string!", "n int")}, `1, 'm-1', 11`, `1, 'm-2', 12`)
	c.clients = c.people.Group(hopsdb.Group{Name: "clients", Version: 1, Columns: columns(
		"id int!", "age int")}, `1, 31`, `2, 32`)
	c.dated = c.payments.Group(hopsdb.Group{Name: "dated", Version: 1, EventTime: "at", TTL: 3600, Columns: columns(
		"id int!", "v int", "at timestamp")}, `1, 10, UTC_TIMESTAMP()`, `2, 20, '2020-01-01 00:00:00'`)
	c.views()
	c.oddViews()
	c.moreViews()
	user := c.User("reader@company.example")
	c.payments.Member(user, hopsdb.DataOwner)
	c.people.Member(user, hopsdb.Observer)
	c.reader = user.Key("serving", "FEATURESTORE", "KAFKA")
	return c
}

// views adds those that are served.
func (c *installation) views() {
	one := func(g *hopsdb.Group, features ...string) hopsdb.Join {
		return hopsdb.Join{Group: g, Features: features}
	}
	c.payments.View("types", 1, one(c.accounts, "balance", "active", "opened", "country", "score", "seen", "photo", "small"))
	c.payments.View("order", 1, one(c.accounts, "small", "account_id", "active"))
	c.payments.View("labels", 1, one(c.accounts, "country", "-fraud", "small"))
	c.payments.View("helpers", 1, one(c.accounts, "+country", "*small", "score"))
	c.payments.View("versions", 1, one(c.accounts, "small"))
	c.payments.View("versions", 2, one(c.accounts, "country"))
	c.payments.View("composite", 1, one(c.pairs, "n", "merchant_id"))
	c.payments.View("joined", 1, one(c.accounts, "country"), hopsdb.Join{
		Group: c.merchant, Prefix: "m_",
		Features: []string{"name"}, On: map[string]string{"merchant_id": "merchant_id"},
	})
	c.payments.View("prefixed", 1, one(c.accounts, "country"), hopsdb.Join{
		Group: c.merchant, Prefix: "m_",
		Features: []string{"name", "merchant_id"},
	})
	c.payments.View("self", 1, hopsdb.Join{Group: c.clients, Prefix: "a_", Features: []string{"age"}},
		hopsdb.Join{Group: c.clients, Prefix: "b_", Features: []string{"age"}})
	c.payments.View("clash", 1, one(c.clients, "age"), hopsdb.Join{
		Group: c.dated, Features: []string{"v"},
		Keys: []hopsdb.Key{{Column: "id", Prefix: "0_", Required: true}},
	})
	c.payments.View("shared", 1, one(c.clients, "age"))
	c.people.View("own", 1, one(c.clients, "age", "id"))
	c.payments.View("ttl", 1, one(c.dated, "v"))
	c.payments.View("override", 1, hopsdb.Join{
		Group: c.accounts, Features: []string{"small"},
		Keys: []hopsdb.Key{{Column: "account_id", Prefix: "left_", JoinOn: "who", Required: false}},
	})
	c.payments.View("preferred", 1, hopsdb.Join{
		Group: c.accounts, Features: []string{"small"},
		Keys: []hopsdb.Key{{Column: "account_id", Prefix: "left_", JoinOn: "who", Required: true}},
	})
	c.payments.View("nokeys", 1, hopsdb.Join{Group: c.accounts, Features: []string{"small"}, Keys: []hopsdb.Key{}})
}

// oddViews adds those of which something is not served, or all.
func (c *installation) oddViews() {
	left := hopsdb.Join{Group: c.accounts, Features: []string{"country"}}
	offline := c.payments.Group(hopsdb.Group{
		Name: "offline", Version: 1, Offline: true,
		Columns: columns("account_id bigint!", "target int"),
	})
	c.spine = c.payments.Group(hopsdb.Group{
		Name: "spine", Version: 1, Spine: true,
		Columns: columns("account_id bigint!", "amount double"),
	})
	embedded := c.payments.Group(hopsdb.Group{
		Name: "vectors", Version: 1, Embedding: true,
		Columns: columns("account_id bigint!", "embedding array<float>"),
	})
	absent := c.payments.Group(hopsdb.Group{
		Name: "absent", Version: 1, NoTable: true,
		Columns: columns("account_id bigint!", "v int"),
	})
	nested := c.payments.Group(hopsdb.Group{
		Name: "nested", Version: 1,
		Columns: columns("account_id bigint!", "list array<double>", "odd array<int>"),
	},
		"1, x'0204000000000000f83f00000000000000c000', NULL", "2, NULL, NULL", "3, x'00', NULL", "4, x'0202', NULL")
	schema := `{"type": "record", "name": "nested", "fields": [{"name": "account_id", "type": ["null", "long"]}, ` +
		`{"name": "list", "type": ["null", {"type": "array", "items": ["null", "double"]}]}]}`
	older := strings.ReplaceAll(schema, `["null", "double"]`, `"double"`)
	c.lists = c.payments.Group(hopsdb.Group{
		Name: "read", Version: 1, Schemas: []string{schema, older},
		Columns: columns("account_id bigint!", "list array<double>", "odd array<int>"),
	},
		"1, x'0204000000000000f83f00000000000000c000', NULL", "2, NULL, NULL", "3, x'00', NULL", "4, x'0202', NULL")
	c.payments.View("labelgroup", 1, left, hopsdb.Join{Group: offline, Features: []string{"-target"}})
	c.payments.View("labelkey", 1, left, hopsdb.Join{Group: offline, Prefix: "l_", Features: []string{"-target"}})
	c.payments.View("offline", 1, left, hopsdb.Join{Group: offline, Features: []string{"target"}})
	c.payments.View("spine", 1, hopsdb.Join{Group: c.spine, Features: []string{"amount", "account_id"}}, left)
	c.payments.View("absent", 1, left, hopsdb.Join{Group: absent, Features: []string{"v"}})
	c.payments.View("deleted", 1, left, hopsdb.Join{Group: c.merchant, Features: []string{"name"}, Deleted: true})
	c.payments.View("complex", 1, left, hopsdb.Join{Group: nested, Features: []string{"list"}})
	c.payments.View("lists", 1, hopsdb.Join{Group: c.lists, Features: []string{"list"}})
	c.payments.View("nofield", 1, hopsdb.Join{Group: c.lists, Features: []string{"odd"}})
	c.payments.View("onlylabels", 1, hopsdb.Join{Group: c.accounts, Features: []string{"-fraud"}})
	c.payments.View("unknown", 1, hopsdb.Join{Group: c.accounts, Features: []string{"country", "nothing"}})
	c.payments.View("embedded", 1, left, hopsdb.Join{Group: embedded, Prefix: "e_", Features: []string{"embedding"}})
}

// servedCases are the rules by which views are served.
func servedCases() []servedCase {
	const five = hopsdb.Release5
	big := `{"account_id": 9007199254740993}`
	small := `{"features":["small"],"vector":[-7],"status":"COMPLETE"}`
	return []servedCase{
		{"types are those of the columns", "payments/types/1", big, `{"features":["balance","active","opened","country",` +
			`"score","seen","photo","small"],"vector":[1234567890123456.7890,true,"2026-01-02","SE",0.1,` +
			`"2026-01-02 03:04:05.678","AP8=",-7],"status":"COMPLETE"}`, 0, 0},
		{"NULL is null", "payments/types/1", `{"account_id": 2}`, `{"features":["balance","active","opened","country",` +
			`"score","seen","photo","small"],"vector":[null,false,null,null,null,null,null,null],"status":"COMPLETE"}`, 0, 0},
		{
			"a key feature echoes the request", "payments/order/1", `{"account_id": 5}`,
			`{"features":["small","account_id","active"],"vector":[null,5,null],"status":"MISSING"}`, 0, 0,
		},
		{
			"features are in the order of idx", "payments/order/1", big,
			`{"features":["small","account_id","active"],"vector":[-7,9007199254740993,true],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"labels are dropped", "payments/labels/1", big,
			`{"features":["country","small"],"vector":["SE",-7],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"helper columns are kept", "payments/helpers/1", big,
			`{"features":["country","small","score"],"vector":["SE",-7,0.1],"status":"COMPLETE"}`, 0, 0,
		},
		{"a version is its own view", "payments/versions/1", big, small, 0, 0},
		{
			"another version is another", "payments/versions/2", big,
			`{"features":["country"],"vector":["SE"],"status":"COMPLETE"}`, 0, 0,
		},
		{"a version that there is not", "payments/versions/3", big, "", 404, 0},
		{
			"a composite key takes all parts", "payments/composite/1", `{"account_id": 1, "merchant_id": "m-2"}`,
			`{"features":["n","merchant_id"],"vector":[12,"m-2"],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"part of a composite key is none", "payments/composite/1", `{"account_id": 1}`,
			`{"features":["n","merchant_id"],"vector":[null,null],"status":"MISSING"}`, 0, 0,
		},
		{
			"a key that is not required is given by join_on", "payments/joined/1", `{"account_id": 2, "merchant_id": "m-2"}`,
			`{"features":["country","m_name"],"vector":[null,"Stall"],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"no join is followed", "payments/joined/1", big,
			`{"features":["country","m_name"],"vector":["SE",null],"status":"MISSING"}`, 0, 0,
		},
		{
			"a required key has its prefix", "payments/prefixed/1", `{"account_id": 2, "m_merchant_id": "m-1"}`,
			`{"features":["country","m_name","m_merchant_id"],"vector":[null,"Shop","m-1"],"status":"COMPLETE"}`, 0, 0,
		},
		{"a name that no key has", "payments/prefixed/1", `{"account_id": 2, "merchant_id": "m-1"}`, "", 400, 0},
		{
			"a group may be joined to itself", "payments/self/1", `{"a_id": 1, "b_id": 2}`,
			`{"features":["a_age","b_age"],"vector":[31,32],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"a serving key's prefix is not the features'", "payments/clash/1", `{"id": 2, "0_id": 1}`,
			`{"features":["age","v"],"vector":[32,10],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"a group may be of another project", "payments/shared/1", `{"id": 1}`,
			`{"features":["age"],"vector":[31],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"another store has its own views", "people/own/1", `{"id": 2}`,
			`{"features":["age","id"],"vector":[32,2],"status":"COMPLETE"}`, 0, 0,
		},
		{"a view of another store", "people/shared/1", `{"id": 2}`, "", 404, 0},
		{
			"a row within its time to live", "payments/ttl/1", `{"id": 1}`,
			`{"features":["v"],"vector":[10],"status":"COMPLETE"}`, 0, five,
		},
		{
			"a row beyond its time to live", "payments/ttl/1", `{"id": 2}`,
			`{"features":["v"],"vector":[null],"status":"EXPIRED"}`, 0, five,
		},
		{"join_on beats the prefix of a key that is not required", "payments/override/1", `{"who": 9007199254740993}`, small, 0, 0},
		{"the prefix beats join_on of one that is", "payments/preferred/1", `{"left_account_id": 9007199254740993}`, small, 0, 0},
		{"without serving keys the columns' names are", "payments/nokeys/1", big, small, 0, 0},
		{
			"a group of labels alone is not read", "payments/labelgroup/1", big,
			`{"features":["country"],"vector":["SE"],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"its serving keys may be given", "payments/labelkey/1", `{"account_id": 9007199254740993, "l_account_id": 3}`,
			`{"features":["country"],"vector":["SE"],"status":"COMPLETE"}`, 0, 0,
		},
		{"a group that is not online", "payments/offline/1", big, "", 404, 0},
		{
			"a spine has no rows", "payments/spine/1", big,
			`{"features":["amount","account_id","country"],"vector":[null,9007199254740993,"SE"],"status":"MISSING"}`, 0, 0,
		},
		{"a table that there is not", "payments/absent/1", big, "", 404, 0},
		{"a group that was deleted", "payments/deleted/1", big, "", 404, 0},
		{"complex features without a schema", "payments/complex/1", big, "", 404, 0},
		{"a complex feature that the schema does not have", "payments/nofield/1", big, "", 404, 0},
		{
			"complex features are JSON, by the newest schema", "payments/lists/1", `{"account_id": 1}`,
			`{"features":["list"],"vector":[[1.5,-2]],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"a complex feature that is NULL", "payments/lists/1", `{"account_id": 2}`,
			`{"features":["list"],"vector":[null],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"a complex feature that is a union's null", "payments/lists/1", `{"account_id": 3}`,
			`{"features":["list"],"vector":[null],"status":"COMPLETE"}`, 0, 0,
		},
		{
			"a complex feature that does not fit is null", "payments/lists/1", `{"account_id": 4}`,
			`{"features":["list"],"vector":[null],"status":"COMPLETE"}`, 0, 0,
		},
		{"labels alone", "payments/onlylabels/1", big, "", 404, 0},
		{"a feature without a column", "payments/unknown/1", big, "", 404, 0},
		{
			"features in a vector database are left out", "payments/embedded/1", `{"account_id": 9007199254740993, "e_account_id": 1}`,
			`{"features":["country"],"vector":["SE"],"status":"COMPLETE"}`, 0, five,
		},
	}
}

// newHopsworksProgram is rongate over the metadata of an installation. more is what else is said of where they are.
func newHopsworksProgram(t testing.TB, db testbed.Cluster, schema, more string) *program {
	t.Helper()
	p := newProgram(t, db, "featureStores: []\n", "")
	text, err := os.ReadFile(p.config)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("catalog: {file: catalog.yaml}"), []byte(fmt.Sprintf(
		"catalog: {hopsworks: {schema: %s, snapshot: %s, %s}}", schema, filepath.Join(t.TempDir(), "metadata"), more)), 1)
	if err := os.WriteFile(p.config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestHopsworks: every view is served by the metadata, in two releases.
func TestHopsworks(t *testing.T) {
	for _, kind := range []testbed.Kind{testbed.KindMariaDB, testbed.KindNDB} {
		t.Run(string(kind), func(t *testing.T) {
			db := shared.Get(t, kind)
			for release, suffix := range map[hopsdb.Release]string{hopsdb.Release40: "_40", hopsdb.Release5: "_5"} {
				in := newInstallation(release, suffix, db.Engine())
				execute(t, db, strings.Join(in.Take(), ";\n"))
				p := newHopsworksProgram(t, db, in.Schema, "")
				p.key = in.reader.Text
				p.start()
				p.await()
				for _, test := range append(servedCases(), moreCases()...) {
					if release >= test.release {
						t.Run(suffix[1:]+"/"+test.rule, func(t *testing.T) { p.expect(t, suffix, test) })
					}
				}
				in.detail(t, p)
				load := p.load(t, suffix) // of which nothing fails, whatever becomes of other views
				in.follow(t, db, p)
				load.end(t)
				p.stop()
			}
		})
	}
}

// expect asks for a vector.
func (p *program) expect(t *testing.T, suffix string, test servedCase) {
	t.Helper()
	got, code := p.vector(suffix, test.view, test.entry)
	if code != max(test.code, 200) && test.code != 0 || test.code == 0 && code != 200 {
		t.Fatalf("%d: %s", code, got)
	}
	if test.want != "" && got != test.want {
		t.Errorf("got  %s\nwant %s", got, test.want)
	}
}

// vector asks for one, and returns its features, values and status; code 0 stands for no answer.
func (p *program) vector(suffix, view, entry string) (answer string, code int) {
	parts := strings.Split(view, "/")
	text, code := p.post(fmt.Sprintf(`{"featureStore": %q, "featureView": %q, "version": %s, "entry": %s}`,
		parts[0]+suffix, parts[1], parts[2], entry))
	if code != http.StatusOK {
		return string(text), code
	}
	var fields struct {
		Features json.RawMessage `json:"features"`
		Vector   json.RawMessage `json:"vector"`
		Status   json.RawMessage `json:"status"`
	}
	if err := json.Unmarshal(text, &fields); err != nil {
		return fmt.Sprintf("%v: %s", err, text), 0
	}
	return fmt.Sprintf(`{"features":%s,"vector":%s,"status":%s}`, fields.Features, fields.Vector, fields.Status), 200
}

// becomes asks for a vector until that has a code, and tells how long it took.
func (p *program) becomes(t *testing.T, what, suffix, view, entry string, code int) {
	t.Helper()
	begun := time.Now()
	for {
		got, found := p.vector(suffix, view, entry)
		took := time.Since(begun)
		if found == code {
			t.Logf("%s after %v", what, took)
			return
		}
		if took > 10*time.Second {
			t.Fatalf("%s: %d after %v: %s", what, found, took, got)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// post sends a request over a connection of its own; code 0 stands for no answer.
func (p *program) post(body string) (answer []byte, code int) {
	return p.send(http.MethodPost, "/feature-vectors", body)
}

// send is post for any route.
func (p *program) send(method, path, body string) (answer []byte, code int) {
	request, err := http.NewRequest(method, p.public+path, strings.NewReader(body))
	if err != nil {
		return []byte(err.Error()), 0
	}
	request.Header.Set("Content-Type", "application/json")
	if p.key != "" {
		request.Header.Set("X-Api-Key", p.key)
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return []byte(err.Error()), 0
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return []byte(err.Error()), 0
	}
	return text, response.StatusCode
}

// detail names the features that do not fit their schema.
func (c *installation) detail(t *testing.T, p *program) {
	t.Helper()
	for entry, want := range map[string]string{
		`{"account_id": 4}`: `"groups":[{"name":"read_1","status":"COMPLETE","unfit":["list"]}]`,
		`{"account_id": 2}`: `"groups":[{"name":"read_1","status":"COMPLETE"}]`,
	} {
		body := fmt.Sprintf(`{"featureStore": "payments%s", "featureView": "lists", "entry": %s, "options": {"detail": true}}`,
			c.suffix, entry)
		if text, _ := p.post(body); !strings.Contains(string(text), want) {
			t.Errorf("%s; want %s", text, want)
		}
	}
}

// follow changes the metadata while rongate serves: what is new is served within a second.
func (c *installation) follow(t *testing.T, db testbed.Cluster, p *program) {
	t.Helper()
	const big = `{"account_id": 9007199254740993}`
	served := func(what, view string, code int) {
		t.Helper()
		execute(t, db, strings.Join(c.Take(), ";\n"))
		p.becomes(t, what, c.suffix, view, big, code)
	}
	added := c.payments.View("added", 1, hopsdb.Join{Group: c.accounts, Features: []string{"small"}})
	served("a new view", "payments/added/1", http.StatusOK)
	c.DropView(added)
	served("one that was deleted", "payments/added/1", http.StatusNotFound)
	changed := c.payments.View("added", 1, hopsdb.Join{Group: c.accounts, Features: []string{"country"}})
	served("one in its place", "payments/added/1", http.StatusOK)
	if got, _ := p.vector(c.suffix, "payments/added/1", big); !strings.Contains(got, `"SE"`) {
		t.Errorf("the view of before: %s", got)
	}
	c.DropView(changed)
	fresh := c.payments.Group(hopsdb.Group{Name: "fresh", Version: 1, Columns: columns("account_id bigint!", "v int")},
		"9007199254740993, 3")
	c.payments.View("fresh", 1, hopsdb.Join{Group: fresh, Features: []string{"v"}})
	served("a view of a new table", "payments/fresh/1", http.StatusOK)
	c.Add(fmt.Sprintf("CREATE TABLE `payments%s`.`absent_1` (account_id BIGINT PRIMARY KEY, v INT) %s", c.suffix, db.Engine()))
	served("a view whose table is there at last", "payments/absent/1", http.StatusOK)
	c.DropGroup(fresh)
	served("one whose group was deleted", "payments/fresh/1", http.StatusNotFound)
}

// TestHopsworksAway: the metadata servers are gone, in three ways; rongate serves on, is restarted and serves by its
// snapshot, and follows again when they are back. Of the requests that are sent all the while to one that serves, none
// fails.
func TestHopsworksAway(t *testing.T) {
	db := shared.Get(t, testbed.KindMariaDB)
	in := newInstallation(hopsdb.Release5, "_away", db.Engine())
	execute(t, db, strings.Join(in.Take(), ";\n"))
	metadata, err := faultnet.New(faultnet.Config{Upstream: db.Nodes()[0].Address})
	if err != nil {
		t.Fatal(err)
	}
	defer metadata.Close()
	p := newHopsworksProgram(t, db, in.Schema, fmt.Sprintf("nodes: [{address: %q}]", metadata.Addr()))
	p.key = in.reader.Text
	p.start()
	p.await()
	p.poll(func() bool { // from now on the key is known
		_, code := p.vector("_away", "payments/types/1", `{"account_id": 2}`)
		return code == http.StatusOK
	})
	for name, fault := range map[string]faultnet.Fault{
		"refused": {Refuse: true}, "black hole": {BlackHole: true}, "no greeting": {NoGreeting: true},
	} {
		t.Run(name, func(t *testing.T) {
			load := p.load(t, "_away")
			if err := metadata.Set(fault); err != nil {
				t.Fatal(err)
			}
			if fault.Refuse || fault.NoGreeting {
				metadata.Reset()
			}
			p.awaitMetric(t, "rongate_metadata_live 0")
			load.end(t)
			p.stop()
			p.start()
			begun := time.Now()
			p.await()
			if told := p.told(t, "/readyz"); !strings.Contains(told, `"metadata":{"live":false,"knownAt":"20`) {
				t.Errorf("/readyz says %s", told)
			}
			t.Logf("ready by the snapshot after %v", time.Since(begun))
			load = p.load(t, "_away")
			p.awaitMetric(t, "rongate_metadata_live 0")
			if err := metadata.Set(faultnet.Fault{}); err != nil {
				t.Fatal(err)
			}
			p.awaitMetric(t, "rongate_metadata_live 1")
			version := 10 + len(name)
			in.payments.View("versions", version, hopsdb.Join{Group: in.accounts, Features: []string{"small"}})
			execute(t, db, strings.Join(in.Take(), ";\n"))
			p.poll(func() bool {
				_, code := p.vector("_away", fmt.Sprintf("payments/versions/%d", version), `{"account_id": 2}`)
				return code == http.StatusOK
			})
			load.end(t)
		})
	}
	p.stop()
}

// TestHopsworksServers: the metadata are on a server of their own, which is frozen, and killed, under load; rongate is
// restarted meanwhile, and follows again when it is back.
func TestHopsworksServers(t *testing.T) {
	db := shared.Get(t, testbed.KindMariaDB)
	own, err := testbed.StartMariaDB(t.Context(), testbed.MariaDBConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	in := newInstallation(hopsdb.Release5, "_servers", db.Engine())
	statements := strings.Join(in.Take(), ";\n")
	execute(t, db, statements)
	execute(t, own, statements)
	p := newHopsworksProgram(t, db, in.Schema, fmt.Sprintf("nodes: [{address: %q}]", own.Nodes()[0].Address))
	p.key = in.reader.Text
	p.start()
	p.await()
	p.poll(func() bool {
		_, code := p.vector("_servers", "payments/types/1", `{"account_id": 2}`)
		return code == http.StatusOK
	})
	server := own.Server()
	for i, verb := range []struct {
		name        string
		do, reverse func() error
	}{
		{"frozen", server.Pause, server.Resume},
		{"killed", server.Kill, func() error { return server.Restart(t.Context()) }},
	} {
		t.Run(verb.name, func(t *testing.T) {
			load := p.load(t, "_servers")
			if err := verb.do(); err != nil {
				t.Fatal(err)
			}
			p.awaitMetric(t, "rongate_metadata_live 0")
			load.end(t)
			p.stop()
			p.start()
			p.await()
			load = p.load(t, "_servers")
			p.awaitMetric(t, "rongate_metadata_live 0")
			if err := verb.reverse(); err != nil {
				t.Fatal(err)
			}
			p.awaitMetric(t, "rongate_metadata_live 1")
			in.payments.View("versions", 10+i, hopsdb.Join{Group: in.accounts, Features: []string{"small"}})
			execute(t, own, strings.Join(in.Take(), ";\n"))
			begun := time.Now()
			p.poll(func() bool {
				_, code := p.vector("_servers", fmt.Sprintf("payments/versions/%d", 10+i), `{"account_id": 2}`)
				return code == http.StatusOK
			})
			t.Logf("a view that was added then is served after %v", time.Since(begun))
			load.end(t)
			t.Logf("%d requests, %d failed", load.sent, len(load.bad))
		})
	}
	p.stop()
}

// told reads from the private listener.
func (p *program) told(t testing.TB, path string) string {
	t.Helper()
	resp, err := http.Get(p.private + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A steadyLoad is requests that are sent one after the other.
type steadyLoad struct {
	stop chan struct{}
	done chan struct{}
	sent int
	bad  []string
}

// load asks for one vector again and again, every one of which has to be answered.
func (p *program) load(t *testing.T, suffix string) *steadyLoad {
	l := &steadyLoad{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(l.done)
		for {
			select {
			case <-l.stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
			got, code := p.vector(suffix, "payments/types/1", `{"account_id": 9007199254740993}`)
			if l.sent++; code != http.StatusOK || !strings.Contains(got, "1234567890123456.7890") {
				l.bad = append(l.bad, fmt.Sprintf("%d: %s", code, got))
			}
		}
	}()
	return l
}

func (l *steadyLoad) end(t *testing.T) {
	t.Helper()
	close(l.stop)
	<-l.done
	if len(l.bad) > 0 || l.sent == 0 {
		t.Errorf("%d of %d failed: %s", len(l.bad), l.sent, l.bad[:min(3, len(l.bad))])
	}
}

// metric is the value of a metric without labels.
func (p *program) metric(t testing.TB, name string) float64 {
	t.Helper()
	for line := range strings.Lines(p.told(t, "/metrics")) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			found, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return found
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// awaitMetric returns when the metrics have a line.
func (p *program) awaitMetric(t *testing.T, line string) {
	t.Helper()
	p.poll(func() bool {
		resp, err := http.Get(p.private + "/metrics")
		if err != nil {
			t.Error(err)
			return true
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return err == nil && strings.Contains(string(text), "\n"+line+"\n")
	})
}

// TestCheckOfHopsworks: rongate check reads the metadata, and says which feature views cannot be served and why.
func TestCheckOfHopsworks(t *testing.T) {
	db := shared.Get(t, testbed.KindMariaDB)
	in := newInstallation(hopsdb.Release5, "_check", db.Engine())
	execute(t, db, strings.Join(in.Take(), ";\n"))
	p := newHopsworksProgram(t, db, in.Schema, "")
	out, err := exec.CommandContext(t.Context(), builtRongate(t), "check", "-c", p.config).CombinedOutput()
	t.Logf("%v\n%s", err, out)
	for _, want := range []string{
		"payments_check/types", "payments_check/offline", "feature group offline_1 is not online-enabled",
		"there is no schema of feature group nested_1",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not say %q", want)
		}
	}
}
