// Package devdb is an embedded database that speaks the MySQL protocol: several nodes on loopback over one shared set of
// tables, in pure Go, for the demo and for tests on machines with nothing but Go. SQL and protocol are go-mysql-server's;
// the tables are devdb's own, in memory, each with a hash index over its primary key. Every statement that rongate sends
// is a key read in it; conditions of other forms, and tables under an alias, are scanned.
//
// It refuses tables without a primary key, secondary indexes, AUTO_INCREMENT, generated columns and ROLLBACK. A statement
// that fails is undone, but others may have seen it half done. Its collations and its planner are not MySQL's, TIME has
// always six fractional digits, and nothing is ever written to disk. Production binaries do not link it.
package devdb
