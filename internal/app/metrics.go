package app

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are kept in a registry of the App's own, so that several can live in one process.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	calls    *prometheus.HistogramVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gatehouse_http_request_seconds", Help: "HTTP requests by door and status.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15),
		}, []string{"door", "status"}),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "gatehouse_aws_call_seconds", Help: "AWS API calls by service, operation and error code.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15),
		}, []string{"service", "operation", "code"}),
	}
	m.registry.MustRegister(m.requests, m.calls, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return mux
}

func (m *metrics) request(door string, status int, took time.Duration) {
	m.requests.WithLabelValues(door, strconv.Itoa(status)).Observe(took.Seconds())
}
