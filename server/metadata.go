package server

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// MetadataStats are how things are with the metadata layer that the catalogue is of.
type MetadataStats struct {
	Live     bool      // it answered when it was asked last
	KnownAt  time.Time // when it was last known that what is served is the latest; zero: never
	SavedAt  time.Time // when the snapshot file was written; zero: there is none
	Polls    uint64    // times that it was asked
	Failures uint64    // in vain
	Changes  uint64    // that were put in force
	Served   int       // feature views
	Unserved int       // feature views that cannot be
}

// metadata renders MetadataStats.
type metadata struct {
	stats                                          func() MetadataStats
	live, known, saved, polls, changes, viewCounts *prometheus.Desc
}

func newMetadata(stats func() MetadataStats) *metadata {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &metadata{
		stats: stats,
		live: desc("rongate_metadata_live",
			"Whether the metadata layer answered when it was asked last. If not, what was known of it is served."),
		known: desc("rongate_metadata_known_timestamp_seconds",
			"When it was last known that what is served is what the metadata layer says."),
		saved: desc("rongate_metadata_snapshot_timestamp_seconds",
			"When the snapshot file was written, by which rongate starts while the metadata layer is away."),
		polls:      desc("rongate_metadata_polls_total", "Times that the metadata layer was asked for changes.", "result"),
		changes:    desc("rongate_metadata_changes_total", "Changes of the metadata that were put in force."),
		viewCounts: desc("rongate_metadata_feature_views", "Feature views that the metadata have.", "served"),
	}
}

// Describe implements prometheus.Collector.
func (m *metadata) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.live, m.known, m.saved, m.polls, m.changes, m.viewCounts} {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metadata) Collect(out chan<- prometheus.Metric) {
	s := m.stats()
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge(m.live, oneIf(s.Live))
	gauge(m.viewCounts, float64(s.Served), "yes")
	gauge(m.viewCounts, float64(s.Unserved), "no")
	count(m.polls, s.Polls-s.Failures, "answered")
	count(m.polls, s.Failures, "failed")
	count(m.changes, s.Changes)
	for desc, at := range map[*prometheus.Desc]time.Time{m.known: s.KnownAt, m.saved: s.SavedAt} {
		if !at.IsZero() {
			gauge(desc, float64(at.UnixMilli())/1e3)
		}
	}
}
