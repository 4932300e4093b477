package integration_test

import (
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/prometheus"
)

func TestPrometheusScrapesTheGate(t *testing.T) {
	t.Parallel()
	s := sharedSite(t)
	mustGrant(t, s.gate, "alice", s.directory.Password)
	p := prometheus.Start(t, prometheus.Scraping(strings.TrimPrefix(s.gate.Operator, "http://")))
	if got := p.Value(t, "up == 1"); got != 1 {
		t.Errorf("up = %v, want 1", got)
	}
	if got := p.Value(t, `sum(wharfgate_logins_total{result="ok"})`); got < 1 {
		t.Errorf("logins that succeeded = %v, want some", got)
	}
	if got := p.Value(t, "sum(wharfgate_policy_rules)"); got != float64(strings.Count(sitePolicy, "who:")) {
		t.Errorf("rules = %v, want those of the policy", got)
	}
}

func TestPromtoolFindsNothing(t *testing.T) {
	t.Parallel()
	s := sharedSite(t)
	mustGrant(t, s.gate, "alice", s.directory.Password)
	if found := prometheus.CheckMetrics(t, s.gate.Metrics(t)); found != "" {
		t.Errorf("promtool check metrics says:\n%s", found)
	}
}
