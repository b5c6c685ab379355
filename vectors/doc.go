// Package vectors is what a request means. It turns the body of POST /feature-vectors into look-ups and their rows into
// feature vectors, and owns every rule in between: which fields there are, how keys reach their feature groups, what a
// missing or expired row is worth, what a caller may override, when a partial answer is an answer at all.
//
// A request runs through six stages, one file each, in one straight function (Service.Append):
//
//	decode    the body into entries of canonical keys           scan.go, decode.go
//	plan      the view, its projection, the groups to be read   view.go
//	read      the look-ups, until the deadline                  package lookup
//	assemble  each group's status for each entry                assemble.go
//	encode    the answer, by concatenation of fragments         encode.go
//	reply                                                       package server
//
// A Request is written in one of several Forms. What it means does not depend on that: those of RDRS, RonDB's REST server,
// have a first and a last stage of their own (rdrs.go, rdrsdecode.go, rdrsencode.go) and share those between.
//
// The package knows no transport: errors are of type *Error with a stable Code, and package server gives them a status.
package vectors
