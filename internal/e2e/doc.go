// Package e2e is the end-to-end suite: rongate over HTTP on real databases, MariaDB and an NDB cluster, the same cases on
// both. It has no code of its own besides its tests; package testbed starts the databases.
package e2e
