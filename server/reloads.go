package server

import "github.com/prometheus/client_golang/prometheus"

// reloads renders what became of the files that are read again while rongate serves.
type reloads struct {
	stats                 func() ReloadStats
	total, current, since *prometheus.Desc
}

func newReloads(stats func() ReloadStats) *reloads {
	return &reloads{
		stats: stats,
		total: prometheus.NewDesc("rongate_reloads_total",
			"Attempts to put the configuration and the catalogue in force, the first one included. Refused: a mistake in a file. "+
				"Unavailable: the database could not be asked for its tables.", []string{"result"}, nil),
		current: prometheus.NewDesc("rongate_reload_current",
			"Whether the latest attempt was accepted: if not, what is served is not what the files say.", nil, nil),
		since: prometheus.NewDesc("rongate_reload_accepted_timestamp_seconds",
			"When an attempt was accepted last.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (r *reloads) Describe(descs chan<- *prometheus.Desc) {
	descs <- r.total
	descs <- r.current
	descs <- r.since
}

// Collect implements prometheus.Collector.
func (r *reloads) Collect(out chan<- prometheus.Metric) {
	s := r.stats()
	for result, n := range map[string]uint64{"accepted": s.Accepted, "refused": s.Refused, "unavailable": s.Unavailable} {
		out <- prometheus.MustNewConstMetric(r.total, prometheus.CounterValue, float64(n), result)
	}
	out <- prometheus.MustNewConstMetric(r.current, prometheus.GaugeValue, oneIf(s.Current))
	if !s.AcceptedAt.IsZero() {
		out <- prometheus.MustNewConstMetric(r.since, prometheus.GaugeValue, float64(s.AcceptedAt.UnixMilli())/1e3)
	}
}
