// Package bench measures rongate on real database servers, in the process of the benchmark: what it adds to the bare call
// of the MySQL driver, and how its cost grows with what is asked for. It has nothing but benchmarks; README.md beside it
// says how to run them, and what else there is to find out where the time goes.
//
// It uses the packages of the request path as they are composed in cmd/rongate, and changes none of their defaults but
// those that a benchmark names.
package bench
