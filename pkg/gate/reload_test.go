package gate_test

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/config"
)

// openPolicy lets everybody pull below free/ and public/.
const openPolicy = `version: 1
rules:
  - {who: [anyone], can: [pull], repos: [public/**, free/**]}
`

// edit changes the configuration that the next reload reads.
func (r *running) edit(change func(*config.Config)) {
	next := r.site.config
	next.Directories = append([]config.Directory(nil), next.Directories...)
	next.Registries = append([]config.Registry(nil), next.Registries...)
	change(&next)
	r.site.config = next
}

// granted asks for a pull and reports whether the token is for it.
func (r *running) granted(t *testing.T, client *http.Client, repository string) bool {
	t.Helper()
	before := r.metric(t, `wharfgate_scope_decisions_total{action="pull",decision="granted",reason="rule",registry="registry.test"}`)
	if got := r.ask(t, client, repository); got != http.StatusOK {
		t.Errorf("a pull of %s is answered %d, want 200", repository, got)
	}
	after := r.metric(t, `wharfgate_scope_decisions_total{action="pull",decision="granted",reason="rule",registry="registry.test"}`)
	return before != after
}

func TestReloadReadsThePolicyAgain(t *testing.T) {
	t.Parallel()
	r := newSite(t).run(t)
	client := newClient(t, true)
	if r.granted(t, client, "free/a") {
		t.Fatal("free/a is granted before there is a rule")
	}
	r.site.write(t, "policy.yaml", openPolicy)
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !r.granted(t, client, "free/a") {
		t.Error("free/a is not granted after the reload")
	}
	line := r.site.log.line(t, "reloaded")
	if line["rules"] != 1.0 || line["policy_revision"] == r.site.log.line(t, "ready")["policy_revision"] {
		t.Errorf("reloaded: %v", line)
	}
	if got := r.metric(t, "wharfgate_policy_rules"); got != "1" {
		t.Errorf("wharfgate_policy_rules = %s, want 1", got)
	}
}

func TestReloadTakesAChangedConfiguration(t *testing.T) {
	t.Parallel()
	r := newSite(t).run(t)
	const second = "second.test"
	url := func(service string) string {
		return "http://" + r.Address().String() + "/token?service=" + service + "&scope=repository:public/a:pull"
	}
	client := newClient(t, true)
	if got := status(t, client, url(second)); got != http.StatusBadRequest {
		t.Fatalf("an unknown service is answered %d, want 400", got)
	}
	r.edit(func(c *config.Config) {
		c.Registries = append(c.Registries, config.DefaultRegistry(second))
		c.Registries[1].Algorithm = "RS256"
	})
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	fresh := newClient(t, false)
	for _, service := range []string{service, second} {
		if got := status(t, fresh, url(service)); got != http.StatusOK {
			t.Errorf("%s is answered %d after the reload, want 200", service, got)
		}
	}
	for _, series := range []string{
		`wharfgate_token_requests_total{grant="anonymous",registry="second.test",result="granted"}`,
		`wharfgate_signing_key_not_after_timestamp_seconds{algorithm="RS256",state="current"}`,
	} {
		if got := r.metric(t, series); got == "" || got == "0" {
			t.Errorf("%s = %q after the reload", series, got)
		}
	}
}

// TestReloadThatFails: nothing changes, and it is in metrics and log.
func TestReloadThatFails(t *testing.T) {
	t.Parallel()
	badPolicy := "version: 1\nrules:\n  - {who: [anyone], can: [pul], repos: [public/**]}\n"
	tests := map[string]struct {
		change func(*testing.T, *running)
		want   string
		policy string // wharfgate_policy_last_reload_successful
	}{
		"configuration cannot be read": {func(_ *testing.T, r *running) {
			r.load = func() (config.Config, error) { return config.Config{}, errors.New("wharfgate.yaml:3:1: broken") }
		}, "wharfgate.yaml:3:1: broken", "1"},
		"policy has a fault": {func(t *testing.T, r *running) {
			t.Helper()
			r.site.write(t, "policy.yaml", badPolicy)
		}, "policy.yaml:3:", "0"},
		"changed configuration, policy has a fault": {func(t *testing.T, r *running) {
			t.Helper()
			r.site.write(t, "policy.yaml", badPolicy)
			r.edit(func(c *config.Config) { c.Issuer = "other" })
		}, "policy.yaml:3:", "0"},
		"changed configuration, no CA": {func(_ *testing.T, r *running) {
			r.edit(func(c *config.Config) { c.Keys.AutoCreate, c.StateDir = false, filepath.Join(r.site.dir, "empty") })
		}, "keys init", "1"},
		"changed configuration, no certificate": {func(_ *testing.T, r *running) {
			r.edit(func(c *config.Config) { c.TLS.CertFile, c.TLS.KeyFile = "/nowhere/tls.crt", "/nowhere/tls.key" })
		}, "/nowhere/tls.crt", "1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newSite(t).run(t)
			revision := r.site.log.line(t, "ready")["policy_revision"]
			tt.change(t, r)
			err := r.Reload(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Reload = %v, want %s", err, tt.want)
			}
			line := r.site.log.line(t, "reload failed, what was in force stays")
			if text, _ := line["error"].(string); line["level"] != "ERROR" || !strings.Contains(text, tt.want) {
				t.Errorf("log: %v, want an error with %s", line, tt.want)
			}
			if !r.granted(t, newClient(t, false), "public/a") {
				t.Error("what was granted before is not granted any more")
			}
			if got := r.metric(t, "wharfgate_config_last_reload_successful"); got != "0" {
				t.Errorf("wharfgate_config_last_reload_successful = %s, want 0", got)
			}
			if got := r.metric(t, "wharfgate_policy_last_reload_successful"); got != tt.policy {
				t.Errorf("wharfgate_policy_last_reload_successful = %s, want %s", got, tt.policy)
			}
			if got := r.metric(t, fmt.Sprintf("wharfgate_policy_info{revision=%q}", revision)); got != "1" {
				t.Errorf("wharfgate_policy_info of the policy in force = %q, want 1", got)
			}
			code, body := r.operator(t, "/readyz?verbose")
			if code != http.StatusOK {
				t.Errorf("/readyz = %d, want 200", code)
			}
			if name == "policy has a fault" && !strings.Contains(body, "policy degraded: ") {
				t.Errorf("/readyz?verbose = %q, want that the policy is degraded", body)
			}
		})
	}
}

func TestReloadWarnsOfAddresses(t *testing.T) {
	t.Parallel()
	r := newSite(t).run(t)
	address := r.Address().String()
	r.edit(func(c *config.Config) { c.Listen, c.Operator.Listen, c.Issuer = "127.0.0.1:1", "", "other" })
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if line := r.site.log.line(t, "listen and operator.listen change only at a restart; the old addresses stay"); line["level"] != "WARN" {
		t.Errorf("log: %v, want a warning", line)
	}
	if got := r.Address().String(); got != address {
		t.Errorf("Address = %s, want %s", got, address)
	}
	if got := r.ask(t, newClient(t, false), "public/a"); got != http.StatusOK {
		t.Errorf("a pull is answered %d, want 200", got)
	}
}

// TestReloadsUnderLoad: configurations follow each other while requests come in; none is refused or cut off.
func TestReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	const reloads, clients = 20, 4
	r := newSite(t).run(t)
	var done atomic.Bool
	var asked atomic.Int64
	var wg sync.WaitGroup
	for i := range clients {
		client := newClient(t, i%2 == 0)
		wg.Go(func() {
			for !done.Load() {
				if got := r.ask(t, client, "public/a"); got != http.StatusOK {
					t.Errorf("a request of client %d during a reload is answered %d", i, got)
				}
				asked.Add(1)
			}
		})
	}
	for i := range reloads {
		seen := asked.Load()
		for asked.Load() < seen+clients && !t.Failed() { // some requests between two reloads
			r.operator(t, "/readyz")
		}
		r.edit(func(c *config.Config) { c.Issuer = fmt.Sprintf("issuer-%d", i) })
		if err := r.Reload(t.Context()); err != nil {
			t.Error(err)
		}
	}
	done.Store(true)
	wg.Wait()
	if got := strings.Count(r.site.log.String(), `"msg":"reloaded"`); got != reloads {
		t.Errorf("%d reloads are logged, want %d", got, reloads)
	}
}

// TestReloadsAtOnce: reloads, questions and the end may come at the same time.
func TestReloadsAtOnce(t *testing.T) {
	t.Parallel()
	r := newSite(t).run(t)
	var wg sync.WaitGroup
	var n atomic.Int64
	load := r.load
	r.load = func() (config.Config, error) {
		c, err := load()
		c.Issuer = fmt.Sprintf("issuer-%d", n.Add(1))
		return c, err
	}
	for range 4 {
		wg.Go(func() {
			for range 3 {
				_ = r.Reload(t.Context())
				r.Address()
				r.operator(t, "/readyz")
			}
		})
	}
	wg.Go(func() { _ = r.Reload(t.Context()) })
	wg.Wait()
	for range 3 {
		wg.Go(func() { _ = r.Reload(t.Context()) })
	}
	r.stop()
	wg.Wait()
}

// TestReadyDuringReload: a reload that waits for a directory does not make the gate look unready.
func TestReadyDuringReload(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	s := newSite(t, c.use, func(s *site) {
		s.write(t, "policy.yaml", publicPolicy+"  - {who: [group:payments], cannot: [pull], repos: [secret/**]}\n")
	})
	r := s.run(t)
	release := c.holdSearches()
	defer release()
	reloaded := make(chan error, 1)
	go func() { reloaded <- r.Reload(t.Context()) }()
	<-c.asked
	if code, _ := r.operator(t, "/readyz"); code != http.StatusOK {
		t.Errorf("/readyz during a reload = %d, want 200", code)
	}
	release()
	if err := <-reloaded; err != nil {
		t.Error(err)
	}
}
