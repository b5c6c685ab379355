// Package scenario breaks things around a rongate under load, and judges how it got over them.
//
// A scenario is a file: a database, a load, what is done to which process or connection and when, and what is expected of
// the answers meanwhile. Run starts everything that it takes, on loopback, and leaves nothing of it behind. What a run
// shows is judged from the windows of the load and from rongate's own metrics, against figures or against the healthy
// stretch of the same run: figures from different runs say little on a machine that is not always the same.
//
// It owns the files, the order of events and the verdicts. The load is package loadtest's, the servers are package
// testbed's, the faults in connections package faultnet's; what a report looks like is package report's. It needs a Unix
// system.
package scenario
