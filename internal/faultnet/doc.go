// Package faultnet puts a TCP proxy with faults before a real server: it refuses, swallows, delays, stalls, trickles
// and resets, switched while connections are live.
//
// It knows nothing of the protocol that passes through except its turns: a request is what the client sends until the
// server speaks, a response what the server sends until the client speaks. It loses no byte unless told to, and it
// cannot lose a packet: a client always gets a TCP handshake or a refusal. Package testbed uses it to let one server
// pose as several nodes; tests use it on its own.
package faultnet
