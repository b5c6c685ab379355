// Package lookup reads rows by primary key from the nodes of a cluster.
//
// It owns everything between "these keys of this select" and "these cells": the SQL of each select, the split into
// statements, the queues in which look-ups wait for a connection, the choice of a node, the second attempt elsewhere,
// the matching of returned rows to the keys that asked for them, and the blocks that hold what was read. It decides
// nothing about what a missing row means (package vectors does) and does not dial (package pool does).
//
// # One read
//
// Reader.Read takes a Call: the reads of one request, each a Plan and its Keys. Keys are made distinct and cut into
// pieces of at most one statement each. A piece that finds a free connection goes at once; otherwise it waits in the
// queue of its tier and plan, and the next connection to become free takes all that waits there, up to what a statement
// holds: nothing waits for others to come, so an idle gateway merges nothing and a busy one much. A key that several of
// them ask for is read once; one that is being read is waited for, for a moment, and then read once for all who do.
// Reads of large batches have statements of their own, and few of the connections while there are others about. The
// statement fills one block with JSON fragments in the row callback, and the block is shared, by reference count, with
// the calls that asked for it. When a statement fails on its data its pieces are read apart, so that nobody gets
// another's error. Keys that only the server's collation can compare share no statement.
//
// The last of a call's pieces to find a connection is read on the call's own goroutine, for as long as it is not
// slow, the others each on one that goes on with what waits. A call that leaves at its deadline takes no statement
// down with it: the statement goes on, detached, on another goroutine if need be, and its block is dropped when it
// ends.
//
// # Choice of a node
//
// Nodes of the own zone come first, then those of the region's other zones, then the rest. Within a tier a piece goes
// to the node of the least weight that has a connection free: what runs there, times how slow the node has been of late
// compared with what is typical for statements of that size on all nodes. A failed statement counts as a very slow one,
// so a node that fails fast is not taken for a fast one; and nodes that are within a factor of two are equals, or noise
// would send all to one. What waits for too long in a tier goes to a free connection of the next.
//
// A node is passed over while there is evidence against it and another node is connected without:
//
//   - It is suspect when a statement has run for several times the p99 of the last seconds, or half of its time, and
//     nothing that was begun after it has been answered: long before anything fails. What runs there is then asked for
//     elsewhere as well, within an allowance: the first answer counts, and a piece may be part of several statements.
//     Where the nodes of a zone stall together, as they do when its data node stalls, the next zone is asked. An answer
//     lifts the suspicion that is not late itself.
//   - Its breaker is open when statements have failed, or were far slower than on other nodes: package breaker says
//     when. What is not the node's fault does not count. Slow answers are soft evidence, for which half of the nodes are
//     passed over at most.
//
// Meanwhile the node is sent reads of a key that no row has, four to ten a second, and is used little for a second when
// it is back. Where there is evidence against all nodes, none counts: a read fails for its own reasons, not for a
// breaker's.
//
// # Hedges
//
// A statement that has run for longer than nearly all of its size do is asked for on another node too, by a twin for what
// is still wanted of it. Either's answer is a rescue's: the first counts, and the other drains into a block of its own. How
// long that is comes of all statements that were answered, those that lost too, with the whole time that they took, so
// that hedging does not make the next ones seem slow. Whether it is time is seen to
// whenever a call begins or a statement ends, and by the timer where there is little to do: one for each statement would
// cost more than it is worth. A call that runs a statement itself leaves it to another goroutine then, to wait for either.
// A node of which a single statement tells nothing is probed at half of the time that it has before it is suspected: the
// straggler may be the statement.
//
// Retries, rescues and hedges are bounded by budgets, which statements earn: when everything is slow or fails, they do not
// add to it. One timer (Reader.tend) does what is due by itself.
//
// # Nodes
//
// The nodes may change while reads go on. Those that leave serve until those that stay are up; a node that is to be
// reached in another way is one that leaves and one that joins, at the same address. Queues belong to tiers, of which
// there are always three, so no read notices.
//
// # Locks
//
// Reader.mu guards the nodes, the queues, the state of pieces, and the waiting counts. It is held for bookkeeping only,
// never over I/O. Reader.opening, taken before it, is held by what opens and closes connections. The mutex of a pool is
// taken inside it, never the other way round: a pool calls back without holding its own.
package lookup
