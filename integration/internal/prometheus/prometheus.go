package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/need"
	"github.com/wharfgate/wharfgate/integration/internal/proc"
)

// Server is a Prometheus that runs.
type Server struct {
	url     string
	process *proc.Process
}

// errNoSample means that a query has no answer yet.
var errNoSample = errors.New("no sample")

// Start runs Prometheus until the test ends. Config is its configuration file's text.
func Start(t testing.TB, config string) *Server {
	t.Helper()
	program := need.Tools(t, "prometheus")[0]
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	port := loopback.Ports(t, 1)
	return &Server{
		url: "http://" + loopback.Address(port),
		process: proc.Start(t, nil, program, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"),
			"--web.listen-address="+loopback.Address(port), "--log.level=warn"),
	}
}

// Scraping is a configuration that scrapes one target once a second.
func Scraping(host string) string {
	return "global: {scrape_interval: 1s, scrape_timeout: 1s}\n" +
		"scrape_configs: [{job_name: wharfgate, static_configs: [{targets: ['" + host + "']}]}]\n"
}

// Value waits until a query has exactly one sample and returns it.
func (s *Server) Value(t testing.TB, query string) float64 {
	t.Helper()
	var value float64
	const patience = 30 * time.Second
	loopback.Eventually(t, patience, func() (err error) {
		value, err = s.ask(t.Context(), query)
		return err
	})
	return value
}

func (s *Server) ask(ctx context.Context, query string) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/v1/query?query="+url.QueryEscape(query), nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return 0, fmt.Errorf("%w\n%s", err, s.process.Err)
	}
	defer func() { _ = answer.Body.Close() }()
	var said struct {
		Data struct {
			Result []struct {
				Value []any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		return 0, fmt.Errorf("read Prometheus's answer: %w", err)
	}
	const pair = 2
	if len(said.Data.Result) != 1 || len(said.Data.Result[0].Value) != pair {
		return 0, fmt.Errorf("%w for %s", errNoSample, query)
	}
	text, _ := said.Data.Result[0].Value[1].(string)
	return strconv.ParseFloat(text, 64)
}

// CheckMetrics gives a metrics page to promtool and returns what it finds fault with.
func CheckMetrics(t testing.TB, page string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), need.Tools(t, "promtool")[0], "check", "metrics") //nolint:gosec // found by name
	cmd.Stdin = strings.NewReader(page)
	out, err := cmd.CombinedOutput()
	if err != nil && len(out) == 0 {
		return err.Error()
	}
	return string(out)
}
