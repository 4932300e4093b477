package activedirectory_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/samba"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// realmsPolicy names a group of each directory by the same name.
const realmsPolicy = `version: 1
rules:
  - {who: "group:realm-devs", can: push, repos: corp/**}
  - {who: "group:realm-devs@partner", can: push, repos: partner/**}
`

// TestLDAP66_DomainAndOpenLDAP: a domain and another company's OpenLDAP beside it, with an account and a group of one
// name in both. The domain reads its own realms itself; a realm that nobody has is nobody's, also item 8.
func TestLDAP66_DomainAndOpenLDAP(t *testing.T) {
	t.Parallel()
	const password, partnerPassword = "Tw1n-of-the-domain", "Tw1n-of-the-partner"
	d, partner := samba.Shared(t), slapd.Start(t, slapd.Options{})
	d.AddGroup(t, samba.Global, "realm-devs", d.AddUser(t, samba.User{Name: "doppel", Password: password}))
	partner.AddPerson(t, "doppel")
	partner.SetPassword(t, "doppel", partnerPassword)
	partner.AddGroup(t, slapd.Names, "realm-devs", partner.PersonDN("doppel"))
	section := gate.Section(t, t.TempDir(), "partner", partner)
	section["realms"] = []string{"PARTNER", "partner.example"}
	g := gate.Start(t, d, realmsPolicy, gate.WithoutAddressLimit, gate.Patient, func(s gate.Settings) {
		s["directories"] = append(s["directories"].([]gate.Settings), section)
	})
	asked := func(user, password string) client.Answer {
		return g.Ask(t, user, password, "repository:corp/api:pull,push", "repository:partner/api:pull,push")
	}
	want := func(a client.Answer, subject, repository string) {
		t.Helper()
		if a.Status != http.StatusOK || a.Claims.Subject != subject || !slices.EqualFunc(a.Claims.Access, []string{repository}, func(x client.Access, name string) bool { return x.Name == name }) {
			t.Errorf("token = %d for %q on %v, want %q on %s", a.Status, a.Claims.Subject, a.Claims.Access, subject, repository)
		}
	}
	refused := func(user, password string) {
		t.Helper()
		if a := asked(user, password); a.Status != http.StatusUnauthorized {
			t.Errorf("%s = %d as %q, want 401", user, a.Status, a.Claims.Subject)
		}
	}
	for _, typed := range []string{"doppel", d.NetBIOS + `\doppel`, "doppel@" + d.Domain} {
		want(asked(typed, password), "doppel", "corp/api")
	}
	for _, typed := range []string{`PARTNER\doppel`, "doppel@partner.example"} {
		want(asked(typed, partnerPassword), "doppel@partner", "partner/api")
		refused(typed, password)
	}
	refused(`ELSEWHERE\doppel`, password)
	if n := d.BadPasswords(t, d.UserDN("doppel")); n != 0 {
		t.Errorf("%d passwords of the other directory's account were tried at the domain", n)
	}
	partner.Kill(t)
	want(asked("doppel", password), "doppel", "corp/api")
	if a := asked("doppel@partner.example", partnerPassword); a.Status != http.StatusServiceUnavailable {
		t.Errorf("login at the directory that is down = %d, want 503", a.Status)
	}
	partner.Restart(t)
}
