// Package report shows what became of a load: as lines for a terminal, while it goes on and at its end, as lines for
// benchstat, as JSON, and as one HTML page that needs nothing else.
//
// It shows what it is given and measures nothing.
package report
