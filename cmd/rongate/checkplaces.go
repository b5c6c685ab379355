package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/rongate/rongate/internal/yamldoc"
	"github.com/rongate/rongate/lookup"
)

// place is what nodes have and rongate has: its zone or its region.
type place struct {
	field, variable string
	own             string
	of              func(nodeEntry) string
}

// judgePlaces warns of what is no mistake but may be one: that every read leaves the zone, or the region.
func (r *checkReport) judgePlaces(env environment) {
	r.judgePlace(env, place{"zone", "RONGATE_ZONE", r.cfg.lookup.Zone, func(n nodeEntry) string { return n.Zone }})
	r.judgePlace(env, place{"region", "RONGATE_REGION", r.cfg.lookup.Region, func(n nodeEntry) string { return n.Region }})
}

func (r *checkReport) judgePlace(env environment, p place) {
	var others []string
	if r.mistakes.in(r.file, "nodes") || r.mistakes.in(r.file, p.field) {
		return
	}
	for _, n := range r.cfg.nodes {
		where := p.of(n)
		if where == p.own && p.own != "" {
			return
		}
		if where != "" {
			others = append(others, where)
		}
	}
	at := p.pos(r.file, env)
	switch {
	case p.own == "" && len(others) > 0:
		r.found.add(warning, "%s", yamldoc.Problem{Pos: at, Message: fmt.Sprintf("is not set while nodes have %ss, so that "+
			"none of those is near; set it, or %s, to where rongate runs, such as %s", p.field, p.variable, others[0])})
	case p.own != "":
		r.found.add(warning, "%s", yamldoc.Problem{Pos: at, Message: fmt.Sprintf("no node is in %s %s, so that every read "+
			"crosses %ss; %s", p.field, p.own, p.field, yamldoc.Suggest(p.own, others))})
	}
}

// pos is what says where rongate runs. The configuration that was read no longer tells.
func (p place) pos(file string, env environment) yamldoc.Pos {
	if value, ok := env(p.variable); ok && value != "" {
		return yamldoc.Pos{File: "environment", Field: p.variable}
	}
	doc, err := yamldoc.ReadFile(file)
	if err != nil {
		return yamldoc.Pos{File: file, Field: p.field}
	}
	return doc.Root().Optional(p.field).At()
}

// nameReport is what became of a DNS name.
type nameReport struct {
	nodeEntry
	nodes []string // addresses
}

// resolve returns the nodes that entries stand for, and tells which DNS names lead to none, or to others' nodes.
func (r *checkReport) resolve(ctx context.Context, ask hostLookup, entries []nodeEntry) []lookup.NodeConfig {
	addresses := map[string][]netip.Addr{}
	answers := map[string]answer{}
	for _, a := range ask.all(ctx, hostsOf(entries)) {
		answers[a.host], addresses[a.host] = a, a.addresses
	}
	var found []nodeEntry
	owners := map[string]nodeEntry{} // by address
	for _, e := range entries {
		if e.host != "" {
			r.judgeAnswer(e, answers[e.host])
			if answers[e.host].err != nil {
				r.names = append(r.names, nameReport{nodeEntry: e})
				continue
			}
		}
		found = append(found, e)
		r.claim(e, nodesOf([]nodeEntry{e}, addresses), owners)
	}
	return nodesOf(found, addresses)
}

// claim makes an entry the owner of its nodes, but for those that belong to one before it.
func (r *checkReport) claim(e nodeEntry, nodes []lookup.NodeConfig, owners map[string]nodeEntry) {
	report := nameReport{nodeEntry: e}
	for _, n := range nodes {
		report.nodes = append(report.nodes, n.Address)
		if other, taken := owners[n.Address]; taken {
			r.found.add(warning, "%s", yamldoc.Problem{Pos: e.at, Message: fmt.Sprintf("leads to %s, which is a node by %s "+
				"already, and has the zone that is said there; let every node belong to one item", n.Address, other.at.Field)})
			continue
		}
		owners[n.Address] = e
	}
	if e.host != "" {
		r.names = append(r.names, report)
	}
}

// judgeAnswer tells what is wrong with how a DNS name resolves.
func (r *checkReport) judgeAnswer(e nodeEntry, a answer) {
	const mend = "mend the name, or see that the name service knows it"
	var refusal *net.DNSError
	why := ""
	switch {
	case a.err == nil && a.leftOut > 0:
		r.found.add(warning, "%s", yamldoc.Problem{Pos: e.at, Message: fmt.Sprintf("%s has %d addresses, of which only the "+
			"first %d are nodes; give it fewer, or several names", e.host, len(a.addresses)+a.leftOut, maxAddresses)})
		return
	case a.err == nil:
		return
	case errors.As(a.err, &refusal) && refusal.IsNotFound, errors.Is(a.err, errNoAddress):
		why = fmt.Sprintf("has no address (%v); %s: a headless Kubernetes service has addresses only while pods of it are "+
			"ready", a.err, mend)
	case errors.As(a.err, &refusal) && refusal.IsTimeout, errors.Is(a.err, context.DeadlineExceeded):
		why = fmt.Sprintf("is not resolved within %v (%v); see why the name service does not answer, or mend the name",
			resolveTimeout, a.err)
	default:
		why = fmt.Sprintf("cannot be resolved (%v); %s", a.err, mend)
	}
	r.found.add(trouble, "%s", yamldoc.Problem{Pos: e.at, Message: e.host + " " + why})
}

// nameRows are the rows of the table of DNS names.
func (r *checkReport) nameRows() [][]string {
	rows := [][]string{{"DNS NAME", "ZONE", "NODES"}}
	for _, n := range r.names {
		rows = append(rows, []string{n.Address, n.Zone, strings.Join(n.nodes, ", ")})
	}
	return rows
}

// hasRegions reports whether anything is said of regions.
func (r *checkReport) hasRegions() bool {
	return r.cfg.lookup.Region != "" ||
		slices.ContainsFunc(r.cfg.nodes, func(n nodeEntry) bool { return n.Region != "" })
}
