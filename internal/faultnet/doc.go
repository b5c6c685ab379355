// Package faultnet puts a TCP proxy with faults before a real server: it refuses, swallows, delays, stalls, trickles
// and resets, switched while connections are live. Before a MySQL server it also answers in the server's place, with
// errors.
//
// It knows nothing of the protocol that passes through except its turns: a request is what the client sends until the
// server speaks, a response what the server sends until the client speaks. Only while it is to answer statements with
// errors does it look at the packets within a turn; a connection under TLS has none to be seen. It loses no byte unless
// told to, and it cannot lose a packet: a client always gets a TCP handshake or a refusal. Package testbed uses it to let
// one server pose as several nodes; tests use it on its own.
package faultnet
