// Command rongate-loadtest tells what a gateway does under load and under faults: it sends requests when they are due,
// checks every answer, and writes a report. It finds the highest rate that keeps a goal, compares two servers, and runs
// the scenarios of loadtest/scenarios, which start a database and a gateway of their own and break them.
//
// It owns the command line and the files that reports are written to; the packages under loadtest do the rest.
package main
