package main

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rongate/rongate/internal/testbed"
)

// TestGateways starts all that is compared, and has a command ask each of them.
func TestGateways(t *testing.T) {
	testbed.Require(t, testbed.KindMariaDB)
	if testing.Short() {
		t.Skip("builds four programs")
	}
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin, "../../cmd/rongate", "../baseline", "../floor")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	answers := filepath.Join(t.TempDir(), "answers")
	t.Setenv("RONGATE_TEST_ANSWERS", answers)
	args := []string{"--db", "mariadb", "--rows", "5000", "--bin", bin, "--", os.Args[0], "-test.run=^TestCommand$"}
	if err := run(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(answers)
	if err != nil {
		t.Fatal(err)
	}
	const vector = `{"featureStore":"payments","featureView":"fraud","version":1,` +
		`"features":["avg_amount_7d","country","amount"],"vector":[null,"XX",0],"status":"EXPIRED"}` + "\n"
	if want := vector + vector + vector + question + "\n"; string(got) != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if err := run(t.Context(), []string{"--db", "other"}); err == nil {
		t.Error("an unknown database is taken")
	}
}

const question = `{"featureView":"fraud","version":1,"entry":{"account_id":4713}}`

// TestCommand is the command that TestGateways has run: it asks everybody and writes down the answers.
func TestCommand(t *testing.T) {
	path := os.Getenv("RONGATE_TEST_ANSWERS")
	if path == "" || os.Getenv("FLOOR") == "" {
		t.Skip("run by TestGateways")
	}
	var answers []byte
	for _, name := range []string{"RONGATE", "UNMERGED", "BASELINE", "FLOOR"} {
		resp, err := http.Post(os.Getenv(name)+"/feature-vectors", "application/json", strings.NewReader(question))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s, %v, %s", name, resp.Status, err, body)
		}
		answers = append(append(answers, body...), '\n')
		pid, err := strconv.Atoi(os.Getenv(name + "_PID"))
		if err == nil {
			err = syscall.Kill(pid, 0)
		}
		if err != nil {
			t.Errorf("process of %s: %v", name, err)
		}
	}
	if err := os.WriteFile(path, answers, 0o600); err != nil {
		t.Fatal(err)
	}
}
