package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestNDB puts one cluster through everything, since each start takes ten seconds. It ends every process once, and
// the parts rely on each other's order only in that Mend mends what the one before has broken.
func TestNDB(t *testing.T) {
	Require(t, KindNDB)
	c, err := StartNDB(t.Context(), NDBConfig{
		Zones:   []string{"west", "east", "west"},
		Proxies: true,
		Accounts: []Account{
			{User: "plain", Password: `p'w\d"`},
			{User: "secure", Password: "secret", RequireTLS: true},
		},
		TLS: true,
	})
	must(t, err)
	t.Cleanup(func() {
		must(t, c.Close())
		if exists(c.group.dir) {
			t.Errorf("%s is left", c.group.dir)
		}
	})
	must(t, c.Exec(t.Context(), `
		CREATE DATABASE store;
		CREATE TABLE store.t (k INT NOT NULL, v INT, PRIMARY KEY (k) `+c.KeyOptions()+`) `+c.Engine()+`;
		INSERT INTO store.t VALUES (1, 10), (2, 20), (3, NULL), (4, 40);`))

	t.Run("layout", func(t *testing.T) { testNDBLayout(t, c) })
	t.Run("accounts", func(t *testing.T) { testAccounts(t, c) })
	t.Run("counters", func(t *testing.T) { testNDBCounters(t, c) })
	t.Run("MySQL server", func(t *testing.T) { testNDBServerVerbs(t, c) })
	t.Run("management server", func(t *testing.T) { testNDBManagementVerbs(t, c) })
	t.Run("data node", func(t *testing.T) { testNDBDataNodeVerbs(t, c) })
}

// mustServe checks that every node reads the table.
func mustServe(t *testing.T, c *NDB) {
	t.Helper()
	for _, n := range c.Nodes() {
		mustRows(t, n, "SELECT v FROM store.t WHERE k IN (2, 3) ORDER BY k", []Cell{text("20")}, []Cell{null()})
		must(t, login(n.Address, "plain", `p'w\d"`, c.CA()))
	}
}

func testNDBLayout(t *testing.T, c *NDB) {
	mustServe(t, c)
	var layout strings.Builder
	for _, n := range c.Nodes() {
		rows, err := n.Query(t.Context(), "SHOW STATUS LIKE 'Ndb_cluster_node_id'")
		must(t, err)
		fmt.Fprint(&layout, n.Name, " ", n.Zone, " ", rows[0][1], "\n")
	}
	rows, err := c.Query(t.Context(), `SELECT node_id, config_value FROM ndbinfo.config_values
		JOIN ndbinfo.config_params ON param_number = config_param AND param_name = 'LocationDomainId' ORDER BY node_id`)
	must(t, err)
	for i, d := range c.DataNodes() {
		fmt.Fprint(&layout, d.ID, " ", d.Zone, " ", rows[i], "\n")
	}
	want := "mysqld51 west 51\nmysqld52 east 52\nmysqld53 west 53\n2 west [2 1]\n3 east [3 2]\n"
	if layout.String() != want {
		t.Errorf("the cluster is\n%s, want\n%s", layout.String(), want)
	}
}

// testNDBCounters reads in one session, whose first use of the table costs a scan, and subtracts that.
func testNDBCounters(t *testing.T, c *NDB) {
	n := c.Nodes()[1]
	const warm = "SELECT v FROM store.t WHERE k = 1;"
	count := func(script string) map[string]int64 {
		before, err := n.Counters(t.Context())
		must(t, err)
		must(t, n.Exec(t.Context(), script))
		after, err := n.Counters(t.Context())
		must(t, err)
		for name := range after {
			after[name] -= before[name]
		}
		return after
	}
	base := count(warm)
	for _, test := range []struct {
		statement          string
		keys, trips, scans int64
	}{
		{"SELECT v FROM store.t WHERE k IN (1, 2, 5);", 3, 1, 0},
		{"SELECT v FROM store.t WHERE v = 40;", 0, 0, 1},
		{"SELECT 1;", 0, 0, 0},
	} {
		got := count(warm + test.statement)
		keys := got["Ndb_api_pk_op_count"] - base["Ndb_api_pk_op_count"]
		trips := got["Ndb_api_wait_exec_complete_count"] - base["Ndb_api_wait_exec_complete_count"]
		scans := got["Ndb_api_table_scan_count"] - base["Ndb_api_table_scan_count"]
		if keys != test.keys || trips != test.trips || scans != test.scans {
			t.Errorf("%s counts as %d keys, %d round trips, %d scans; want %d, %d, %d",
				test.statement, keys, trips, scans, test.keys, test.trips, test.scans)
		}
	}
}

func testNDBServerVerbs(t *testing.T, c *NDB) {
	n, other := c.Nodes()[0], c.Nodes()[1]
	must(t, n.Kill())
	must(t, end2(n, t.Context()))
	if n.Alive() || !other.Alive() {
		t.Error("the wrong server is alive")
	}
	if err := login(n.Address, "plain", `p'w\d"`, c.CA()); err == nil {
		t.Error("login on a dead server")
	}
	must(t, c.Exec(t.Context(), "UPDATE store.t SET v = 11 WHERE k = 1")) // another server takes it
	must(t, n.Restart(t.Context()))
	mustRows(t, n, "SELECT v FROM store.t WHERE k = 1", []Cell{text("11")})

	must(t, other.Pause())
	if err := greet(other.Address); !errors.Is(err, os.ErrDeadlineExceeded) || !other.Alive() {
		t.Errorf("a paused server: %v, alive %v", err, other.Alive())
	}
	must(t, other.Resume())
	must(t, other.Stop(t.Context()))
	must(t, c.Mend(t.Context()))
	mustServe(t, c)
}

func testNDBManagementVerbs(t *testing.T, c *NDB) {
	m := c.Management()
	must(t, m.Kill())
	if m.Alive() {
		t.Error("it is alive")
	}
	mustServe(t, c)
	must(t, m.Restart(t.Context()))
	if !m.Alive() {
		t.Error("it is dead")
	}
}

func testNDBDataNodeVerbs(t *testing.T, c *NDB) {
	first, second := c.DataNodes()[0], c.DataNodes()[1]
	// For less time than the four heartbeats after which the other would declare it dead.
	must(t, first.Pause())
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := c.Nodes()[0].Query(ctx, "SELECT v FROM store.t WHERE k = 4"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a read in the location domain of a paused data node: %v", err)
	}
	mustRows(t, c.Nodes()[1], "SELECT v FROM store.t WHERE k = 4", []Cell{text("40")})
	must(t, first.Resume())

	pid := second.process.cmd.Process.Pid
	must(t, second.Kill())
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) || second.Alive() {
		t.Errorf("a killed data node is alive: %v", err)
	}
	must(t, c.Mend(t.Context()))
	if !second.Alive() {
		t.Error("it is dead")
	}
	mustServe(t, c)
}

func TestNDBStartFails(t *testing.T) {
	Require(t, KindNDB)
	_, err := StartNDB(t.Context(), NDBConfig{Home: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "ndb_mgmd") {
		t.Errorf("without binaries: %v", err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := StartNDB(ctx, NDBConfig{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with too little time: %v", err)
	}
	left, err := os.ReadDir(os.TempDir())
	must(t, err)
	if len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
