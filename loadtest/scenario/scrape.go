package scenario

import (
	"bufio"
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	scrapeEvery   = 100 * time.Millisecond
	scrapeTimeout = time.Second
)

// statementsMetric is how many statements each node has been sent.
const statementsMetric = "rongate_node_statements_total"

// retryMetrics are what rongate sends beside the first attempts of its callers. It need not have all of them.
func retryMetrics() []string {
	return []string{
		"rongate_lookup_retries_total", "rongate_node_rescued_total", "rongate_node_probes_total", "rongate_hedges_total",
	}
}

// A series is a counter of rongate's metrics: the sum of all that have its name and are of its node.
type series struct {
	name string
	node string // empty: of none
}

// A scraper collects what rongate says of itself while the load goes on.
type scraper struct {
	gateway *gateway
	names   map[string]string          // of the nodes, by address
	wanted  []string                   // metrics
	pulse   bool                       // also asks whether it is ready, and alive
	close   []closeUp                  // where it looks closely
	start   *atomic.Pointer[time.Time] // of the load, as far as it is known
	counts  counts

	taken  []dated // one after the other
	pulses []datedPulse
}

type dated struct {
	at       time.Time
	counters map[series]float64
}

type datedPulse struct {
	at time.Time
	pulse
}

// A closeUp is a stretch of the load in which scrapes are more frequent. They cost rongate a good deal, and so it is short.
type closeUp struct {
	Range
	every time.Duration
}

// Where figures are times, this is how closely they can be told: rongate is looked at for as long as it may take at best.
const (
	ejectEvery = 5 * time.Millisecond
	ejectFor   = 250 * time.Millisecond
	turnEvery  = 25 * time.Millisecond
	turnFor    = 6 * time.Second // a MySQL server that was stopped takes some seconds until it answers
	ahead      = 20 * time.Millisecond
)

// newScraper returns one that collects what the file's assertions need.
func newScraper(g *gateway, names map[string]string, f *File, start *atomic.Pointer[time.Time]) *scraper {
	s := &scraper{gateway: g, names: names, start: start, wanted: append(retryMetrics(), statementsMetric)}
	for i := range f.Expect {
		a := &f.Expect[i]
		switch a.Figure {
		case Eject:
			s.close = append(s.close, closeUp{Range{a.After - ahead, a.After + ejectFor}, ejectEvery})
		case Readmit:
			s.close = append(s.close, closeUp{Range{a.After, a.After + turnFor}, turnEvery})
		case Ready, Unready:
			s.close = append(s.close, closeUp{Range{a.After, a.After + turnFor}, turnEvery})
			s.pulse = true
		case Live:
			s.pulse = true
		case Metric:
			s.wanted = append(s.wanted, a.Name)
		}
	}
	return s
}

// run scrapes until ctx ends, and once more. What does not come is left out: the next one has it all.
func (s *scraper) run(ctx context.Context) {
	defer s.scrape(context.WithoutCancel(ctx))
	for {
		began := time.Now()
		s.scrape(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(began.Add(s.pause(time.Since(*s.start.Load()))))):
		}
	}
}

// pause is the time between the scrape at some time and the next.
func (s *scraper) pause(at time.Duration) time.Duration {
	pause := scrapeEvery
	for _, c := range s.close {
		switch {
		case at < c.From:
			pause = min(pause, c.From-at)
		case at < c.To:
			pause = min(pause, c.every)
		}
	}
	return pause
}

func (s *scraper) scrape(ctx context.Context) {
	if text, err := s.gateway.get(ctx, "/metrics"); err == nil {
		now := counters(text, s.wanted, s.names)
		s.taken = append(s.taken, dated{at: time.Now(), counters: s.counts.add(now)})
	}
	if !s.pulse || ctx.Err() != nil {
		return
	}
	_, unready := s.gateway.get(ctx, "/readyz")
	_, dead := s.gateway.get(ctx, "/livez")
	if ctx.Err() == nil {
		s.pulses = append(s.pulses, datedPulse{time.Now(), pulse{ready: unready == nil, live: dead == nil}})
	}
}

// since returns what was scraped with its times from start on.
func (s *scraper) since(start time.Time) ([]scrape, []pulse) {
	scrapes := make([]scrape, len(s.taken))
	for i, d := range s.taken {
		scrapes[i] = scrape{at: d.at.Sub(start), counters: d.counters}
	}
	pulses := make([]pulse, len(s.pulses))
	for i, d := range s.pulses {
		pulses[i] = d.pulse
		pulses[i].at = d.at.Sub(start)
	}
	return scrapes, pulses
}

// counts adds up counters that begin anew with each start of the process.
type counts struct{ latest, sums map[series]float64 }

// add takes the counters as they are now and returns what they have come to since the first time.
func (c *counts) add(now map[series]float64) map[series]float64 {
	sums := map[series]float64{}
	for s, n := range now {
		before := c.latest[s]
		switch {
		case c.latest == nil:
			before = n
		case n < before:
			before = 0
		}
		sums[s] = c.sums[s] + n - before
	}
	c.latest, c.sums = now, sums
	return sums
}

// counters reads the metrics that are wanted, of the nodes whose addresses have names and of none.
func counters(metrics []byte, wanted []string, names map[string]string) map[series]float64 {
	all := map[series]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(metrics)); lines.Scan(); {
		line := lines.Bytes()
		end := bytes.IndexAny(line, "{ ")
		if end < 0 || !slices.Contains(wanted, string(line[:end])) {
			continue
		}
		labels, value := "", string(line[end+1:])
		if line[end] == '{' {
			labels, value, _ = strings.Cut(value, "} ")
		}
		_, address, _ := strings.Cut(labels, `node="`)
		address, _, _ = strings.Cut(address, `"`)
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			all[series{string(line[:end]), names[address]}] += n
		}
	}
	return all
}
