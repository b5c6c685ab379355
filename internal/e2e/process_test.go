package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rongate/rongate/contract"
	"github.com/rongate/rongate/internal/testbed"
)

// built is where the program is built, once for all tests that run it; TestMain removes it.
var built struct {
	once sync.Once
	dir  string
	err  error
}

// builtRongate returns the path of the program.
func builtRongate(t testing.TB) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "rongate-e2e"); built.err != nil {
			return
		}
		build := exec.Command("go", "build", "-trimpath", "-o", built.dir, "../../cmd/rongate")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "rongate")
}

// tidy runs the tests, and then removes what they have built.
type tidy struct{ tests interface{ Run() int } }

func (t tidy) Run() int {
	code := t.tests.Run()
	os.RemoveAll(built.dir)
	return code
}

// program is rongate as a process, at addresses that it keeps from one start to the next.
type program struct {
	t       testing.TB
	config  string // path
	public  string // URL
	private string
	key     string // API key; empty: none is sent
	cmd     *exec.Cmd
	log     *bytes.Buffer // to be read when the process has ended
}

// newProgram writes a configuration for the nodes of a cluster, to be started.
func newProgram(t testing.TB, db testbed.Cluster, catalogue, more string) *program {
	t.Helper()
	dir := t.TempDir()
	public, private := freeAddress(t), freeAddress(t)
	nodes := ""
	for _, n := range db.Nodes() {
		nodes += fmt.Sprintf("  - {address: %q, zone: %s}\n", n.Address, n.Zone)
	}
	p := &program{
		t: t, config: filepath.Join(dir, "rongate.yaml"), public: "http://" + public, private: "http://" + private,
	}
	for name, text := range map[string]string{
		"catalog.yaml": catalogue,
		"rongate.yaml": fmt.Sprintf("zone: %s\nlisten: %s\nprivateListen: %s\ncatalog: {file: catalog.yaml}\nnodes:\n%s"+
			"database: {user: %s}\n%s", db.Nodes()[0].Zone, public, private, nodes, testbed.User, more),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if p.cmd != nil {
			p.kill()
		}
	})
	return p
}

func freeAddress(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// start starts the process and returns at once.
func (p *program) start() {
	p.t.Helper()
	p.log = new(bytes.Buffer)
	p.cmd = exec.Command(builtRongate(p.t), "serve", "--config", p.config)
	p.cmd.Stderr = p.log
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

// await returns when the program is ready.
func (p *program) await() {
	p.t.Helper()
	p.poll(func() bool {
		resp, err := http.Get(p.private + "/readyz")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// poll returns when done is.
func (p *program) poll(done func() bool) {
	p.t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			p.kill()
			p.t.Fatalf("not ready; the log:\n%s", p.log)
		}
	}
}

// kill ends the process at once.
func (p *program) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	_ = p.cmd.Wait()
	p.cmd = nil
}

// stop ends the process as an orchestrator does, and wants it to end well.
func (p *program) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("rongate ended with %v; the log:\n%s", err, p.log)
	}
	p.cmd = nil
}

// processDatabase is a MariaDB server with the tables of the contract.
func processDatabase(t testing.TB) testbed.Cluster {
	t.Helper()
	testbed.Require(t, testbed.KindMariaDB)
	db, err := testbed.StartMariaDB(context.Background(), testbed.MariaDBConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Exec(context.Background(), strings.Join(contract.Schema(db.Engine()), ";\n")+";"); err != nil {
		t.Fatal(err)
	}
	return db
}

const merchantRequest = `{"featureView":"fraud","version":3,"features":["merchant_id"],"entry":{"merchant_id":"m-93"}}`

// TestRestartInTurn restarts two gateways in turn while callers who know both ask them: whoever finds one that accepts no
// connection asks the other, and nobody loses a request.
func TestRestartInTurn(t *testing.T) {
	db := processDatabase(t)
	gateways := []*program{
		newProgram(t, db, string(contract.Catalog()), "shutdown: {delay: 200ms}\n"),
		newProgram(t, db, string(contract.Catalog()), "shutdown: {delay: 200ms}\n"),
	}
	for _, g := range gateways {
		g.start()
		g.await()
	}
	stop := make(chan struct{})
	var asked, moved, reset, failed atomic.Int64
	var callers sync.WaitGroup
	for i := range 4 {
		callers.Go(func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
			defer client.CloseIdleConnections()
			for n := i; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				err := ask(client, gateways[n%2].public)
				if isReset(err) {
					reset.Add(1)
				}
				if isRefused(err) || isReset(err) {
					moved.Add(1)
					err = ask(client, gateways[(n+1)%2].public)
				}
				asked.Add(1)
				if err != nil {
					failed.Add(1)
					t.Errorf("a request was lost: %v", err)
				}
			}
		})
	}
	for range 3 {
		for _, g := range gateways {
			g.stop()
			g.start()
			g.await()
		}
	}
	close(stop)
	callers.Wait()
	t.Logf("6 restarts, %d requests, %d of them moved on, %d for a reset, %d failed", asked.Load(), moved.Load(),
		reset.Load(), failed.Load())
	if reset.Load() > maxResets {
		t.Errorf("%d fresh connections were reset", reset.Load())
	}
	if asked.Load() == 0 || moved.Load() == 0 {
		t.Errorf("%d requests, %d moved on: nothing was tested", asked.Load(), moved.Load())
	}
	for _, g := range gateways {
		g.stop()
	}
}

// ask asks for a vector.
func ask(client *http.Client, url string) error {
	fresh := false
	trace := &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) { fresh = !c.Reused }}
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(context.Background(), trace),
		http.MethodPost, url+"/feature-vectors", strings.NewReader(merchantRequest))
	if err != nil {
		return err
	}
	resp, err := client.Do(request)
	if err != nil {
		return lostError{err, fresh}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %s", resp.StatusCode, body)
	}
	return err
}

// A lostError is a request that got no answer. The connection was fresh if it had carried none before.
type lostError struct {
	error
	fresh bool
}

func (e lostError) Unwrap() error { return e.error }

// isRefused reports whether no connection could be had, so that nothing was sent.
func isRefused(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) && network.Op == "dial"
}

// isReset reports whether the kernel reset a fresh connection, which it does to those that are made in the instant in which
// the listener closes: nothing was read of the request.
func isReset(err error) bool {
	var lost lostError
	return errors.As(err, &lost) && lost.fresh && errors.Is(lost.error, syscall.ECONNRESET)
}

// maxResets is how many of the restarts may meet that instant. That those who have connected before it are accepted is for
// the tests of package server to show: here few come so late.
const maxResets = 2

// manyViews is a catalogue of 100 feature views over the contract's tables.
func manyViews() string {
	var b strings.Builder
	b.Write(contract.Catalog())
	for i := range 100 {
		fmt.Fprintf(&b, `
      - name: view%d
        version: 1
        joins: [{store: payments, group: account_stats, version: 1}, {store: payments, group: merchant_stats, version: 1}]
        features: [avg_amount_7d, country, {name: account_id, group: account_stats_1}, {name: merchant_id, group: merchant_stats_1}]`, i)
	}
	return b.String() + "\n"
}

// restLimit is what the process may keep resident at rest, with 100 feature views and three nodes: a sidecar stands
// beside every replica of a model.
const restLimit = 40 << 20

func TestSmallAtRest(t *testing.T) {
	db := processDatabase(t)
	g := newProgram(t, db, manyViews(), "")
	g.start()
	g.await()
	client := &http.Client{}
	defer client.CloseIdleConnections()
	for range 100 {
		if err := ask(client, g.public); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(time.Second) // at rest
	resident := residentBytes(t, g.cmd.Process.Pid)
	t.Logf("%.1f MiB resident", float64(resident)/(1<<20))
	if resident > restLimit {
		t.Errorf("%d bytes resident, more than %d", resident, restLimit)
	}
	g.stop()
}

// residentBytes is the VmRSS of a process. Only Linux tells.
func residentBytes(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kilobytes, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}

// BenchmarkStart is the time from the start of the process to its first answer with a vector.
func BenchmarkStart(b *testing.B) {
	db := processDatabase(b)
	g := newProgram(b, db, manyViews(), "")
	builtRongate(b)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for b.Loop() {
		g.start()
		g.poll(func() bool { return ask(client, g.public) == nil })
		b.StopTimer()
		g.stop()
		b.StartTimer()
	}
}
