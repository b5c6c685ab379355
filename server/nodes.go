package server

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rongate/rongate/vectors"
)

// nodesDocument is what GET /nodes answers.
type nodesDocument struct {
	Time   string         `json:"time"`
	Totals totals         `json:"totals"`
	Nodes  []nodeDocument `json:"nodes"`
}

// totals are what belongs to no node.
type totals struct {
	Queued  int         `json:"queued"`
	Leaving int         `json:"leaving"`
	Retries retryCounts `json:"retries"`
	Hedges  hedgeCounts `json:"hedges"`
}

type hedgeCounts struct {
	Sent   uint64 `json:"sent"`
	Won    uint64 `json:"won"`
	Lost   uint64 `json:"lost"`
	Denied uint64 `json:"denied"`
}

type retryCounts struct {
	Elsewhere uint64 `json:"elsewhere"`
	Later     uint64 `json:"later"`
	Apart     uint64 `json:"apart"`
	Rescue    uint64 `json:"rescue"`
	Denied    uint64 `json:"denied"`
}

// nodeDocument is how one node fares. Its fields are described where they come from, in lookup.NodeStats.
type nodeDocument struct {
	Address     string       `json:"address"`
	Zone        string       `json:"zone"`
	Region      string       `json:"region"`
	Local       bool         `json:"local"`
	State       string       `json:"state"`
	Why         string       `json:"why,omitempty"` // only for local callers
	Since       string       `json:"since,omitempty"`
	Force       string       `json:"force"`
	Pace        float64      `json:"pace"`
	AverageMs   float64      `json:"averageMs"`
	InFlight    int          `json:"inFlight"`
	OldestMs    float64      `json:"oldestMs"`
	PatienceMs  float64      `json:"patienceMs"`
	Statements  uint64       `json:"statements"`
	Errors      errorCounts  `json:"errors"`
	Transitions uint64       `json:"transitions"`
	Suspicions  uint64       `json:"suspicions"`
	Ejections   uint64       `json:"ejections"`
	Probes      uint64       `json:"probes"`
	Rescued     uint64       `json:"rescued"`
	Pool        poolDocument `json:"pool"`
}

type errorCounts struct {
	Timeout   uint64 `json:"timeout"`
	Broken    uint64 `json:"broken"`
	Transient uint64 `json:"transient"`
	Stale     uint64 `json:"stale"`
	Other     uint64 `json:"other"`
}

type poolDocument struct {
	Size          int    `json:"size"`
	Open          int    `json:"open"`
	Free          int    `json:"free"`
	Busy          int    `json:"busy"`
	Detached      int    `json:"detached"`
	Dialing       int    `json:"dialing"`
	LastError     string `json:"lastError,omitempty"` // only for local callers
	LastErrorTime string `json:"lastErrorTime,omitempty"`
}

// describeNodes renders how the nodes fare. What errors say of users and addresses is for local callers.
func describeNodes(stats *vectors.Stats, now time.Time, local bool) nodesDocument {
	by, h := &stats.Lookup.RetriesBy, &stats.Lookup.Hedges
	d := nodesDocument{
		Time: timestamp(now),
		Totals: totals{
			Queued: stats.Lookup.Queued, Leaving: stats.Lookup.Leaving,
			Retries: retryCounts{by.Elsewhere, by.Later, by.Apart, by.Rescue, by.Denied},
			Hedges:  hedgeCounts{h.Sent, h.Won, h.Lost, h.Denied},
		},
		Nodes: make([]nodeDocument, 0, len(stats.Lookup.Nodes)),
	}
	for i := range stats.Lookup.Nodes {
		d.Nodes = append(d.Nodes, describeNode(&stats.Lookup.Nodes[i], local))
	}
	return d
}

func describeNode(n *vectors.NodeStats, local bool) nodeDocument {
	e, p := &n.Errors, &n.Pool
	d := nodeDocument{
		Address: n.Address, Zone: n.Zone, Region: n.Region, Local: n.Local,
		State: string(n.State), Since: timestamp(n.Since), Force: string(n.Force),
		Pace: math.Round(n.Pace*1e3) / 1e3, AverageMs: milliseconds(n.Average),
		InFlight: n.Busy, OldestMs: milliseconds(n.Oldest), PatienceMs: milliseconds(n.Patience), Statements: n.Statements,
		Errors:      errorCounts{e.Timeout, e.Broken, e.Transient, e.Stale, e.Other},
		Transitions: n.Transitions, Suspicions: n.Suspicions, Ejections: n.Ejections, Probes: n.Probes, Rescued: n.Rescued,
		Pool: poolDocument{
			Size: p.Size, Open: p.Open, Free: p.Free, Busy: p.Busy, Detached: p.Detached, Dialing: p.Dialing,
			LastErrorTime: timestamp(p.LastErrorTime),
		},
	}
	if !local {
		return d
	}
	d.Why = n.Why
	if p.LastError != nil {
		d.Pool.LastError = p.LastError.Error()
	}
	return d
}

// isForced reports whether an operator has had a say in whether the node is used.
func isForced(n *vectors.NodeStats) bool { return n.Force != "" && n.Force != vectors.ForceNone }

// timestamp is a time as people and programs read it, empty for none.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

// milliseconds is a duration as a number, to the microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// serveNodes answers how all nodes fare, or the one that is asked for. It changes nothing, whatever is asked.
func (s *Server) serveNodes(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if query.Has("force") {
		w.Header().Set("Allow", http.MethodPost)
		writeProblem(w, r, newProblem(codeMethodNotAllowed, "to force a node takes POST; nothing has changed"))
		return
	}
	if query.Has("node") {
		s.serveNode(w, r, query)
		return
	}
	stats := s.service.Stats()
	writeJSON(w, http.StatusOK, describeNodes(&stats, time.Now(), isLocal(r)))
}

// serveNode answers how the node fares that is asked for.
func (s *Server) serveNode(w http.ResponseWriter, r *http.Request, query url.Values) {
	stats := s.service.Stats()
	n, p := nodeOf(query, &stats)
	if p != nil {
		writeProblem(w, r, p)
		return
	}
	writeJSON(w, http.StatusOK, describeNode(n, isLocal(r)))
}

// forceNode has a node be used or not, as an operator says, and answers how it fares then.
func (s *Server) forceNode(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if p := s.force(r, query); p != nil {
		writeProblem(w, r, p)
		return
	}
	s.serveNode(w, r, query)
}

func (s *Server) force(r *http.Request, query url.Values) *problem {
	if fromPage(r) {
		return newProblem(vectors.Forbidden, "a node is not forced from a page in a browser; use curl, say")
	}
	stats := s.service.Stats()
	n, p := nodeOf(query, &stats)
	if p != nil {
		return p
	}
	text, ok := only(query, "force")
	force := vectors.Force(text)
	if !ok || !slices.Contains(vectors.Forces(), force) {
		p := newProblem(vectors.InvalidValue, fmt.Sprintf("must be there once, and one of %s", list(vectors.Forces())))
		p.Field = "force"
		return p
	}
	before := n.Force
	if err := s.cfg.Force(n.Address, force); err != nil {
		return newProblem(vectors.Unavailable, err.Error())
	}
	s.cfg.Log.Info("an operator has forced a node", "node", n.Address, "force", string(force), "was", string(before))
	return nil
}

// fromPage reports whether a browser asks, on behalf of a page: it may be anybody's, and run on an operator's machine.
func fromPage(r *http.Request) bool {
	return r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != ""
}

// nodeOf returns the node that is asked for.
func nodeOf(query url.Values, stats *vectors.Stats) (*vectors.NodeStats, *problem) {
	var known []string
	address, ok := only(query, "node")
	for i := range stats.Lookup.Nodes {
		n := &stats.Lookup.Nodes[i]
		if ok && n.Address == address {
			return n, nil
		}
		known = append(known, n.Address)
	}
	p := newProblem(codeNotFound, fmt.Sprintf("no node is at %s; there are %s", address, list(known)))
	if !ok {
		p = newProblem(vectors.InvalidValue, fmt.Sprintf("must be there once, and the address of a node: %s", list(known)))
	}
	p.Field = "node"
	return nil, p
}

// only returns the value of a parameter that is there once.
func only(query url.Values, name string) (value string, ok bool) {
	values := query[name]
	if len(values) != 1 || values[0] == "" {
		return "", false
	}
	return values[0], true
}

func list[T ~string](choices []T) string {
	var text strings.Builder
	for i, c := range choices {
		if i > 0 {
			text.WriteString(", ")
		}
		text.WriteString(string(c))
	}
	return text.String()
}

// writeProblem answers an operator with a problem document.
func writeProblem(w http.ResponseWriter, r *http.Request, p *problem) {
	id := r.Header.Get(requestIDHeader)
	if !isRequestID([]byte(id)) {
		id = string(appendRequestID(nil))
	}
	body := p.encode(id)
	w.Header().Set(requestIDHeader, id)
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // the client is gone if it cannot be written
}
