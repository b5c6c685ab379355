package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rongate/rongate/loadtest/report"
)

// slow is how long an action takes that has a beginning and an end in a report.
const slow = 200 * time.Millisecond

// events are what was done, for the report.
func (e *evidence) events() []report.Event {
	var events []report.Event
	for _, d := range e.deeds {
		what := d.String()
		switch {
		case d.err != nil:
			what += ", in vain: " + strings.SplitN(d.err.Error(), "\n", 2)[0]
		case !d.done:
			what += ", not over at the end"
		case d.ended-d.began > slow:
			events = append(events, report.Event{At: d.ended, What: what + " is done"})
		}
		events = append(events, report.Event{At: d.began, What: what})
	}
	slices.SortStableFunc(events, func(a, b report.Event) int { return int(a.At - b.At) })
	return events
}

// series are the nodes' statements in each window, for the report.
func (e *evidence) series() []report.Series {
	var all []report.Series
	perRequest := report.Series{Group: "Statements per request", Name: "all nodes"}
	for i, zone := range e.file.Database.Zones {
		name := fmt.Sprintf("%s (%s)", nodeName(i), zone)
		all = append(all, report.Series{Group: "Share of the statements by node", Name: name, Unit: "%"},
			report.Series{Group: "Statements by node", Name: name, Unit: "/s"})
	}
	for i := range e.windows {
		r := Range{e.windows[i].Start, e.windows[i].Start + e.file.Load.Window}
		if r.To > e.length {
			break
		}
		byNode, sum := e.statements(r)
		add := func(s *report.Series, value float64) {
			s.Start, s.Value = append(s.Start, r.From), append(s.Value, value)
		}
		for n := range e.file.Database.Zones {
			sent := byNode[nodeName(n)]
			add(&all[2*n], 100*sent/max(sum, 1))
			add(&all[2*n+1], sent/e.file.Load.Window.Seconds())
		}
		add(&perRequest, sum/max(float64(e.windows[i].Due), 1))
	}
	return append(all, perRequest)
}
