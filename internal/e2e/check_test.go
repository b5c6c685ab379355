package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rongate/rongate/contract"
	"github.com/rongate/rongate/internal/testbed"
)

// checkBinary builds rongate and returns what checks a catalogue against a cluster with it: whether that is without
// trouble, and what it prints, with the nodes' names in place of their addresses.
func checkBinary(t *testing.T) func(t *testing.T, db testbed.Cluster, catalogue string) (ok bool, printed string) {
	t.Helper()
	binary := builtRongate(t)
	return func(t *testing.T, db testbed.Cluster, catalogue string) (bool, string) {
		t.Helper()
		dir := t.TempDir()
		nodes, names := "", []string{dir + "/", ""}
		for i, n := range db.Nodes() {
			nodes += fmt.Sprintf("  - {address: %q, zone: %s}\n", n.Address, n.Zone)
			names = append(names, n.Address, fmt.Sprint("node", i+1))
		}
		for name, text := range map[string]string{
			"catalog.yaml": catalogue,
			"rongate.yaml": "zone: zone1\ncatalog: {file: catalog.yaml}\nnodes:\n" + nodes + "database: {user: root}\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		out, err := exec.CommandContext(t.Context(), binary, "check", "-c", filepath.Join(dir, "rongate.yaml")).CombinedOutput()
		printed := strings.NewReplacer(names...).Replace(string(out))
		t.Log("\n" + printed)
		return err == nil, printed
	}
}

// TestCheck takes nothing for trouble of a catalogue with keys and columns of every type: all is read by primary key.
func TestCheck(t *testing.T) {
	check := checkBinary(t)
	onEach(t, func(t *testing.T, db testbed.Cluster) {
		ok, printed := check(t, db, string(contract.Catalog()))
		if !ok {
			t.Error("trouble")
		}
		for _, wrong := range []string{"TROUBLE", "scan", "empty", " 0 of 3", " 1 of 3", " 2 of 3"} {
			if strings.Contains(printed, wrong) {
				t.Errorf("the output has %q", wrong)
			}
		}
	})
}

// TestCheckBroken has a node that is stuck, and on NDB a table that only one node has, since its engine is not shared.
func TestCheckBroken(t *testing.T) {
	check := checkBinary(t)
	const catalogue = `featureStores:
  - name: local
    featureGroups: [{name: shared, version: 1}, {name: own, version: 1}]
    featureViews:
      - name: both
        version: 1
        joins: [{group: shared, version: 1}, {group: own, version: 1}]
        features: [a, b]
`
	onEach(t, func(t *testing.T, db testbed.Cluster) {
		first, stuck := db.Nodes()[0], db.Nodes()[2]
		execute(t, db, "CREATE DATABASE IF NOT EXISTS local; "+
			"CREATE TABLE IF NOT EXISTS local.shared_1 (id INT PRIMARY KEY, a INT) "+db.Engine()+";")
		own := "CREATE TABLE IF NOT EXISTS local.own_1 (id INT PRIMARY KEY, b INT) ENGINE=InnoDB"
		if err := first.Exec(t.Context(), own); err != nil {
			t.Fatal(err)
		}
		if err := stuck.Pause(); err != nil {
			t.Fatal(err)
		}
		ok, printed := check(t, db, catalogue)
		want := []string{"TROUBLE  node node3: does not answer; mend the address,", "local/shared_1  local.shared_1  "}
		if db.Kind() == testbed.KindNDB {
			want = append(want,
				"TROUBLE  catalog.yaml:3: featureStores[0].featureGroups[1].table: table local.own_1 does not exist, or the user "+
					"may not read it; create it, grant SELECT or mend its name (on node node2)\n",
				"NOTE     table local.own_1: its engine is InnoDB while others are ndbcluster, so that every node has rows of its "+
					"own; ALTER TABLE `local`.`own_1` ENGINE=NDB (on node node1)\n",
			)
		}
		for _, text := range want {
			if !strings.Contains(printed, text) {
				t.Errorf("not told: %s", text)
			}
		}
		if ok {
			t.Error("no trouble")
		}
	})
}
