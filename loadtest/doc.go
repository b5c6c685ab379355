// Package loadtest drives an HTTP server with requests and tells what became of them.
//
// It owns the load: when each request is due, the connections, the latency from the moment that a request was due, the
// judging of every answer, the windows in time. What is asked and what has to be answered is a Source's matter; faults
// and what is expected of a server under them are a scenario's; how it is shown is the report's.
//
// An open loop sends each request when it is due, whatever became of those before, as callers do who know nothing of one
// another. Its latencies count from then: a server that stalls for a second makes everybody wait who comes meanwhile, not
// only the one whose turn it was. A closed loop, in which each caller waits for its answer, hides that, and is here for
// comparison and for finding out how much a server can do.
//
// The harness may itself be what is slow. A request that it sends more than a millisecond late is counted, and a run with
// more than one per cent of them is void.
package loadtest
