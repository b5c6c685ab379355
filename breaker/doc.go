// Package breaker judges one node by the statements that have ended on it.
//
// It is a circuit breaker, github.com/sony/gobreaker/v2 with what a node of a database needs beside: slow answers that
// count as failures, outcomes that are nobody's fault, why it opened and since when, and whether the evidence was hard. It
// says whether the node is to be used; it does not stop anybody. Package lookup chooses nodes, probes those whose breaker is
// open, and decides what happens when all are.
//
// A breaker hears of what has ended, and only then: nothing is allowed or promised beforehand, so that no statement that
// never ends can hold it half open. What was begun before the breaker last closed, or before the last bad end that counted,
// says nothing about the node since, and does not count.
package breaker
