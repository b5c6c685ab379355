package server

import (
	"net/http"
	"runtime/debug"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/rongate/rongate/internal/hist"
)

// metrics are the Server's own, and the registry that also renders everybody else's Stats. Every label has a small
// set of values that no request adds to: see families.
type metrics struct {
	registry *prometheus.Registry
	requests [routeCount]map[int]prometheus.Counter
	duration [routeCount]prometheus.Observer
	panics   prometheus.Counter
}

// durationBuckets are the bounds of every latency, in seconds.
func durationBuckets() []float64 {
	var seconds []float64
	for _, bound := range hist.Bounds() {
		seconds = append(seconds, bound.Seconds())
	}
	return seconds
}

func newMetrics(s *Server) *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rongate_requests_total",
		Help: "Requests answered, by route and HTTP status. Route none is an unknown route or an unreadable request.",
	}, []string{"route", "status"})
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "rongate_request_duration_seconds",
		Help:    "Time from the end of a request's headers until its answer was ready, of requests that were worked on.",
		Buckets: durationBuckets(),
	}, []string{"route"})
	m.panics = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "rongate_panics_total",
		Help: "Requests that ended in a panic, answered with 500.",
	})
	for r, name := range routeNames {
		m.duration[r] = duration.WithLabelValues(name)
		m.requests[r] = map[int]prometheus.Counter{}
		for _, status := range knownStatuses() {
			m.requests[r][status] = requests.WithLabelValues(name, strconv.Itoa(status))
		}
	}
	m.registry.MustRegister(
		requests, duration, m.panics,
		gauge("rongate_requests_in_progress", "Requests being worked on.",
			func() float64 { return float64(s.working.Load()) }),
		gauge("rongate_requests_in_progress_limit", "Requests that may be worked on at once.",
			func() float64 { return float64(s.live.Load().MaxConcurrent) }),
		gauge("rongate_sending_bytes", "Bytes of answers being written.",
			func() float64 { return float64(s.sending.Load()) }),
		gauge("rongate_connections_open", "Open connections on the public listener.",
			func() float64 { return float64(s.conns.count()) }),
		gauge("rongate_ready", "Whether /readyz says that requests can be answered.",
			func() float64 { return oneIf(s.ready() == nil) }),
		buildInfo(s.cfg.Version),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newStatsCollector(s.service),
	)
	if s.cfg.Reloads != nil {
		m.registry.MustRegister(newReloads(s.cfg.Reloads))
	}
	if s.cfg.Metadata != nil {
		m.registry.MustRegister(newMetadata(s.cfg.Metadata))
	}
	return m
}

// knownStatuses are the statuses a request can be answered with.
func knownStatuses() []int {
	known := []int{http.StatusOK, http.StatusNoContent}
	seen := map[int]bool{}
	add := func(status int) {
		if !seen[status] {
			seen[status] = true
			known = append(known, status)
		}
	}
	for _, status := range statuses {
		add(status)
	}
	for _, e := range rdrsErrors {
		add(e.status)
	}
	return known
}

func (m *metrics) count(r route, status int) {
	if counter := m.requests[r][status]; counter != nil {
		counter.Inc()
	}
}

func gauge(name, help string, value func() float64) prometheus.GaugeFunc {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
}

func oneIf(condition bool) float64 {
	if condition {
		return 1
	}
	return 0
}

func buildInfo(version string) prometheus.Collector {
	goVersion := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		goVersion = info.GoVersion
	}
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "rongate_build_info",
		Help:        "Always 1; its labels say what is running.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": goVersion},
	}, func() float64 { return 1 })
}
