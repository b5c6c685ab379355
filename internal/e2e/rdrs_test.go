package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/rongate/rongate/internal/hopsdb"
	"github.com/rongate/rongate/internal/testbed"
)

// An rdrsCase is a request in the API of RonDB's REST server, and what comes of it.
type rdrsCase struct {
	rule    string
	view    string // store/name/version, the store without its suffix; empty: entries is the whole body
	entries string // of a batch if it is a list; {big} stands for 9007199254740993
	more    string // other fields of the request
	code    int
	want    string // of a 200 the body as answered makes it; else part of the body. {group} stands for the id of a group
}

// answered is the body of a 200, but for what there is more.
func answered(features, status string) string { return answeredWith(features, "null", status, "null") }

func answeredWith(features, metadata, status, detail string) string {
	return fmt.Sprintf(`{"features":%s,"metadata":%s,"status":%s,"detailedStatus":%s}`, features, metadata, status, detail)
}

const (
	complete = `"COMPLETE"`
	missing  = `"MISSING"`
)

// single and batch are answered requests for one vector that is complete, or missing.
func found(features string) string  { return answered("["+features+"]", complete) }
func absent(features string) string { return answered("["+features+"]", missing) }

// TestRDRS: the rules of the API of RonDB's REST server.
func TestRDRS(t *testing.T) {
	for _, kind := range []testbed.Kind{testbed.KindMariaDB, testbed.KindNDB} {
		t.Run(string(kind), func(t *testing.T) {
			db := shared.Get(t, kind)
			in := newInstallation(hopsdb.Release5, "_rdrs", db.Engine())
			in.rdrsViews()
			execute(t, db, strings.Join(in.Take(), ";\n"))
			p := newHopsworksProgram(t, db, in.Schema, "")
			p.key = in.reader.Text
			p.start()
			p.await()
			p.poll(func() bool { // the key is known
				_, code := p.vector("_rdrs", "payments/types/1", `{"account_id": 2}`)
				return code == http.StatusOK
			})
			n := 0
			for _, test := range rdrsCases() {
				n++
				t.Run(fmt.Sprintf("%03d %s", n, test.rule), func(t *testing.T) { in.expectRDRS(t, p, test) })
			}
			in.rdrsRoutes(t, p)
			p.stop()
			t.Run("numeric booleans", func(t *testing.T) { in.rdrsBooleans(t, db) })
		})
	}
}

func (c *installation) expectRDRS(t *testing.T, p *program, test rdrsCase) {
	t.Helper()
	path, body := "/0.1.0/feature_store", test.entries
	if strings.HasPrefix(strings.TrimSpace(test.entries), "[") && test.view != "" || strings.HasPrefix(test.more, "batch") {
		path = "/0.1.0/batch_feature_store"
	}
	if test.view != "" {
		parts := strings.Split(test.view, "/")
		body = fmt.Sprintf(`{"featureStoreName": %q, "featureViewName": %q, "featureViewVersion": %s, "entries": %s`,
			parts[0]+c.suffix, parts[1], parts[2], test.entries)
		if test.more != "" {
			body += ", " + test.more
		}
		body += "}"
	}
	got, code := p.send(http.MethodPost, path, c.filled(body))
	want := c.filled(test.want)
	switch {
	case code != test.code:
		t.Errorf("%d instead of %d: %s", code, test.code, got)
	case code == http.StatusOK && string(got) != want:
		t.Errorf("got  %s\nwant %s", got, want)
	case code != http.StatusOK && (want == "" || !strings.Contains(string(got), want)):
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if code != http.StatusOK && strings.Contains(string(got), "SELECT") {
		t.Errorf("tells %s", got)
	}
}

// filled replaces what stands for ids and long numbers.
func (c *installation) filled(text string) string {
	replace := []string{"{big}", "9007199254740993", "{suffix}", c.suffix}
	for name, g := range map[string]*hopsdb.Group{
		"accounts": c.accounts, "merchants": c.merchant, "pairs": c.pairs, "clients": c.clients, "dated": c.dated,
		"lists": c.lists, "spine": c.spine,
	} {
		replace = append(replace, "{"+name+"}", strconv.Itoa(g.ID()))
	}
	return strings.NewReplacer(replace...).Replace(text)
}

// rdrsRoutes asks the other routes, and all by the wrong method.
func (c *installation) rdrsRoutes(t *testing.T, p *program) {
	t.Helper()
	key := p.key
	for _, test := range []struct {
		rule, method, path, body, key string
		code                          int
		want                          string
	}{
		{"ping takes no key", "GET", "/0.1.0/ping", "", "", 200, ""},
		{"ping with a key", "GET", "/0.1.0/ping", "", key, 200, ""},
		{"ping with a body", "GET", "/0.1.0/ping", "{}", "", 400, "Ping Request should be empty"},
		{"ping by POST", "POST", "/0.1.0/ping", "", key, 405, "this route takes GET"},
		{"health", "GET", "/0.1.0/health", "", key, 200, "1"},
		{"health without a key", "GET", "/0.1.0/health", "", "", 401, "API key"},
		{"health with a body", "GET", "/0.1.0/health", "{}", key, 400, "Health Request should be empty"},
		{"vectors by GET", "GET", "/0.1.0/feature_store", "", key, 405, "this route takes POST"},
		{"a batch by PUT", "PUT", "/0.1.0/batch_feature_store", "{}", key, 405, "this route takes POST"},
		{"vectors without a key", "POST", "/0.1.0/feature_store", "{}", "", 401, "send a valid API key"},
		{"a batch with a wrong key", "POST", "/0.1.0/batch_feature_store", "{}", key + "x", 401, "send a valid API key"},
		{"a primary key read", "POST", "/0.1.0/payments/accounts_1/pk-read", "{}", key, 404, "no such route"},
		{"another version", "GET", "/0.2.0/ping", "", key, 404, "no such route"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			p.key = test.key
			got, code := p.send(test.method, test.path, test.body)
			if code != test.code || !strings.Contains(string(got), test.want) || test.want == "" && len(got) > 0 {
				t.Errorf("%d: %s", code, got)
			}
		})
	}
	p.key = key
}

// rdrsBooleans: booleans are 0 and 1 for old clients.
func (c *installation) rdrsBooleans(t *testing.T, db testbed.Cluster) {
	p := newHopsworksProgram(t, db, c.Schema, "apiKeys: {check: false}")
	text, err := os.ReadFile(p.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.config, append(text, "\nrdrs: {numericBooleans: true}\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	p.start()
	p.await()
	for _, test := range []rdrsCase{
		{"true is 1", "payments/order/1", `{"account_id": {big}}`, "", 200, found(`-7,{big},1`)},
		{"false is 0", "payments/order/1", `{"account_id": 2}`, "", 200, found(`null,2,0`)},
		{"what is passed stays", "payments/order/1", `{"account_id": 2}`, `"passedFeatures": {"active": true}`, 200, found(`null,2,true`)},
	} {
		t.Run(test.rule, func(t *testing.T) { c.expectRDRS(t, p, test) })
	}
	if got, _ := p.vector(c.suffix, "payments/order/1", `{"account_id": 2}`); !strings.Contains(got, "[null,2,false]") {
		t.Errorf("the native API: %s", got)
	}
	p.stop()
}
