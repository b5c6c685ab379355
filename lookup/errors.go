package lookup

import (
	"errors"

	"github.com/rongate/rongate/breaker"
	"github.com/rongate/rongate/pool"
)

// Why keys could not be read. Read reports one of these, possibly wrapped with its cause; any other error is the
// server's.
var (
	// ErrDeadline is a read whose deadline passed.
	ErrDeadline = errors.New("deadline passed")
	// ErrUnavailable is a read that no node could take.
	ErrUnavailable = errors.New("no node can serve")
	// ErrOverloaded is a read that found the queues full.
	ErrOverloaded = errors.New("too many reads are waiting")
	// ErrTooLarge is a statement whose rows exceed Config.MaxBlockBytes.
	ErrTooLarge = errors.New("rows too large")

	// errDefinition is a table that no longer is what the plan was made for. The table's definition is read anew.
	errDefinition = errors.New("table definition changed")

	// errValue is one row that is not what the plan was made for, beside errDefinition: other rows may be.
	errValue = errors.New("a row does not fit")
)

// verdict is what a failed attempt calls for.
type verdict uint8

const (
	verdictFinal     verdict = iota // the same statement would fail anywhere
	verdictElsewhere                // the connection or node failed: try another at once
	verdictLater                    // a transient state of the cluster: try another after a pause
	verdictStale                    // the table's definition must be read anew; no second attempt
)

// cause is what is behind an error.
type cause uint8

const (
	causeNone       cause = iota // there is no error
	causeStatement               // the statement, its data, or a privilege: the same anywhere
	causeConnection              // the connection is lost, or a statement had no answer in time
	causeRefusal                 // the server takes no more, or is going down
	causeCluster                 // the API node has lost the cluster
	causeDataNode                // a data node is going down or coming up: the fate of all API nodes of its zone
	causeOverload                // the cluster is short of something for the moment
	causeLock                    // another transaction holds the row
	causeTemporary               // temporary, says the cluster, and no more
	causeDefinition              // the table is not what it was
	causePrepare                 // the connection's prepared statement is of no use any more
)

// A judgement is what an error calls for: of the piece that was to be read, and of the node.
type judgement struct {
	verdict verdict
	outcome breaker.Outcome // what the node's breaker is told
	retries int             // how often a piece may be tried again for it, within maxAttempts
}

// judgement of a cause. Every statement is a read, so that a repeat is always safe; the question is whether and where it
// can do better. A connection that is lost in the middle of an answer may be so for somebody's row: that is why the last
// attempt of a piece shares its statement with no other.
func (c cause) judgement() judgement {
	switch c {
	case causeNone:
		return judgement{outcome: breaker.Success}
	case causeConnection, causeRefusal, causeCluster:
		return judgement{verdictElsewhere, breaker.Failure, maxAttempts - 1}
	case causeDataNode, causeTemporary:
		return judgement{verdictLater, breaker.Excluded, maxAttempts - 1}
	case causeOverload:
		return judgement{verdictLater, breaker.Slow, maxAttempts - 1}
	case causeLock:
		return judgement{verdictLater, breaker.Excluded, 1}
	case causeDefinition:
		return judgement{verdictStale, breaker.Excluded, 0}
	case causePrepare:
		return judgement{verdictElsewhere, breaker.Excluded, 1}
	}
	return judgement{verdictFinal, breaker.Excluded, 0}
}

// ndbCause is what is behind the NDB error inside a server error 1296 or 1297, from NDB's list of errors and their classes;
// causeNone where the number of the server's own error has to say. NDB's 4031 is a data node's; the server's own 4031 is
// another thing.
func ndbCause(code int) cause {
	switch code {
	case 157, // the API node is not connected
		4009: // cluster failure
		return causeCluster
	case 270, // aborted by a node's shutdown
		286,                          // aborted by a node's failure
		1204,                         // a node is shutting down
		4010, 4025, 4028, 4029, 4031, // node failures that a transaction was caught in
		4035: // the cluster is waiting for a node
		return causeDataNode
	case 218, 233, 245, // out of long messages, operation records, ...
		410,        // redo log files overloaded
		1218, 1221, // send buffers, redo buffers
		4006: // too many transactions
		return causeOverload
	case 266, 274, 296, 297: // lock waits
		return causeLock
	case 241, // invalid schema object version
		284, // table not defined in the transaction coordinator
		723: // no such table existed
		return causeDefinition
	}
	return causeNone
}

// serverCause is what is behind an error of the server's own.
func serverCause(number uint16) cause {
	switch number {
	case 2006, 2013, // a proxy's, which has lost the server behind it
		4031: // closed for being idle
		return causeConnection
	case 1040, // too many connections
		1053: // server shutdown in progress
		return causeRefusal
	case 1205, // lock wait timeout
		1213: // deadlock
		return causeLock
	case 1297: // temporary error of a storage engine; others of its errors are 1296, and permanent
		return causeTemporary
	case 1054, // unknown column
		1146, // no such table
		1412: // table definition has changed
		return causeDefinition
	case 1243, // unknown prepared statement
		1615: // prepared statement needs to be prepared anew
		return causePrepare
	}
	return causeStatement
}

// causeOf tells what is behind an error.
func causeOf(err error) cause {
	switch {
	case err == nil:
		return causeNone
	case errors.Is(err, errDefinition):
		return causeDefinition
	case errors.Is(err, pool.ErrBroken): // whatever the server said last
		return causeConnection
	}
	var se *pool.ServerError
	if !errors.As(err, &se) {
		return causeStatement
	}
	if c := ndbCause(se.NDB); c != causeNone {
		return c
	}
	return serverCause(se.Number)
}

// judge tells what an error calls for, and nil.
func judge(err error) judgement { return causeOf(err).judgement() }
