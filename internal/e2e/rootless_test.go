//go:build linux

package e2e

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rongate/rongate/contract"
)

// TestBinaryInEmptyRoot runs rongate as its image does: a static binary that finds nothing in its root directory but
// itself and its configuration, no /proc, no /etc/resolv.conf, no /tmp, and may write nowhere but to the directory of
// its sockets. Without a node it lives, says that it is not ready, and answers 503; it ends with status 0 when it is told
// to.
func TestBinaryInEmptyRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("takes root, to change the root directory")
	}
	root := emptyRoot(t)
	process := exec.CommandContext(t.Context(), "/rongate", "serve", "--config", "/etc/rongate/rongate.yaml")
	process.Dir, process.Env = "/", []string{"RONGATE_MEMORY_LIMIT=268435456", "RONGATE_ZONE=zone-a"}
	process.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	var log strings.Builder // written until Wait returns
	process.Stdout, process.Stderr = &log, &log
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	running := true
	end := func() error {
		running = false
		_ = process.Process.Signal(syscall.SIGTERM) // Wait tells if it has ended before
		return process.Wait()
	}
	defer func() {
		if running {
			_ = end()
		}
		t.Logf("the log:\n%s", &log)
	}()

	public := overSocket(t, filepath.Join(root, "run/public.sock"))
	private := overSocket(t, filepath.Join(root, "run/private.sock"))
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if answer, err := private.client.Get(private.url + "/livez"); err == nil {
			answer.Body.Close()
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("rongate does not listen: %v", err)
		}
	}
	const body = `{"featureView":"fraud","version":3,"features":["merchant_id"],"entry":{"merchant_id":"m-93"}}`
	for _, tc := range []struct {
		at           *gateway
		method, path string
		want         int
	}{
		{private, http.MethodGet, "/livez", http.StatusOK},
		{private, http.MethodGet, "/readyz", http.StatusServiceUnavailable},
		{private, http.MethodGet, "/metrics", http.StatusOK},
		{public, http.MethodGet, "/openapi.json", http.StatusOK},
		{public, http.MethodPost, "/feature-vectors", http.StatusServiceUnavailable},
	} {
		if status, _, answer := tc.at.do(tc.method, tc.path, nil, []byte(body)); status != tc.want {
			t.Errorf("%s: got %d %.300s, want %d", tc.path, status, answer, tc.want)
		}
	}
	if err := end(); err != nil {
		t.Errorf("rongate ended with %v", err)
	}
	// What is not there is no news, and none of rongate's business.
	for _, word := range []string{"/proc", "/sys", "/etc/resolv", "panic", "level=ERROR"} {
		if strings.Contains(log.String(), word) {
			t.Errorf("the log speaks of %s", word)
		}
	}
}

// emptyRoot puts the static binary into a directory that becomes a root directory, with the files that a container
// would mount: a configuration whose nodes are not there, and a directory for sockets that the user may write to.
func emptyRoot(t *testing.T) string {
	t.Helper()
	// Not the test's own directory: a socket's path must be short, and the user must get there.
	root, err := os.MkdirTemp("", "root")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	binary, err := os.ReadFile(builtRongate(t))
	if err == nil {
		err = os.WriteFile(filepath.Join(root, "rongate"), binary, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"etc/rongate", "run"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for path, content := range map[string]string{
		"etc/rongate/catalog.yaml": string(contract.Catalog()),
		"etc/rongate/rongate.yaml": "listen: /run/public.sock\nprivateListen: /run/private.sock\n" +
			"catalog: {file: catalog.yaml}\ndatabase: {user: reader}\n" +
			"nodes: [{address: /run/no-node.sock, zone: zone-a}, {address: \"mysqld.invalid:3306\"}]\n",
	} {
		if err := os.WriteFile(filepath.Join(root, path), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(root, "run"), 65532, 65532); err != nil {
		t.Fatal(err)
	}
	return root
}

// overSocket returns a client of the listener at a unix socket.
func overSocket(t *testing.T, path string) *gateway {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
		ResponseHeaderTimeout: 20 * time.Second,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &gateway{t: t, url: "http://rongate", client: &http.Client{Transport: transport}}
}
