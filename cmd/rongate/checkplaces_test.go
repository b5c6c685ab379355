package main

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rongate/rongate/lookup"
)

// TestCheckNames: each DNS name that does not lead to nodes of its own is told with its place and what mends it.
func TestCheckNames(t *testing.T) {
	many := ""
	for i := range maxAddresses + 1 {
		many += fmt.Sprintf("10.1.0.%d,", i)
	}
	service := &names{answers: map[string]string{
		"ip4 one": "10.0.0.2,10.0.0.1", "ip4 two": "10.0.0.2,10.0.0.3", "ip4 broken": "!connection refused", "ip4 many": many,
	}}
	dir := folder(t, map[string]string{
		"catalog.yaml": smallCatalog,
		"rongate.yaml": `catalog: {file: catalog.yaml}
database: {user: u}
nodes:
  - {address: "10.0.0.1:3306", zone: a}
  - {dns: "one:3306", zone: b}
  - {dns: "two:3306", zone: c}
  - {dns: "none:3306"}
  - {dns: "broken:3306"}
  - {dns: "many:3306"}
  - {dns: "wrong"}
`,
	})
	r := &checkReport{file: filepath.Join(dir, "rongate.yaml")}
	var err error
	r.cfg, err = loadConfig(r.file, noEnvironment)
	r.judgeFiles(err)
	nodes := r.resolve(t.Context(), service.lookup, r.askable())
	var got strings.Builder
	for _, n := range nodes[:3] {
		fmt.Fprintln(&got, n.Address, n.Zone)
	}
	fmt.Fprintln(&got, len(nodes))
	table(&got, r.nameRows()[:5])
	r.found.print(&got)
	const taken = "which is a node by nodes[%d].%s already, and has the zone that is said there; let every node belong to one item"
	want := `10.0.0.1:3306 a
10.0.0.2:3306 b
10.0.0.3:3306 c
67
DNS NAME     ZONE  NODES
one:3306     b     10.0.0.1:3306, 10.0.0.2:3306
two:3306     c     10.0.0.2:3306, 10.0.0.3:3306
none:3306    -     -
broken:3306  -     -

TROUBLE  rongate.yaml:10: nodes[6].dns: must be name:port, such as "mysqld.rondb.svc.cluster.local:3306"
TROUBLE  rongate.yaml:7: nodes[3].dns: none has no address (lookup none: no such host); mend the name, or see that the ` +
		`name service knows it: a headless Kubernetes service has addresses only while pods of it are ready
TROUBLE  rongate.yaml:8: nodes[4].dns: broken cannot be resolved (connection refused); mend the name, or see that the ` +
		`name service knows it
WARNING  rongate.yaml:5: nodes[1].dns: leads to 10.0.0.1:3306, ` + fmt.Sprintf(taken, 0, "address") + `
WARNING  rongate.yaml:6: nodes[2].dns: leads to 10.0.0.2:3306, ` + fmt.Sprintf(taken, 1, "dns") + `
WARNING  rongate.yaml:9: nodes[5].dns: many has 65 addresses, of which only the first 64 are nodes; give it fewer, or ` +
		`several names
`
	if text := strings.ReplaceAll(got.String(), dir+"/", ""); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

func TestCheckSlowName(t *testing.T) {
	r := &checkReport{}
	r.judgeAnswer(nodeEntry{host: "db"}, answer{err: &net.DNSError{Err: "i/o timeout", Name: "db", IsTimeout: true}})
	if text := r.found.list[0].text; !strings.Contains(text, "db is not resolved within 2s (lookup db: i/o timeout); see why") {
		t.Error(text)
	}
}

// TestCheckRegions warns where none of the nodes counts as near, and names regions only where there are any.
func TestCheckRegions(t *testing.T) {
	for _, test := range []struct{ config, want string }{
		{`nodes: [{address: "h:1"}]`, ""},
		{`nodes: [{address: "h:1", region: r}, {address: "h:2", region: s}]` + "\nregion: r", ""},
		{
			`nodes: [{address: "h:1", region: r}]`,
			"rongate.yaml:1: region: is not set while nodes have regions, so that none of those is near; set it, or " +
				"RONGATE_REGION, to where rongate runs, such as r",
		},
		{
			`nodes: [{address: "h:1", region: r1}]` + "\nregion: r2",
			"rongate.yaml:4: region: no node is in region r2, so that every read crosses regions; did you mean r1?",
		},
		{
			`nodes: [{address: "h:1"}]` + "\nregion: r",
			"rongate.yaml:4: region: no node is in region r, so that every read crosses regions; there is none to choose from",
		},
	} {
		dir := folder(t, map[string]string{
			"catalog.yaml": smallCatalog, "rongate.yaml": "catalog: {file: catalog.yaml}\ndatabase: {user: u}\n" + test.config + "\n",
		})
		want := []string{"check: everything is as it should be (in the files; the nodes and the tables were not looked at)"}
		if test.want != "" {
			want = []string{
				"WARNING  " + test.want, "check: 1 warning (in the files; the nodes and the tables were not looked at)",
			}
		}
		_, stdout := check(t, dir, "--offline")
		wantFindings(t, stdout, want...)
	}
	r := &checkReport{cfg: parse(t, "zone: a\nregion: r\nnodes: [{address: \"h:1\"}]\n")}
	for _, test := range []struct{ zone, region, want string }{
		{"a", "r", "r/a (own)"}, {"a", "s", "s/a"}, {"", "", "-/-"}, {"b", "r", "r/b"},
	} {
		n := &lookup.NodeReport{NodeConfig: lookup.NodeConfig{Zone: test.zone, Region: test.region}}
		if got := r.zoneOf(n); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

// checkNamed wants a node that a DNS name leads to verified by that name, not by its address.
func checkNamed(t *testing.T, dir, name, address, want string) {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, dir, "rongate.yaml", fmt.Sprintf("catalog: {file: catalog.yaml}\nnodes: [{dns: %q}]\n"+
		"database: {user: careful, passwordFile: password, tls: {ca: ca.pem}}\n", net.JoinHostPort(name, port)))
	r := &checkReport{file: filepath.Join(dir, "rongate.yaml")}
	if r.cfg, err = loadConfig(r.file, noEnvironment); err != nil {
		t.Fatal(err)
	}
	service := &names{answers: map[string]string{"ip4 " + name: host}}
	r.connect(t.Context(), r.resolve(t.Context(), service.lookup, r.askable()), progress(io.Discard))
	state := "ok"
	if r.nodes[0].Handshake == 0 {
		_, state = reach(r.nodes[0].Err, r.cfg.lookup.Pool)
	}
	if r.nodes[0].Address != address || !strings.HasPrefix(state, want) {
		t.Errorf("%s is %s: %s", name, r.nodes[0].Address, state)
	}
}
