package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rongate/rongate/internal/frauddata"
)

const (
	readyTimeout = 20 * time.Second
	readyEvery   = 20 * time.Millisecond
	drainTimeout = 15 * time.Second // more than rongate allows itself
	tailLines    = 15               // of the log, when it ended by itself
	readTimeout  = 800 * time.Millisecond
)

// A gateway is rongate, run as a child.
type gateway struct {
	public, private string // addresses
	dir             string // of its configuration and its log
	client          *http.Client
	deadline        time.Duration
	keep            bool   // the directory, whatever happens
	key             string // of Hopsworks' metadata, which are the catalogue then; empty: that is a file
	process         *exec.Cmd
	keeper          *keeper
	ended           chan struct{} // closed when it has
	result          error         // how it ended; to be read after that
}

func (g *gateway) log() string         { return filepath.Join(g.dir, "rongate.log") }
func (g *gateway) catalogFile() string { return filepath.Join(g.dir, "catalog.yaml") }

// configure makes its directory, and writes the files that it reads. It is called just before start, and not earlier: there
// is no keeper before that.
func (g *gateway) configure(db *database) (err error) {
	if g.dir, err = os.MkdirTemp("", "rongate-demo-"); err != nil {
		return err
	}
	var nodes strings.Builder
	for _, n := range db.nodes {
		fmt.Fprintf(&nodes, "  - {address: %q, zone: %s}\n", n.address, n.zone)
	}
	files := map[string]string{"password.txt": db.password + "\n"}
	catalog := "{hopsworks: {snapshot: metadata}}"
	if g.key == "" {
		catalog, files["catalog.yaml"] = "{file: catalog.yaml}", string(frauddata.Catalog())
	}
	files["rongate.yaml"] = g.configuration(catalog, nodes.String(), db.user)
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(g.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// configuration is the text of rongate.yaml.
func (g *gateway) configuration(catalog, nodes, user string) string {
	return fmt.Sprintf(`# rongate as the demo runs it. README.md lists what else there is.
zone: zone-a
listen: %q
privateListen: %q
deadline: %v
catalog: %s
nodes:
%sdatabase: {user: %s, passwordFile: password.txt}
`, g.public, g.private, g.deadline, catalog, nodes, user)
}

// start runs the binary. It is in a process group of its own, so that a terminal's Ctrl-C does not reach it before the
// demo has stopped asking.
func (g *gateway) start(binary string) error {
	log, err := os.Create(g.log())
	if err != nil {
		return err
	}
	defer log.Close()
	g.client = &http.Client{Timeout: readTimeout}
	g.process = exec.Command(binary, "serve", "--config", filepath.Join(g.dir, "rongate.yaml"))
	g.process.Stdout, g.process.Stderr = log, log
	g.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "RONGATE_") { // would override the configuration
			g.process.Env = append(g.process.Env, variable)
		}
	}
	if err := g.process.Start(); err != nil {
		return fmt.Errorf("start rongate: %w", err)
	}
	if g.keeper, err = newKeeper(g.process.Process.Pid, g.dir, g.keep); err != nil {
		return errors.Join(err, g.process.Process.Kill(), g.process.Wait())
	}
	g.ended = make(chan struct{})
	go func() {
		g.result = g.process.Wait()
		close(g.ended)
	}()
	return nil
}

// await returns when it can answer, or with what its log says if it ends or takes too long.
func (g *gateway) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, errors.New("rongate does not get ready"))
	defer cancel()
	for {
		if _, err := g.get(ctx, "/readyz"); err == nil {
			return nil
		}
		select {
		case <-g.ended:
			return g.death()
		case <-ctx.Done():
			return fmt.Errorf("%w\n%s", context.Cause(ctx), g.tail())
		case <-time.After(readyEvery):
		}
	}
}

// death is the error of a gateway that ended by itself.
func (g *gateway) death() error {
	return fmt.Errorf("rongate ended (%v); the end of %s:\n%s", g.process.ProcessState, g.log(), g.tail())
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

// figures are what rongate says of itself.
type figures struct {
	statements map[string]float64 // that each node has been sent, by address
	outdated   bool               // what is served is not what the files say
}

func (g *gateway) figures(ctx context.Context) (figures, error) {
	text, err := g.get(ctx, "/metrics")
	if err != nil {
		return figures{}, err
	}
	return parseFigures(text), nil
}

func parseFigures(metrics []byte) figures {
	counts := make(map[string]float64)
	outdated := false
	for lines := bufio.NewScanner(bytes.NewReader(metrics)); lines.Scan(); {
		outdated = outdated || lines.Text() == "rongate_reload_current 0"
		labels, ok := strings.CutPrefix(lines.Text(), "rongate_node_statements_total{")
		if !ok {
			continue
		}
		labels, value, _ := strings.Cut(labels, "} ")
		_, address, _ := strings.Cut(labels, `node="`)
		address, _, _ = strings.Cut(address, `"`)
		if count, err := strconv.ParseFloat(value, 64); err == nil {
			counts[address] += count
		}
	}
	return figures{counts, outdated}
}

// stop lets it drain, and kills it if it takes too long.
func (g *gateway) stop() error {
	if g.ended == nil {
		return nil // it never ran
	}
	defer g.client.CloseIdleConnections()
	defer g.keeper.dismiss() // when it has ended
	select {
	case <-g.ended:
		return nil // death has been told
	default:
	}
	if err := g.process.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop rongate: %w", err)
	}
	select {
	case <-g.ended:
	case <-time.After(drainTimeout):
		_ = g.process.Process.Kill() // it has ended otherwise
		<-g.ended
	}
	if g.result != nil {
		return fmt.Errorf("rongate ended with %w; the end of its log:\n%s", g.result, g.tail())
	}
	return nil
}

// findRongate returns the binary: the one that is named, or the one beside this program's.
func findRongate(named string) (string, error) {
	if named != "" {
		return filepath.Abs(named)
	}
	own, err := os.Executable()
	if err != nil {
		return "", err
	}
	beside := filepath.Join(filepath.Dir(own), "rongate")
	if _, err := os.Stat(beside); err != nil {
		return "", fmt.Errorf("%w; `make demo` builds it, or name one with --rongate", err)
	}
	return beside, nil
}

// freeAddress returns the address with its host and port in figures, or one with another port if that is taken.
func freeAddress(want string) (address string, taken bool, err error) {
	listener, err := net.Listen("tcp", want)
	if taken = errors.Is(err, syscall.EADDRINUSE); taken {
		host, _, _ := net.SplitHostPort(want) // it has been understood
		listener, err = net.Listen("tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return "", false, err
	}
	defer listener.Close()
	return listener.Addr().String(), taken, nil
}
