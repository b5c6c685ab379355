package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
)

const description = `Online feature serving for RonDB.

rongate reads the feature views of a catalogue file from the RonDB API nodes (MySQL servers) of its own availability
zone and answers POST /feature-vectors with feature vectors.

To see it at work first, with nothing but Go: make demo, in a clone of its repository. README.md there is the manual,
examples/ has every field of the files below.

For a table account_stats_1 in the database payments, two files and the user's password. rongate.yaml:

  catalog: {file: catalog.yaml}
  nodes:
    - {address: "127.0.0.1:3306"}
  database: {user: rongate, passwordFile: password.txt}

catalog.yaml:

  featureStores:
    - name: payments
      featureGroups:
        - {name: account_stats, version: 1}
      featureViews:
        - name: fraud
          version: 1
          joins: [{group: account_stats, version: 1}]
          features: [avg_amount_7d, country]

Then, where these files are:

  rongate check     is everything as it should be? asks every node, changes nothing
  rongate serve     answers on 127.0.0.1:8080, health and metrics on 127.0.0.1:8081

  curl -s localhost:8080/feature-vectors -d '{"featureView": "fraud", "entry": {"account_id": 4711}}'
  curl -s localhost:8080/openapi.json     the whole contract
`

// cli is the command line. Its longer texts are in helpTexts.
type cli struct {
	Serve   serveCmd   `cmd:"" help:"${serve}"`
	Check   checkCmd   `cmd:"" help:"${check}"`
	Key     keyCmd     `cmd:"" help:"${key}"`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// configFlag is the flag that serve and check share.
type configFlag struct {
	Config string `short:"c" default:"rongate.yaml" env:"RONGATE_CONFIG" placeholder:"FILE" help:"${config}"`
}

func helpTexts() kong.Vars {
	return kong.Vars{
		"serve": "Serve feature vectors until SIGTERM or SIGINT, then finish what is in progress. " +
			"A second signal ends it at once. Changed files are read again within seconds, or at a SIGHUP; with a mistake " +
			"in any of them nothing changes, and the log says where it is.",
		"check": "Find every mistake in the configuration, the catalogue and the file of API keys; then connect to every " +
			"node and find out whether it could serve: address, TLS, user and password, clock, limits, tables, and a row " +
			"of each feature group read the way serving reads it. Nothing is written, nothing is served. Prints what it " +
			"found; exits with 1 if any of it is trouble.",
		"offline": "Look at the files only: for a build, where no node can be reached.",
		"gateways": "How many gateways or sidecars are to run with this configuration (default: 1). Each may take " +
			"connections.perNode + maxDetached + 1 connections of each node; check tells whether they fit.",
		"strict": "Exit with 1 for warnings too.",
		"config": "The configuration file (default: rongate.yaml). Paths in it are relative to it. RONGATE_ZONE, " +
			"RONGATE_REGION, RONGATE_LISTEN, RONGATE_PRIVATE_LISTEN, RONGATE_CONNECTIONS_PER_NODE, " +
			"RONGATE_MAX_CONCURRENT and RONGATE_LOG_LEVEL override what it says; RONGATE_MEMORY_LIMIT is how many " +
			"bytes the process may use. The file may be named by a variable too.",
		"key": "Make an API key: print the key, for its caller, and its line for the file of API keys.",
		"name": "What the key is called: for people, such as the name of the service that gets it " +
			"(default: caller).",
		"views": "What the key may read, with commas between: views such as payments/fraud, all views of a " +
			"feature store such as payments/*, or * for everything (default: *).",
	}
}

// output is where a command writes: results and log lines.
type output struct {
	stdout, stderr io.Writer
}

func main() {
	os.Exit(run(os.Args[1:], output{os.Stdout, os.Stderr}))
}

// run executes one command line and returns the exit status: 0, 1 for a command that did not succeed, 2 for a command
// line that is not understood.
func run(args []string, out output) int {
	exit := -1
	parser, err := kong.New(&cli{},
		kong.Name("rongate"),
		kong.Description(description),
		helpTexts(),
		kong.Writers(out.stdout, out.stderr),
		kong.Exit(func(status int) { exit = status }),
		kong.ConfigureHelp(kong.HelpOptions{WrapUpperBound: 100}),
	)
	if err != nil {
		panic(err) // the tags above are wrong
	}
	command, err := parser.Parse(args)
	if exit >= 0 {
		return exit // --help has been printed
	}
	if err != nil {
		fmt.Fprintf(out.stderr, "rongate: %v\nrongate --help says more\n", err)
		return 2
	}
	if err := command.Run(out); err != nil {
		if !errors.Is(err, errReported) {
			fmt.Fprintln(out.stderr, err)
		}
		return 1
	}
	return 0
}

// errReported ends a command that has said already what is wrong.
var errReported = errors.New("reported")
