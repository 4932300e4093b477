package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/metrics"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
	"github.com/wharfgate/wharfgate/pkg/server"
	"github.com/wharfgate/wharfgate/pkg/token"
)

const ldap1, ldap2 = "ldaps://ldap1.test", "ldaps://ldap2.test"

func subjects() metrics.Subjects {
	return metrics.Subjects{
		Registries:  []string{"registry.test"},
		Directories: []metrics.Directory{{Name: "corp", Servers: []string{ldap1, ldap2}}},
		Algorithms:  []string{"ES256"},
	}
}

func newMetrics(tb testing.TB) (*metrics.Metrics, *prometheus.Registry) {
	tb.Helper()
	reg := prometheus.NewRegistry()
	m, err := metrics.New(reg, metrics.Options{Version: "v1", Subjects: subjects(), Now: func() time.Time { return time.Unix(1000, 0) }})
	if err != nil {
		tb.Fatal(err)
	}
	return m, reg
}

// exercise tells every observer everything once.
func exercise(m *metrics.Metrics) {
	d := m.DirectoryObserver()
	d.Login("corp", identity.ReasonOK, time.Millisecond)
	d.Cache("corp", "entry", "hit")
	d.Evicted("corp", "account")
	d.Coalesced("corp", "bind")
	d.BudgetRefused("corp")
	d.Believed("corp", directory.BelievedOutage)
	l := m.LDAPObserver("corp")
	l.Dial(ldap1, time.Millisecond, nil)
	l.Dial(ldap2, time.Millisecond, context.DeadlineExceeded)
	l.Operation(ldap1, "user_bind", "invalid_credentials", time.Millisecond)
	l.Wait(ldap1, "bind", time.Millisecond)
	l.Connections(ldap1, "bind", 3)
	l.Connections(ldap1, "bind", 2)
	l.Breaker(ldap2, true)
	l.Certificate(ldap1, time.Unix(5000, 0))
	l.AmbiguousGroup("payments")
	s := m.ServerObserver()
	s.Finished(server.Finished{
		Handler: server.HandlerToken, Method: "GET", Code: 200, Duration: time.Millisecond,
		Service: "registry.test", Grant: authority.GrantBasic, Result: server.ResultGranted,
	})
	s.InFlight(2)
	s.InFlight(1)
	s.Queued(time.Millisecond)
	s.Certificate(time.Unix(6000, 0))
	a := m.AuthorityObserver()
	a.Decided("registry.test", "pull", true, policy.ReasonRule)
	a.Decided("registry.test", "*", false, policy.ReasonNoRule)
	a.Signed("registry.test", 900)
	p := m.PolicyObserver()
	p.Loaded(policyfile.Loaded{Revision: "r1", Rules: 7, Unresolved: 1})
	p.Vanished("corp", "payments")
	k := m.TokenObserver()
	k.Rotated("ES256", time.Unix(7000, 0))
	k.Failed("ES256", errors.New("no"))
	k.Ring("main", []token.RingKey{{State: token.KeyActive, NotAfter: time.Unix(8000, 0)}, {State: token.KeyStandby}, {State: token.KeyGone}})
	k.RingFailed("main", errors.New("no"))
	k.CA(time.Unix(9000, 0))
	k.CAFailed(errors.New("no"))
	w := m.AuditObserver()
	w.Dropped(2)
	w.Failed(errors.New("disk full"))
	m.CacheEntries("corp", "entry", func() int { return 42 })
	m.ThrottledAccounts("corp", func() int { return 7 })
}

// series gathers what is ours as text to value; a histogram gives its count.
func series(t *testing.T, g prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]float64)
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "wharfgate_") {
			continue
		}
		for _, x := range f.GetMetric() {
			labels := make([]string, 0, len(x.GetLabel()))
			for _, l := range x.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			key := f.GetName() + "{" + strings.Join(labels, ",") + "}"
			all[key] = x.GetCounter().GetValue() + x.GetGauge().GetValue() + float64(x.GetHistogram().GetSampleCount())
		}
	}
	return all
}

func TestObserversCount(t *testing.T) {
	t.Parallel()
	m, reg := newMetrics(t)
	exercise(m)
	got := series(t, reg)
	for name, want := range map[string]float64{
		`wharfgate_build_info{goversion="unknown",revision="unknown",version="v1"}`:                                            1,
		`wharfgate_logins_total{directory="corp",result="ok"}`:                                                                 1,
		`wharfgate_logins_total{directory="corp",result="wrong_password"}`:                                                     0,
		`wharfgate_login_duration_seconds{directory="corp"}`:                                                                   1,
		`wharfgate_cache_requests_total{cache="entry",directory="corp",result="hit"}`:                                          1,
		`wharfgate_cache_evictions_total{cache="account",directory="corp"}`:                                                    1,
		`wharfgate_cache_entries{cache="entry",directory="corp"}`:                                                              42,
		`wharfgate_login_budget_refusals_total{directory="corp"}`:                                                              1,
		`wharfgate_logins_without_bind_total{directory="corp",why="outage"}`:                                                   1,
		`wharfgate_logins_without_bind_total{directory="corp",why="recent"}`:                                                   0,
		`wharfgate_throttled_accounts{directory="corp"}`:                                                                       7,
		`wharfgate_coalesced_requests_total{directory="corp",kind="bind"}`:                                                     1,
		`wharfgate_ldap_operations_total{directory="corp",op="dial",result="ok",server="` + ldap1 + `"}`:                       1,
		`wharfgate_ldap_operations_total{directory="corp",op="dial",result="timeout",server="` + ldap2 + `"}`:                  1,
		`wharfgate_ldap_operations_total{directory="corp",op="user_bind",result="invalid_credentials",server="` + ldap1 + `"}`: 1,
		`wharfgate_ldap_operation_duration_seconds{directory="corp",op="user_bind",server="` + ldap1 + `"}`:                    1,
		`wharfgate_ldap_connections{directory="corp",pool="bind",server="` + ldap1 + `"}`:                                      2,
		`wharfgate_ldap_wait_seconds{directory="corp",pool="bind",server="` + ldap1 + `"}`:                                     1,
		`wharfgate_ldap_up{directory="corp",server="` + ldap1 + `"}`:                                                           1,
		`wharfgate_ldap_up{directory="corp",server="` + ldap2 + `"}`:                                                           0,
		`wharfgate_ldap_breaker_open{directory="corp",server="` + ldap1 + `"}`:                                                 0,
		`wharfgate_ldap_breaker_open{directory="corp",server="` + ldap2 + `"}`:                                                 1,
		`wharfgate_ldap_certificate_not_after_timestamp_seconds{directory="corp",server="` + ldap1 + `"}`:                      5000,
		`wharfgate_ldap_ambiguous_groups_total{directory="corp"}`:                                                              1,
		`wharfgate_http_requests_total{code="200",handler="token",method="GET"}`:                                               1,
		`wharfgate_http_request_duration_seconds{handler="token",method="GET"}`:                                                1,
		`wharfgate_http_requests_in_flight{}`:                                                                                  1,
		`wharfgate_http_queue_wait_seconds{}`:                                                                                  1,
		`wharfgate_tls_certificate_not_after_timestamp_seconds{}`:                                                              6000,
		`wharfgate_tls_certificate_last_reload_successful{}`:                                                                   1,
		`wharfgate_token_requests_total{grant="basic",registry="registry.test",result="granted"}`:                              1,
		`wharfgate_token_requests_total{grant="password",registry="unknown",result="error"}`:                                   0,
		`wharfgate_token_request_duration_seconds{grant="basic",registry="registry.test"}`:                                     1,
		`wharfgate_token_size_bytes{registry="registry.test"}`:                                                                 1,
		`wharfgate_scope_decisions_total{action="pull",decision="granted",reason="rule",registry="registry.test"}`:             1,
		`wharfgate_scope_decisions_total{action="catalog",decision="refused",reason="no_rule",registry="registry.test"}`:       1,
		`wharfgate_scope_decisions_total{action="push",decision="refused",reason="denied_by_rule",registry="registry.test"}`:   0,
		`wharfgate_policy_info{revision="r1"}`:                                                                                 1,
		`wharfgate_policy_rules{}`:                                                                                             7,
		`wharfgate_policy_unresolved_groups{}`:                                                                                 1,
		`wharfgate_policy_vanished_groups_total{directory="corp"}`:                                                             1,
		`wharfgate_policy_last_reload_successful{}`:                                                                            1,
		`wharfgate_policy_last_reload_success_timestamp_seconds{}`:                                                             1000,
		`wharfgate_signing_key_not_after_timestamp_seconds{algorithm="ES256",state="current"}`:                                 7000,
		`wharfgate_signing_named_keys{keys="main",state="active"}`:                                                             1,
		`wharfgate_signing_named_keys{keys="main",state="standby"}`:                                                            1,
		`wharfgate_signing_named_keys{keys="main",state="retiring"}`:                                                           0,
		`wharfgate_signing_named_key_not_after_timestamp_seconds{keys="main"}`:                                                 8000,
		`wharfgate_signing_ca_not_after_timestamp_seconds{}`:                                                                   9000,
		`wharfgate_signing_reload_errors_total{}`:                                                                              2,
		`wharfgate_signing_key_renewal_errors_total{algorithm="ES256"}`:                                                        1,
		`wharfgate_audit_dropped_total{}`:                                                                                      2,
		`wharfgate_audit_write_errors_total{}`:                                                                                 1,
		`wharfgate_config_last_reload_successful{}`:                                                                            1,
		`wharfgate_config_last_reload_success_timestamp_seconds{}`:                                                             1000,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s = %v (there: %v), want %v", name, v, ok, want)
		}
	}
}

func TestReloadGauges(t *testing.T) {
	t.Parallel()
	m, reg := newMetrics(t)
	exercise(m)
	m.ConfigReloaded(errors.New("bad"))
	m.PolicyObserver().Failed(errors.New("bad"))
	m.ServerObserver().CertificateError(errors.New("bad"))
	got := series(t, reg)
	for _, name := range []string{
		"wharfgate_config_last_reload_successful{}", "wharfgate_policy_last_reload_successful{}", "wharfgate_tls_certificate_last_reload_successful{}",
	} {
		if v, ok := got[name]; !ok || v != 0 {
			t.Errorf("%s = %v, want 0", name, v)
		}
	}
	m.PolicyObserver().Loaded(policyfile.Loaded{Revision: "r2", Rules: 1, Refused: true})
	got = series(t, reg)
	if v := got["wharfgate_policy_last_reload_successful{}"]; v != 0 {
		t.Errorf("a group that became known makes the refused file good: %v", v)
	}
	m.PolicyObserver().Loaded(policyfile.Loaded{Revision: "r2", Rules: 1})
	if v := series(t, reg)["wharfgate_policy_last_reload_successful{}"]; v != 1 {
		t.Errorf("a good file: %v, want 1", v)
	}
	if _, old := got[`wharfgate_policy_info{revision="r1"}`]; old || got[`wharfgate_policy_info{revision="r2"}`] != 1 {
		t.Errorf("policy_info of r1 still there: %v, of r2: %v", old, got[`wharfgate_policy_info{revision="r2"}`])
	}
}

// TestReconfigure shows that a reload makes and removes series, keeps the rest, and that the observers of the
// old configuration change nothing that is gone.
func TestReconfigure(t *testing.T) {
	t.Parallel()
	m, reg := newMetrics(t)
	exercise(m)
	s := subjects()
	s.Registries = []string{"images.test"}
	s.Directories[0].Servers = []string{ldap1}
	old := m.LDAPObserver("corp")
	m.Reconfigure(s)
	old.Operation(ldap2, "search", "ok", time.Second)
	old.Connections(ldap2, "search", 4)
	old.Breaker(ldap2, true)
	old.Certificate(ldap2, time.Unix(1, 0))
	m.AuthorityObserver().Signed("registry.test", 1)
	got := series(t, reg)
	for name := range got {
		if strings.Contains(name, ldap2) || strings.Contains(name, "registry.test") {
			t.Errorf("%s is still there", name)
		}
	}
	for name, want := range map[string]float64{
		`wharfgate_logins_total{directory="corp",result="ok"}`:                                  1,
		`wharfgate_ldap_up{directory="corp",server="` + ldap1 + `"}`:                            1,
		`wharfgate_token_requests_total{grant="basic",registry="images.test",result="granted"}`: 0,
		`wharfgate_ldap_connections{directory="corp",pool="bind",server="` + ldap1 + `"}`:       2,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s = %v (there: %v), want %v", name, v, ok, want)
		}
	}
	s.Directories = nil
	m.Reconfigure(s)
	for name := range series(t, reg) {
		if strings.Contains(name, "corp") {
			t.Errorf("%s is still there", name)
		}
	}
}

// TestFoundServers shows that servers which a directory finds by itself get series, and lose them when they are gone;
// a reload keeps them.
func TestFoundServers(t *testing.T) {
	t.Parallel()
	m, reg := newMetrics(t)
	s := subjects()
	s.Directories[0].Servers = nil
	o := m.LDAPObserver("corp")
	m.Reconfigure(s)
	o.Connections(ldap1, "bind", 9) // before it was found
	o.Servers([]string{ldap1, ldap2})
	o.Connections(ldap1, "bind", 3)
	o.Connections(ldap2, "bind", 4)
	o.Servers([]string{ldap1})
	o.Connections(ldap2, "bind", 0)
	m.Reconfigure(s)
	name := func(server string) string {
		return `wharfgate_ldap_connections{directory="corp",pool="bind",server="` + server + `"}`
	}
	got := series(t, reg)
	if _, there := got[name(ldap2)]; there || got[name(ldap1)] != 3 {
		t.Errorf("connections = %v and %v, want 3 and no series", got[name(ldap1)], got[name(ldap2)])
	}
	o.Servers([]string{ldap1, ldap2})
	o.Connections(ldap2, "bind", 1)
	if got := series(t, reg); got[name(ldap2)] != 1 {
		t.Errorf("connections of a server that is back = %v, want 1", got[name(ldap2)])
	}
}

// TestTwoBackendsAtOnce shows that gauges hold the sum while an old backend drains.
func TestTwoBackendsAtOnce(t *testing.T) {
	t.Parallel()
	m, reg := newMetrics(t)
	a, b := m.LDAPObserver("corp"), m.LDAPObserver("corp")
	x, y := m.ServerObserver(), m.ServerObserver()
	a.Connections(ldap1, "bind", 4)
	b.Connections(ldap1, "bind", 3)
	x.InFlight(5)
	y.InFlight(2)
	a.Connections(ldap1, "bind", 0)
	x.InFlight(0)
	got := series(t, reg)
	if n := got[`wharfgate_ldap_connections{directory="corp",pool="bind",server="`+ldap1+`"}`]; n != 3 {
		t.Errorf("connections = %v, want 3", n)
	}
	if n := got[`wharfgate_http_requests_in_flight{}`]; n != 2 {
		t.Errorf("in flight = %v, want 2", n)
	}
}

// TestUnknownWordsAreDropped shows that no observer can make a label of its own.
func TestUnknownWordsAreDropped(t *testing.T) {
	t.Parallel()
	m, reg := newMetrics(t)
	before := series(t, reg)
	d, l, a := m.DirectoryObserver(), m.LDAPObserver("corp"), m.AuthorityObserver()
	d.Login("corp", "alice", 0)
	d.Login("elsewhere", identity.ReasonOK, 0)
	d.Cache("corp", "x", "y")
	d.Cache("x", "entry", "hit")
	d.Evicted("x", "y")
	d.Coalesced("corp", "x")
	d.BudgetRefused("x")
	d.Believed("x", "y")
	d.Believed("corp", "y")
	l.Operation(ldap1, "x", "y", 0)
	l.Operation("ldap://x", "search", "ok", 0)
	l.Wait(ldap1, "x", 0)
	l.Connections(ldap1, "x", 1)
	l.Certificate("ldap://x", time.Now())
	l.Breaker("ldap://x", true)
	a.Decided("registry.test", "x", true, policy.ReasonRule)
	a.Decided("registry.test", "pull", false, policy.ReasonRule)
	a.Signed("x", 1)
	m.PolicyObserver().Vanished("x", "y")
	m.ServerObserver().Finished(server.Finished{Handler: server.HandlerToken, Method: "GET", Code: 200, Service: "x", Result: server.ResultGranted})
	m.ServerObserver().Finished(server.Finished{Handler: server.HandlerNone, Method: "other", Code: 404, Service: server.UnknownService})
	after := series(t, reg)
	for name := range after {
		if _, ok := before[name]; !ok && !strings.HasPrefix(name, "wharfgate_http_requests_total{code=") {
			t.Errorf("%s is new", name)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	if _, err := metrics.New(nil, metrics.Options{}); err == nil {
		t.Error("New(nil) = nil error")
	}
	_, reg := newMetrics(t)
	if _, err := metrics.New(reg, metrics.Options{}); err == nil {
		t.Error("New twice on one registry = nil error")
	}
}

func TestLint(t *testing.T) {
	t.Parallel()
	m, reg := newMetrics(t)
	exercise(m)
	problems, err := testutil.GatherAndLint(reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("GatherAndLint = %v, %v", problems, err)
	}
}

func TestHandler(t *testing.T) {
	t.Parallel()
	_, reg := newMetrics(t)
	rec := httptest.NewRecorder()
	metrics.Handler(reg).ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{"wharfgate_build_info{", "go_goroutines ", "process_start_time_seconds ", "wharfgate_token_requests_total{"} {
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
}

func TestHotPathAllocatesNothing(t *testing.T) { //nolint:paralleltest // what other tests allocate would count
	m, _ := newMetrics(t)
	d, l, s, a := m.DirectoryObserver(), m.LDAPObserver("corp"), m.ServerObserver(), m.AuthorityObserver()
	f := server.Finished{
		Handler: server.HandlerToken, Method: "GET", Code: 200, Duration: time.Millisecond,
		Service: "registry.test", Grant: authority.GrantBasic, Result: server.ResultGranted,
	}
	request := func() {
		s.InFlight(1)
		d.Cache("corp", "entry", "hit")
		d.Cache("corp", "wrong_password", "miss")
		l.Wait(ldap1, "bind", time.Microsecond)
		l.Operation(ldap1, "user_bind", "ok", time.Millisecond)
		d.Login("corp", identity.ReasonOK, time.Millisecond)
		a.Decided("registry.test", "pull", true, policy.ReasonRule)
		a.Signed("registry.test", 900)
		s.Finished(f)
		s.InFlight(0)
	}
	if n := testing.AllocsPerRun(1000, request); n != 0 {
		t.Errorf("a request allocates %v times, want 0", n)
	}
}

const page = "../../docs/reference/metrics.md"

// TestPageHasEveryMetric holds names, types and labels of page and code equal.
func TestPageHasEveryMetric(t *testing.T) {
	t.Parallel()
	m, reg := newMetrics(t)
	exercise(m)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	inCode := make(map[string]string)
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "wharfgate_") {
			continue
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		slices.Sort(labels)
		inCode[f.GetName()] = strings.ToLower(f.GetType().String()) + " " + strings.Join(labels, ", ")
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	inPage := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| `(wharfgate_[a-z_]+)` \\| ([a-z]+) \\| ([^|]*) \\| [^|]+ \\| [^|]+ \\|$").FindAllStringSubmatch(string(text), -1) {
		labels := strings.Split(strings.TrimSpace(row[3]), ", ")
		slices.Sort(labels)
		if inPage[row[1]] != "" {
			t.Errorf("%s is twice in the page", row[1])
		}
		inPage[row[1]] = row[2] + " " + strings.Join(labels, ", ")
	}
	for name, want := range inCode {
		if inPage[name] != want {
			t.Errorf("%s: page says %q, code %q", name, inPage[name], want)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(inPage)) {
		if inCode[name] == "" {
			t.Errorf("%s is in the page only", name)
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	m, _ := newMetrics(b)
	s, d := m.ServerObserver(), m.DirectoryObserver()
	f := server.Finished{
		Handler: server.HandlerToken, Method: "GET", Code: 200, Duration: time.Millisecond,
		Service: "registry.test", Grant: authority.GrantBasic, Result: server.ResultGranted,
	}
	b.ReportAllocs()
	for b.Loop() {
		d.Login("corp", identity.ReasonOK, time.Millisecond)
		s.Finished(f)
	}
}
