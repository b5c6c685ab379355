// Command gateways starts a database with the fraud data and, over the same nodes, the gateways that are compared with one
// another: rongate, rongate without merging and without hedging, the baseline and the floor (see their packages). Then it
// runs a command, and stops all when that has ended.
//
//	go run ./bench/gateways --db ndb -- sh -c 'bin/rongate-loadtest run $RONGATE --callers 64'
//
// The command's environment has the URL and the process id of each: RONGATE, UNMERGED, UNHEDGED, BASELINE and FLOOR, and
// the same with _PID; with _PRIVATE it is where rongate's metrics are. There are no proxies between them and the nodes.
// Without a command it waits for Ctrl-C.
//
// The gateways' binaries are in bin/: go build -o bin/ ./cmd/... ./bench/baseline ./bench/floor.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/rongate/rongate/internal/frauddata"
	"github.com/rongate/rongate/internal/testbed"
)

const (
	readyTimeout = 30 * time.Second
	stopTimeout  = 10 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gateways:", err)
		os.Exit(1) //nolint:gocritic // run has tidied up
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("gateways", flag.ExitOnError)
	db := flags.String("db", "ndb", "`database`: ndb, of the installation in RONDB_HOME, or mariadb")
	rows := flags.Int("rows", 100_000, "rows of all tables together")
	bin := flags.String("bin", "bin", "`directory` of the gateways' binaries")
	more := flags.String("rongate", "", "`text` added to rongate's configuration, such as 'database: …' in one line")
	connections := flags.String("connections", "16", "the baseline's connections to each node")
	if err := flags.Parse(args); err != nil {
		return err
	}
	nodes, stop, err := startDatabase(ctx, *db, *rows)
	if err != nil {
		return err
	}
	defer stop()
	dir, err := os.MkdirTemp("", "rongate-gateways-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var environment []string
	for _, g := range []*gateway{
		{name: "RONGATE", program: "rongate", args: []string{"serve"}, more: *more},
		{name: "UNMERGED", program: "rongate", args: []string{"serve"}, more: "merging: false\n" + *more},
		{name: "UNHEDGED", program: "rongate", args: []string{"serve"}, more: "hedging: off\n" + *more},
		{name: "BASELINE", program: "baseline", args: []string{"--connections", *connections}},
		{name: "FLOOR", program: "floor"},
	} {
		if err := g.start(ctx, *bin, dir, nodes); err != nil {
			return err
		}
		defer g.stop()
		environment = append(environment, g.environment()...)
	}
	return execute(ctx, flags.Args(), environment)
}

// startDatabase starts and fills the database. Its own zone has two nodes, another one has the third.
func startDatabase(ctx context.Context, db string, rows int) (_ []*testbed.Node, stop func(), err error) {
	var cluster testbed.Cluster
	switch testbed.Kind(db) {
	case testbed.KindNDB:
		cluster, err = testbed.StartNDB(ctx, testbed.NDBConfig{})
	case testbed.KindMariaDB:
		cluster, err = testbed.StartMariaDB(ctx, testbed.MariaDBConfig{})
	default:
		return nil, nil, fmt.Errorf("no such database: %q; ndb and mariadb there are", db)
	}
	if err != nil {
		return nil, nil, err
	}
	stop = func() {
		if err := cluster.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "gateways:", err)
		}
	}
	fmt.Fprintln(os.Stderr, "gateways: loading", rows, "rows into", db)
	data, err := frauddata.New(frauddata.Config{Rows: rows})
	if err == nil {
		err = data.Load(ctx, cluster.Nodes()[0].Exec, cluster.Engine(), cluster.KeyOptions(), nil)
	}
	if err != nil {
		stop()
		return nil, nil, err
	}
	return cluster.Nodes(), stop, nil
}

// execute runs a command, or waits for ctx if there is none.
func execute(ctx context.Context, args, environment []string) error {
	if len(args) == 0 {
		fmt.Println(strings.Join(environment, "\n"))
		<-ctx.Done()
		return nil
	}
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = stopTimeout
	command.Env = append(os.Environ(), environment...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	return command.Run()
}

// A gateway is one that is run as a child.
type gateway struct {
	name    string // in the environment
	program string
	args    []string
	more    string // configuration

	public, private string // addresses
	process         *exec.Cmd
}

// environment is where it is.
func (g *gateway) environment() []string {
	return []string{
		g.name + "=http://" + g.public,
		g.name + "_PRIVATE=http://" + g.private,
		fmt.Sprintf("%s_PID=%d", g.name, g.process.Process.Pid),
	}
}

// start runs it and returns when it can answer.
func (g *gateway) start(ctx context.Context, bin, dir string, nodes []*testbed.Node) (err error) {
	if g.public, g.private, err = freeAddresses(); err != nil {
		return err
	}
	dir = filepath.Join(dir, g.name)
	config := filepath.Join(dir, "rongate.yaml")
	if err := errors.Join(
		os.Mkdir(dir, 0o700),
		os.WriteFile(config, g.config(nodes), 0o600),
		os.WriteFile(filepath.Join(dir, "catalog.yaml"), frauddata.Catalog(), 0o600),
	); err != nil {
		return err
	}
	args := append(g.args, "--config", config)
	if g.program != "rongate" {
		args = append(args, "--listen", g.public, "--private-listen", g.private)
	}
	g.process = exec.Command(filepath.Join(bin, g.program), args...)
	g.process.Stderr = os.Stderr
	if err := g.process.Start(); err != nil {
		return fmt.Errorf("start %s: %w; build it first", g.program, err)
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.private+"/readyz", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			g.stop()
			return fmt.Errorf("%s does not get ready: %w", g.program, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (g *gateway) config(nodes []*testbed.Node) []byte {
	text := fmt.Appendf(nil, "zone: %q\nlisten: %q\nprivateListen: %q\ncatalog: {file: catalog.yaml}\nnodes:\n",
		nodes[0].Zone, g.public, g.private)
	for _, n := range nodes {
		text = fmt.Appendf(text, "  - {address: %q, zone: %q}\n", n.Address, n.Zone)
	}
	return fmt.Appendf(text, "database: {user: %s}\n%s\n", testbed.User, g.more)
}

// stop ends it.
func (g *gateway) stop() {
	_ = g.process.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(stopTimeout, func() { _ = g.process.Process.Kill() })
	defer late.Stop()
	_ = g.process.Wait()
}

// freeAddresses finds two on loopback that nobody listens at.
func freeAddresses() (public, private string, err error) {
	var found [2]string
	for i := range found {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", err
		}
		defer listener.Close() // not before both are found
		found[i] = listener.Addr().String()
	}
	return found[0], found[1], nil
}
