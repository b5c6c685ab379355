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

	Keys *MetadataKeys // nil: they are not asked for API keys
}

// MetadataKeys are how things are with the API keys that the metadata layer has.
type MetadataKeys struct {
	Live   bool              // they could be read when that was tried last
	Known  int               // that are remembered
	Absent int               // that are remembered not to exist
	Reads  uint64            // statements for them
	Failed uint64            // times that they could not be read
	Checks map[string]uint64 // by what became of the key
}

// metadata renders MetadataStats.
type metadata struct {
	stats                                          func() MetadataStats
	live, known, saved, polls, changes, viewCounts *prometheus.Desc

	keysLive, keysKnown, keyReads, keyFailures, keyChecks *prometheus.Desc
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
		keysLive: desc("rongate_metadata_keys_live",
			"Whether API keys could be read when that was tried last. If not, those that are known go on."),
		keysKnown: desc("rongate_metadata_keys", "Prefixes of API keys that are remembered, by whether there is such a key.",
			"exists"),
		keyReads:    desc("rongate_metadata_key_reads_total", "Statements for API keys."),
		keyFailures: desc("rongate_metadata_key_failures_total", "Times that API keys could not be read."),
		keyChecks:   desc("rongate_metadata_key_checks_total", "API keys that were presented, by what became of them.", "result"),
	}
}

// Describe implements prometheus.Collector.
func (m *metadata) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		m.live, m.known, m.saved, m.polls, m.changes, m.viewCounts,
		m.keysLive, m.keysKnown, m.keyReads, m.keyFailures, m.keyChecks,
	} {
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
	if k := s.Keys; k != nil {
		gauge(m.keysLive, oneIf(k.Live))
		gauge(m.keysKnown, float64(k.Known), "yes")
		gauge(m.keysKnown, float64(k.Absent), "no")
		count(m.keyReads, k.Reads)
		count(m.keyFailures, k.Failed)
		for result, n := range k.Checks {
			count(m.keyChecks, n, result)
		}
	}
}
