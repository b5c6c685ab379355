package yamldoc

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxProblems bounds how many problems one Report lists: whoever has more mends these first.
const maxProblems = 100

// A Pos is a place in a file.
type Pos struct {
	File  string
	Line  int    // from 1; 0: the file as a whole
	Field string // such as "nodes[2].address"; empty: the document as a whole
}

// A Problem is one mistake in a file.
type Problem struct {
	Pos
	Message string // what is wrong; how to mend it
}

// String gives the problem as one line, "file:line: field: message".
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Field != "" {
		b.WriteString(": " + p.Field)
	}
	return b.String() + ": " + p.Message
}

// Problems is the error that lists every mistake of a file, by line.
type Problems []Problem

// Error gives one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// A Report collects problems. The zero Report is empty and ready. It is not safe for concurrent use.
type Report struct {
	problems Problems
	more     int // problems beyond maxProblems
}

// Add records what is wrong at a place.
func (r *Report) Add(at Pos, format string, args ...any) {
	if len(r.problems) == maxProblems {
		r.more++
		return
	}
	r.problems = append(r.problems, Problem{Pos: at, Message: fmt.Sprintf(format, args...)})
}

// Err returns what was recorded as Problems, sorted by file and line; nil if nothing was.
func (r *Report) Err() error {
	if len(r.problems) == 0 {
		return nil
	}
	all := slices.Clone(r.problems)
	slices.SortStableFunc(all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	if r.more > 0 {
		at := Pos{File: all[len(all)-1].File}
		all = append(all, Problem{Pos: at, Message: fmt.Sprintf("%d more problems are not listed", r.more)})
	}
	return all
}
