package catalog

import (
	"time"

	"github.com/rongate/rongate/column"
)

// A Snapshot is everything rongate knows about what it serves, resolved to integer slots. It is immutable: a request
// keeps the Snapshot it began with, whatever is loaded meanwhile.
type Snapshot struct {
	Views   []*View   // by feature store, name, version
	Selects []*Select // what is read, each once
	Stores  []string  // names of the feature stores, those without views too

	// Unserved are the views that a source has and that cannot be served, in the order of Views.
	Unserved []Unserved

	made made
}

// A TableName is a table with its database, as the server has them.
type TableName struct {
	Database, Name string
}

// A Group is a feature group: one table keyed by its primary key.
type Group struct {
	ID        int64 // that Hopsworks knows it by; 0: it is of a file
	Store     string
	Name      string
	Version   int
	Table     TableName
	Key       []*column.Column // the primary key, in the key's own order
	EventTime *column.Column   // nil: the group has none
	TTL       time.Duration    // 0: rows do not expire
}

// A Select is one list of columns to be read from one table: the unit that statements, queues and merging work on. Two
// views that need the same columns of a table share it.
type Select struct {
	Group     *Group
	Columns   []*column.Column // what is read besides the key, in the order of the statement
	EventTime int              // index of the event time in Columns; -1: not read here
	Large     bool             // Columns are TEXT, BLOB or JSON: a round trip a row on NDB

	id string // tells it apart from all others of the snapshot
}

// A View is a feature view: what a model reads, in order.
type View struct {
	Store       string
	Name        string
	Version     int
	ServingKeys []ServingKey
	Joins       []Join
	Features    []Feature
	Hedging     Hedging // as far as the configuration allows it too

	// OtherKeys are names that callers of the API of RonDB's REST server may give in an entry besides those of ServingKeys
	// and of the Joins' OtherKeys, though nothing is read by them.
	OtherKeys []string
}

// A ServingKey is a key that the caller supplies.
type ServingKey struct {
	Name string
	Type string // the SQL type of the first column it is mapped to; empty: nothing is read by it
}

// A Join is one feature group's part in a view. A group may be joined more than once, under other keys and prefixes.
type Join struct {
	Group    *Group
	Prefix   string
	KeySlots []int     // for each column of Group.Key, the index of its serving key in View.ServingKeys
	Selects  []*Select // all of them together are the group's row; none: there is no table, and so no row

	// OtherKeys are, for each column of Group.Key, the other names by which callers of the API of RonDB's REST server may
	// give it: where an entry has several, the serving key goes first, then these in their order. Nil: there are none.
	OtherKeys [][]string

	// EventTime is the index in Selects of the one that reads the event time; -1 where the group has none.
	EventTime int
}

// A Feature is one position of a vector.
type Feature struct {
	Name    string
	Type    string // as `types` gives it: the SQL type, "boolean", and " UTC" after a TIMESTAMP
	Offline string // its type in Hopsworks, such as bigint or map<string,int>; empty: it is of a file
	Column  *column.Column
	Join    int    // index in View.Joins
	Key     int    // index in Join.Group.Key of a key feature, which echoes the request; -1 for a stored one
	Select  int    // stored features: index in Join.Selects; -1 where there is no table
	Cell    int    // stored features: index in that Select's Columns
	Default []byte // JSON fragment served for a missing or expired row; nil: null
}
