// Package protocol runs prepared statements over a connection to a MySQL or MariaDB server that somebody else has
// opened and authenticated: prepare, execute, the rows in binary form, close. It allocates nothing per statement, row or
// cell, which is what it is there for; bench/rows has the comparison with the driver's rows.
//
// The formats are those of the MySQL manual's "Client/Server Protocol" and of MariaDB's "Binary Protocol (Prepared
// Statements)". What a server may leave out or add depends on what both sides agreed on when they shook hands:
// Capabilities.
//
// Whatever bytes come, there is an error and no panic; and no more memory is taken than what has been received, but for
// one row.
package protocol
