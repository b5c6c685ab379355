package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// handler lets nodes be broken and mended by HTTP.
func (d *demo) handler(ctx context.Context) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		for i, n := range d.db.nodes {
			fmt.Fprintf(w, "%s %s %s %s\n", n.name, n.zone, n.address, n.condition())
			for _, v := range []verb{kill, freeze, slowen, revive} {
				fmt.Fprintf(w, "  curl -X POST http://%s/nodes/%d/%s\n", d.control, i+1, v)
			}
		}
	})
	mux.HandleFunc("POST /nodes/{node}/{verb}", func(w http.ResponseWriter, r *http.Request) {
		number, err := strconv.Atoi(r.PathValue("node"))
		v := verb(r.PathValue("verb"))
		if err != nil || number < 1 || number > len(d.db.nodes) || v != kill && v != freeze && v != slowen && v != revive {
			http.Error(w, "no such node or verb; GET / lists them", http.StatusNotFound)
			return
		}
		said, err := d.act(ctx, d.db.nodes[number-1], v)
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		fmt.Fprintln(w, said)
	})
	return mux
}

// act does something to a node and says so on the screen.
func (d *demo) act(ctx context.Context, n *node, v verb) (said string, err error) {
	if v == revive && n.process != nil && n.condition() == killed {
		d.screen.event(n.name + " starts again")
	}
	said, err = n.apply(ctx, v)
	if err != nil {
		d.screen.event(err.Error())
		return "", err
	}
	d.screen.event(said)
	return said, nil
}

// serveControl answers on the control listener until ctx ends.
func (d *demo) serveControl(ctx context.Context) error {
	listener, err := net.Listen("tcp", d.control)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: d.handler(ctx), ReadHeaderTimeout: 5 * time.Second}
	d.background.Go(func() { _ = server.Serve(listener) }) // ends with Close
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return nil
}
