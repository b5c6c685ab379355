// Package pool keeps the connections to one node: it dials them in the background, warms them, caches their prepared
// statements, leases them one statement at a time, notices when they die, and replaces them as they age. It is the only
// package that knows the MySQL driver.
//
// A slot is a connection: what cannot have one is refused at once (TryAcquire returns nil), never queued, never dialed
// for. A statement is never cancelled, because cancelling a MySQL statement closes its connection while the server
// works on; it ends by itself or when its socket's absolute deadline passes, and a caller that does not want to wait
// for either detaches it (Conn.Detach).
//
// The pool does not judge its node. Which node to ask, when to hedge and whom to blame for an error belong to package
// lookup, its only user; package column has the values that go in and come out.
//
// A node is trusted not to be hostile: bytes that make no sense end in an error within the deadline, also where the
// driver panics on them, but where it is the driver that reads rows (Config.DriverRows) a server that announces a result
// of 2^30 columns makes it ask for the memory.
package pool
