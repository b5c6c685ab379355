package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rongate/rongate/catalog"
)

const smallCatalog = `featureStores:
  - name: payments
    featureGroups:
      - {name: account_stats, version: 1}
    featureViews:
      - name: fraud
        version: 1
        joins: [{group: account_stats, version: 1}]
        features: [country]
`

const smallConfig = `catalog: {file: catalog.yaml}
nodes: [{address: "127.0.0.1:3306"}]
database: {user: rongate}
`

// folder is a directory of files, by name.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func noEnvironment(string) (string, bool) { return "", false }

func environmentOf(variables map[string]string) environment {
	return func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	}
}

func TestDefaults(t *testing.T) {
	dir := folder(t, map[string]string{"rongate.yaml": smallConfig, "catalog.yaml": smallCatalog})
	c, err := loadConfig(filepath.Join(dir, "rongate.yaml"), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(c.listen, c.privateListen, c.socketMode) != "[127.0.0.1:8080] [127.0.0.1:8081] -rw-rw----" ||
		c.server.Keys != nil {
		t.Errorf("listens on %s and %s", c.listen, c.privateListen)
	}
	if c.catalogFile != filepath.Join(dir, "catalog.yaml") || len(c.spec.Tables()) != 1 {
		t.Errorf("catalogue %s with %v", c.catalogFile, c.spec.Tables())
	}
	if c.server.Deadline != 500*time.Millisecond || c.vectors.Deadline != c.server.Deadline {
		t.Errorf("deadlines %v and %v", c.server.Deadline, c.vectors.Deadline)
	}
	p := c.lookup.Pool
	if p.User != "rongate" || p.Password != nil || p.TLS != nil ||
		p.Size != 0 || p.MaxDetached != 0 || cap(p.Warmups) != 2 { // zero is pool's own default
		t.Errorf("pool %+v", p)
	}
	if c.logLevel != slog.LevelInfo || c.logFormat != "text" || c.shutdownTimeout != 10*time.Second {
		t.Errorf("log %v in %s; shutdown within %v", c.logLevel, c.logFormat, c.shutdownTimeout)
	}
}

// TestDefaultsInHopsworks: clients look for the server at its port, and booleans are booleans.
func TestDefaultsInHopsworks(t *testing.T) {
	config := strings.Replace(smallConfig, "file: catalog.yaml", "hopsworks: {snapshot: metadata}", 1)
	dir := folder(t, map[string]string{"rongate.yaml": config})
	c, err := loadConfig(filepath.Join(dir, "rongate.yaml"), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.listen, c.privateListen, c.vectors.NumericBooleans); got != "[127.0.0.1:4406] [127.0.0.1:8081] false" {
		t.Error(got)
	}
}

func TestEveryField(t *testing.T) {
	cert, key := certificate(t)
	dir := folder(t, map[string]string{
		"catalog.yaml": smallCatalog, "password": "s3cret\n", "ca.pem": cert, "cert.pem": cert, "key.pem": key,
		"keys.yaml": "keys: [{name: a, sha256: \"" + strings.Repeat("0f", 32) + "\", views: [\"*\"]}]",
		"rongate.yaml": `
zone: a
region: r
resolve: 9s
listen: [0.0.0.0:9000, /run/rongate.sock]
privateListen: 0.0.0.0:9001
socketMode: "0600"
deadline: 80ms
merging: false
hedging: off
rdrs: {numericBooleans: true}
catalog: {file: ./catalog.yaml}
apiKeys: {file: keys.yaml}
nodes:
  - {address: "10.0.0.1:3306", zone: a}
  - {address: "10.0.0.2:3306", zone: b, region: s}
  - {dns: "db.internal.:3307", zone: c, region: r}
database:
  user: reader
  passwordFile: password
  tls: {ca: ca.pem, cert: cert.pem, key: key.pem, serverName: rondb.internal}
connections: {perNode: 4, maxDetached: 3, handshakeTimeout: 2s, warmTimeout: 7s, concurrentWarmups: 5, lifetime: 2h,
  idleLimit: 10m, keepAlive: 3s, statements: 99, drainGrace: 4s}
limits: {maxConcurrent: 11, maxConnections: 12, maxBodyBytes: 13, maxHeaderBytes: 1400, maxEntries: 15,
  maxAnswerBytes: 16, maxQueued: 17, maxLiveBytes: 18}
http: {readTimeout: 18s, writeTimeout: 19s, idleTimeout: 20s}
shutdown: {delay: 21s, timeout: 22s}
log: {level: warn, format: json}
`,
	})
	c, err := loadConfig(filepath.Join(dir, "rongate.yaml"), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.lookup.Zone, c.lookup.Region, c.resolve, c.lookup.Nodes); got !=
		"ar9s [{10.0.0.1:3306 a  } {10.0.0.2:3306 b s } {db.internal.:3307 c r }]" {
		t.Errorf("where: %s", got)
	}
	p := c.lookup.Pool
	password, err := p.Password()
	if err != nil || password != "s3cret" {
		t.Errorf("password %q, %v", password, err)
	}
	if p.TLS.ServerName != "rondb.internal" || p.TLS.RootCAs == nil || p.TLS.MinVersion != tls.VersionTLS12 {
		t.Errorf("TLS %+v", p.TLS)
	}
	if pair, err := p.TLS.GetClientCertificate(nil); err != nil || len(pair.Certificate) != 1 {
		t.Errorf("client certificate: %v", err)
	}
	got := fmt.Sprint(c.listen, c.privateListen, c.socketMode, " ", c.server.Deadline, " ", p.User, p.Size, p.MaxDetached,
		p.HandshakeTimeout, p.WarmTimeout, cap(p.Warmups), p.Lifetime, p.IdleLimit, p.KeepAlive, p.Statements, p.DrainGrace,
		" ", c.server.MaxConcurrent, c.server.MaxConnections, c.server.MaxBodyBytes, c.server.MaxHeaderBytes,
		c.vectors.MaxEntries, c.vectors.MaxAnswerBytes, c.lookup.MaxQueued, int(c.lookup.MaxLiveBytes),
		" ", c.server.ReadTimeout, c.server.WriteTimeout, c.server.IdleTimeout, c.server.DrainDelay, c.shutdownTimeout,
		" ", c.logLevel, c.logFormat, c.lookup.Unmerged, c.lookup.Hedging == catalog.HedgingOff, c.vectors.NumericBooleans)
	const want = "[0.0.0.0:9000 /run/rongate.sock] [0.0.0.0:9001] -rw------- 80ms reader4 3 2s 7s 5 2h0m0s 10m0s 3s 99 4s" +
		" 11 12 13 1400 15 16 17 18 18s 19s 20s 21s 22s WARNjson true true true"
	if strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestConfigMistakes has one mistake a line and wants each told with its file, its line and its field.
func TestConfigMistakes(t *testing.T) {
	cert, key := certificate(t)
	_, otherKey := certificate(t)
	files := map[string]string{
		"catalog.yaml": smallCatalog, "password": "x", "cert.pem": cert, "key.pem": key, "other.pem": otherKey,
		"bad-catalog.yaml": "featureStores: []", "bad-keys.yaml": "keys:\n  - {name: a, sha256: \"12\", views: [\"*\"]}",
	}
	manyNames := ""
	for i := range maxNames + 1 {
		manyNames += fmt.Sprintf("{dns: \"h%d:1\"}, ", i)
	}
	const rest = "catalog: {file: catalog.yaml}\nnodes: [{address: \"h:1\"}]\ndatabase: {user: u}\n"
	for _, test := range []struct{ config, want string }{
		{"", "rongate.yaml: the file is empty"},
		{"nodes: [", "rongate.yaml:1: is not valid YAML"},
		{"nodes: []\ncatalog: {file: catalog.yaml}", "rongate.yaml:1: database: is required"},
		{"catalog: {}\n", "rongate.yaml:1: catalog.file: is required"},
		{"catalog: {file: none.yaml}\n", "rongate.yaml:1: catalog.file: open "},
		{"catalog: {file: bad-catalog.yaml}\n", "bad-catalog.yaml:1: featureStores: is empty"},
		{"nodes: []\n", "rongate.yaml:1: nodes: is empty"},
		{"\nnodes:\n  - {zone: a}\n", "rongate.yaml:3: nodes[0].address: is required"},
		{"nodes: [{address: localhost}]\n", "rongate.yaml:1: nodes[0].address: must be host:port"},
		{"nodes: [{address: \"h:99999\"}]\n", "rongate.yaml:1: nodes[0].address: must be host:port"},
		{"nodes: [{address: \":3306\"}]\n", "rongate.yaml:1: nodes[0].address: must be host:port"},
		{"nodes: [{address: \"h:1\"}, {address: \"h:1\"}]\n", "rongate.yaml:1: nodes[1].address: is another node's"},
		{"nodes: [{address: \"h:1\", zone: 1}]\n", "rongate.yaml:1: nodes[0].zone: must be text"},
		{"nodes: [{address: \"h:1\", port: 2}]\n", "rongate.yaml:1: nodes[0].port: unknown field"},
		{"nodes:\n  - {zone: a}\n", "rongate.yaml:2: nodes[0].address: is required"},
		{"nodes:\n  - {address: \"h:1\"}\n  - {address: \"h:1\", dns: \"h:1\"}\n", "rongate.yaml:3: nodes[1].dns: stands beside"},
		{"nodes: [{dns: \"h:1\"}, {dns: \"h:1\"}]\n", "rongate.yaml:1: nodes[1].dns: is another node's"},
		{"nodes: [{address: \"h:1\"}, {dns: \"h:1\"}]\n", "rongate.yaml:1: nodes[1].dns: is another node's"},
		{"nodes: [{dns: }]\n", "rongate.yaml:1: nodes[0].dns: is empty"},
		{"nodes: [{dns: 3306}]\n", "rongate.yaml:1: nodes[0].dns: must be text"},
		{"nodes: [{dns: mysqld}]\n", "rongate.yaml:1: nodes[0].dns: must be name:port"},
		{"nodes: [{dns: \"mysqld:0\"}]\n", "rongate.yaml:1: nodes[0].dns: must be name:port"},
		{"nodes: [{dns: \":3306\"}]\n", "rongate.yaml:1: nodes[0].dns: must be name:port"},
		{"nodes: [{dns: \"a b:3306\"}]\n", "rongate.yaml:1: nodes[0].dns: must be name:port"},
		{"nodes: [{dns: \"a..b:3306\"}]\n", "rongate.yaml:1: nodes[0].dns: must be name:port"},
		{"nodes: [{dns: /run/mysqld.sock}]\n", "rongate.yaml:1: nodes[0].dns: must be name:port"},
		{"nodes: [{dns: \"10.0.0.1:3306\"}]\n", "rongate.yaml:1: nodes[0].dns: 10.0.0.1 is an address"},
		{"nodes: [{dns: \"[fd00::1]:3306\"}]\n", "rongate.yaml:1: nodes[0].dns: fd00::1 is an address"},
		{"nodes: [{dns: \"h:1\", region: 1}]\n", "rongate.yaml:1: nodes[0].region: must be text"},
		{"nodes: [" + manyNames + "]\n", "rongate.yaml:1: nodes: has 65 DNS names"},
		{rest + "region: [a]\n", "rongate.yaml:4: region: must be text"},
		{rest + "resolve: 5\n", "rongate.yaml:4: resolve: must be a duration"},
		{rest + "resolve: 50ms\n", "rongate.yaml:4: resolve: must be a duration"},
		{"database: {}\n", "rongate.yaml:1: database.user: is required"},
		{"database: {user: u, password: p}\n", "rongate.yaml:1: database.password: unknown field"},
		{"database: {user: u, passwordFile: }\n", "rongate.yaml:1: database.passwordFile: is empty"},
		{"database:\n  user: u\n  tls:\n    # ca: ca.pem\n", "rongate.yaml:3: database.tls: is empty"},
		{"apiKeys:\n", "rongate.yaml:1: apiKeys: is empty"},
		{
			"nodes: [{address: /run/mysqld.sock}]\ndatabase: {user: u, tls: {}}\n",
			"rongate.yaml:2: database.tls: the node /run/mysqld.sock is a unix socket",
		},
		{"database: {user: u, passwordFile: none}\n", "rongate.yaml:1: database.passwordFile: open "},
		{"database: {user: u, passwordEnv: NONE}\n", "rongate.yaml:1: database.passwordEnv: there is no such variable"},
		{
			"database: {user: u, passwordFile: password, passwordEnv: NONE}\n",
			"rongate.yaml:1: database.passwordEnv: the password",
		},
		{"database: {user: u, tls: {ca: password}}\n", "rongate.yaml:1: database.tls.ca: has no certificate"},
		{"database: {user: u, tls: {ca: none}}\n", "rongate.yaml:1: database.tls.ca: open "},
		{"database: {user: u, tls: {cert: cert.pem}}\n", "rongate.yaml:1: database.tls.cert: a certificate takes"},
		{"database: {user: u, tls: {key: key.pem}}\n", "rongate.yaml:1: database.tls.key: a private key takes"},
		{"database: {user: u, tls: {cert: cert.pem, key: other.pem}}\n", "rongate.yaml:1: database.tls.cert: cannot be used"},
		{"database: {user: u, tls: {insecure: true}}\n", "rongate.yaml:1: database.tls.insecure: unknown field"},
		{rest + "apiKeys: {}\n", "rongate.yaml:4: apiKeys.file: is required"},
		{rest + "apiKeys: {file: none}\n", "rongate.yaml:4: apiKeys.file: open "},
		{rest + "apiKeys: {file: bad-keys.yaml}\n", "bad-keys.yaml:2: keys[0].sha256: must be the SHA-256"},
		{rest + "listen: 8080\n", "rongate.yaml:4: listen: must be text"},
		{rest + "listen: \"127.0.0.1:http\"\n", "rongate.yaml:4: listen: must be host:port"},
		{rest + "listen: localhost\n", "rongate.yaml:4: listen: must be host:port"},
		{rest + "listen: 0.0.0.0:8080\n", "rongate.yaml:4: listen: is reachable from other machines"},
		{rest + "listen: \":8080\"\n", "rongate.yaml:4: listen: is reachable from other machines"},
		{rest + "listen: \"[::]:8080\"\n", "rongate.yaml:4: listen: is reachable from other machines"},
		{rest + "listen: gateway.internal:8080\n", "rongate.yaml:4: listen: is reachable from other machines"},
		{rest + "privateListen: 127.0.0.1\n", "rongate.yaml:4: privateListen: must be host:port"},
		{rest + "privateListen: 127.0.0.1:8080\n", "rongate.yaml:4: privateListen: 127.0.0.1:8080 is an address of listen too"},
		{rest + "listen: 127.0.0.1:8081\n", "rongate.yaml:1: privateListen: 127.0.0.1:8081 is an address of listen too"},
		{rest + "listen: []\n", "rongate.yaml:4: listen: is empty"},
		{rest + "listen: [\"127.0.0.1:1\", 2]\n", "rongate.yaml:4: listen[1]: must be text"},
		{rest + "listen: [\"127.0.0.1:1\",\n  \"127.0.0.1:1\"]\n", "rongate.yaml:5: listen[1]: 127.0.0.1:1 is there twice"},
		{rest + "listen: [/run/a.sock, 10.0.0.1:1]\n", "rongate.yaml:4: listen[1]: is reachable from other machines"},
		{rest + "listen: /" + strings.Repeat("x", 120) + "\n", "rongate.yaml:4: listen: is too long"},
		{rest + "socketMode: 0660\n", "rongate.yaml:4: socketMode: must be text; write it in quotes"},
		{rest + "socketMode: \"rw\"\n", "rongate.yaml:4: socketMode: must be the permissions"},
		{rest + "socketMode: \"1777\"\n", "rongate.yaml:4: socketMode: must be the permissions"},
		{rest + "deadline: 0s\n", "rongate.yaml:4: deadline: must be a duration"},
		{rest + "deadline: 20\n", "rongate.yaml:4: deadline: must be a duration"},
		{rest + "zone: [a]\n", "rongate.yaml:4: zone: must be text"},
		{rest + "connections: {perNode: 0}\n", "rongate.yaml:4: connections.perNode: must be a whole number"},
		{rest + "connections: {statements: 20000}\n", "rongate.yaml:4: connections.statements: must be a whole number"},
		{rest + "connections: {keepAlive: -1s}\n", "rongate.yaml:4: connections.keepAlive: must be a duration"},
		{rest + "limits: {maxEntries: many}\n", "rongate.yaml:4: limits.maxEntries: must be a whole number"},
		{rest + "limits: {maxEntires: 5}\n", "rongate.yaml:4: limits.maxEntires: unknown field; did you mean maxEntries?"},
		{rest + "http: {readTimeout: 0s}\n", "rongate.yaml:4: http.readTimeout: must be a duration"},
		{rest + "shutdown: {delay: x}\n", "rongate.yaml:4: shutdown.delay: must be a duration"},
		{rest + "log: {level: loud}\n", "rongate.yaml:4: log.level: must be one of"},
		{rest + "log: {format: xml}\n", "rongate.yaml:4: log.format: must be one of"},
		{rest + "verbose: true\n", "rongate.yaml:4: verbose: unknown field"},
	} {
		files["rongate.yaml"] = test.config
		dir := folder(t, files)
		_, err := loadConfig(filepath.Join(dir, "rongate.yaml"), noEnvironment)
		if err == nil {
			t.Errorf("no mistake found in %q", test.config)
			continue
		}
		told := false
		for line := range strings.SplitSeq(err.Error(), "\n") {
			told = told || strings.HasPrefix(line, filepath.Join(dir, test.want))
		}
		if !told {
			t.Errorf("%q: not told: %s\n%v", test.config, test.want, err)
		}
	}
}

// TestAllMistakesAtOnce finds the mistakes of three files in one go.
func TestAllMistakesAtOnce(t *testing.T) {
	dir := folder(t, map[string]string{
		"catalog.yaml": "featureStores: []\n", "keys.yaml": "keys: 1\n",
		"rongate.yaml": "catalog: {file: catalog.yaml}\napiKeys: {file: keys.yaml}\nnodes: []\nlisten: x\n",
	})
	_, err := loadConfig(filepath.Join(dir, "rongate.yaml"), environmentOf(map[string]string{"RONGATE_LOG_LEVEL": "loud"}))
	for _, want := range []string{
		"catalog.yaml:1: featureStores", "keys.yaml:1: keys", "rongate.yaml:3: nodes", "rongate.yaml:4: listen",
		"rongate.yaml:1: database: is required", "environment: RONGATE_LOG_LEVEL: must be one of",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("not told: %s\n%v", want, err)
		}
	}
}

func TestMissingConfigFile(t *testing.T) {
	if _, err := loadConfig(filepath.Join(t.TempDir(), "none.yaml"), noEnvironment); err == nil ||
		!strings.Contains(err.Error(), "none.yaml: no such file") {
		t.Errorf("got %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	dir := folder(t, map[string]string{
		"catalog.yaml": smallCatalog,
		"rongate.yaml": "catalog: {file: catalog.yaml}\nnodes: [{address: \"h:1\"}]\ndatabase: {user: u, passwordEnv: PW}\n" +
			"zone: a\nlisten: 127.0.0.1:1\nlog: {level: error}\nconnections: {perNode: 7}\nlimits: {maxLiveBytes: 5}\n",
	})
	path := filepath.Join(dir, "rongate.yaml")
	c, err := loadConfig(path, environmentOf(map[string]string{
		"RONGATE_ZONE": "b", "RONGATE_REGION": "r", "RONGATE_LISTEN": "127.0.0.1:2, /run/r.sock", "RONGATE_PRIVATE_LISTEN": "0.0.0.0:3",
		"RONGATE_LOG_LEVEL": "debug", "PW": "secret", "RONGATE_CONNECTIONS_PER_NODE": "3", "RONGATE_MAX_CONCURRENT": "40",
		"RONGATE_MEMORY_LIMIT": "134217728",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.lookup.Zone, c.lookup.Region, c.listen, c.privateListen, c.logLevel, c.lookup.Pool.Size, c.server.MaxConcurrent,
		" ", c.server.MaxSendingBytes, " ", c.lookup.MaxLiveBytes); got !=
		"br[127.0.0.1:2 /run/r.sock] [0.0.0.0:3] DEBUG 3 40 33554432 5" {
		t.Errorf("got %s", got)
	}
	if password, err := c.lookup.Pool.Password(); password != "secret" || err != nil {
		t.Errorf("password %q, %v", password, err)
	}
	_, err = loadConfig(path, environmentOf(map[string]string{"RONGATE_LOG_LEVEL": "info warn", "PW": ""}))
	if err == nil || !strings.Contains(err.Error(), "environment: RONGATE_LOG_LEVEL: must be one of") {
		t.Errorf("got %v", err)
	}
	for variable, want := range map[string][2]string{
		"RONGATE_LISTEN":               {"10.0.0.1:2", "is reachable from other machines"},
		"RONGATE_PRIVATE_LISTEN":       {"8081", "must be host:port"},
		"RONGATE_CONNECTIONS_PER_NODE": {"0", "must be a whole number from 1 to 1000, not \"0\""},
		"RONGATE_MAX_CONCURRENT":       {"many", "must be a whole number"},
		"RONGATE_MEMORY_LIMIT":         {"1Gi", "must be a number of bytes"},
	} {
		_, err = loadConfig(path, environmentOf(map[string]string{variable: want[0], "PW": ""}))
		if err == nil || !strings.Contains(err.Error(), "environment: "+variable+": "+want[1]) {
			t.Errorf("got %v", err)
		}
	}
}

// certificate returns a self-signed certificate and its key, in PEM form.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	privateDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privateDER}))
}
