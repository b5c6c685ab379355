package scenario

import (
	"bufio"
	"bytes"
	"context"
	"strconv"
	"strings"
	"time"
)

const (
	scrapeEvery   = 100 * time.Millisecond
	scrapeTimeout = time.Second
)

// A scraper collects what rongate says of the statements that its nodes are sent.
type scraper struct {
	gateway *gateway
	names   map[string]string // of the nodes, by address
	counts  counts

	taken []dated // one after the other
}

type dated struct {
	at         time.Time
	statements map[string]float64
}

// run scrapes until ctx ends, and once more. What does not come is left out: the next one has it all.
func (s *scraper) run(ctx context.Context) {
	ticker := time.NewTicker(scrapeEvery)
	defer ticker.Stop()
	defer s.scrape(context.WithoutCancel(ctx))
	for {
		s.scrape(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *scraper) scrape(ctx context.Context) {
	text, err := s.gateway.get(ctx, "/metrics")
	if err != nil {
		return
	}
	byName := map[string]float64{}
	for address, n := range statements(text) {
		if name, known := s.names[address]; known {
			byName[name] = n
		}
	}
	s.taken = append(s.taken, dated{at: time.Now(), statements: s.counts.add(byName)})
}

// since returns the scrapes with their times from start on.
func (s *scraper) since(start time.Time) []scrape {
	all := make([]scrape, len(s.taken))
	for i, d := range s.taken {
		all[i] = scrape{at: d.at.Sub(start), statements: d.statements}
	}
	return all
}

// counts adds up counters that begin anew with each start of the process.
type counts struct{ latest, sums map[string]float64 }

// add takes the counters as they are now and returns what they have come to since the first time.
func (c *counts) add(now map[string]float64) map[string]float64 {
	sums := map[string]float64{}
	for name, n := range now {
		before := c.latest[name]
		switch {
		case c.latest == nil:
			before = n
		case n < before:
			before = 0
		}
		sums[name] = c.sums[name] + n - before
	}
	c.latest, c.sums = now, sums
	return sums
}

// statements reads how many each node has been sent, by address, from metrics.
func statements(metrics []byte) map[string]float64 {
	counts := map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(metrics)); lines.Scan(); {
		labels, ok := strings.CutPrefix(lines.Text(), "rongate_node_statements_total{")
		if !ok {
			continue
		}
		labels, value, _ := strings.Cut(labels, "} ")
		_, address, _ := strings.Cut(labels, `node="`)
		address, _, _ = strings.Cut(address, `"`)
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			counts[address] += n
		}
	}
	return counts
}
