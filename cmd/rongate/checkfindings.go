package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rongate/rongate/internal/yamldoc"
)

// level is how much a finding matters.
type level uint8

const (
	trouble level = iota // rongate would not serve as the files say
	warning              // it would, and something is not as it should be
	note                 // to be known
)

func (l level) String() string { return [...]string{"TROUBLE", "WARNING", "NOTE"}[l] }

// A finding is one sentence, with what would mend it.
type finding struct {
	level level
	text  string
	nodes []string // where it was found; none: it is about no node in particular
}

// findings collects what is found, each sentence once, however many nodes it holds for.
type findings struct {
	list    []finding
	asked   int // nodes
	reached int // of these
}

func (f *findings) add(l level, format string, args ...any) {
	f.list = append(f.list, finding{level: l, text: fmt.Sprintf(format, args...)})
}

// addOn records what was found on a node.
func (f *findings) addOn(node string, l level, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for i := range f.list {
		if o := &f.list[i]; o.level == l && o.text == text && len(o.nodes) > 0 {
			if !slices.Contains(o.nodes, node) {
				o.nodes = append(o.nodes, node)
			}
			return
		}
	}
	f.list = append(f.list, finding{level: l, text: text, nodes: []string{node}})
}

func (f *findings) count(l level) int {
	n := 0
	for _, found := range f.list {
		if found.level == l {
			n++
		}
	}
	return n
}

// print writes the findings, the worst first.
func (f *findings) print(w io.Writer) {
	for l := trouble; l <= note; l++ {
		for _, found := range f.list {
			if found.level == l {
				fmt.Fprintf(w, "%-7s  %s%s\n", l, found.text, f.onNodes(found.nodes))
			}
		}
	}
}

// onNodes says where something is so.
func (f *findings) onNodes(nodes []string) string {
	switch {
	case len(nodes) == 0, f.asked < 2:
		return ""
	case len(nodes) == f.asked:
		return " (on every node)"
	case len(nodes) == 1:
		return " (on node " + nodes[0] + ")"
	case len(nodes) == f.reached:
		return " (on every node that was reached)"
	}
	return " (on nodes " + strings.Join(nodes, ", ") + ")"
}

// verdict sums the findings up; offline says that nothing but files was looked at.
func (f *findings) verdict(offline bool) string {
	parts := []string{}
	if n := f.count(trouble); n > 0 {
		parts = append(parts, plural(n, "trouble"))
	}
	if n := f.count(warning); n > 0 {
		parts = append(parts, plural(n, "warning"))
	}
	verdict := "everything is as it should be"
	if len(parts) > 0 {
		verdict = strings.Join(parts, ", ")
	}
	if offline {
		verdict += " (in the files; the nodes and the tables were not looked at)"
	}
	return "check: " + verdict
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// mistakes are those of all files, in the order in which they were read.
type mistakes []yamldoc.Problem

// mistakesOf takes an error of loadConfig apart: the mistakes in files, and what else went wrong.
func mistakesOf(err error) (found mistakes, others []error) {
	var problems yamldoc.Problems
	joined, several := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
	case several:
		for _, part := range joined.Unwrap() {
			more, rest := mistakesOf(part)
			found, others = append(found, more...), append(others, rest...)
		}
	case errors.As(err, &problems):
		found = mistakes(problems)
	default:
		others = []error{err}
	}
	return found, others
}

// in reports whether there is a mistake in a field of a file or in what is in the field.
func (m mistakes) in(file, field string) bool {
	return slices.ContainsFunc(m, func(p yamldoc.Problem) bool {
		rest, within := strings.CutPrefix(p.Field, field)
		return within && p.File == file && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// beyond reports whether there is a mistake in a file other than these.
func (m mistakes) beyond(files ...string) bool {
	return slices.ContainsFunc(m, func(p yamldoc.Problem) bool { return !slices.Contains(files, p.File) })
}
