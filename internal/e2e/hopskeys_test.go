package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rongate/rongate/internal/hopsdb"
	"github.com/rongate/rongate/internal/testbed"
)

// A company is an installation with users. Its projects are shop, which shares nothing, bank, whose feature store is shared
// with partner, and lab, whose members are restricted, in the later release.
type company struct {
	*hopsdb.Box
	suffix                   string
	shop, bank, partner, lab *hopsdb.Project
	keys                     map[string]*hopsdb.APIKey // by user
	users                    map[string]*hopsdb.User
	results                  *hopsdb.Group // of lab
}

func newCompany(release hopsdb.Release, suffix, engine string) *company {
	c := &company{
		Box: hopsdb.New("hopsworks_keys"+suffix, release, engine), suffix: suffix,
		keys: map[string]*hopsdb.APIKey{}, users: map[string]*hopsdb.User{},
	}
	group := func(p *hopsdb.Project) *hopsdb.Group {
		return p.Group(hopsdb.Group{Name: "g", Version: 1, Columns: columns("id int!", "v int", "w int")}, "1, 10, 20")
	}
	view := func(p *hopsdb.Project, name string, groups ...*hopsdb.Group) {
		var joins []hopsdb.Join
		for i, g := range groups {
			joins = append(joins, hopsdb.Join{Group: g, Prefix: strings.Repeat("p", i), Features: []string{"v"}, Keys: []hopsdb.Key{
				{Column: "id", Required: true},
			}})
		}
		p.View(name, 1, joins...)
	}
	c.shop, c.bank = c.Project("shop"+suffix), c.Project("bank"+suffix)
	c.partner, c.lab = c.Project("partner"+suffix), c.Project("lab"+suffix)
	shop, bank, partner := group(c.shop), group(c.bank), group(c.partner)
	c.results = group(c.lab)
	view(c.shop, "own", shop)
	view(c.bank, "own", bank)
	view(c.partner, "own", partner)
	view(c.partner, "ofbank", partner, bank)
	view(c.partner, "ofshop", partner, shop)
	view(c.partner, "oflab", partner, c.results)
	view(c.lab, "v", c.results)
	c.lab.View("both", 1, hopsdb.Join{Group: c.results, Features: []string{"v", "w"}})
	c.bank.ShareStore(c.partner)
	c.shop.OfferStore(c.partner) // which was not accepted
	if release >= hopsdb.Release5 {
		c.partner.AcceptStore(c.shop) // but datasets are not how feature stores are shared any more
	}

	c.user("shopper", c.shop, hopsdb.DataOwner)
	c.user("partner", c.partner, "Data scientist")
	c.user("blocked", c.shop, hopsdb.DataOwner).SetStatus(4)
	c.user("nobody", nil, "")
	c.user("researcher", c.lab, hopsdb.Restricted)
	c.user("columns", c.lab, hopsdb.Restricted)
	c.user("everything", c.lab, hopsdb.Restricted)
	c.user("promoted", c.lab, hopsdb.DataOwner)
	c.keys["unscoped"] = c.users["shopper"].Key("other", "KAFKA")
	c.keys["expired"] = c.users["shopper"].Key("old", "FEATURESTORE")
	c.keys["expires"] = c.users["shopper"].Key("soon", "FEATURESTORE")
	if release >= hopsdb.Release5 {
		c.keys["expired"].Expire("UTC_TIMESTAMP() - INTERVAL 1 MINUTE")
		c.keys["expires"].Expire("UTC_TIMESTAMP() + INTERVAL 1 HOUR")
		c.results.Grant(c.users["columns"], "v")
		c.results.Grant(c.users["everything"])
		c.results.Grant(c.users["promoted"], "v") // of no account: it is a restricted member no more
		c.results.Share(c.partner, "v")
	}
	return c
}

func (c *company) user(name string, p *hopsdb.Project, role string) *hopsdb.User {
	u := c.User(name + "@company.example")
	c.users[name] = u
	if p != nil {
		p.Member(u, role)
	}
	c.keys[name] = u.Key("serving", "FEATURESTORE")
	return u
}

// An authCase is a key, what it asks for, and what comes of it.
type authCase struct {
	rule    string
	key     string // whose, or the text itself with = in front
	view    string
	code    int
	release hopsdb.Release
}

func (c *company) authCases() []authCase {
	const five = hopsdb.Release5
	secret := func(user string) string {
		prefix, rest, _ := strings.Cut(c.keys[user].Text, ".")
		return "=" + prefix + "." + strings.ToUpper(rest)
	}
	return []authCase{
		{"a member reads the project's views", "shopper", "shop/own", 200, 0},
		{"a member of another project does not", "shopper", "bank/own", 404, 0},
		{"no key", "=", "shop/own", 401, 0},
		{"a key without a secret", "=" + strings.SplitAfter(c.keys["shopper"].Text, ".")[0], "shop/own", 401, 0},
		{"a key without a dot", "=abc", "shop/own", 401, 0},
		{"an unknown prefix", "=0123456789abcdef.secret", "shop/own", 401, 0},
		{"an unknown prefix of any length", "=" + strings.Repeat("x", 3000) + ".secret", "shop/own", 401, 0},
		{"a prefix in capitals", "=" + strings.ToUpper(c.keys["shopper"].Text), "shop/own", 401, 0},
		{"a wrong secret", secret("shopper"), "shop/own", 401, 0},
		{"a longer secret", "=" + c.keys["shopper"].Text + "0", "shop/own", 401, 0},
		{"a wrong secret with a view of another project", secret("shopper"), "bank/own", 401, 0},
		{"a key of a blocked user", "blocked", "shop/own", 401, 0},
		{"a key without the scope", "unscoped", "shop/own", 403, 0},
		{"a key without the scope tells of no view", "unscoped", "bank/none", 403, 0},
		{"a key that has expired", "expired", "shop/own", 401, five},
		{"a key that will expire", "expires", "shop/own", 200, five},
		{"a user without a project", "nobody", "shop/own", 404, 0},
		{"a store that is shared", "partner", "bank/own", 200, 0},
		{"a view of a group that is shared", "partner", "partner/ofbank", 200, 0},
		{"a store that is not shared", "partner", "shop/own", 404, 0},
		{"a view of a group that is not shared", "partner", "partner/ofshop", 404, 0},
		{"who shares gets nothing in return", "shopper", "partner/own", 404, 0},
		{"features that are shared", "partner", "lab/v", 200, five},
		{"a view of features that are shared", "partner", "partner/oflab", 200, five},
		{"features that are not, beside such that are", "partner", "lab/both", 404, five},
		{"a restricted member without a grant", "researcher", "lab/v", 404, 0},
		{"a restricted member with a grant of the features", "columns", "lab/v", 200, five},
		{"a restricted member with a grant of some of them", "columns", "lab/both", 404, five},
		{"a restricted member with a grant of the group", "everything", "lab/both", 200, five},
		{"a member who was restricted", "promoted", "lab/both", 200, 0},
		{"a view that there is not, in a store of one's own", "shopper", "shop/none", 404, 0},
		{"a view that there is not, in another's", "shopper", "bank/none", 404, 0},
		{"a view that there is not, in no store", "shopper", "none/none", 404, 0},
	}
}

// TestHopsworksKeys: who may read what, in two releases, and how fast what changes of that counts.
func TestHopsworksKeys(t *testing.T) {
	for _, kind := range []testbed.Kind{testbed.KindMariaDB, testbed.KindNDB} {
		t.Run(string(kind), func(t *testing.T) {
			db := shared.Get(t, kind)
			for release, suffix := range map[hopsdb.Release]string{hopsdb.Release40: "_k40", hopsdb.Release5: "_k5"} {
				t.Run(suffix[1:], func(t *testing.T) {
					c := newCompany(release, suffix, db.Engine())
					execute(t, db, strings.Join(c.Take(), ";\n"))
					p := newHopsworksProgram(t, db, c.Schema, "apiKeys: {refresh: 500ms}, compare: 1s")
					p.start()
					p.key = c.keys["partner"].Text
					p.poll(func() bool { // the catalogue is there
						_, code := p.vector(suffix, "partner/own/1", `{"id": 1}`)
						return code == http.StatusOK
					})
					for _, test := range c.authCases() {
						if release >= test.release {
							t.Run(test.rule, func(t *testing.T) { c.expect(t, p, test) })
						}
					}
					c.follow(t, db, p, release)
					p.stop()
				})
			}
		})
	}
}

// expect asks with a key. Nothing but the code may depend on what there is behind a view that may not be read.
func (c *company) expect(t *testing.T, p *program, test authCase) {
	t.Helper()
	p.key = test.key
	if text, ok := strings.CutPrefix(test.key, "="); ok {
		p.key = text
	} else {
		p.key = c.keys[test.key].Text
	}
	got, code := p.vector(c.suffix, test.view+"/1", `{"id": 1}`)
	if code != test.code {
		t.Fatalf("%d instead of %d: %s", code, test.code, got)
	}
	c.expectRDRS(t, p, test)
	if code == http.StatusOK {
		return
	}
	store, _, _ := strings.Cut(test.view, "/")
	if told := withoutID(got); strings.Contains(told, store) || strings.Contains(told, `"vector"`) {
		t.Errorf("tells %s", got)
	}
	if code == http.StatusNotFound {
		unknown, _ := p.vector(c.suffix, "nowhere/nothing/1", `{"id": 1}`)
		if withoutID(got) != withoutID(unknown) {
			t.Errorf("%s, but of a view that there is not: %s", got, unknown)
		}
	}
}

// expectRDRS asks by the API of RonDB's REST server. To it all that the key is no good for is 401, but for what there is not
// in a feature store that the key is for.
func (c *company) expectRDRS(t *testing.T, p *program, test authCase) {
	t.Helper()
	store, view, _ := strings.Cut(test.view, "/")
	got, code := p.send(http.MethodPost, "/0.1.0/feature_store", fmt.Sprintf(
		`{"featureStoreName": %q, "featureViewName": %q, "featureViewVersion": 1, "entries": {"id": 1}}`, store+c.suffix, view))
	want := http.StatusUnauthorized
	switch {
	case test.code == http.StatusOK:
		want = http.StatusOK
	case test.key == "shopper" && test.view == "shop/none":
		want = http.StatusBadRequest
	}
	if code != want {
		t.Errorf("by the API of RonDB's REST server: %d instead of %d: %s", code, want, got)
	}
}

// withoutID is a problem without the request's id.
func withoutID(problem string) string {
	head, _, _ := strings.Cut(problem, `"requestId"`)
	return head
}

// follow changes what users may read while rongate serves.
func (c *company) follow(t *testing.T, db testbed.Cluster, p *program, release hopsdb.Release) {
	t.Helper()
	counts := func(what, key, view string, code int) {
		t.Helper()
		execute(t, db, strings.Join(c.Take(), ";\n"))
		p.key = c.keys[key].Text
		p.becomes(t, what, c.suffix, view+"/1", `{"id": 1}`, code)
	}
	c.user("late", c.shop, hopsdb.Observer)
	counts("a new key", "late", "shop/own", http.StatusOK)
	c.shop.RemoveMember(c.users["late"])
	counts("the end of a membership", "late", "shop/own", http.StatusNotFound)
	c.bank.Member(c.users["late"], hopsdb.Observer)
	counts("a new membership", "late", "bank/own", http.StatusOK)
	c.users["late"].SetStatus(3)
	counts("a deactivated account", "late", "bank/own", http.StatusUnauthorized)
	c.users["late"].SetStatus(2)
	counts("an account that is active again", "late", "bank/own", http.StatusOK)
	c.keys["late"].Revoke()
	counts("a revoked key", "late", "bank/own", http.StatusUnauthorized)
	if release < hopsdb.Release5 {
		c.partner.AcceptStore(c.shop)
	} else {
		c.shop.ShareStore(c.partner)
	}
	counts("a share that is accepted", "partner", "partner/ofshop", http.StatusOK)
	c.bank.Unshare()
	counts("the end of a share", "partner", "partner/ofbank", http.StatusNotFound)
	if release < hopsdb.Release5 {
		return
	}
	c.keys["expires"].Expire("UTC_TIMESTAMP() - INTERVAL 1 SECOND")
	counts("an expiry", "expires", "shop/own", http.StatusUnauthorized)
	c.lab.Member(c.users["promoted"], hopsdb.Restricted)
	counts("a restriction", "promoted", "lab/both", http.StatusNotFound)
	c.lab.Unshare()
	counts("the end of a group's share", "partner", "partner/oflab", http.StatusNotFound)
	c.results.Share(c.partner)
	counts("a group's share", "partner", "lab/both", http.StatusOK)
}
