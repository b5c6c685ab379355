package pool

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rongate/rongate/internal/testbed"
)

const erAccessDenied = 1045

// secured starts a server with TLS and an account that has a password. The binary may be "" for the default.
func secured(t *testing.T, binary string) (*testbed.MariaDB, Config) {
	t.Helper()
	testbed.Require(t, testbed.KindMariaDB)
	db, err := testbed.StartMariaDB(context.Background(), testbed.MariaDBConfig{
		Binary: binary, TLS: true,
		Accounts: []testbed.Account{
			{User: "plain", Password: "secret"},
			{User: "encrypted", Password: "secret", RequireTLS: true},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db, Config{
		Address: db.Nodes()[0].Address, User: "plain", Password: func() (string, error) { return "secret", nil },
	}
}

// cipher is what the session is encrypted with; "" if it is not.
func cipher(t *testing.T, cfg Config) (name string, err error) {
	t.Helper()
	err = Once(context.Background(), cfg, func(c *Conn) error {
		row := mustRun(t, c, "SHOW SESSION STATUS LIKE 'Ssl_cipher'")[0]
		name = strings.Trim(strings.Fields(row)[1], `"`)
		return nil
	})
	return name, err
}

func TestTLS(t *testing.T) {
	db, cfg := secured(t, "")
	checkTLS(t, db, cfg, "TEXT")
}

// checkTLS connects in all ways. json is what checkColumnTypes wants to know.
func checkTLS(t *testing.T, db *testbed.MariaDB, cfg Config, json string) {
	t.Helper()
	if name, err := cipher(t, cfg); err != nil || name != "" {
		t.Errorf("plain text: cipher %q, %v", name, err)
	}
	for _, user := range []string{"plain", "encrypted"} {
		for _, good := range []*tls.Config{tlsOf(db.CA(), "localhost"), tlsOf(db.CA(), "")} {
			cfg.User, cfg.TLS = user, good
			if name, err := cipher(t, cfg); err != nil || name == "" {
				t.Errorf("%s, server name %q: cipher %q, %v", user, good.ServerName, name, err)
			}
		}
	}
	c := lease(t, openOn(t, cfg.Address, cfg))
	if isDirect(c) {
		t.Error("statements of an encrypted connection do not go through the driver")
	}
	checkColumnTypes(t, db.Nodes()[0], c, json)

	cfg.TLS = tlsOf(x509.NewCertPool(), "localhost")
	var unknown x509.UnknownAuthorityError
	if _, err := cipher(t, cfg); !errors.As(err, &unknown) {
		t.Errorf("a certificate of another authority: %v", err)
	}
	cfg.TLS = tlsOf(db.CA(), "node.example")
	var misnamed x509.HostnameError
	if _, err := cipher(t, cfg); !errors.As(err, &misnamed) {
		t.Errorf("a certificate for another name: %v", err)
	}

	cfg.TLS = nil // the user requires it
	var refusal *ServerError
	if _, err := cipher(t, cfg); !errors.As(err, &refusal) || refusal.Number != erAccessDenied {
		t.Errorf("plain text where TLS is required: %v", err)
	}
}

func TestRotatedPassword(t *testing.T) {
	_, cfg := secured(t, "")
	var password atomic.Value
	password.Store("wrong")
	cfg.Password = func() (string, error) { return password.Load().(string), nil }
	p := openOn(t, cfg.Address, cfg)
	await(t, p, "refusals", func() bool { return p.Stats().DialErrors > 2 })
	var refusal *ServerError
	if s := p.Stats(); !errors.As(s.LastError, &refusal) || refusal.Number != erAccessDenied || p.Up() {
		t.Errorf("%+v", s)
	}
	if strings.Contains(p.Stats().LastError.Error(), "wrong") {
		t.Error("the error tells the password")
	}
	password.Store("secret")
	await(t, p, "the new password", p.Up)
}

// MySQL 8 and later authenticate by caching_sha2_password: in full once, over TLS or with the server's public key, then
// from the server's cache.
func TestMySQL(t *testing.T) {
	home := os.Getenv("RONDB_HOME")
	if home == "" {
		t.Skip("RONDB_HOME does not name an installation")
	}
	db, cfg := secured(t, filepath.Join(home, "bin", "mysqld"))
	if err := Once(context.Background(), cfg, func(c *Conn) error {
		wantRows(t, mustRun(t, c, "SELECT 1"), "int:1")
		return nil
	}); err != nil {
		t.Errorf("in full with the public key: %v", err)
	}
	checkTLS(t, db, cfg, "JSON")
	wrong := cfg
	wrong.Password = func() (string, error) { return "wrong", nil }
	var refusal *ServerError
	if err := Once(context.Background(), wrong, nil); !errors.As(err, &refusal) || refusal.Number != erAccessDenied {
		t.Errorf("a wrong password: %v", err)
	}

	bothWays(t, func(t *testing.T, driverRows bool) {
		cfg.DriverRows = driverRows
		p := openOn(t, cfg.Address, cfg)
		checkColumnTypes(t, db.Nodes()[0], lease(t, p), "JSON")
		c := lease(t, p)
		defer c.Release()
		session := "SELECT @@autocommit, @@sql_mode, @@time_zone, @@character_set_results"
		wantRows(t, mustRun(t, c, session), `int:1 "" "+00:00" "utf8mb4"`)
		var refusal *ServerError
		if _, err := run(c, "SELECT 1 FROM nowhere.nothing"); !errors.As(err, &refusal) || c.Broken() {
			t.Errorf("%v, broken %v", err, c.Broken())
		}
		if isDirect(c) == driverRows {
			t.Error("the rows are read by the other one")
		}
	})
}
