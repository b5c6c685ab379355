package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rongate/rongate/internal/frauddata"
	"github.com/rongate/rongate/internal/testbed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a demo does at once on a machine that has nothing else to do.
const patience = 30 * time.Second

// A transcript is what a demo has written so far.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await returns what an expression finds in what was written after the first so many bytes, once it finds something.
func (s *transcript) await(t *testing.T, from int, expression string) []string {
	t.Helper()
	re := regexp.MustCompile(expression)
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if found := re.FindStringSubmatch(s.String()[from:]); found != nil {
			return found
		}
		if time.Now().After(end) {
			t.Fatalf("nothing is %s in\n%s", expression, s)
		}
	}
}

// A running demo is one in this process, but for rongate, which is its child.
type running struct {
	t       *testing.T
	screen  *transcript
	keys    *io.PipeWriter
	status  chan int
	address map[string]string // public, private, control
	dir     string
}

func startDemo(t *testing.T, args ...string) *running {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "rongate")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../rongate")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("RONGATE_LISTEN", "127.0.0.1:1") // is not for the demo's child
	in, keys := io.Pipe()
	r := &running{t: t, screen: &transcript{}, keys: keys, status: make(chan int, 1), address: map[string]string{}}
	args = append([]string{
		"--rows", fmt.Sprint(frauddata.MinRows), "--rate", "100", "--deadline", "20s", "--rongate", binary,
		"--listen", "127.0.0.1:0", "--private-listen", "127.0.0.1:0", "--control", "127.0.0.1:0",
	}, args...)
	go func() {
		r.status <- run(args, console{in, r.screen}, r.screen)
		in.Close()
	}()
	t.Cleanup(func() { keys.Close() })
	r.screen.await(t, 0, `(?m)^keys: `)
	for name, expression := range map[string]string{
		"public": `curl -s (?:-H '\S+ \S+' )?(\S+)/feature-views`, "private": `curl -s (\S+)/metrics`, "control": `curl -s (\S+)\n\n# the database`,
	} {
		r.address[name] = r.screen.await(t, 0, expression)[1]
	}
	r.dir = r.screen.await(t, 0, `(?m)^files: (\S+)$`)[1]
	return r
}

// do sends a request as the demo prints it.
func (r *running) do(method, address, path, header, body string) string {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, "http://"+address+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if name, value, ok := strings.Cut(header, ": "); ok {
		request.Header.Set(name, value)
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// settle returns when the live line shows a state twice: all of the second second was in it.
func (r *running) settle(line string) {
	r.t.Helper()
	from := len(r.screen.String())
	r.screen.await(r.t, from, `(?ms)^\d\d:\d\d:\d\d  [^>\n]*`+line+`.*^\d\d:\d\d:\d\d  [^>\n]*`+line)
}

// end sends this process a signal, which the demo catches, and checks that nothing is left.
func (r *running) end() {
	r.t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	select {
	case status := <-r.status:
		if status != 0 {
			r.t.Errorf("status %d:\n%s", status, r.screen)
		}
	case <-time.After(patience):
		r.t.Fatalf("it does not end:\n%s", r.screen)
	}
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) > 0 {
		r.t.Errorf("left: %v, %v", left, err)
	}
	for name, address := range r.address {
		if conn, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			r.t.Errorf("%s: %v, %v", name, conn, err)
		}
	}
}

func TestDemo(t *testing.T) {
	r := startDemo(t)
	r.checkCommands()

	from := len(r.screen.String())
	if said := r.do(http.MethodPost, r.address["control"], "/nodes/2/kill", "", ""); !strings.Contains(said, "node2 killed") {
		t.Errorf("kill: %s", said)
	}
	r.settle(`(?:9\d|100)%     killed         \d%`) // with what the last node of the zone is slow to answer
	r.do(http.MethodPost, r.address["control"], "/nodes/2/revive", "", "")
	r.settle(`[1-9]\d*%\s+[1-9]\d*%\s+0%`)
	if _, err := io.WriteString(r.keys, "3s"); err != nil {
		t.Fatal(err)
	}
	r.settle(`slow 0%`)
	if text := r.screen.String()[from:]; strings.Contains(text, "\x1b") || strings.Contains(text, "\r") {
		t.Errorf("escape codes: %q", text)
	}

	r.edit()
	r.end()
	sum := r.screen.await(t, from, `(?m)^([\d,]+) requests: (\S+) failed.*, (\S+) wrong, p50 \S+ms, p99 \S+ms\n$`)
	if len(sum[1]) < 3 || sum[2] != "0" || sum[3] != "0" {
		t.Errorf("%s\n%s", sum[0], r.screen)
	}
}

// TestDemoOnMariaDB wants the same answers from another database.
func TestDemoOnMariaDB(t *testing.T) {
	testbed.Require(t, testbed.KindMariaDB)
	r := startDemo(t, "--db", "mariadb")
	r.checkCommands()
	r.settle(`[1-9]\d*%\s+[1-9]\d*%\s+0%`)
	r.end()
	r.screen.await(t, 0, `(?m)requests: 0 failed, 0 wrong`)
}

// TestDemoOfHopsworks has the catalogue be a Hopsworks installation's metadata, in the embedded database.
func TestDemoOfHopsworks(t *testing.T) {
	r := startDemo(t, "--catalog", "hopsworks")
	r.settle(`[1-9]\d*%\s+[1-9]\d*%\s+0%`)
	printed := r.screen.await(t, 0, `(curl -s -H '(X-API-Key: [^']+)') \S+/feature-views\n`)
	got := r.do(http.MethodGet, r.address["public"], "/feature-views", printed[2], "")
	if want := `{"featureStore":"payments","featureView":"fraud","version":3}`; !strings.Contains(got, want) {
		t.Errorf("%s; want %s", got, want)
	}
	if got := r.do(http.MethodGet, r.address["public"], "/feature-views", "X-API-Key: a.b", ""); !strings.Contains(got, "401") {
		t.Errorf("without a valid key: %s", got)
	}
	r.end()
	r.screen.await(t, 0, `(?m)requests: 0 failed, 0 wrong`)
}

// checkCommands sends what is printed to be copied, and compares the answers with those in the guide. RONGATE_UPDATE=1
// writes the guide.
func (r *running) checkCommands() {
	r.t.Helper()
	var text strings.Builder
	for _, c := range commands() {
		if printed := c.shell(r.address["public"], ""); !strings.Contains(r.screen.String(), printed+"\n") {
			r.t.Errorf("not printed: %s", printed)
		}
		method := http.MethodGet
		if c.body != "" {
			method = http.MethodPost
		}
		answer := r.do(method, r.address["public"], c.path, c.header, c.body)
		fmt.Fprintf(&text, "%s:\n\n```console\n$ %s\n%s\n```\n\n",
			strings.ToUpper(c.shows[:1])+c.shows[1:], c.shell("127.0.0.1:8080", ""), answer)
	}
	const guide = "testdata/commands.md"
	if os.Getenv("RONGATE_UPDATE") != "" {
		if err := os.WriteFile(guide, []byte(text.String()), 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(guide)
	if err != nil {
		r.t.Fatal(err)
	}
	if text.String() != string(want) {
		r.t.Errorf("%s is not what is answered:\n%s", guide, &text)
	}
}

// edit makes a mistake in the catalogue, which the demo tells of, mends it and changes a default, which rongate serves.
func (r *running) edit() {
	r.t.Helper()
	path := filepath.Join(r.dir, "catalog.yaml")
	if err := os.WriteFile(path, append(frauddata.Catalog(), "mistake: 1\n"...), 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.screen.await(r.t, 0, `rongate serves on with the files as they were: \S+/rongate.log says why`)
	edited := bytes.ReplaceAll(frauddata.Catalog(), []byte(`country, default: "XX"`), []byte(`country, default: "ZZ"`))
	if err := os.WriteFile(path, edited, 0o600); err != nil {
		r.t.Fatal(err)
	}
	r.screen.await(r.t, 0, `catalog.yaml was edited`)
	const missing = `{"featureView":"fraud","version":1,"entry":{"account_id":4715},"features":["country"]}`
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		answer := r.do(http.MethodPost, r.address["public"], "/feature-vectors", "", missing)
		if strings.Contains(answer, `"vector":["ZZ"]`) {
			break
		}
		if time.Now().After(end) {
			r.t.Fatalf("rongate does not serve the catalogue that was edited: %s", answer)
		}
	}
	r.screen.await(r.t, 0, `rongate serves what the files say`)
}

// TestReadmeShowsTheCommands holds for what README.md quotes of the guide: each of its blocks that asks for the demo's
// views must be one of the guide's.
func TestReadmeShowsTheCommands(t *testing.T) {
	guide, err := os.ReadFile("testdata/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```console\n.*?\n```\n")
	for _, quoted := range block.FindAllString(string(readme), -1) {
		if strings.Contains(quoted, "$ curl") && strings.Contains(quoted, "127.0.0.1:8080") &&
			!strings.Contains(string(guide), quoted) {
			t.Errorf("README.md has a command that the demo does not show, or another answer:\n%s", quoted)
		}
	}
}

// TestCommandsAreShell has a shell and curl send what is printed, quotes and all.
func TestCommandsAreShell(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	requests := make(chan command, 1)
	server := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := command{path: r.URL.Path, body: strings.TrimPrefix(string(body), "\n")}
		if id := r.Header.Get("X-Request-Id"); id != "" {
			got.header = "X-Request-Id: " + id
		}
		requests <- got
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Close() })
	for _, c := range commands() {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", c.shell(listener.Addr().String(), "")).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v %s", c.shows, err, out)
		}
		got := <-requests
		got.shows = c.shows
		if got != c {
			t.Errorf("got %+v; want %+v", got, c)
		}
	}
}

func TestMistakesInTheCommandLine(t *testing.T) {
	for _, args := range [][]string{
		{"--db", "oracle"},
		{"--rows", "10"},
		{"--rows", "10000000"},
		{"--rate", "0"},
		{"--nothing"},
	} {
		var out bytes.Buffer
		if status := run(args, console{strings.NewReader(""), io.Discard}, &out); status != 2 || out.Len() == 0 {
			t.Errorf("%v: status %d, %s", args, status, &out)
		}
	}
	var out bytes.Buffer
	if status := run([]string{"--help"}, console{nil, &out}, &out); status != 0 || !strings.Contains(out.String(), "--control") {
		t.Errorf("--help: status %d, %s", status, &out)
	}
}

func TestWithoutWhatItTakes(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("RONDB_HOME", "")
	t.Setenv("PATH", "")
	binary := filepath.Join(t.TempDir(), "rongate")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\necho the port is haunted\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args []string
		want string
	}{
		{nil, "make demo"},
		{[]string{"--db", "rondb", "--rongate", binary}, "RONDB_HOME, the directory"},
		{[]string{"--rongate", filepath.Join(t.TempDir(), "none")}, "no such file"},
	} {
		var out, complaints bytes.Buffer
		args := append([]string{"--rows", fmt.Sprint(frauddata.MinRows)}, tc.args...)
		if status := run(args, console{strings.NewReader(""), &out}, &complaints); status != 1 ||
			!strings.Contains(complaints.String(), tc.want) {
			t.Errorf("%v: status %d, %s%s", tc.args, status, &out, &complaints)
		}
	}
	t.Setenv("PATH", "/usr/bin:/bin")
	var complaints bytes.Buffer
	args := []string{"--rows", fmt.Sprint(frauddata.MinRows), "--rongate", binary}
	if status := run(args, console{strings.NewReader(""), io.Discard}, &complaints); status != 1 ||
		!strings.Contains(complaints.String(), "exit status 3") ||
		!strings.Contains(complaints.String(), "the port is haunted") {
		t.Errorf("rongate that ends: status %d, %s", status, &complaints)
	}
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
