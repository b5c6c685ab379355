// Command baseline is the yardstick that rongate is compared with: the feature service that a team writes in an afternoon
// with net/http, database/sql and encoding/json. It serves POST /feature-vectors, and the descriptions of the feature
// views, from the configuration file, catalogue and tables that rongate is run with, and answers the same.
//
//	go run ./bench/baseline --config rongate.yaml
//
// It is plain, but not careless: the groups of a request are read in parallel, each by one prepared statement for all
// entries, whose number of keys is rounded up so that statements are used again; connections are kept; requests have a
// deadline. What it has not is what rongate is for. Requests share no statement, and no node's trouble is worked around:
// nodes of the own zone take turns, and a node that fails, or is late, fails the requests whose turn it was.
//
// Of the options it takes partial and deadlineMs. It checks requests less than rongate does, and finds no row by a text key
// that differs from the row's in more than case and the spaces at its end, whatever the collation says. The catalogue is
// read once, by rongate's own code, which also describes the feature views.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	startTimeout      = 30 * time.Second
	shutdownTimeout   = 10 * time.Second
	readHeaderTimeout = 5 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "baseline:", err)
		os.Exit(1)
	}
}

// run serves what the command line says until ctx ends, then lets the requests that have begun end.
func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("baseline", flag.ExitOnError)
	path := flags.String("config", "rongate.yaml", "configuration `file`, as rongate's")
	listen := flags.String("listen", "127.0.0.1:18090", "`address` to answer requests on")
	private := flags.String("private-listen", "127.0.0.1:18091", "`address` of /readyz and /debug/pprof")
	connections := flags.Int("connections", 16, "connections to each node")
	if err := flags.Parse(args); err != nil {
		return err
	}
	cfg, err := readConfig(*path)
	if err != nil {
		return err
	}
	starting, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	s, err := newService(starting, cfg, *connections)
	if err != nil {
		return err
	}
	defer s.close()
	ended := make(chan error, 2)
	servers := map[string]*http.Server{*listen: {Handler: s.routes()}, *private: {Handler: s.privateRoutes()}}
	for address, server := range servers {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		server.ReadHeaderTimeout = readHeaderTimeout
		defer server.Close()
		go func() { ended <- server.Serve(listener) }()
	}
	fmt.Fprintln(os.Stderr, "baseline: serving on", *listen)
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	stopping, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	return errors.Join(err, servers[*listen].Shutdown(stopping))
}

// privateRoutes are for whoever runs it.
func (s *service) privateRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", handle(s.ready))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
