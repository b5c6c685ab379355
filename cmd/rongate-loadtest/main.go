package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

const description = `Tells what a gateway does under load and under faults.

Every request is sent when it is due, whatever became of those before it, and its latency counts from then. Every value of
every answer is checked: the data is a function of its keys.

  make demo                                        in one terminal: a gateway with such data
  rongate-loadtest run http://127.0.0.1:8080 --rate 200 --duration 30s
  rongate-loadtest find-max http://127.0.0.1:8080 --goal p99=10ms
  rongate-loadtest compare http://127.0.0.1:8080 http://127.0.0.1:9080 --rate 200
  rongate-loadtest scenario loadtest/scenarios/kill.yaml

For a database of your own: rongate-loadtest data | mysql …, and serve what rongate-loadtest catalog prints.
`

// cli is the command line.
type cli struct {
	Run      runCmd      `cmd:"" help:"Send a load, open or closed loop, and report."`
	FindMax  findMaxCmd  `cmd:"" name:"find-max" help:"Search for the highest rate at which a goal is kept."`
	Compare  compareCmd  `cmd:"" help:"Put the same load on two servers in turn, and say how B differs from A."`
	Scenario scenarioCmd `cmd:"" help:"${mainScenario}"`
	Data     dataCmd     `cmd:"" help:"Print the SQL that creates the tables and loads the data."`
	Catalog  catalogCmd  `cmd:"" help:"Print the catalogue over the data, for rongate's catalog.file."`
}

// output is where a command writes.
type output struct {
	stdout, stderr io.Writer
	args           []string // the command line, for reports
}

func main() {
	os.Exit(run(os.Args[1:], output{os.Stdout, os.Stderr, os.Args}))
}

// errFailed ends a command whose report says already what went wrong.
var errFailed = errors.New("failed")

// run executes one command line and returns the exit status: 0, 1 for a load that failed or could not be sent, 2 for a
// command line that is not understood.
func run(args []string, out output) int {
	exit := -1
	parser, err := kong.New(&cli{},
		kong.Name("rongate-loadtest"),
		kong.Description(description),
		helpTexts(),
		kong.Writers(out.stdout, out.stderr),
		kong.Exit(func(status int) { exit = status }),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 100}),
	)
	if err != nil {
		panic(err) // the tags are wrong
	}
	command, err := parser.Parse(args)
	if exit >= 0 {
		return exit // --help has been printed
	}
	if err != nil {
		fmt.Fprintf(out.stderr, "rongate-loadtest: %v\nrongate-loadtest --help says more\n", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(out); err != nil {
		if !errors.Is(err, errFailed) {
			fmt.Fprintln(out.stderr, "rongate-loadtest:", err)
		}
		return 1
	}
	return 0
}
