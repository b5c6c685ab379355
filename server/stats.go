package server

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rongate/rongate/internal/hist"
	"github.com/rongate/rongate/vectors"
)

// statsCollector renders the Stats that climb the request path. It reads them once a scrape.
type statsCollector struct {
	service  Service
	families map[string]family
	bounds   []float64 // of all latencies, in seconds
}

func newStatsCollector(service Service) *statsCollector {
	return &statsCollector{service: service, families: families(), bounds: durationBuckets()}
}

// Describe implements prometheus.Collector.
func (c *statsCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, f := range c.families {
		descs <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (c *statsCollector) Collect(out chan<- prometheus.Metric) {
	s := scrape{c, out}
	stats := c.service.Stats()
	s.emit("rongate_entries_total", float64(stats.Entries))
	s.emit("rongate_feature_views", float64(stats.Views))
	s.emit("rongate_nodes_leaving", float64(stats.Lookup.Leaving))
	s.emit("rongate_lookup_queued", float64(stats.Lookup.Queued))
	s.latency("rongate_lookup_queue_seconds", &stats.Lookup.Waits)
	s.emit("rongate_lookup_blocks", float64(stats.Lookup.Blocks))
	s.emit("rongate_lookup_live_bytes", float64(stats.Lookup.LiveBytes))
	s.emit("rongate_lookup_refused_total", float64(stats.Lookup.Refused))
	s.emit("rongate_lookup_retries_total", float64(stats.Lookup.Retries))
	s.retries(&stats)
	s.emit("rongate_lookup_abandoned_total", float64(stats.Lookup.Abandoned))
	s.emit("rongate_lookup_merged_total", float64(stats.Lookup.Merged))
	s.emit("rongate_lookup_shared_keys_total", float64(stats.Lookup.Shared))
	for i := range stats.ByView {
		s.view(&stats.ByView[i])
	}
	s.nodes(&stats)
}

// scrape is one collection under way.
type scrape struct {
	*statsCollector
	out chan<- prometheus.Metric
}

func (s scrape) emit(name string, value float64, labels ...string) {
	f := s.families[name]
	s.out <- prometheus.MustNewConstMetric(f.desc, f.kind, value, labels...)
}

// histogram emits counts by bucket as the cumulative ones that Prometheus takes.
func (s scrape) histogram(name string, bounds []float64, counts []uint64, sum float64, labels ...string) {
	buckets := make(map[float64]uint64, len(bounds))
	count := uint64(0)
	for i, n := range counts {
		count += n
		if i < len(bounds) {
			buckets[bounds[i]] = count
		}
	}
	s.out <- prometheus.MustNewConstHistogram(s.families[name].desc, count, sum, buckets, labels...)
}

func (s scrape) latency(name string, h *hist.Snapshot, labels ...string) {
	s.histogram(name, s.bounds, h.Counts[:], h.Sum.Seconds(), labels...)
}

// view emits a feature view's series. Codes that callers are to blame for, of which there are many, have none until they
// occur; the others are there from the first, so that an alert sees them rise from nothing.
func (s scrape) view(v *vectors.ViewStats) {
	version := ""
	if v.Version != 0 {
		version = strconv.Itoa(v.Version)
	}
	s.latency("rongate_view_request_duration_seconds", &v.Latency, v.Store, v.Name, version)
	for i, code := range vectors.OutcomeNames() {
		if i == 0 || v.Outcomes[i] > 0 || statuses[vectors.Code(code)] >= http.StatusTooManyRequests {
			s.emit("rongate_view_requests_total", float64(v.Outcomes[i]), v.Store, v.Name, version, code)
		}
	}
	for i, status := range vectors.StatusNames() {
		s.emit("rongate_vectors_total", float64(v.Vectors[i]), v.Store, v.Name, version, status)
	}
}

func (s scrape) retries(stats *vectors.Stats) {
	const name = "rongate_statement_retries_total"
	by := &stats.Lookup.RetriesBy
	s.emit(name, float64(by.Elsewhere), "elsewhere")
	s.emit(name, float64(by.Later), "later")
	s.emit(name, float64(by.Apart), "apart")
	s.emit(name, float64(by.Rescue), "rescue")
	s.emit(name, float64(by.Denied), "denied")
	s.hedges(&stats.Lookup.Hedges)
}

func (s scrape) hedges(h *vectors.HedgeCounts) {
	s.emit("rongate_hedges_total", float64(h.Sent))
	s.emit("rongate_hedges_denied_total", float64(h.Denied))
	s.emit("rongate_hedges_ended_total", float64(h.Won), "won")
	s.emit("rongate_hedges_ended_total", float64(h.Lost), "lost")
	for size, delay := range h.Delays {
		s.emit("rongate_hedge_delay_seconds", delay.Seconds(), strconv.Itoa(1<<size))
	}
}

// health emits whether a node is used, and what that follows from.
func (s scrape) health(n *vectors.NodeStats) {
	at := []string{n.Address, n.Zone}
	for _, state := range vectors.NodeStates() {
		s.emit("rongate_node_state", oneIf(n.State == state), n.Address, n.Zone, string(state))
	}
	if !n.Since.IsZero() {
		s.emit("rongate_node_state_since_timestamp_seconds", float64(n.Since.UnixMilli())/1e3, at...)
	}
	s.emit("rongate_node_forced", oneIf(isForced(n)), at...)
	s.emit("rongate_node_pace", n.Pace, at...)
	s.emit("rongate_node_average_seconds", n.Average.Seconds(), at...)
	s.emit("rongate_node_oldest_statement_seconds", n.Oldest.Seconds(), at...)
	s.emit("rongate_node_patience_seconds", n.Patience.Seconds(), at...)
	s.emit("rongate_node_transitions_total", float64(n.Transitions), at...)
	s.emit("rongate_node_suspicions_total", float64(n.Suspicions), at...)
	s.emit("rongate_node_ejections_total", float64(n.Ejections), at...)
	s.emit("rongate_node_probes_total", float64(n.Probes), at...)
	s.emit("rongate_node_rescued_total", float64(n.Rescued), at...)
}

func (s scrape) nodes(stats *vectors.Stats) {
	for i := range stats.Lookup.Nodes {
		n := &stats.Lookup.Nodes[i]
		at := []string{n.Address, n.Zone}
		s.health(n)
		s.emit("rongate_node_up", oneIf(n.Up), at...)
		s.emit("rongate_node_local", oneIf(n.Local), at...)
		s.emit("rongate_node_statements_running", float64(n.Busy), at...)
		s.emit("rongate_node_statements_total", float64(n.Statements), at...)
		s.emit("rongate_node_keys_total", float64(n.Keys), at...)
		s.latency("rongate_node_statement_duration_seconds", &n.Latency, at...)
		s.histogram("rongate_statement_keys", powersOfTwo(len(n.Sizes)), n.Sizes[:], float64(n.Keys), at...)
		s.emit("rongate_node_errors_total", float64(n.Errors.Timeout), n.Address, n.Zone, "timeout")
		s.emit("rongate_node_errors_total", float64(n.Errors.Broken), n.Address, n.Zone, "broken")
		s.emit("rongate_node_errors_total", float64(n.Errors.Transient), n.Address, n.Zone, "transient")
		s.emit("rongate_node_errors_total", float64(n.Errors.Stale), n.Address, n.Zone, "stale")
		s.emit("rongate_node_errors_total", float64(n.Errors.Other), n.Address, n.Zone, "other")
		s.emit("rongate_pool_size", float64(n.Pool.Size), at...)
		s.emit("rongate_pool_connections", float64(n.Pool.Free), n.Address, n.Zone, "free")
		s.emit("rongate_pool_connections", float64(n.Pool.Busy), n.Address, n.Zone, "busy")
		s.emit("rongate_pool_connections", float64(n.Pool.Detached), n.Address, n.Zone, "detached")
		s.emit("rongate_pool_connections", float64(n.Pool.Dialing), n.Address, n.Zone, "dialing")
		s.emit("rongate_pool_prepared_statements", float64(n.Pool.Prepared), at...)
		s.emit("rongate_pool_leases_total", float64(n.Pool.Leases), at...)
		s.emit("rongate_pool_detaches_total", float64(n.Pool.Detaches), at...)
		s.emit("rongate_pool_breaks_total", float64(n.Pool.Breaks), at...)
		s.emit("rongate_pool_dials_total", float64(n.Pool.Dials), at...)
		s.emit("rongate_pool_dial_errors_total", float64(n.Pool.DialErrors), at...)
		s.emit("rongate_pool_pings_total", float64(n.Pool.Pings), at...)
		s.emit("rongate_pool_replaced_total", float64(n.Pool.Replaced), at...)
		s.emit("rongate_pool_ping_errors_total", float64(n.Pool.PingErrors), at...)
		s.emit("rongate_pool_prepares_total", float64(n.Pool.Prepares), at...)
	}
}

// powersOfTwo returns the first n of them, 1 included.
func powersOfTwo(n int) []float64 {
	powers := make([]float64, n)
	for i := range powers {
		powers[i] = float64(uint64(1) << i)
	}
	return powers
}
