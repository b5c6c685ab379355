package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/rongate/rongate/catalog"
	"github.com/rongate/rongate/lookup"
)

// print writes the tables: nodes, sums, feature groups, feature views.
func (r *checkReport) print(w io.Writer) {
	if len(r.names) > 0 {
		table(w, r.nameRows())
	}
	if len(r.nodes) > 0 {
		r.printNodes(w)
	}
	for _, words := range r.sums {
		fmt.Fprintln(w, words)
	}
	if len(r.sums) > 0 {
		fmt.Fprintln(w)
	}
	if r.cfg.spec != nil {
		r.printGroups(w)
		r.printViews(w)
	}
}

// table prints aligned rows, and an empty line after them. What is empty is a dash.
func table(w io.Writer, rows [][]string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i := range row {
			row[i] = orDash(row[i])
		}
		// The last cell ends in no tab, and so is not padded.
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	_ = t.Flush() // an error of w shows in the last line's
	fmt.Fprintln(w)
}

func (r *checkReport) printNodes(w io.Writer) {
	rows := [][]string{{"NODE", "ZONE", "STATE", "TLS", "VERSION", "HANDSHAKE", "CLOCK", "CONNECTIONS"}}
	for _, n := range r.nodes {
		row := []string{n.Address, r.zoneOf(n), "ok", "", "", "", "", ""}
		if n.Handshake == 0 {
			row[2], _ = reach(n.Err, r.cfg.lookup.Pool)
			rows = append(rows, row)
			continue
		}
		if n.Err != nil {
			row[2] = "failing"
		}
		row[3], row[4], row[5] = tlsState(n), n.Limits.Version, round(n.Handshake).String()
		if n.ClockErr == nil {
			row[6] = clockState(n.Clock)
		}
		if n.LimitsErr == nil {
			row[7] = fmt.Sprintf("%d of %d", r.demand.gateways*r.demand.connections, n.Limits.MaxConnections)
		}
		rows = append(rows, row)
	}
	table(w, rows)
}

// zoneOf names where a node is, with its region if any are named.
func (r *checkReport) zoneOf(n *lookup.NodeReport) string {
	own, zone := r.cfg.lookup, n.Zone
	if r.hasRegions() {
		zone = orDash(n.Region) + "/" + orDash(zone)
	}
	if n.Zone != "" && n.Zone == own.Zone && n.Region == own.Region {
		zone += " (own)"
	}
	return zone
}

func tlsState(n *lookup.NodeReport) string {
	if n.TLS == nil {
		return "off"
	}
	return tls.VersionName(n.TLS.Version)
}

// clockState does not tell what may as well be the way of the answer.
func clockState(ahead time.Duration) string {
	switch {
	case -time.Millisecond < ahead && ahead < time.Millisecond:
		return "<1ms"
	case ahead < 0:
		return "-" + round(-ahead).String()
	}
	return "+" + round(ahead).String()
}

func (r *checkReport) printGroups(w io.Writer) {
	rows := [][]string{{"FEATURE GROUP", "TABLE", "ENGINE", "KEY", "READ ON", "INDEX", "NOTE"}}
	for _, g := range r.cfg.spec.Groups() {
		s := summarize(r.nodes, g)
		read := ""
		if len(r.nodes) > 0 {
			read = fmt.Sprintf("%d of %s", s.read, plural(len(r.nodes), "node"))
		}
		rows = append(rows, []string{
			fmt.Sprintf("%s/%s_%d", g.Store, g.Name, g.Version), g.Table.String(), s.engine, s.key, read,
			s.index(), strings.Join(s.notes(), ", "),
		})
	}
	if len(rows) > 1 {
		table(w, rows)
	}
}

// groupSummary is one feature group over all nodes.
type groupSummary struct {
	asked, there, joined, empty bool
	engine, key                 string
	read                        int      // nodes that all its selects were read on
	access                      []string // types, by the primary key
	others                      []string // other indexes, with the types
	scans, fewRows              bool
}

// summarize puts together what the nodes tell of a group.
func summarize(nodes []*lookup.NodeReport, g catalog.GroupName) groupSummary {
	s := groupSummary{empty: true}
	for _, n := range nodes {
		if n.Snapshot == nil {
			continue
		}
		s.asked = true
		if t := n.Tables[g.Table]; t != nil {
			s.there, s.key, s.engine = true, strings.Join(t.PrimaryKey, ", "), n.Engines[g.Table]
		}
		s.addReads(n, g.Table)
	}
	return s
}

func (s *groupSummary) addReads(n *lookup.NodeReport, name catalog.TableName) {
	selects, read := 0, 0
	for _, sel := range n.Snapshot.Selects {
		if sel.Group.Table == name {
			selects++
		}
	}
	s.joined = s.joined || selects > 0
	for _, sel := range n.Selects {
		if sel.Select.Group.Table != name || sel.Err != nil {
			continue
		}
		read++
		s.empty = s.empty && sel.Rows == 0
		if sel.AccessErr != nil {
			continue
		}
		for _, a := range []lookup.Access{sel.One, sel.Several} {
			s.addAccess(a)
		}
	}
	if selects > 0 && read == selects {
		s.read++
	}
}

func (s *groupSummary) addAccess(a lookup.Access) {
	switch {
	case a.Type == "": // there is no row to be found
	case a.ByKey():
		s.access = addOnce(s.access, a.Type)
	case a.Scan():
		s.scans = true
		s.fewRows = s.fewRows || isFine(a)
	default: // the server's choice, which holds more of what is asked for
		s.others = addOnce(s.others, fmt.Sprintf("%s (%s)", a.Key, a.Type))
	}
}

func addOnce(list []string, text string) []string {
	if slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// index says how rows are found.
func (s *groupSummary) index() string {
	ways := s.others
	switch {
	case s.scans:
		return "scan"
	case len(s.access) > 0:
		ways = slices.Concat([]string{"PRIMARY (" + strings.Join(s.access, ", ") + ")"}, s.others)
	}
	return strings.Join(ways, ", ")
}

func (s *groupSummary) notes() []string {
	var notes []string
	switch {
	case !s.asked:
	case !s.there:
		notes = append(notes, "no table to be read")
	case !s.joined:
		notes = append(notes, "no sound feature view reads it")
	case s.empty && s.read > 0:
		notes = append(notes, "empty")
	}
	if s.fewRows {
		notes = append(notes, "so few rows that the server scans them")
	}
	return notes
}

func (r *checkReport) printViews(w io.Writer) {
	rows := [][]string{{"FEATURE VIEW", "VERSION", "FEATURES", "SERVING KEYS"}}
	snapshot := r.snapshot()
	for _, name := range r.cfg.spec.Views() {
		row := []string{name.Store + "/" + name.Name, strconv.Itoa(name.Version), "", ""}
		if v := find(snapshot, name); v != nil {
			row[2], row[3] = featuresOf(v), servingKeysOf(v)
		}
		rows = append(rows, row)
	}
	if len(rows) > 1 {
		table(w, rows)
	}
}

func find(s *catalog.Snapshot, name catalog.ViewName) *catalog.View {
	if s == nil {
		return nil
	}
	for _, v := range s.Views {
		if v.Store == name.Store && v.Name == name.Name && v.Version == name.Version {
			return v
		}
	}
	return nil
}

// featuresOf counts the features, and those that cost more than the others.
func featuresOf(v *catalog.View) string {
	large := 0
	for _, f := range v.Features {
		if f.Key < 0 && f.Column.Large() {
			large++
		}
	}
	count := strconv.Itoa(len(v.Features))
	if large > 0 {
		count += fmt.Sprintf(" (%d TEXT, BLOB or JSON)", large)
	}
	return count
}

func servingKeysOf(v *catalog.View) string {
	keys := make([]string, len(v.ServingKeys))
	for i, k := range v.ServingKeys {
		keys[i] = fmt.Sprintf("%s (%s)", k.Name, k.Type)
	}
	return strings.Join(keys, ", ")
}

// progress returns what tells a person, on a terminal, which nodes are waited for once that takes longer than a second.
func progress(w io.Writer) func(waiting func() []string) (stop func()) {
	file, ok := w.(*os.File)
	if !ok {
		return func(func() []string) func() { return func() {} }
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func(func() []string) func() { return func() {} }
	}
	return func(waiting func() []string) func() { return tellWaiting(w, waiting) }
}

// tellWaiting rewrites one line a second, and wipes it out when it is stopped.
func tellWaiting(w io.Writer, waiting func() []string) (stop func()) {
	const wipe = "\r\x1b[K"
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for seconds := 1; ; seconds++ {
			select {
			case <-done:
				if seconds > 1 {
					fmt.Fprint(w, wipe)
				}
				return
			case <-tick.C:
				fmt.Fprintf(w, "%swaiting for %s (%ds of %v)", wipe, strings.Join(waiting(), ", "), seconds, nodeTimeout)
			}
		}
	})
	return func() {
		close(done)
		watching.Wait()
	}
}
