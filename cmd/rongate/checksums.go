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
	words string // "200 gateways x 2 connections = 400 of 512 (max_connections), at most 1000"
	need  int64  // while all is well
	most  int64  // while statements stall everywhere: what is refused then is tried again, but makes it no better
	limit int64
	mend  string
}

// judge tells whether the sum fits.
func (s sum) judge() (l level, found bool) {
	switch {
	case s.need > s.limit:
		return trouble, true
	case s.most > s.limit, s.need*100 > s.limit*fullEnough:
		return warning, true
	}
	return note, false
}

// demand is what gateways of one configuration take of each node.
type demand struct {
	gateways                 int64
	connections, most        int64  // of a gateway
	parts                    string // of most, in words
	statements, mostPrepared int64  // prepared by a connection; 0: not known
}

// demandOf counts the connections that a pool may have at once: one is dialed while the one that it replaces is there. Of
// the statements that a connection comes to prepare, warmed are there from the start.
func demandOf(gateways int, cfg pool.Config, warmed, prepared int) demand {
	cfg = cfg.Effective()
	detached := max(cfg.MaxDetached, 0)
	return demand{
		gateways:     int64(gateways),
		connections:  int64(cfg.Size),
		most:         int64(cfg.Size + detached + 1),
		parts:        fmt.Sprintf("perNode %d, and maxDetached %d + 1 when statements stall", cfg.Size, detached),
		statements:   int64(min(cfg.Statements, warmed)),
		mostPrepared: int64(min(cfg.Statements, prepared)),
	}
}

// sums holds the demand against a server's limits.
func (d demand) sums(l lookup.Limits) []sum {
	words := fmt.Sprintf("%s x %s", plural(int(d.gateways), "gateway"), plural(int(d.connections), "connection"))
	sumOf := func(words, name string, each, most, limit int64, mend string) sum {
		need, most := d.gateways*each, d.gateways*most
		return sum{fmt.Sprintf("%s = %d of %d (%s), at most %d", words, need, limit, name, most), need, most, limit, mend}
	}
	mend := func(limit string) string {
		return fmt.Sprintf("a gateway takes %s; lower connections.perNode, raise %s, or run fewer gateways", d.parts, limit)
	}
	all := []sum{sumOf(words, "max_connections", d.connections, d.most, l.MaxConnections, mend("max_connections"))}
	if l.MaxUserConnections > 0 {
		const limit = "max_user_connections"
		all = append(all, sumOf(words, limit, d.connections, d.most, l.MaxUserConnections, mend(limit)))
	}
	if d.statements > 0 && l.MaxPreparedStatements > 0 {
		all = append(all, sumOf(words+" x "+plural(int(d.statements), "prepared statement"), "max_prepared_stmt_count",
			d.connections*d.statements, d.most*d.mostPrepared, l.MaxPreparedStatements,
			"batches prepare a statement for each power of two of keys; lower connections.statements, raise "+
				"max_prepared_stmt_count, or run fewer gateways"))
	}
	return all
}
