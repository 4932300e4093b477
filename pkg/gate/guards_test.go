package gate_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/config"
)

// logins logs alice in with passwords, one after the other, and gives the statuses.
func (r *running) logins(t *testing.T, passwords ...string) []int {
	t.Helper()
	var all []int
	for _, p := range passwords {
		all = append(all, r.login(t, p, "repository:payments/api:pull"))
	}
	return all
}

// junk is as many wrong passwords, which nobody has tried before.
func junk(from, n int) []string {
	var all []string
	for i := range n {
		all = append(all, "junk "+strconv.Itoa(from+i))
	}
	return all
}

// wantStatuses compares statuses.
func wantStatuses(t *testing.T, got []int, want ...int) {
	t.Helper()
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Errorf("answers %d, want %d", got, want)
			return
		}
	}
}

// TestReloadGivesNoNewBudget: failed binds count on when the configuration changes.
func TestReloadGivesNoNewBudget(t *testing.T) {
	t.Parallel()
	r := newSite(t, newCompany(t).use).run(t)
	const no, later = http.StatusUnauthorized, http.StatusTooManyRequests
	wantStatuses(t, r.logins(t, junk(0, 3)...), no, no, no)
	wantStatuses(t, r.logins(t, alicePassword), later) // never proven, so it cannot be told from a guess
	r.edit(func(c *config.Config) { c.Limits.Scopes++ })
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantStatuses(t, r.logins(t, alicePassword, "more junk"), later, later)
	for series, want := range map[string]string{
		`wharfgate_throttled_accounts{directory="corp"}`:                         "1",
		`wharfgate_login_budget_refusals_total{directory="corp"}`:                "3",
		`wharfgate_http_requests_total{code="429",handler="token",method="GET"}`: "3",
		`wharfgate_cache_entries{cache="admission",directory="corp"}`:            "0",
	} {
		if got := r.metric(t, series); got != want {
			t.Errorf("%s = %s, want %s", series, got, want)
		}
	}
}

// TestReloadForgetsNoAdmission: whoever was proven stays in among strangers, also when the configuration changes.
func TestReloadForgetsNoAdmission(t *testing.T) {
	t.Parallel()
	r := newSite(t, newCompany(t).use).run(t)
	const ok, no, later = http.StatusOK, http.StatusUnauthorized, http.StatusTooManyRequests
	wantStatuses(t, r.logins(t, alicePassword), ok)
	r.edit(func(c *config.Config) { c.FailedBinds.Max = 2 })
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantStatuses(t, r.logins(t, junk(0, 3)...), no, no, later)
	wantStatuses(t, r.logins(t, alicePassword), ok)
}
