package lookup_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rongate/rongate/lookup"
)

// chronicle is a slog.Handler that tells a story.
type chronicle struct {
	slog.Handler
	story *story
}

func (c *chronicle) Enabled(context.Context, slog.Level) bool { return true }

func (c *chronicle) Handle(_ context.Context, r slog.Record) error {
	attrs := map[string]string{}
	var rest []string
	r.Attrs(func(a slog.Attr) bool {
		attrs[a.Key] = a.Value.String()
		rest = append(rest, a.Key+" "+a.Value.String())
		return true
	})
	if state, ok := strings.CutPrefix(r.Message, "node is "); ok {
		c.story.note(fmt.Sprintf("%s is %s, was %s: %s", attrs["node"], state, attrs["was"], attrs["why"]))
	} else {
		c.story.note(r.Message + ": " + strings.Join(rest, ", "))
	}
	return nil
}

// mark is the counters now.
func (s *story) mark() mark {
	return mark{at: time.Since(s.start), stats: s.reader.Stats(), ready: s.reader.Ready()}
}

// tell writes the golden lines of the stretch that begins with a mark.
func (s *story) tell(out io.Writer, marks []mark, i int) {
	from, to := marks[i].at, time.Duration(1<<62)
	if i+1 < len(marks) {
		to = marks[i+1].at
	}
	slices.SortStableFunc(s.told, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	last := i+1 == len(marks)
	for _, e := range s.told {
		if e.at >= from && e.at < to && !last {
			fmt.Fprintf(out, "  %-7v %s\n", e.at.Round(time.Millisecond), e.text)
		}
	}
	if last {
		return
	}
	s.tellReads(out, from, to)
	tellNodes(out, &marks[i].stats, &marks[i+1].stats)
}

// tellReads writes what came of the reads that began in a stretch.
func (s *story) tellReads(out io.Writer, from, to time.Duration) {
	failures := map[string]int{}
	var took []time.Duration
	total := 0
	for _, a := range s.reads {
		if a.at < from || a.at >= to {
			continue
		}
		total++
		if a.failure != "" {
			failures[a.failure]++
		} else {
			took = append(took, a.took)
		}
	}
	if total == 0 {
		return
	}
	fmt.Fprintf(out, "  reads %d", total)
	if len(took) > 0 {
		slices.Sort(took)
		late := len(took)
		for late > 0 && took[late-1] > 5*time.Millisecond {
			late--
		}
		fmt.Fprintf(out, "; answered %d: half within %v, %d after more than 5ms, the last after %v", len(took),
			took[len(took)/2].Round(100*time.Microsecond), len(took)-late, took[len(took)-1].Round(time.Millisecond))
	}
	for _, why := range slices.Sorted(maps.Keys(failures)) {
		fmt.Fprintf(out, "; failed %d: %s", failures[why], why)
	}
	fmt.Fprintln(out)
}

// tellNodes writes what a stretch took of the nodes.
func tellNodes(out io.Writer, from, to *lookup.Stats) {
	var parts []string
	for i := range to.Nodes {
		a, b := &from.Nodes[i], &to.Nodes[i]
		part := fmt.Sprintf("%s %d", b.Address, b.Statements-a.Statements)
		var more []string
		for _, c := range []struct {
			what string
			n    uint64
		}{
			{"timed out", b.Errors.Timeout - a.Errors.Timeout},
			{"broken", b.Errors.Broken - a.Errors.Broken},
			{"transient", b.Errors.Transient - a.Errors.Transient},
			{"other errors", b.Errors.Other + b.Errors.Stale - a.Errors.Other - a.Errors.Stale},
			{"rescued", b.Rescued - a.Rescued},
			{"probes", b.Probes - a.Probes},
		} {
			if c.n > 0 {
				more = append(more, fmt.Sprintf("%s %d", c.what, c.n))
			}
		}
		if len(more) > 0 {
			part += " (" + strings.Join(more, ", ") + ")"
		}
		parts = append(parts, part)
	}
	fmt.Fprintf(out, "  statements: %s\n", strings.Join(parts, "; "))
	parts = nil
	a, b := from.RetriesBy, to.RetriesBy
	for _, c := range []struct {
		what string
		n    uint64
	}{
		{"elsewhere", b.Elsewhere - a.Elsewhere},
		{"later", b.Later - a.Later},
		{"apart", b.Apart - a.Apart},
		{"to the rescue", b.Rescue - a.Rescue},
		{"denied", b.Denied - a.Denied},
		{"refused", to.Refused - from.Refused},
		{"abandoned", to.Abandoned - from.Abandoned},
	} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", c.what, c.n))
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(out, "  again: %s\n", strings.Join(parts, ", "))
	}
	tellHedges(out, &from.Hedges, &to.Hedges)
}

// tellHedges writes what was asked for twice for being slow.
func tellHedges(out io.Writer, from, to *lookup.HedgeCounts) {
	var parts []string
	for _, c := range []struct {
		what string
		n    uint64
	}{
		{"sent", to.Sent - from.Sent},
		{"won", to.Won - from.Won},
		{"lost", to.Lost - from.Lost},
		{"denied", to.Denied - from.Denied},
	} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", c.what, c.n))
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(out, "  hedges: %s; the delay is %v\n", strings.Join(parts, ", "), slices.Max(to.Delays[:]).Round(10*time.Microsecond))
	}
}
