// Command rongate-demo shows rongate at work on one machine: it starts a database of three nodes in two zones, fills it
// with the card-fraud data of internal/frauddata, runs the rongate binary on it, sends a trickle of requests whose every
// answer it checks, and lets people kill, freeze, slow and revive nodes while they watch.
//
// It owns what they see, and cleans up what it started. The database is internal/devdb, or one of internal/testbed's.
package main
