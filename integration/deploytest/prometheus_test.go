package deploytest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/need"
)

const alertsFile = "../../deploy/prometheus/alerts.yaml"

func TestPrometheusConfig(t *testing.T) {
	t.Parallel()
	tool := need.Tools(t, "promtool")[0]
	output(t, tool, "check", "config", "../../deploy/prometheus/prometheus.yaml")
}

func TestAlerts(t *testing.T) {
	t.Parallel()
	tool := need.Tools(t, "promtool")[0]
	output(t, tool, "test", "rules", "../../deploy/prometheus/alerts_test.yaml")
}

// TestAlertsAreTried: each alert has a test in which it fires, and a page that says what to do.
func TestAlertsAreTried(t *testing.T) {
	t.Parallel()
	alerts, tests := read(t, alertsFile), read(t, "../../deploy/prometheus/alerts_test.yaml")
	names := regexp.MustCompile(`(?m)^ *- alert: (\w+)$`).FindAllStringSubmatch(alerts, -1)
	if len(names) == 0 {
		t.Fatal("no alerts")
	}
	for _, n := range names {
		if !strings.Contains(tests, "alertname: "+n[1]+"\n        exp_alerts:") {
			t.Errorf("no test shows %s firing", n[1])
		}
	}
	pages := regexp.MustCompile(`(?m)^ *runbook_url: https://github.com/wharfgate/wharfgate/blob/main/(.*)$`).FindAllStringSubmatch(alerts, -1)
	if len(pages) != len(names) {
		t.Errorf("%d alerts, %d runbooks", len(names), len(pages))
	}
	for _, p := range pages {
		if _, err := os.Stat(filepath.Join("../..", p[1])); err != nil {
			t.Error(err)
		}
	}
}
