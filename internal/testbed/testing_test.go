package testbed

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql/driver"
	"errors"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"
)

// childEnv makes the test binary do something else than test; see children.
const childEnv = "TESTBED_TEST_CHILD"

// children are what a copy of the test binary can be started to do.
func children() map[string]func() {
	return map[string]func(){
		"wait":  startAndWait,
		"panic": startAndPanic,
	}
}

func TestMain(m *testing.M) {
	if do, ok := children()[os.Getenv(childEnv)]; ok {
		do()
		return
	}
	goleak.VerifyTestMain(shared.Main(m))
}

var shared Shared

// patience is how long a test waits for what must come, on a machine that does a lot else.
const patience = 20 * time.Second

// login connects over TCP as a client would and reports how that went.
func login(address, user, password string, ca *x509.CertPool) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User, cfg.Passwd = "tcp", address, user, password
	cfg.Timeout, cfg.ReadTimeout = patience, patience
	cfg.Logger = &mysql.NopLogger{}
	if ca != nil {
		cfg.TLS = &tls.Config{RootCAs: ca, ServerName: "127.0.0.1"}
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return err
	}
	conn, err := connector.Connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.(driver.Pinger).Ping(ctx)
}

// greet reports whether the server at the address says anything.
func greet(address string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 1))
	return err
}

func mustRows(t *testing.T, n *Node, statement string, want ...[]Cell) {
	t.Helper()
	got, err := n.Query(t.Context(), statement)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(got, want, slices.Equal[[]Cell]) {
		t.Errorf("%s: %v, want %v", statement, got, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// runChild runs one test of this binary in another environment and returns what it printed.
func runChild(t *testing.T, test string, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+test+"$", "-test.v")
	cmd.Env = append([]string{}, env...) // nil would be this process's own
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out)
}

// TestRequireNDB is run by TestRequire.
func TestRequireNDB(t *testing.T) { Require(t, KindNDB) }

func TestRequire(t *testing.T) {
	if out := runChild(t, "TestRequireNDB"); !strings.Contains(out, "SKIP: TestRequireNDB") {
		t.Errorf("without binaries, and not required:\n%s", out)
	}
	out := runChild(t, "TestRequireNDB", "RONGATE_REQUIRE=mariadb,ndb")
	if !strings.Contains(out, "FAIL: TestRequireNDB") || !strings.Contains(out, "RONDB_HOME is not set") {
		t.Errorf("without binaries, but required:\n%s", out)
	}
	if err := Available("oracle"); err == nil {
		t.Error("there are no Oracle clusters")
	}
}

func TestSharedIsMendedAfterEachTest(t *testing.T) {
	var first Cluster
	t.Run("breaks it", func(t *testing.T) {
		first = shared.Get(t, KindMariaDB)
		must(t, first.Nodes()[0].Kill())
		must(t, first.Nodes()[1].Pause())
		must(t, first.(*MariaDB).Server().Kill())
	})
	t.Run("finds it mended", func(t *testing.T) {
		cluster := shared.Get(t, KindMariaDB)
		if cluster != first {
			t.Error("it is another one")
		}
		for _, n := range cluster.Nodes() {
			if err := login(n.Address, User, "", nil); err != nil {
				t.Errorf("%s: %v", n.Name, err)
			}
		}
	})
}
