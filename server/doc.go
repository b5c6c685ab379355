// Package server speaks HTTP for rongate: two listeners, routes, limits, admission, API keys, the mapping of outcomes
// to statuses, metrics, health and drain. What a request means is the business of package vectors, which it hands the
// body, the moment the headers arrived and the caller's rights, and whose answer it sends on unchanged.
//
// Limits, deadlines and keys may change while it serves. Its listeners are closed only when everybody who has connected
// is accepted, and its connections when each has been told so in an answer.
//
// It is the only user of fasthttp, whose request contexts are reused as soon as a handler returns: no reference to one,
// nor to memory that belongs to one, is kept beyond the handler or taken for a context.Context.
package server
