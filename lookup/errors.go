package lookup

import (
	"errors"

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

// MySQL error numbers and NDB codes that classify knows.
const (
	erBadField         = 1054
	erNoSuchTable      = 1146
	erTableDefChanged  = 1412
	erNeedReprepare    = 1615
	erUnknownStatement = 1243
	erTooManyConns     = 1040
	erShutdown         = 1053
	erLockWait         = 1205
	erDeadlock         = 1213
	erNDBTemporary     = 1297

	ndbNotConnected  = 157  // the API node has no connection to the cluster
	ndbSchemaVersion = 241  // invalid schema object version
	ndbOldVersion    = 284  // table not defined in the transaction coordinator
	ndbUnknownTable  = 723  // no such table existed
	ndbClusterDown   = 4009 // cluster failure: the API node has lost the cluster
)

// classify tells what a failed attempt calls for; without an error, nothing. Every statement is a read, so that a repeat
// is always safe; the question is only whether and where it can do better.
func classify(err error) verdict {
	if err == nil {
		return verdictFinal
	}
	if errors.Is(err, errDefinition) {
		return verdictStale
	}
	if errors.Is(err, pool.ErrBroken) { // whatever the server said last
		return verdictElsewhere
	}
	var se *pool.ServerError
	if !errors.As(err, &se) {
		return verdictFinal
	}
	switch se.NDB {
	case ndbSchemaVersion, ndbOldVersion, ndbUnknownTable:
		return verdictStale
	case ndbClusterDown, ndbNotConnected:
		return verdictElsewhere
	}
	switch se.Number {
	case erBadField, erNoSuchTable, erTableDefChanged:
		return verdictStale
	case erTooManyConns, erShutdown, erNeedReprepare, erUnknownStatement:
		return verdictElsewhere
	case erNDBTemporary, erLockWait, erDeadlock:
		return verdictLater
	}
	return verdictFinal
}
