package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rongate/rongate/lookup"
)

// judgeNodes tells what is wrong with the nodes, with the tables as they have them, and with what is asked of them.
func (r *checkReport) judgeNodes(gateways int) {
	f, cfg := &r.found, r.cfg.lookup.Pool
	f.asked = len(r.nodes)
	for _, n := range r.nodes {
		if n.Handshake > 0 {
			f.reached++
		}
	}
	warmed, prepared := 0, 0
	if s := r.snapshot(); s != nil {
		warmed, prepared = len(s.Selects), lookup.PreparedStatements(s)
	}
	r.demand = demandOf(gateways, cfg, warmed, prepared)
	for _, n := range r.nodes {
		if n.Handshake == 0 {
			_, why := reach(n.Err, cfg)
			f.add(trouble, "node %s: %s", n.Address, why)
			continue
		}
		judgeNode(f, n, cfg.Effective().HandshakeTimeout, time.Now())
		if n.LimitsErr == nil && !r.mistakes.in(r.file, "connections") {
			r.judgeSums(n)
		}
	}
	for _, n := range r.nodes {
		judgeTables(f, n, cfg.User)
	}
	judgeAgreement(f, r.nodes)
	if s := r.snapshot(); s != nil {
		judgeSnapshot(f, s)
		for _, u := range s.Unserved {
			f.add(warning, "feature view %s/%s version %d cannot be served: %s",
				u.Store, u.Name, u.Version, oneLine(errors.New(u.Why)))
		}
	}
}

// judgeNode tells what is wrong with a node that let rongate in.
func judgeNode(f *findings, n *lookup.NodeReport, handshakeTimeout time.Duration, now time.Time) {
	about := "node " + n.Address
	switch {
	case errors.Is(n.Err, context.DeadlineExceeded):
		f.add(trouble, "%s: has not answered everything within %v%s; see what its server waits for, or how far away it is",
			about, nodeTimeout, readSoFar(n))
	case n.Err != nil:
		f.add(trouble, "%s: could not be asked for all: %v; see the server's log", about, n.Err)
	}
	if n.Handshake > handshakeTimeout {
		f.add(trouble, "%s: its handshake takes %v, longer than connections.handshakeTimeout (%v), so that it would never "+
			"serve; raise that, or see what is slow: name service and TLS are the usual ones", about, round(n.Handshake),
			handshakeTimeout)
	}
	if n.LimitsErr != nil {
		f.add(warning, "%s: does not tell its limits: %v; count connections against its max_connections by hand",
			about, n.LimitsErr)
	}
	switch {
	case n.ClockErr != nil:
		f.add(warning, "%s: does not tell the time: %v; compare its clock by hand", about, n.ClockErr)
	case n.Clock > farClock || n.Clock < -farClock:
		f.add(warning, "%s: its clock is %s; whether a row is too old is judged by the gateway's clock: have both set by NTP",
			about, clockInWords(n.Clock))
	}
	if n.TLS == nil || len(n.TLS.PeerCertificates) == 0 {
		return
	}
	if end := n.TLS.PeerCertificates[0].NotAfter; end.Sub(now) < soonExpired {
		f.add(warning, "%s: its certificate ends on %s, in %s; renew it before", about, day(end), daysOrHours(end.Sub(now)))
	}
}

// readSoFar tells a node that is far away, and answers all the same, from one that is stuck.
func readSoFar(n *lookup.NodeReport) string {
	if n.Snapshot == nil {
		return ""
	}
	return fmt.Sprintf(" (%d of %s done)", len(n.Selects), plural(len(n.Snapshot.Selects), "read"))
}

func clockInWords(ahead time.Duration) string {
	if ahead < 0 {
		return fmt.Sprintf("%v behind this machine's", round(-ahead))
	}
	return fmt.Sprintf("%v ahead of this machine's", round(ahead))
}

func daysOrHours(d time.Duration) string {
	if d < 48*time.Hour {
		return plural(int(d.Hours()), "hour")
	}
	return plural(int(d.Hours()/24), "day")
}

// round keeps what is worth reading of a time: three or four digits.
func round(d time.Duration) time.Duration {
	switch {
	case d > time.Second:
		return d.Round(10 * time.Millisecond)
	case d > 10*time.Millisecond:
		return d.Round(100 * time.Microsecond)
	}
	return d.Round(10 * time.Microsecond)
}

// judgeSums keeps each sum's words once, and tells where it does not fit.
func (r *checkReport) judgeSums(n *lookup.NodeReport) {
	for _, s := range r.demand.sums(n.Limits) {
		if !slices.Contains(r.sums, s.words) {
			r.sums = append(r.sums, s.words)
		}
		if l, found := s.judge(); found {
			r.found.addOn(n.Address, l, "%s; %s", s.words, s.mend)
		}
	}
}
