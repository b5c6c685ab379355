package scenario

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rongate/rongate/internal/frauddata"
	"github.com/rongate/rongate/internal/testbed"
)

const (
	readyTimeout = 20 * time.Second
	readyEvery   = 20 * time.Millisecond
	drainTimeout = 15 * time.Second // more than rongate allows itself
	tailLines    = 15               // of the log, when it ended by itself
)

var (
	errNotRunning  = errors.New("rongate is not running")
	errNotReady    = errors.New("rongate does not get ready")
	errNotReloaded = errors.New("rongate does not take its configuration")
)

// A gateway is rongate, run as a child. It is a testbed.Process.
type gateway struct {
	binary          string
	public, private string // addresses
	dir             string // of its configuration and its log
	fixed           string // what its configuration begins with
	more            string // what it goes on with now
	client          *http.Client

	mu      sync.Mutex // guards what follows
	process *exec.Cmd
	keeper  *keeper
	ended   chan struct{} // closed when it has
	wanted  bool          // that it ends
	died    error         // that it ended though nobody wanted it to
}

// newGateway writes the files that it reads into dir.
func newGateway(binary, dir, more string, nodes []*testbed.Node) (*gateway, error) {
	g := &gateway{binary: binary, dir: dir, client: &http.Client{Timeout: scrapeTimeout, Transport: &http.Transport{}}}
	if err := g.chooseAddresses(); err != nil {
		return nil, err
	}
	var list strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&list, "  - {address: %q, zone: %q}\n", n.Address, n.Zone)
	}
	g.fixed = fmt.Sprintf("zone: %q\nlisten: %q\nprivateListen: %q\ncatalog: {file: catalog.yaml}\n"+
		"nodes:\n%sdatabase: {user: %s}\n", nodes[0].Zone, g.public, g.private, &list, testbed.User)
	if err := os.WriteFile(filepath.Join(dir, "catalog.yaml"), frauddata.Catalog(), 0o600); err != nil {
		return nil, err
	}
	return g, g.writeConfig(more)
}

// writeConfig writes what the gateway is to read when it starts or is told to.
func (g *gateway) writeConfig(more string) error {
	g.more = more
	return os.WriteFile(filepath.Join(g.dir, "rongate.yaml"), []byte(g.fixed+more), 0o600)
}

// configure has the gateway run under another configuration, and returns when it does.
func (g *gateway) configure(ctx context.Context, more string) error {
	before, err := g.reloads()
	if err != nil {
		return err
	}
	if err := errors.Join(g.writeConfig(more), g.signal(syscall.SIGHUP, false)); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, errNotReloaded)
	defer cancel()
	for {
		if now, err := g.reloads(); err != nil || now > before {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; its log ends with\n%s", context.Cause(ctx), g.tail())
		case <-time.After(readyEvery):
		}
	}
}

// reloads is how often the log says that a configuration was put in force.
func (g *gateway) reloads() (int, error) {
	log, err := os.ReadFile(g.log())
	return bytes.Count(log, []byte(`msg="configuration reloaded"`)), err
}

// The gateway's ports are below those that kernels take for outgoing connections, one of which might otherwise get the port
// of a gateway that is to come back, and above those of testbed (see its ports.go).
const (
	firstPort = 30000
	portCount = 2000
)

// chooseAddresses finds two addresses on loopback that nobody listens at.
func (g *gateway) chooseAddresses() error {
	var err error
	var found []string
	for _, n := range rand.Perm(portCount) {
		var listener net.Listener
		if listener, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(firstPort+n))); err != nil {
			continue
		}
		defer listener.Close() // not before both are found
		if found = append(found, listener.Addr().String()); len(found) == 2 {
			g.public, g.private = found[0], found[1]
			return nil
		}
	}
	return fmt.Errorf("no free ports for rongate: %w", err)
}

func (g *gateway) log() string { return filepath.Join(g.dir, "rongate.log") }

// launch runs the binary. It is in a process group of its own, so that a terminal's Ctrl-C does not reach it before
// whoever asks it has stopped.
func (g *gateway) launch() error {
	log, err := os.OpenFile(g.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	process := exec.Command(g.binary, "serve", "--config", filepath.Join(g.dir, "rongate.yaml"))
	process.Stdout, process.Stderr = log, log
	process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "RONGATE_") { // would override the configuration
			process.Env = append(process.Env, variable)
		}
	}
	if err := process.Start(); err != nil {
		return fmt.Errorf("start rongate: %w", err)
	}
	keeper, err := newKeeper(process.Process.Pid, g.dir)
	if err != nil {
		return errors.Join(err, process.Process.Kill(), process.Wait())
	}
	ended := make(chan struct{})
	g.mu.Lock()
	g.process, g.keeper, g.ended, g.wanted = process, keeper, ended, false
	g.mu.Unlock()
	go func() {
		err := process.Wait()
		g.mu.Lock()
		if !g.wanted {
			g.died = fmt.Errorf("rongate ended by itself: %w", errors.Join(err, errors.New(process.ProcessState.String())))
		}
		g.mu.Unlock()
		keeper.dismiss()
		close(ended)
	}()
	return nil
}

// start runs it and returns when it can answer, or with what its log says if it ends or takes too long.
func (g *gateway) start(ctx context.Context) error {
	if err := g.launch(); err != nil {
		return err
	}
	return g.await(ctx)
}

// await returns when it can answer.
func (g *gateway) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, errNotReady)
	defer cancel()
	for {
		if _, err := g.get(ctx, "/readyz"); err == nil {
			return nil
		}
		select {
		case <-g.ended:
			return fmt.Errorf("%w\n%s", g.death(), g.tail())
		case <-ctx.Done():
			return fmt.Errorf("%w\n%s", context.Cause(ctx), g.tail())
		case <-time.After(readyEvery):
		}
	}
}

// death is the error of a gateway that ended by itself; nil if it did not.
func (g *gateway) death() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.died
}

func (g *gateway) tail() string {
	text, err := os.ReadFile(g.log())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}

// get reads from the private listener.
func (g *gateway) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.private+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := g.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	return body, err
}

// Alive implements testbed.Process.
func (g *gateway) Alive() bool {
	if g.ended == nil {
		return false
	}
	select {
	case <-g.ended:
		return false
	default:
		return true
	}
}

func (g *gateway) signal(signal os.Signal, ends bool) error {
	if !g.Alive() {
		return errNotRunning
	}
	g.mu.Lock()
	g.wanted = g.wanted || ends
	g.mu.Unlock()
	return g.process.Process.Signal(signal)
}

// Pause implements testbed.Process.
func (g *gateway) Pause() error { return g.signal(syscall.SIGSTOP, false) }

// Resume implements testbed.Process.
func (g *gateway) Resume() error { return g.signal(syscall.SIGCONT, false) }

// Kill implements testbed.Process.
func (g *gateway) Kill() error {
	if !g.Alive() {
		return nil
	}
	if err := g.signal(syscall.SIGKILL, true); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-g.ended
	return nil
}

// Stop implements testbed.Process. It lets it drain, and kills it if it takes too long.
func (g *gateway) Stop(ctx context.Context) error {
	if !g.Alive() {
		return nil
	}
	if err := errors.Join(g.Resume(), g.signal(syscall.SIGTERM, true)); err != nil {
		return fmt.Errorf("stop rongate: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	select {
	case <-g.ended:
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("stop rongate: it had to be killed: %w", context.Cause(ctx)), g.Kill())
	}
	if !g.process.ProcessState.Success() {
		return fmt.Errorf("rongate ended with %v; the end of its log:\n%s", g.process.ProcessState, g.tail())
	}
	return nil
}

// Restart implements testbed.Process.
func (g *gateway) Restart(ctx context.Context) error {
	if err := g.Stop(ctx); err != nil {
		return err
	}
	return g.start(ctx)
}

// version is what the binary says of itself.
func (g *gateway) version(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, g.binary, "version").Output()
	if err != nil {
		return err.Error()
	}
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "rongate ")
}

// findRongate returns the binary: the one that is named, or the one beside this program's, or one built into dir.
func findRongate(ctx context.Context, named, dir string) (string, error) {
	if named != "" {
		return filepath.Abs(named)
	}
	if own, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(own), "rongate")
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	built := filepath.Join(dir, "rongate")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", built, "github.com/rongate/rongate/cmd/rongate")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build rongate: %w\n%s", err, out)
	}
	return built, nil
}

// keeperScript waits for a line, which says that all is tidy. If its input ends without one, because this process was
// killed, it ends the process $1 and removes the directory $2.
const keeperScript = `
read line && exit
kill -s CONT "$1"; kill -s TERM "$1"
n=0
while [ $n -lt 150 ] && kill -s 0 "$1" 2>/dev/null; do sleep 0.1; n=$((n + 1)); done
rm -rf -- "$2"
`

// A keeper is a shell that tidies up should this process not live to do so.
type keeper struct {
	process *exec.Cmd
	leash   io.WriteCloser
}

func newKeeper(pid int, dir string) (*keeper, error) {
	k := &keeper{process: exec.Command("sh", "-c", keeperScript, "rongate-loadtest-keeper", strconv.Itoa(pid), dir)}
	k.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a terminal's signals are not for it
	var err error
	if k.leash, err = k.process.StdinPipe(); err == nil {
		err = k.process.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start a keeper: %w", err)
	}
	return k, nil
}

// dismiss ends it; all is tidy.
func (k *keeper) dismiss() {
	_, _ = k.leash.Write([]byte("done\n")) // if it is gone, so be it
	_ = k.leash.Close()
	_ = k.process.Wait()
}
