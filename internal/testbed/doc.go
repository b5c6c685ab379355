// Package testbed starts real database servers on loopback, from binaries found on the machine, and breaks them on
// request: a MariaDB or MySQL server behind several proxies that pose as nodes, and an NDB cluster with two data
// nodes and several MySQL servers.
//
// It owns the servers' processes, ports, data directories and certificates, and leaves nothing of them behind,
// whatever becomes of the process that uses it. It reads data only through the command-line clients, so that a test
// can compare what rongate says with what an independent client says. It knows nothing of rongate; package faultnet
// is its proxy. Apart from testing.go it does not know package testing either. It needs a Unix system.
package testbed
