package prometheus_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/prometheus"
)

func TestScrape(t *testing.T) {
	t.Parallel()
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprint(w, "answer_total 42\n")
	}))
	t.Cleanup(target.Close)
	s := prometheus.Start(t, prometheus.Scraping(strings.TrimPrefix(target.URL, "http://")))
	if got := s.Value(t, "answer_total"); got != 42 {
		t.Errorf("answer_total = %v, want 42", got)
	}
}

func TestCheckMetricsFindsFault(t *testing.T) {
	t.Parallel()
	if got := prometheus.CheckMetrics(t, "# HELP camelCase_seconds A fault.\n# TYPE camelCase_seconds counter\ncamelCase_seconds 1\n"); got == "" {
		t.Error("promtool finds nothing wrong with a bad name")
	}
}
