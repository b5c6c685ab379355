package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// check runs the command on the rongate.yaml of a directory, which it takes out of what is printed.
func check(t *testing.T, dir string, args ...string) (status int, stdout string) {
	t.Helper()
	status, stdout, stderr := command(append([]string{"check", "-c", filepath.Join(dir, "rongate.yaml")}, args...)...)
	if stderr != "" {
		t.Errorf("on stderr: %s", stderr)
	}
	return status, strings.ReplaceAll(stdout, dir+"/", "")
}

// wantFindings compares the lines of findings and the verdict.
func wantFindings(t *testing.T, stdout string, want ...string) {
	t.Helper()
	var got []string
	for line := range strings.Lines(stdout) {
		word, _, _ := strings.Cut(line, " ")
		if word == "TROUBLE" || word == "WARNING" || word == "NOTE" || word == "check:" {
			got = append(got, strings.TrimSuffix(line, "\n"))
		}
	}
	if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
		t.Errorf("got\n%s\nwant\n%s", a, b)
	}
}

// Ten mistakes, one of a kind, in three files.
const (
	tenConfig = `zone: 7
deadline: 20
catalog: {file: catalog.yaml}
apiKeys: {file: keys.yaml}
nodes:
  - {address: "127.0.0.1:1", zone: a}
  - {address: "127.0.0.1", zone: a}
  - {address: "127.0.0.1:1", zone: b}
database:
  user: rongate
  passwordFile: password.txt
connections:
  perNode: 0
limits:
  maxEntires: 100
`
	tenCatalog = `featureStores:
  - name: payments
    featureGroups:
      - name: account_stats
        version: 1
        ttl: 24h
    featureViews:
      - name: fraud
        version: 1
        joins: [{group: acount_stats, version: 1}]
        features: [country]
`
	tenKeys = `keys:
  - name: model
    sha256: 9f86d081
    views: [payments/nothing]
`
	tenMistakes = `TROUBLE  rongate.yaml:1: zone: must be text; write it in quotes
TROUBLE  rongate.yaml:2: deadline: must be a duration such as 250ms, 30s or 7d from 1ms to 1m0s, not 20
TROUBLE  rongate.yaml:7: nodes[1].address: must be host:port, such as "10.0.0.1:3306", or the path of a unix socket
TROUBLE  rongate.yaml:8: nodes[2].address: is another node's address too; list each node once
TROUBLE  rongate.yaml:11: database.passwordFile: open password.txt: no such file or directory; create the file, or mend the path
TROUBLE  rongate.yaml:13: connections.perNode: must be a whole number from 1 to 1000, not 0
TROUBLE  rongate.yaml:15: limits.maxEntires: unknown field; did you mean maxEntries?
TROUBLE  catalog.yaml:6: featureStores[0].featureGroups[0].ttl: needs eventTime, which tells how old a row is; ` +
		`name that column or leave ttl out
TROUBLE  catalog.yaml:10: featureStores[0].featureViews[0].joins[0].group: feature store payments has no feature ` +
		`group acount_stats_1; did you mean account_stats_1?
TROUBLE  keys.yaml:3: keys[0].sha256: must be the SHA-256 of the key, as 64 hexadecimal digits; rongate key prints one`
)

// TestCheckTenMistakes tells exactly the ten, each with its file, line, field and mend, and no more for being able to ask
// nodes: what is mistaken about them keeps it from that.
func TestCheckTenMistakes(t *testing.T) {
	dir := folder(t, map[string]string{"rongate.yaml": tenConfig, "catalog.yaml": tenCatalog, "keys.yaml": tenKeys})
	ten := strings.Split(tenMistakes, "\n")
	status, stdout := check(t, dir, "--offline")
	wantFindings(t, stdout, append(ten, "check: 10 troubles (in the files; the nodes and the tables were not looked at)")...)
	if status != 1 {
		t.Errorf("status %d", status)
	}
	status, stdout = check(t, dir)
	wantFindings(t, stdout, append(ten,
		"NOTE     the nodes were not connected to: mend the mistakes in database first", "check: 10 troubles")...)
	if strings.Contains(stdout, "0 nodes") {
		t.Errorf("reads of no nodes are counted:\n%s", stdout)
	}
	if status != 1 {
		t.Errorf("status %d", status)
	}
}

func TestCheckOffline(t *testing.T) {
	dir := folder(t, map[string]string{"rongate.yaml": smallConfig, "catalog.yaml": smallCatalog})
	status, stdout := check(t, dir, "--offline")
	const want = `FEATURE GROUP             TABLE                     ENGINE  KEY  READ ON  INDEX  NOTE
payments/account_stats_1  payments.account_stats_1  -       -    -        -      -

FEATURE VIEW    VERSION  FEATURES  SERVING KEYS
payments/fraud  1        -         -

check: everything is as it should be (in the files; the nodes and the tables were not looked at)
`
	if status != 0 || stdout != want {
		t.Errorf("%d, got\n%s", status, stdout)
	}
}

// TestCheckNoConfig has nothing to be judged.
func TestCheckNoConfig(t *testing.T) {
	status, stdout := check(t, t.TempDir())
	if status != 1 || !strings.HasPrefix(stdout, "TROUBLE  ") || !strings.Contains(stdout, "rongate.yaml: no such file") ||
		!strings.HasSuffix(stdout, "\ncheck: 1 trouble\n") {
		t.Errorf("%d, %s", status, stdout)
	}
}

// TestAskable: nodes without a mistake are asked in spite of mistakes elsewhere, unless those are in how they are to be
// asked.
func TestAskable(t *testing.T) {
	for _, test := range []struct {
		config string
		want   int
	}{
		{smallConfig, 1},
		{smallConfig + "limits: {maxEntries: many}\nlisten: 1\n", 1},
		{strings.Replace(smallConfig, "user: rongate", "user: rongate, tls: ", 1), 0},
		{strings.Replace(smallConfig, "nodes: [", "nodes: [{address: h}, {address: \"127.0.0.1:3306\", zone: 1}, ", 1), 0},
		{strings.Replace(smallConfig, "nodes: [", "nodes: [{address: h}, {address: \"h:1\"}, ", 1), 2},
		{"catalog: {file: catalog.yaml}\ndatabase: {user: u}\n", 0},
	} {
		dir := folder(t, map[string]string{"rongate.yaml": test.config, "catalog.yaml": smallCatalog})
		r := &checkReport{file: filepath.Join(dir, "rongate.yaml")}
		var err error
		r.cfg, err = loadConfig(r.file, noEnvironment)
		r.judgeFiles(err)
		if got := r.askable(); len(got) != test.want {
			t.Errorf("%s: %v, %v", test.config, got, err)
		}
	}
}

// TestCheckZonesAndKeys warns of what may be meant, at its place; --strict takes it for trouble.
func TestCheckZonesAndKeys(t *testing.T) {
	keys := "keys:\n  - name: a\n    sha256: \"" + strings.Repeat("0f", 32) + "\"\n    views: [payments/fruad]\n"
	config := "apiKeys: {file: keys.yaml}\n" + strings.Replace(smallConfig, `3306"`, `3306", zone: b`, 1)
	const (
		keyWarning = "WARNING  keys.yaml:4: keys[0].views[0]: payments/fruad matches no feature view of the catalogue; " +
			"did you mean payments/fraud?"
		viewNote = "NOTE     feature view payments/fraud: no API key may read it; add it to the views of a key"
		verdict  = "check: 2 warnings (in the files; the nodes and the tables were not looked at)"
		unset    = "is not set while nodes have zones, so that none of those is near; set it, or RONGATE_ZONE, to where rongate " +
			"runs, such as b"
	)
	dir := folder(t, map[string]string{"rongate.yaml": config, "catalog.yaml": smallCatalog, "keys.yaml": keys})
	status, stdout := check(t, dir, "--offline")
	wantFindings(t, stdout, "WARNING  rongate.yaml:1: zone: "+unset, keyWarning, viewNote, verdict)
	if status != 0 {
		t.Errorf("status %d", status)
	}
	if status, _ := check(t, dir, "--offline", "--strict"); status != 1 {
		t.Errorf("strict: status %d", status)
	}
	dir = folder(t, map[string]string{"rongate.yaml": config + "zone: c\n", "catalog.yaml": smallCatalog, "keys.yaml": keys})
	_, stdout = check(t, dir, "--offline")
	wantFindings(t, stdout,
		"WARNING  rongate.yaml:5: zone: no node is in zone c, so that every read crosses zones; did you mean b?",
		keyWarning, viewNote, verdict)
	t.Setenv("RONGATE_ZONE", "far")
	_, stdout = check(t, dir, "--offline")
	wantFindings(t, stdout,
		"WARNING  environment: RONGATE_ZONE: no node is in zone far, so that every read crosses zones; there is only b",
		keyWarning, viewNote, verdict)
	t.Setenv("RONGATE_ZONE", "b")
	_, stdout = check(t, dir, "--offline")
	wantFindings(t, stdout, keyWarning, viewNote, strings.Replace(verdict, "2 warnings", "1 warning", 1))
}

func TestServeMistake(t *testing.T) {
	dir := folder(t, map[string]string{"rongate.yaml": smallConfig + "log: {level: loud}\n", "catalog.yaml": smallCatalog})
	status, stdout, stderr := command("serve", "-c", filepath.Join(dir, "rongate.yaml"))
	if status != 1 || stdout != "" || !strings.Contains(stderr, "rongate.yaml:4: log.level: must be one of") {
		t.Errorf("%d, %q, %q", status, stdout, stderr)
	}
}

func TestCheckGateways(t *testing.T) {
	for _, n := range []string{"0", "-1", "1000001", "9223372036854775807", "many"} {
		if status, _, stderr := command("check", "--gateways", n); status != 2 || !strings.Contains(stderr, "--gateways: ") {
			t.Errorf("%s: status %d, %s", n, status, stderr)
		}
	}
}
