// Package rows compares the two ways that package pool has of reading a result: through the driver's rows and by its own
// reader of the binary protocol. README.md beside it has the figures that decided.
package rows
