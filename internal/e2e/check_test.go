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

// TestCheck runs the program itself against the catalogue of the contract, whose tables have keys and columns of every
// type: nothing of it may be taken for trouble, and every statement uses the primary key.
func TestCheck(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "rongate")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../cmd/rongate").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	onEach(t, func(t *testing.T, db testbed.Cluster) {
		dir := t.TempDir()
		nodes := ""
		for _, n := range db.Nodes() {
			nodes += fmt.Sprintf("  - {address: %q, zone: %s}\n", n.Address, n.Zone)
		}
		for name, text := range map[string]string{
			"catalog.yaml": string(contract.Catalog()),
			"rongate.yaml": "zone: zone1\ncatalog: {file: catalog.yaml}\nnodes:\n" + nodes + "database: {user: root}\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		check := exec.CommandContext(t.Context(), binary, "check", "-c", filepath.Join(dir, "rongate.yaml"))
		out, err := check.CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Errorf("check: %v", err)
		}
		for _, wrong := range []string{"TROUBLE", "scan", " 0 of 3", " 1 of 3", " 2 of 3"} {
			if strings.Contains(string(out), wrong) {
				t.Errorf("the output has %q", wrong)
			}
		}
	})
}
