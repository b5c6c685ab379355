package testbed

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func startMariaDB(t *testing.T, cfg MariaDBConfig) *MariaDB {
	t.Helper()
	if cfg.Binary == "" {
		Require(t, KindMariaDB)
	}
	m, err := StartMariaDB(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() { must(t, m.Close()) })
	return m
}

func TestMariaDBQuery(t *testing.T) {
	m := startMariaDB(t, MariaDBConfig{})
	ctx := t.Context()
	must(t, m.Exec(ctx, `
		CREATE DATABASE store;
		CREATE TABLE store.t (
			k INT NOT NULL, v VARCHAR(20) CHARACTER SET utf8mb4, PRIMARY KEY (k) `+m.KeyOptions()+`
		) `+m.Engine()+`;
		INSERT INTO store.t VALUES (1, 'NULL'), (2, NULL), (3, ''), (4, '<&"\'\\\t\r\n'), (5, 'é日😀');`))
	for _, n := range m.Nodes() {
		mustRows(
			t, n, "SELECT k, v FROM store.t ORDER BY k",
			[]Cell{text("1"), text("NULL")}, []Cell{text("2"), null()}, []Cell{text("3"), text("")},
			[]Cell{text("4"), text("<&\"'\\\t\r\n")}, []Cell{text("5"), text("é日😀")},
		)
	}
	rows, err := m.Query(ctx, "SELECT HEX(CHAR(0, 255))")
	if err != nil || len(rows) != 1 || rows[0][0] != text("00FF") {
		t.Errorf("%v, error %v", rows, err)
	}
	err = m.Exec(ctx, "SELECT 1;\nSELEKT 1;\n")
	if err == nil || !strings.Contains(err.Error(), "ERROR 1064 (42000) at line 2") {
		t.Errorf("a script with a mistake: %v", err)
	}
	if _, err := m.Query(ctx, "SELECT nothing"); err == nil {
		t.Error("a statement with a mistake: no error")
	}
}

func TestMariaDBCounters(t *testing.T) {
	m := startMariaDB(t, MariaDBConfig{})
	n := m.Nodes()[0]
	must(t, m.Exec(t.Context(), `
		CREATE DATABASE store;
		USE store;
		CREATE TABLE t (k INT NOT NULL PRIMARY KEY, v INT);
		INSERT INTO t SELECT seq, seq FROM seq_1_to_1000;`))
	before, err := n.Counters(t.Context())
	must(t, err)
	mustRows(t, n, "SELECT v FROM store.t WHERE k IN (7, 8)", []Cell{text("7")}, []Cell{text("8")})
	after, err := n.Counters(t.Context())
	must(t, err)
	if d := after["Handler_read_key"] - before["Handler_read_key"]; d != 2 {
		t.Errorf("%d reads by key, want 2", d)
	}
}

func TestMariaDBNodeVerbs(t *testing.T) {
	m := startMariaDB(t, MariaDBConfig{Zones: []string{"a", "b"}})
	if m.CA() != nil || m.CAFile() != "" {
		t.Error("a server without TLS has a certificate authority")
	}
	n, other := m.Nodes()[0], m.Nodes()[1]
	if n.Zone != "a" || other.Zone != "b" || n.Address == other.Address || n.Name == other.Name {
		t.Fatalf("nodes %+v and %+v", n, other)
	}
	live, err := net.Dial("tcp", n.Address)
	must(t, err)
	defer live.Close()

	for _, end := range []func() error{n.Kill, func() error { return n.Stop(t.Context()) }} {
		must(t, end())
		must(t, end()) // it has ended already
		if n.Alive() || !other.Alive() {
			t.Error("the wrong node is alive")
		}
		if err := login(n.Address, User, "", nil); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("login on a dead node: %v", err)
		}
		must(t, login(other.Address, User, "", nil))
		if n.Pause() == nil || n.Resume() == nil {
			t.Error("a dead node was paused or resumed")
		}
		must(t, n.Restart(t.Context()))
		must(t, login(n.Address, User, "", nil))
	}
	must(t, live.SetDeadline(time.Now().Add(patience)))
	if _, err := io.Copy(io.Discard, live); err != nil {
		t.Errorf("a connection made before the node's death: %v, want its end", err)
	}

	must(t, n.Pause())
	if err := greet(n.Address); !errors.Is(err, os.ErrDeadlineExceeded) || !n.Alive() {
		t.Errorf("a paused node: %v, alive %v", err, n.Alive())
	}
	must(t, n.Resume())
	must(t, login(n.Address, User, "", nil))
}

func TestMariaDBServerVerbs(t *testing.T) {
	m := startMariaDB(t, MariaDBConfig{})
	n, server := m.Nodes()[0], m.Server()
	must(t, m.Exec(t.Context(), `
		CREATE DATABASE store;
		CREATE TABLE store.t (k INT PRIMARY KEY);
		INSERT INTO store.t VALUES (1);`))
	ends := []func() error{
		func() error { return server.Stop(t.Context()) },
		server.Kill,
		func() error { return errors.Join(server.Pause(), server.Stop(t.Context())) },
		func() error { return errors.Join(server.Pause(), server.Kill()) },
	}
	for i, end := range ends {
		must(t, end())
		must(t, end2(server, t.Context()))
		if server.Alive() || login(n.Address, User, "", nil) == nil {
			t.Errorf("end %d: it is alive", i)
		}
		if err := m.Exec(t.Context(), "SELECT 1"); err == nil {
			t.Errorf("end %d: a script ran without a server", i)
		}
		must(t, server.Restart(t.Context()))
		must(t, login(n.Address, User, "", nil))
		mustRows(t, n, "SELECT k FROM store.t", []Cell{text("1")})
	}

	must(t, server.Pause())
	if err := greet(n.Address); !errors.Is(err, os.ErrDeadlineExceeded) || !server.Alive() {
		t.Errorf("a paused server: %v, alive %v", err, server.Alive())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := n.Query(ctx, "SELECT 1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a query on a paused server: %v", err)
	}
	must(t, server.Resume())
	mustRows(t, n, "SELECT k FROM store.t", []Cell{text("1")})

	must(t, server.Pause())
	must(t, server.Restart(t.Context()))
	mustRows(t, n, "SELECT k FROM store.t", []Cell{text("1")})
}

// end2 ends a process that has ended.
func end2(p Process, ctx context.Context) error { return errors.Join(p.Stop(ctx), p.Kill()) }

func TestMariaDBAccounts(t *testing.T) {
	binaries := map[string]string{"MariaDB": ""}
	if home := os.Getenv("RONDB_HOME"); home != "" {
		binaries["MySQL"] = filepath.Join(home, "bin", "mysqld")
	}
	for name, binary := range binaries {
		t.Run(name, func(t *testing.T) {
			m := startMariaDB(t, MariaDBConfig{
				Binary: binary,
				Accounts: []Account{
					{User: "plain", Password: `p'w\d"`},
					{User: "secure", Password: "secret", RequireTLS: true},
				},
				TLS: true,
			})
			testAccounts(t, m)
		})
	}
}

// testAccounts checks the accounts plain and secure on all nodes.
func testAccounts(t *testing.T, c Cluster) {
	t.Helper()
	pem, err := os.ReadFile(c.CAFile())
	must(t, err)
	fromFile := x509.NewCertPool()
	if !fromFile.AppendCertsFromPEM(pem) || !fromFile.Equal(c.CA()) {
		t.Errorf("CAFile and CA differ: %s", pem)
	}
	for _, n := range c.Nodes() {
		must(t, login(n.Address, "plain", `p'w\d"`, c.CA()))
		must(t, login(n.Address, "secure", "secret", c.CA()))
		if err := login(n.Address, "secure", "secret", nil); err == nil {
			t.Error("secure logged in without TLS")
		}
		if err := login(n.Address, "plain", "wrong", c.CA()); err == nil {
			t.Error("plain logged in with a wrong password")
		}
		if err := login(n.Address, User, "", c.CA()); err == nil {
			t.Errorf("%s logged in over TCP", User)
		}
		if err := login(n.Address, "plain", `p'w\d"`, x509.NewCertPool()); err == nil {
			t.Error("a certificate of an unknown authority was accepted")
		}
		mustRows(t, n, "SELECT 1", []Cell{text("1")})
	}
}

func TestMariaDBStartsSideBySide(t *testing.T) {
	Require(t, KindMariaDB)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			m, err := StartMariaDB(t.Context(), MariaDBConfig{})
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(m.Exec(t.Context(), "CREATE DATABASE store"), m.Close(), m.Close()); err != nil {
				t.Error(err)
			}
			if exists(m.group.dir) {
				t.Errorf("%s is left", m.group.dir)
			}
		})
	}
	wg.Wait()
}

func TestMariaDBStartFails(t *testing.T) {
	Require(t, KindMariaDB)
	t.Setenv("TMPDIR", t.TempDir())
	_, err := StartMariaDB(t.Context(), MariaDBConfig{Args: []string{"--no-such-option"}})
	if !errors.Is(err, errEnded) || !strings.Contains(err.Error(), "unknown option '--no-such-option'") {
		t.Errorf("with an unknown option: %v", err)
	}
	_, err = StartMariaDB(t.Context(), MariaDBConfig{Binary: "/no/such/binary"})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a binary: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = StartMariaDB(ctx, MariaDBConfig{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context: %v", err)
	}
	left, err := os.ReadDir(os.TempDir())
	must(t, err)
	if len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
