package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rongate/rongate/internal/testbed"
)

// plantedSchema is for a server with accounts and TLS, one table a trouble, and one that is as it should be.
const plantedSchema = `CREATE DATABASE payments; USE payments;
CREATE TABLE account_1 (account_id BIGINT PRIMARY KEY, country VARCHAR(2));
INSERT INTO account_1 VALUES (1, 'SE'), (2, 'NO');
CREATE TABLE merchant_1 (merchant_id VARCHAR(20) COLLATE utf8mb4_hungarian_ci PRIMARY KEY, category VARCHAR(9));
INSERT INTO merchant_1 VALUES ('a', 'x'), ('b', 'y'), ('c', 'z');
ANALYZE TABLE merchant_1;
CREATE TABLE profile_1 (id INT PRIMARY KEY, bio TEXT, age INT);
INSERT INTO profile_1 VALUES (1, 'born', 20);
CREATE TABLE empty_1 (id INT PRIMARY KEY, score DOUBLE);
CREATE TABLE secret_1 (id INT PRIMARY KEY, score DOUBLE);
CREATE TABLE inbox_1 (id INT PRIMARY KEY, score DOUBLE);
CREATE TABLE locked_1 (id INT PRIMARY KEY, score DOUBLE);
CREATE USER limited@'%' IDENTIFIED BY 'hunter2';
GRANT INSERT ON inbox_1 TO limited@'%';
GRANT SELECT ON account_1 TO limited@'%'; GRANT SELECT ON merchant_1 TO limited@'%';
GRANT SELECT ON profile_1 TO limited@'%'; GRANT SELECT ON empty_1 TO limited@'%';
GRANT SELECT ON locked_1 TO limited@'%';
CREATE USER few@'%' IDENTIFIED BY 'hunter2' WITH MAX_USER_CONNECTIONS 4; GRANT SELECT ON payments.* TO few@'%';
CREATE USER careful@'%' IDENTIFIED BY 'hunter2' REQUIRE SSL; GRANT SELECT ON payments.* TO careful@'%';
`

const plantedCatalog = `featureStores:
  - name: payments
    featureGroups:
      - {name: account, version: 1}
      - {name: merchant, version: 1}
      - {name: profile, version: 1}
      - {name: empty, version: 1}
      - {name: secret, version: 1}
      - {name: inbox, version: 1}
      - {name: locked, version: 1}
      - {name: gone, version: 1}
    featureViews:
      - name: fraud
        version: 1
        joins:
          [{group: account, version: 1}, {group: merchant, version: 1}, {group: empty, version: 1, keys: {id: account_id}}]
        features: [country, category, score]
      - {name: person, version: 2, joins: [{group: profile, version: 1}], features: [bio, age]}
      - {name: mail, version: 1, joins: [{group: inbox, version: 1}], features: [score]}
      - {name: busy, version: 1, joins: [{group: locked, version: 1}], features: [score]}
      - {name: old, version: 1, joins: [{group: account, version: 1}], features: [country, contry]}
      - {name: risk, version: 1, joins: [{group: secret, version: 1}], features: [score]}
`

// plantedFindings has NODE for the address of the server, CLOSED and MAIL for those that are none.
const plantedFindings = `TROUBLE  200 gateways x 2 connections = 400 of 151 (max_connections), at most 1000; a gateway ` +
	`takes perNode 2, and maxDetached 2 + 1 when statements stall; lower connections.perNode, raise max_connections, or ` +
	`run fewer gateways (on node NODE)
TROUBLE  node CLOSED: refuses connections: nothing listens there; start the server, or mend the address
TROUBLE  node MAIL: is no MySQL server: something else listens there; mend the port
TROUBLE  catalog.yaml:8: featureStores[0].featureGroups[4].table: table payments.secret_1 does not exist, or the user may ` +
	`not read it; create it, grant SELECT or mend its name (on node NODE)
TROUBLE  catalog.yaml:11: featureStores[0].featureGroups[7].table: table payments.gone_1 does not exist, or the user may ` +
	`not read it; create it, grant SELECT or mend its name (on node NODE)
TROUBLE  catalog.yaml:21: featureStores[0].featureViews[4].features[1]: no joined feature group has it; did you mean ` +
	`country? (on node NODE)
TROUBLE  feature group payments/locked_1: table payments.locked_1 does not answer in time; see what locks it or what the ` +
	`server waits for (on node NODE)
TROUBLE  feature group payments/inbox_1: SELECT command denied to user 'limited'@'127.0.0.1' for table ` +
	"`payments`.`inbox_1`; GRANT SELECT ON `payments`.`inbox_1` TO limited (on node NODE)\n" +
	`WARNING  keys.yaml:4: keys[0].views[1]: shop/* matches no feature view of the catalogue; there is only payments/*
WARNING  200 gateways x 2 connections x 7 prepared statements = 2800 of 16382 (max_prepared_stmt_count), at most ` +
	`53000; batches prepare a statement for each power of two of keys; lower connections.statements, raise ` +
	`max_prepared_stmt_count, or run fewer gateways (on node NODE)
WARNING  feature group payments/merchant_1: key column merchant_id has the collation utf8mb4_hungarian_ci, which rongate ` +
	`cannot compare by: of several keys in a statement, those without a row are asked for again, one by one; choose ` +
	`utf8mb4_bin, or utf8mb4_general_ci where case is not to count
WARNING  feature group payments/profile_1: column bio (text), read by feature bio of payments/person version 2, costs NDB ` +
	`a round trip a row; make it VARCHAR or VARBINARY where it fits, or leave it out
NOTE     table payments.gone_1: SELECT command denied to user 'limited'@'127.0.0.1' for table ` +
	"`payments`.`gone_1`; if it is there, GRANT SELECT ON `payments`.`gone_1` TO limited (on node NODE)\n" +
	"NOTE     table payments.secret_1: SELECT command denied to user 'limited'@'127.0.0.1' for table " +
	"`payments`.`secret_1`; if it is there, GRANT SELECT ON `payments`.`secret_1` TO limited (on node NODE)\n" +
	"check: 8 troubles, 4 warnings"

func TestCheckPlanted(t *testing.T) {
	testbed.Require(t, testbed.KindMariaDB)
	db, err := testbed.StartMariaDB(t.Context(), testbed.MariaDBConfig{
		TLS: true, Accounts: []testbed.Account{{User: "reader", Password: "s3cret"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Exec(t.Context(), plantedSchema); err != nil {
		t.Fatal(err)
	}
	t.Run("all at once", func(t *testing.T) { checkPlanted(t, db) })
	t.Run("handshakes", func(t *testing.T) { checkHandshakes(t, db) })
}

func checkPlanted(t *testing.T, db *testbed.MariaDB) {
	lockTable(t, db, "payments.locked_1")
	closed, mail := closedPort(t), mailServer(t)
	node := db.Nodes()[0].Address
	dir := folder(t, map[string]string{
		"catalog.yaml": plantedCatalog, "password": "hunter2\n",
		"keys.yaml": "keys:\n  - name: a\n    sha256: \"" + strings.Repeat("0f", 32) + "\"\n    views: [payments/*, shop/*]\n",
		"rongate.yaml": fmt.Sprintf("zone: a\ncatalog: {file: catalog.yaml}\napiKeys: {file: keys.yaml}\n"+
			"nodes: [{address: %q, zone: a}, {address: %q, zone: a}, {address: %q, zone: b}]\n"+
			"database: {user: limited, passwordFile: password}\n", node, closed, mail),
	})
	status, stdout := check(t, dir, "--gateways", "200")
	stdout = strings.NewReplacer(node, "NODE", closed, "CLOSED", mail, "MAIL").Replace(stdout)
	wantFindings(t, stdout, strings.Split(plantedFindings, "\n")...)
	if status != 1 || strings.Contains(stdout, "hunter2") {
		t.Errorf("status %d", status)
	}
}

// checkHandshakes lets a server refuse what a mistaken configuration asks for.
func checkHandshakes(t *testing.T, db *testbed.MariaDB) {
	node, plain := db.Nodes()[0].Address, shared.Get(t, testbed.KindMariaDB).Nodes()[0].Address
	wrongCA, _ := certificate(t)
	ca, err := os.ReadFile(db.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, address, database, want string }{
		{"soon expired", node, "user: careful, tls: {ca: ca.pem}", "its certificate ends on "},
		{"few connections", node, "user: few", "1 gateway x 2 connections = 2 of 4 (max_user_connections), at most 5; a"},
		{"another authority", node, "user: careful, tls: {ca: wrong.pem}", "no known authority has signed; name the file"},
		{
			"another name", node, "user: careful, tls: {ca: ca.pem, serverName: db.internal}",
			"a certificate for another name (localhost, 127.0.0.1, ::1), not for db.internal; set database.tls.serverName",
		},
		{"TLS forgotten", node, "user: careful", "denies access: Access denied for user 'careful'@'127.0.0.1' (using " +
			"password: YES); mend database.user or its password, or create the user; if the user REQUIREs SSL, add database.tls"},
		{"no such user", node, "user: nobody, tls: {ca: ca.pem}", "denies access: Access denied for user 'nobody'@"},
		{"no TLS", plain, "user: root, tls: {ca: ca.pem}", "offers no TLS, which database.tls asks for; give the server"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t, map[string]string{
				"catalog.yaml": strings.Replace(smallCatalog, "name: account_stats", "name: account", 1), "password": "hunter2",
				"ca.pem": string(ca), "wrong.pem": wrongCA,
				"rongate.yaml": fmt.Sprintf("catalog: {file: catalog.yaml}\nnodes: [{address: %q}]\n"+
					"database: {%s, passwordFile: password}\n", test.address, test.database),
			})
			_, stdout := check(t, dir)
			if !strings.Contains(stdout, test.want) || strings.Contains(stdout, "hunter2") {
				t.Errorf("not told: %s\n%s", test.want, stdout)
			}
		})
	}
	t.Run("a DNS name's", func(t *testing.T) {
		dir := folder(t, map[string]string{"catalog.yaml": smallCatalog, "password": "hunter2", "ca.pem": string(ca)})
		checkNamed(t, dir, "localhost", node, "ok")
		checkNamed(t, dir, "db.internal", node, "has a certificate for another name (localhost, 127.0.0.1, ::1), not for db.internal")
	})
}

// lockTable has another client hold a table for as long as the test runs.
func lockTable(t *testing.T, db *testbed.MariaDB, table string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = db.Exec(ctx, "LOCK TABLES "+table+" WRITE; DO SLEEP(60);") // it is cut off
	}()
	t.Cleanup(func() { cancel(); <-ended })
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		sleeping, err := db.Query(t.Context(), "SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO = 'DO SLEEP(60)'")
		if err != nil || time.Now().After(end) {
			t.Fatalf("not locked: %v", err)
		}
		if len(sleeping) > 0 {
			return
		}
	}
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return l.Addr().String()
}

// mailServer greets as one.
func mailServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			fmt.Fprint(conn, "220 mail.example ESMTP\r\n")
			conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
	return l.Addr().String()
}

// TestCheckGood has nothing to complain of.
func TestCheckGood(t *testing.T) {
	dir := databaseFolder(t, smallCatalog)
	status, stdout := check(t, dir, "--strict")
	for i, n := range shared.Get(t, testbed.KindMariaDB).Nodes() {
		stdout = strings.ReplaceAll(stdout, n.Address, fmt.Sprint("node", i+1))
	}
	const want = `
payments/account_stats_1  payments.account_stats_1  InnoDB  account_id  3 of 3 nodes  PRIMARY (const, range)  -

FEATURE VIEW    VERSION  FEATURES  SERVING KEYS
payments/fraud  1        1         account_id (bigint)

check: everything is as it should be
`
	if status != 0 || !strings.HasSuffix(stdout, want) || strings.Count(stdout, " (own)  ok  ") != 2 {
		t.Errorf("%d\n%s", status, stdout)
	}
}

// TestCheckContradiction: of three nodes each has the mistake, which is told once.
func TestCheckContradiction(t *testing.T) {
	status, stdout := check(t, databaseFolder(t, wrongCatalog))
	wantFindings(t, stdout, "TROUBLE  catalog.yaml:9: featureStores[0].featureViews[0].features[0]: no joined feature "+
		"group has it; did you mean country? (on every node)", "check: 1 trouble")
	if status != 1 {
		t.Errorf("status %d", status)
	}
}
