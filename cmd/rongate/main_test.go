package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/rongate/rongate/internal/testbed"
	"github.com/rongate/rongate/server"
)

var shared testbed.Shared

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(
		shared.Main(m),
		// fasthttp's worker pool sleeps up to ten seconds before it notices that it was stopped, and its clock for the
		// Date header runs for as long as the process.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
	)
}

// buffer is an output that may be read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// command runs a command line to its end.
func command(args ...string) (status int, stdout, stderr string) {
	var out, err buffer
	status = run(args, output{&out, &err})
	return status, out.String(), err.String()
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"check", "--help"}, {"key", "--help"}} {
		status, stdout, stderr := command(args...)
		if status != 0 || !strings.HasPrefix(stdout, "Usage: rongate") || stderr != "" {
			t.Errorf("%v: %d, %q, %q", args, status, stdout, stderr)
		}
	}
	_, stdout, _ := command("serve", "--help")
	for _, want := range []string{
		"RONGATE_ZONE", "RONGATE_REGION", "RONGATE_LISTEN", "RONGATE_PRIVATE_LISTEN",
		"RONGATE_CONNECTIONS_PER_NODE", "RONGATE_MAX_CONCURRENT", "RONGATE_LOG_LEVEL", "RONGATE_MEMORY_LIMIT", "RONGATE_CONFIG", "SIGHUP",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("serve --help says nothing of %s: %s", want, stdout)
		}
	}
}

// TestHelpShowsFilesThatHold: the files that --help prints are accepted as they stand there.
func TestHelpShowsFilesThatHold(t *testing.T) {
	_, help, _ := command("--help")
	dir := t.TempDir()
	for name, before := range map[string]string{"rongate.yaml": " rongate.yaml:\n\n", "catalog.yaml": "\ncatalog.yaml:\n\n"} {
		_, block, found := strings.Cut(help, before)
		block, _, _ = strings.Cut(block, "\n\n")
		if !found || block == "" {
			t.Fatalf("--help shows no %s: %s", name, help)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(block+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "password.txt"), []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := command("check", "--offline", "--config", filepath.Join(dir, "rongate.yaml"))
	if status != 0 {
		t.Errorf("%d\n%s%s", status, stdout, stderr)
	}
}

func TestUsageMistakes(t *testing.T) {
	for _, args := range [][]string{{}, {"sevre"}, {"serve", "--port", "1"}, {"check", "extra"}} {
		status, stdout, stderr := command(args...)
		if status != 2 || !strings.HasPrefix(stderr, "rongate: ") || stdout != "" {
			t.Errorf("%v: %d, %q, %q", args, status, stdout, stderr)
		}
	}
}

func TestVersion(t *testing.T) {
	if status, stdout, _ := command("version"); status != 0 || !strings.HasPrefix(stdout, "rongate ") {
		t.Errorf("%d, %q", status, stdout)
	}
}

// TestKey makes a file of what the command prints.
func TestKey(t *testing.T) {
	status, stdout, stderr := command("key", "--name", "fraud model", "--views", "payments/*,shared/fx")
	if status != 0 || stderr != "" {
		t.Fatalf("%d, %q", status, stderr)
	}
	_, line, _ := strings.Cut(stdout, `"keys:":`)
	path := filepath.Join(t.TempDir(), "keys.yaml")
	if err := os.WriteFile(path, []byte("keys:\n"+line), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := server.LoadKeys(path); err != nil {
		t.Errorf("%v\n%s", err, stdout)
	}
	if !strings.Contains(line, `name: "fraud model"`) || !strings.Contains(line, `views: ["payments/*", "shared/fx"]`) {
		t.Errorf("got %s", stdout)
	}
}

// TestKeyRefusesViews: what the file of API keys would refuse is not printed for it.
func TestKeyRefusesViews(t *testing.T) {
	for _, views := range []string{"fraud", "payments/fr*", ",", ""} {
		if status, stdout, stderr := command("key", "--views", views); status != 1 || stdout != "" || !strings.Contains(stderr, "--views: ") {
			t.Errorf("%q: %d, %q, %q", views, status, stdout, stderr)
		}
	}
}
