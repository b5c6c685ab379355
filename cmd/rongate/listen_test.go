package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// socketDir is a directory whose path is short enough for sockets in it.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rongate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// TestServeOnSockets asks over a unix socket, where rongate listens beside loopback, and for a profile on the private one.
func TestServeOnSockets(t *testing.T) {
	sockets := socketDir(t)
	public, private := filepath.Join(sockets, "public.sock"), filepath.Join(sockets, "private.sock")
	dir := folder(t, map[string]string{
		"catalog.yaml": smallCatalog,
		"rongate.yaml": smallConfig + "listen: [" + public + ", \"127.0.0.1:0\"]\nprivateListen: " + private +
			"\nsocketMode: \"0600\"\nlog: {format: json}\n",
	})
	t.Setenv("RONGATE_ZONE", "zone1")
	s := serveFolder(t, dir)
	over := func(socket, path string) int {
		client := &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", socket)
			},
		}}
		resp, err := client.Get("http://rongate" + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, want := range []struct {
		socket, path string
		status       int
	}{
		{public, "/openapi.json", 200},
		{public, "/feature-views", 503},
		{private, "/livez", 200},
		{private, "/readyz", 503},
		{private, "/debug/pprof/cmdline", 200},
	} {
		if status := over(want.socket, want.path); status != want.status {
			t.Errorf("%s: %d, want %d", want.path, status, want.status)
		}
	}
	if info, err := os.Stat(public); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info.Mode(), err)
	}
	s.terminate()
	if left, _ := filepath.Glob(filepath.Join(sockets, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestListenSocket replaces a socket that nobody listens on any more, and nothing else.
func TestListenSocket(t *testing.T) {
	dir := socketDir(t)
	path := filepath.Join(dir, "s")
	abandoned, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := listenSocket(path, 0o660); err == nil || !strings.Contains(err.Error(), "another process does") {
		t.Errorf("beside another: %v", err)
	}
	abandoned.(*net.UnixListener).SetUnlinkOnClose(false) // as if it were killed
	abandoned.Close()
	ln, err := listenSocket(path, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the socket: %v, %v", info, err)
	}
	ln.Close()
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listenSocket(path, 0o660); err == nil {
		t.Error("a file was replaced")
	}
}

// TestListenAll leaves nothing open if one address cannot be had.
func TestListenAll(t *testing.T) {
	dir := socketDir(t)
	path := filepath.Join(dir, "s")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if _, err := listenAll([]string{path, taken.Addr().String()}, 0o660); err == nil {
		t.Fatal("listens twice")
	}
	if err := syscall.Access(path, 0); err == nil {
		t.Error("the socket is still there")
	}
}
