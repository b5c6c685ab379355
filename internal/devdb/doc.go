// Package devdb is an embedded database that speaks the MySQL protocol: several nodes on loopback over one shared set of
// tables, in pure Go, for the demo and for tests on machines with nothing but Go. SQL is go-mysql-server's; the tables are
// devdb's own, in memory, each with a hash index over its primary key, so that whatever rongate asks for is a key read.
//
// It refuses tables without a primary key, secondary indexes, AUTO_INCREMENT and foreign keys. It has no transactions: a
// statement that fails is undone, but others may have seen it half done. Its collations and its planner are not MySQL's,
// and nothing is ever written to disk. Production binaries do not link it.
package devdb
