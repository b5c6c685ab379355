package main

import (
	"fmt"

	"github.com/rongate/rongate/lookup"
	"github.com/rongate/rongate/pool"
)

// fullEnough is the part of a limit beyond which it is time to think of raising it, in per cent.
const fullEnough = 80

// A sum is what all gateways take of something that a server has a limit for.
type sum struct {
	words       string // "200 gateways x 5 connections = 1000 of 512 (max_connections)"
	need, limit int64
	mend        string
}

// judge tells whether the sum fits.
func (s sum) judge() (l level, found bool) {
	switch {
	case s.need > s.limit:
		return trouble, true
	case s.need*100 > s.limit*fullEnough:
		return warning, true
	}
	return note, false
}

// demand is what gateways of one configuration take of each node.
type demand struct {
	gateways    int
	connections int    // of a gateway at most
	parts       string // of connections, in words
	statements  int    // prepared by a connection at most; 0: not known
}

// demandOf counts the connections that a pool may have at once: one is dialed while the one that it replaces is there.
func demandOf(gateways int, cfg pool.Config, prepared int) demand {
	cfg = cfg.Effective()
	detached := max(cfg.MaxDetached, 0)
	return demand{
		gateways:    gateways,
		connections: cfg.Size + detached + 1,
		parts:       fmt.Sprintf("perNode %d + maxDetached %d + 1 that is replaced", cfg.Size, detached),
		statements:  min(cfg.Statements, prepared),
	}
}

// sums holds the demand against a server's limits.
func (d demand) sums(l lookup.Limits) []sum {
	connections := int64(d.gateways) * int64(d.connections)
	words := fmt.Sprintf("%s x %s", plural(d.gateways, "gateway"), plural(d.connections, "connection"))
	mend := func(limit string) string {
		return fmt.Sprintf("a gateway takes %s; lower connections.perNode, raise %s, or run fewer gateways", d.parts, limit)
	}
	sumOf := func(words, limit string, need, has int64, mend string) sum {
		return sum{fmt.Sprintf("%s = %d of %d (%s)", words, need, has, limit), need, has, mend}
	}
	all := []sum{sumOf(words, "max_connections", connections, l.MaxConnections, mend("max_connections"))}
	if l.MaxUserConnections > 0 {
		const limit = "max_user_connections"
		all = append(all, sumOf(words, limit, connections, l.MaxUserConnections, mend(limit)))
	}
	if d.statements > 0 && l.MaxPreparedStatements > 0 {
		all = append(all, sumOf(words+" x "+plural(d.statements, "prepared statement"), "max_prepared_stmt_count",
			connections*int64(d.statements), l.MaxPreparedStatements,
			"lower connections.statements, raise max_prepared_stmt_count, or run fewer gateways"))
	}
	return all
}
