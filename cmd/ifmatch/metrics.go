package main

import (
	"fmt"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// exposition answers with the series of collectors, in the text format of Prometheus or
// another that the reader asks for.
func exposition(log *slog.Logger, collectors ...prometheus.Collector) (http.Handler, error) {
	r := prometheus.NewRegistry()
	for _, c := range collectors {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("cannot serve metrics: %w", err)
		}
	}
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError), ErrorHandling: promhttp.HTTPErrorOnError}), nil
}
