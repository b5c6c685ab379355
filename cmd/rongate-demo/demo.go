package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rongate/rongate/internal/frauddata"
)

// A demo is one run, from the first line to the last.
type demo struct {
	opts    options
	screen  *screen
	data    *frauddata.Data
	db      *database
	gate    *gateway
	traffic *traffic
	control string // address

	wasEdited  atomic.Bool    // the catalogue
	background sync.WaitGroup // what must have ended before the database is closed
}

// show runs the demo until ctx ends or somebody quits.
func show(ctx context.Context, opts options, c console) (err error) {
	d := &demo{opts: opts, screen: newScreen(c.out)}
	binary, err := findRongate(opts.Rongate)
	if err != nil {
		return err
	}
	if d.data, err = frauddata.New(frauddata.Config{Rows: opts.Rows, Bare: opts.Catalog == "hopsworks"}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.tidy()) }()
	d.gate = &gateway{deadline: opts.Deadline, keep: opts.Keep}
	err = d.open(ctx, binary)
	if err == nil {
		err = d.watch(ctx, c)
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // asked to end while it was starting
	}
	return err
}

// tidy ends what was started, the last first.
func (d *demo) tidy() error {
	err := d.gate.stop()
	if d.db != nil {
		err = errors.Join(err, d.db.close())
	}
	switch dir := d.gate.dir; {
	case dir == "": // there is none yet
	case d.opts.Keep:
		d.screen.say("kept: %s", dir)
	default:
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

// open gets everything ready to be asked.
func (d *demo) open(ctx context.Context, binary string) error {
	start := time.Now()
	d.screen.say("rongate demo: starting the database (%s)", d.opts.DB)
	var err error
	if d.db, err = openDatabase(ctx, d.opts.DB); err != nil {
		return err
	}
	if err := d.fill(ctx); err != nil {
		return err
	}
	if err := d.describe(ctx); err != nil {
		return err
	}
	if err := d.listen(); err != nil {
		return err
	}
	if err := d.gate.configure(d.db); err != nil {
		return err
	}
	if err := d.gate.start(binary); err != nil {
		return err
	}
	if err := d.gate.await(ctx); err != nil {
		return err
	}
	d.screen.say("ready after %.1f s: %s rows in %d tables on three nodes, %s",
		time.Since(start).Seconds(), thousands(d.opts.Rows), len(d.data.Groups()), d.db.what)
	return nil
}

// fill makes the tables and loads the rows.
func (d *demo) fill(ctx context.Context) error {
	if err := d.db.create(ctx, d.data); err != nil {
		return err
	}
	done := 0
	for _, group := range d.data.Groups() {
		tell := func(rows int) { d.screen.count("loading rows", done+rows, d.opts.Rows) }
		if err := d.db.load(ctx, group, tell); err != nil {
			return err
		}
		done += group.Count()
	}
	return nil
}

// describe makes the metadata that the catalogue is of, if it is not a file.
func (d *demo) describe(ctx context.Context) error {
	if d.opts.Catalog != "hopsworks" {
		return nil
	}
	statements, key := describeInHopsworks(d.data, d.db.engine)
	d.gate.key = key
	return d.db.exec(ctx, strings.Join(statements, ";\n"))
}

// listen finds the addresses to listen on.
func (d *demo) listen() error {
	for _, a := range []struct {
		what, want string
		got        *string
	}{
		{"rongate", d.opts.Listen, &d.gate.public},
		{"rongate's private listener", d.opts.PrivateListen, &d.gate.private},
		{"the control listener", d.opts.Control, &d.control},
	} {
		address, taken, err := freeAddress(a.want)
		if err != nil {
			return fmt.Errorf("%s: %w", a.what, err)
		}
		if taken {
			d.screen.say("%s is taken: %s listens on %s instead", a.want, a.what, address)
		}
		*a.got = address
	}
	return nil
}

// watch sends the traffic and shows what becomes of it, until ctx ends or somebody quits.
func (d *demo) watch(ctx context.Context, c console) error {
	ctx, quit := context.WithCancel(ctx)
	defer d.background.Wait()
	defer quit()
	if err := d.serveControl(ctx); err != nil {
		return err
	}
	d.introduce()
	d.traffic = newTraffic(d)
	d.background.Go(func() { d.traffic.run(ctx) })

	restore := grabKeyboard(c.in)
	k := &keyboard{demo: d, quit: quit}
	go k.listen(ctx, c.in) // ends with the input, or with the process: a terminal's reads cannot be called off

	err := d.tick(ctx)
	restore() // before all that takes time: a second signal ends the process at once
	quit()
	d.background.Wait() // for the last answers
	d.summarize()
	return err
}

// introduce says where everything is.
func (d *demo) introduce() {
	d.screen.say("%s", d.commandText())
	for _, n := range d.db.nodes {
		d.screen.say("%s  %s  %s", n.name, n.zone, n.address)
	}
	if d.gate.key == "" {
		d.screen.say("\nfiles: %s\n"+
			"       rongate.yaml, catalog.yaml: edit them, rongate reloads them; rongate.log", d.gate.dir)
	} else {
		d.screen.say("\nmetadata: database %s; what is added or deleted there is served a second later\n"+
			"files: %s\n       rongate.yaml: edit it, rongate reloads it; metadata: the snapshot; rongate.log",
			hopsworksSchema, d.gate.dir)
	}
	d.screen.say("\n%s\n", keysHelp)
}

// tick shows a line each second.
func (d *demo) tick(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	before, _ := d.gate.figures(ctx) // without them the first line has no shares
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.gate.ended:
			return d.gate.death()
		case now := <-ticker.C:
			after, err := d.gate.figures(ctx)
			if err != nil {
				after = before
			}
			d.edited()
			d.tellOfReload(before, after)
			d.screen.second(d.read(now, before.statements, after.statements))
			before = after
		}
	}
}

// tellOfReload says when files that were edited are not served, and when they are again.
func (d *demo) tellOfReload(before, after figures) {
	switch {
	case after.outdated && !before.outdated:
		d.screen.event("rongate serves on with the files as they were: " + d.gate.log() + " says why")
	case before.outdated && !after.outdated:
		d.screen.event("rongate serves what the files say")
	}
}

// read makes a reading of the last second.
func (d *demo) read(now time.Time, before, after map[string]float64) reading {
	t := d.traffic.take()
	r := reading{
		at: now, answers: t.answers, failed: t.failed, wrong: t.wrong,
		p50: quantile(t.latencies, 0.5), p99: quantile(t.latencies, 0.99),
	}
	all := 0.0
	for _, n := range d.db.nodes {
		all += after[n.address] - before[n.address]
	}
	for _, n := range d.db.nodes {
		share := -1.0
		if all > 0 {
			share = (after[n.address] - before[n.address]) / all
		}
		r.nodes = append(r.nodes, nodeReading{name: n.name, state: n.condition(), share: share})
	}
	return r
}

// edited reports whether somebody has edited the catalogue, and says so when it finds out.
func (d *demo) edited() bool {
	if d.wasEdited.Load() {
		return true
	}
	text, err := os.ReadFile(d.gate.catalogFile())
	if err != nil || bytes.Equal(text, frauddata.Catalog()) {
		return false
	}
	if !d.wasEdited.Swap(true) {
		d.screen.event("catalog.yaml was edited: from now on only complete vectors are checked")
	}
	return true
}

// summarize prints the last line.
func (d *demo) summarize() {
	total, p50, p99 := d.traffic.sum()
	failures := thousands(sum(total.failed)) + " failed"
	if len(total.failed) > 0 {
		failures += " (" + kinds(total.failed) + ")"
	}
	d.screen.say("\n%s requests: %s, %d wrong, p50 %s, p99 %s",
		thousands(total.answers), failures, total.wrong, short(p50), short(p99))
}
