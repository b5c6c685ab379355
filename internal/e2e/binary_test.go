package e2e

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rongate/rongate/contract"
	"github.com/rongate/rongate/internal/testbed"
)

const binaryKey = "a-key-that-only-this-test-knows-0123456789"

// startBinary writes a configuration that uses everything a careful operator would (TLS with
// verification, a password file, API keys), starts it, and returns it with its public and private addresses.
func startBinary(t *testing.T, db testbed.Cluster) (process *exec.Cmd, public, private string) {
	t.Helper()
	dir := t.TempDir()
	nodes := ""
	for _, n := range db.Nodes() {
		nodes += fmt.Sprintf("  - {address: %q, zone: %s}\n", n.Address, n.Zone)
	}
	for name, text := range map[string]string{
		"catalog.yaml": string(contract.Catalog()),
		"password":     "s3cret\n",
		"keys.yaml": fmt.Sprintf("keys:\n  - {name: test, sha256: \"%x\", views: [payments/fraud]}\n",
			sha256.Sum256([]byte(binaryKey))),
		"rongate.yaml": "zone: zone1\nlisten: 127.0.0.1:0\nprivateListen: 127.0.0.1:0\ncatalog: {file: catalog.yaml}\n" +
			"apiKeys: {file: keys.yaml}\nnodes:\n" + nodes +
			"database: {user: reader, passwordFile: password, tls: {ca: \"" + db.CAFile() + "\"}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	process = exec.CommandContext(t.Context(), builtRongate(t), "serve", "--config", filepath.Join(dir, "rongate.yaml"))
	log, err := process.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		t.Log(lines.Text())
		if _, rest, ok := strings.Cut(lines.Text(), " listen="); ok {
			public, rest, _ = strings.Cut(rest, " ")
			_, private, _ = strings.Cut(rest, "privateListen=")
			break
		}
	}
	if private == "" {
		t.Fatalf("rongate did not say where it listens: %v", process.Wait())
	}
	go func() { _, _ = io.Copy(io.Discard, log) }() // ends with the process
	return process, "http://" + public, "http://" + private
}

// TestBinary runs the program itself: it gets ready over verified TLS, keeps keys and views apart, tells its state, and
// a SIGTERM under load costs no request.
func TestBinary(t *testing.T) {
	testbed.Require(t, testbed.KindMariaDB)
	db, err := testbed.StartMariaDB(t.Context(), testbed.MariaDBConfig{
		TLS: true, Accounts: []testbed.Account{{User: "reader", Password: "s3cret", RequireTLS: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	execute(t, db, strings.Join(contract.Schema(db.Engine()), ";\n")+";")
	process, public, private := startBinary(t, db)
	g := &gateway{t: t, url: public, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 10}}}
	t.Cleanup(g.client.CloseIdleConnections)
	operator := &gateway{t: t, url: private, client: g.client}

	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if status, _, reason := operator.do(http.MethodGet, "/readyz", nil, nil); status == http.StatusOK {
			break
		} else if time.Now().After(end) {
			t.Fatalf("not ready: %s", reason)
		}
	}
	key := map[string]string{"X-Api-Key": binaryKey}
	const known = `{"featureView":"fraud","version":3,"features":["merchant_id"],"entry":{"merchant_id":"m-93"}}`
	for _, tc := range []struct {
		header map[string]string
		body   string
		want   int
	}{
		{nil, known, http.StatusUnauthorized},
		{map[string]string{"X-Api-Key": binaryKey + "x"}, known, http.StatusUnauthorized},
		{key, `{"featureView":"account","entry":{"account_id":1}}`, http.StatusForbidden},
		{key, `{"featureView":"nothing","entry":{"account_id":1}}`, http.StatusForbidden},
		{key, known, http.StatusOK},
	} {
		if status, _, body := g.do(http.MethodPost, "/feature-vectors", tc.header, []byte(tc.body)); status != tc.want {
			t.Errorf("%s: got %d %s, want %d", tc.body, status, body, tc.want)
		}
	}
	if _, _, metrics := operator.do(http.MethodGet, "/metrics", nil, nil); !strings.Contains(string(metrics), "rongate_") {
		t.Errorf("metrics: %.300s", metrics)
	}
	drainUnderLoad(t, process, g, key, known)
}

// drainUnderLoad ends the process while requests come in over kept connections. Every one of them is answered, and each
// connection is told in an answer that it will be closed, so that no client finds out by losing a request.
func drainUnderLoad(t *testing.T, process *exec.Cmd, g *gateway, key map[string]string, body string) {
	t.Helper()
	const clients = 4
	told := make(chan bool)
	for range clients {
		go func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for {
				request, err := http.NewRequestWithContext(
					t.Context(), http.MethodPost, g.url+"/feature-vectors", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					break
				}
				request.Header.Set("X-Api-Key", key["X-Api-Key"])
				response, err := client.Do(request)
				if err != nil {
					t.Errorf("a request was lost: %v", err)
					break
				}
				text, err := io.ReadAll(response.Body)
				response.Body.Close()
				if err != nil || response.StatusCode != http.StatusOK {
					t.Errorf("%d %s %v", response.StatusCode, text, err)
				}
				if response.Close {
					told <- true
					return
				}
			}
			told <- false
		}()
	}
	time.Sleep(300 * time.Millisecond)
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for range clients {
		if !<-told {
			t.Error("a client was not told that its connection closes")
		}
	}
	if err := process.Wait(); err != nil {
		t.Errorf("rongate ended with %v", err)
	}
}
