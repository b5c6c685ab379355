// Command costplot draws what BenchmarkCost has measured: one plot for each thing that there can be more or less of, cost
// against size, both logarithmic, with dashed the lines of what costs in proportion.
//
//	go test -run='^$' -bench=Cost ./bench | go run ./bench/costplot > cost.svg
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "costplot:", err)
		os.Exit(1)
	}
}

// run draws the benchmark results that it reads.
func run(in io.Reader, out io.Writer) error {
	r, err := parse(in)
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, draw(r))
	return err
}
