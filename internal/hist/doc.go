// Package hist counts latencies: a histogram with the bucket bounds that every latency metric of rongate has, cheap
// enough to be recorded into for every request and every statement. It owns the bounds and the counting and refuses
// everything else: names, labels and rendering are package server's, and what is measured is the caller's.
package hist
