package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/rongate/rongate/internal/frauddata"
)

const description = `Shows rongate at work on this machine.

Starts a database of three nodes in two zones, fills it with card-fraud data, runs rongate on it, sends a trickle of
requests whose every answer it checks, and lets you kill, freeze, slow and revive nodes while you watch.`

// options are the command line.
type options struct {
	DB            string        `name:"db" default:"devdb" enum:"devdb,mariadb,rondb" help:"${db}"`
	Catalog       string        `default:"file" enum:"file,hopsworks" help:"${catalog}"`
	Rows          int           `default:"100000" help:"${rows}"`
	Rate          int           `default:"50" help:"Requests a second, 1 to 1000."`
	Deadline      time.Duration `default:"500ms" help:"The longest rongate may take for a request."`
	Listen        string        `default:"127.0.0.1:8080" help:"${listen}"`
	PrivateListen string        `default:"127.0.0.1:8081" help:"${privateListen}"`
	Control       string        `default:"127.0.0.1:8079" help:"${control}"`
	Rongate       string        `placeholder:"FILE" help:"The rongate binary (default: rongate beside this one)."`
	Keep          bool          `help:"Keep the directory with the configuration and the log."`
}

func helpTexts() kong.Vars {
	return kong.Vars{
		"db": "devdb: embedded, needs nothing. mariadb: a MariaDB or MySQL server that is installed here. " +
			"rondb: an NDB cluster from the installation that RONDB_HOME names.",
		"catalog":       "file: catalog.yaml. hopsworks: a made-up Hopsworks installation's metadata, and its API key.",
		"rows":          fmt.Sprintf("Rows in the database, %d to %d.", frauddata.MinRows, frauddata.MaxRows),
		"listen":        "Where rongate answers (another port if it is taken).",
		"privateListen": "Where rongate tells its health and metrics.",
		"control":       "Where nodes are killed and revived by HTTP.",
	}
}

// console is what the demo reads keys from and writes to.
type console struct {
	in  io.Reader
	out io.Writer
}

func main() {
	os.Exit(run(os.Args[1:], console{os.Stdin, os.Stdout}, os.Stderr))
}

// run executes one command line and returns the exit status: 0, 1 for a demo that went wrong, 2 for a command line that
// is not understood.
func run(args []string, c console, stderr io.Writer) int {
	exit := -1
	opts := options{}
	parser, err := kong.New(&opts,
		kong.Name("rongate-demo"),
		kong.Description(description),
		helpTexts(),
		kong.Writers(c.out, stderr),
		kong.Exit(func(status int) { exit = status }),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 100}),
	)
	if err != nil {
		panic(err) // the tags above are wrong
	}
	_, err = parser.Parse(args)
	if exit >= 0 {
		return exit // --help has been printed
	}
	if err == nil && (opts.Rate < 1 || opts.Rate > 1000) {
		err = fmt.Errorf("--rate must be 1 to 1000, not %d", opts.Rate)
	}
	if err == nil && (opts.Rows < frauddata.MinRows || opts.Rows > frauddata.MaxRows) {
		err = fmt.Errorf("--rows must be %d to %d, not %d", frauddata.MinRows, frauddata.MaxRows, opts.Rows)
	}
	if err != nil {
		fmt.Fprintf(stderr, "rongate-demo: %v\nrongate-demo --help says more\n", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	if err := show(ctx, opts, c); err != nil {
		fmt.Fprintln(stderr, "rongate-demo:", err)
		return 1
	}
	return 0
}
