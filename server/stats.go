package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rongate/rongate/vectors"
)

// statsCollector renders the Stats that climb the request path. It reads them once a scrape.
type statsCollector struct {
	service Service
	series  map[string]series
}

type series struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func newStatsCollector(service Service) *statsCollector {
	c := &statsCollector{service: service, series: map[string]series{}}
	node := []string{"node", "zone"}
	for _, group := range []struct {
		kind   prometheus.ValueType
		labels []string
		help   [][2]string
	}{
		{prometheus.CounterValue, nil, [][2]string{
			{"rongate_entries_total", "Entries answered."},
			{"rongate_lookup_refused_total", "Look-ups refused because the queues or the memory for rows were full."},
			{"rongate_lookup_retries_total", "Look-ups tried again after a statement failed."},
			{"rongate_lookup_abandoned_total", "Look-ups whose request left at its deadline."},
		}},
		{prometheus.CounterValue, []string{"status"}, [][2]string{
			{"rongate_vectors_total", "Vectors answered, by status."},
		}},
		{prometheus.GaugeValue, nil, [][2]string{
			{"rongate_feature_views", "Feature views in the catalogue."},
			{"rongate_lookup_queued", "Look-ups that wait for a connection."},
			{"rongate_lookup_blocks", "Blocks in use."},
			{"rongate_lookup_live_bytes", "Bytes that blocks in use hold."},
		}},
		{prometheus.GaugeValue, node, [][2]string{
			{"rongate_node_up", "Whether the node has an established connection."},
			{"rongate_node_local", "Whether the node is in rongate's own zone."},
			{"rongate_node_statements_running", "Statements running on the node."},
			{"rongate_pool_size", "Connections wanted."},
			{"rongate_pool_prepared_statements", "Prepared statements open on the node."},
		}},
		{prometheus.GaugeValue, []string{"node", "zone", "state"}, [][2]string{
			{"rongate_pool_connections", "Connections, by state; dialing are not established yet."},
		}},
		{prometheus.CounterValue, node, [][2]string{
			{"rongate_node_statements_total", "Statements begun."},
			{"rongate_node_keys_total", "Distinct keys that statements asked for."},
			{"rongate_node_errors_total", "Statements that failed."},
			{"rongate_pool_leases_total", "Connections leased for a statement."},
			{"rongate_pool_detaches_total", "Statements left to end by themselves because nobody waited any more."},
			{"rongate_pool_breaks_total", "Connections lost while in use."},
			{"rongate_pool_dials_total", "Connections dialed."},
			{"rongate_pool_dial_errors_total", "Dials that failed, warm-up included."},
			{"rongate_pool_pings_total", "Keep-alive pings."},
			{"rongate_pool_ping_errors_total", "Keep-alive pings that failed."},
			{"rongate_pool_replaced_total", "Connections replaced for their age."},
			{"rongate_pool_prepares_total", "Statements prepared; steady growth means that the cache is too small."},
		}},
	} {
		for _, h := range group.help {
			c.series[h[0]] = series{prometheus.NewDesc(h[0], h[1], group.labels, nil), group.kind}
		}
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *statsCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, s := range c.series {
		descs <- s.desc
	}
}

// Collect implements prometheus.Collector.
func (c *statsCollector) Collect(out chan<- prometheus.Metric) {
	emit := func(name string, value float64, labels ...string) {
		s := c.series[name]
		out <- prometheus.MustNewConstMetric(s.desc, s.kind, value, labels...)
	}
	stats := c.service.Stats()
	emit("rongate_entries_total", float64(stats.Entries))
	for i, status := range vectors.StatusNames() {
		emit("rongate_vectors_total", float64(stats.Vectors[i]), status)
	}
	emit("rongate_feature_views", float64(stats.Views))
	emit("rongate_lookup_queued", float64(stats.Lookup.Queued))
	emit("rongate_lookup_blocks", float64(stats.Lookup.Blocks))
	emit("rongate_lookup_live_bytes", float64(stats.Lookup.LiveBytes))
	emit("rongate_lookup_refused_total", float64(stats.Lookup.Refused))
	emit("rongate_lookup_retries_total", float64(stats.Lookup.Retries))
	emit("rongate_lookup_abandoned_total", float64(stats.Lookup.Abandoned))
	for _, n := range stats.Lookup.Nodes {
		at := []string{n.Address, n.Zone}
		emit("rongate_node_up", oneIf(n.Up), at...)
		emit("rongate_node_local", oneIf(n.Local), at...)
		emit("rongate_node_statements_running", float64(n.Busy), at...)
		emit("rongate_node_statements_total", float64(n.Statements), at...)
		emit("rongate_node_keys_total", float64(n.Keys), at...)
		emit("rongate_node_errors_total", float64(n.Errors), at...)
		emit("rongate_pool_size", float64(n.Pool.Size), at...)
		emit("rongate_pool_connections", float64(n.Pool.Free), n.Address, n.Zone, "free")
		emit("rongate_pool_connections", float64(n.Pool.Busy), n.Address, n.Zone, "busy")
		emit("rongate_pool_connections", float64(n.Pool.Detached), n.Address, n.Zone, "detached")
		emit("rongate_pool_connections", float64(n.Pool.Dialing), n.Address, n.Zone, "dialing")
		emit("rongate_pool_prepared_statements", float64(n.Pool.Prepared), at...)
		emit("rongate_pool_leases_total", float64(n.Pool.Leases), at...)
		emit("rongate_pool_detaches_total", float64(n.Pool.Detaches), at...)
		emit("rongate_pool_breaks_total", float64(n.Pool.Breaks), at...)
		emit("rongate_pool_dials_total", float64(n.Pool.Dials), at...)
		emit("rongate_pool_dial_errors_total", float64(n.Pool.DialErrors), at...)
		emit("rongate_pool_pings_total", float64(n.Pool.Pings), at...)
		emit("rongate_pool_replaced_total", float64(n.Pool.Replaced), at...)
		emit("rongate_pool_ping_errors_total", float64(n.Pool.PingErrors), at...)
		emit("rongate_pool_prepares_total", float64(n.Pool.Prepares), at...)
	}
}
