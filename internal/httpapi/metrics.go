package httpapi

import "net/http"

// metricsPath is where Prometheus finds its series.
const metricsPath = "/metrics"

// exposition answers with the series. Each answer is of its own moment.
func (s *Server) exposition(w http.ResponseWriter, r *http.Request) {
	w.Header()["Cache-Control"] = []string{"no-store"}
	s.metrics.ServeHTTP(w, r)
}
