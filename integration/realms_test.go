package integration_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

const partnerPassword = "Looking-Glass-1"

// partnersPolicy names a group of each directory by the same name.
const partnersPolicy = `version: 1
rules:
  - {who: "group:devs", can: push, repos: corp/**}
  - {who: "group:devs@partner", can: push, repos: partner/**}
  - {who: "user:alice@partner", can: pull, repos: letters/**}
  - {who: signed-in, can: push, repos: "users/<user>/**"}
  - {who: "group:interns@partner", cannot: push, repos: "**"}
`

// partners are two companies with one gate. Both have an alice and a group devs with her in it; only the partner has a
// pat.
type partners struct {
	corp, partner *slapd.Server
	gate          *gate.Gate
}

// newPartners starts the directories, and prepares the gate.
func newPartners(t *testing.T, edits ...func(gate.Settings)) *partners {
	t.Helper()
	p := &partners{corp: slapd.Start(t, slapd.Options{}), partner: slapd.Start(t, slapd.Options{})}
	for _, d := range []*slapd.Server{p.corp, p.partner} {
		d.AddGroup(t, slapd.Names, "devs", d.PersonDN("alice"))
	}
	p.partner.AddPerson(t, "pat")
	p.partner.AddGroup(t, slapd.Names, "interns", p.partner.PersonDN("pat"))
	for _, uid := range []string{"alice", "pat"} {
		p.partner.SetPassword(t, uid, partnerPassword)
	}
	section := gate.Section(t, t.TempDir(), "partner", p.partner)
	section["realms"] = []string{"PARTNER", "partner.example"}
	second := func(s gate.Settings) { s["directories"] = append(s["directories"].([]gate.Settings), section) }
	p.gate = gate.Prepare(t, p.corp, partnersPolicy, append([]func(gate.Settings){twoServices, second}, edits...)...)
	return p
}

// ask asks for a token that lets push everywhere that counts here.
func (p *partners) ask(t *testing.T, user, password string) client.Answer {
	t.Helper()
	a, err := p.gate.Asker(serviceV3).Ask(t.Context(), user, password,
		"repository:corp/api:pull,push", "repository:partner/api:pull,push", "repository:letters/a:pull", "repository:users/alice/x:pull,push")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// wantAccess checks a token's subject, and the repositories that it grants something on.
func wantAccess(t *testing.T, a client.Answer, subject string, repositories ...string) {
	t.Helper()
	var got []string
	for _, x := range a.Claims.Access {
		got = append(got, x.Name)
	}
	slices.Sort(got)
	if a.Status != http.StatusOK || a.Claims.Subject != subject || !slices.Equal(got, repositories) {
		t.Errorf("token = %d for %q on %q, want %q on %q", a.Status, a.Claims.Subject, got, subject, repositories)
	}
}

// wantStatus checks an answer's status.
func wantStatus(t *testing.T, what string, a client.Answer, status int) {
	t.Helper()
	if a.Status != status || status != http.StatusOK && a.Token != "" {
		t.Errorf("%s = %d %s, want %d", what, a.Status, a.Body, status)
	}
}

// TestLDAP66_SameNamesInTwoDirectories: what was typed decides whose password it is, no password is sent to both, and
// what one directory's names are given the other's accounts do not get.
func TestLDAP66_SameNamesInTwoDirectories(t *testing.T) {
	t.Parallel()
	p := newPartners(t)
	p.gate.Serve(t)
	partner := p.partner.Mark(t)
	wantAccess(t, p.ask(t, "alice", p.corp.Password), "alice", "corp/api", "users/alice/x")
	if n := p.partner.Since(t, partner).Binds; n != 0 {
		t.Errorf("the partner got %d passwords of the other directory", n)
	}
	corp := p.corp.Mark(t)
	for _, typed := range []string{"alice@partner.example", `PARTNER\alice`, "ALICE@Partner.Example"} {
		wantAccess(t, p.ask(t, typed, partnerPassword), "alice@partner", "letters/a", "partner/api")
	}
	wantStatus(t, "the other alice's password", p.ask(t, "alice@partner.example", p.corp.Password), http.StatusUnauthorized)
	wantStatus(t, "a realm that nobody has", p.ask(t, `NOBODY\alice`, p.corp.Password), http.StatusUnauthorized)
	wantStatus(t, "a name that the default directory has not", p.ask(t, "pat", partnerPassword), http.StatusUnauthorized)
	if n := p.corp.Since(t, corp).Binds; n != 0 {
		t.Errorf("the default directory got %d passwords of the other one", n)
	}
	wantAccess(t, p.ask(t, "pat@partner.example", partnerPassword), "pat@partner")
	said := p.gate.Run(t, "", "explain", "--registry", serviceV3, "--user", "alice@partner", "push", "partner/api")
	if said.Code != 0 {
		t.Errorf("explain = %d\n%s%s", said.Code, said.Out, said.Err)
	}
	if said := p.gate.Run(t, partnerPassword+"\n", "login", "--directory", "partner", "alice"); said.Code != 0 {
		t.Errorf("login = %d\n%s%s", said.Code, said.Out, said.Err)
	}
}

// TestLDAP66_OneDirectoryIsDown: the gate starts without it, is ready, and serves the other one; the rule about a group
// whose id cannot be asked for holds for everybody of that directory, and for nobody else. It comes back by itself.
func TestLDAP66_OneDirectoryIsDown(t *testing.T) {
	t.Parallel()
	p := newPartners(t)
	p.partner.Kill(t)
	p.gate.Serve(t)
	wantAccess(t, p.ask(t, "alice", p.corp.Password), "alice", "corp/api", "users/alice/x")
	wantStatus(t, "login at the directory that is down", p.ask(t, "alice@partner.example", partnerPassword), http.StatusServiceUnavailable)
	p.partner.Restart(t)
	const patience = 30 * time.Second
	loopback.Eventually(t, patience, func() error {
		if a := p.ask(t, "alice@partner.example", partnerPassword); a.Status != http.StatusOK || len(a.Claims.Access) != 2 {
			return fmt.Errorf("login at the directory that is back = %d with %v", a.Status, a.Claims.Access)
		}
		return nil
	})
	p.corp.Pause(t)
	defer p.corp.Resume(t)
	for range 3 {
		wantAccess(t, p.ask(t, "alice@partner.example", partnerPassword), "alice@partner", "letters/a", "partner/api")
	}
	wantStatus(t, "login at the default directory, which hangs", p.ask(t, "alice", p.corp.Password), http.StatusServiceUnavailable)
}

// TestLDAP66_InOrder: a bare name is looked for in each directory, and a later one is asked nothing while an earlier one
// cannot say whether it has the name.
func TestLDAP66_InOrder(t *testing.T) {
	t.Parallel()
	p := newPartners(t, func(s gate.Settings) { s["directory_lookup"] = "in_order" })
	p.gate.Serve(t)
	wantAccess(t, p.ask(t, "alice", p.corp.Password), "alice", "corp/api", "users/alice/x")
	wantStatus(t, "the first directory's name with the second one's password", p.ask(t, "alice", partnerPassword), http.StatusUnauthorized)
	mark := p.corp.Mark(t)
	wantAccess(t, p.ask(t, "pat", partnerPassword), "pat@partner")
	if n := p.corp.Since(t, mark).Binds; n != 0 {
		t.Errorf("the first directory got %d passwords of the second one", n)
	}
	p.corp.Kill(t)
	mark = p.partner.Mark(t)
	wantStatus(t, "a bare name while the first directory is down", p.ask(t, "nora", partnerPassword), http.StatusServiceUnavailable)
	if o := p.partner.Since(t, mark); o.Binds+o.Searches != 0 {
		t.Errorf("the second directory was asked %+v for it", o)
	}
	wantAccess(t, p.ask(t, "pat@partner.example", partnerPassword), "pat@partner")
	p.corp.Restart(t)
	p.partner.Kill(t)
	const patience = 30 * time.Second
	loopback.Eventually(t, patience, func() error {
		if a := p.ask(t, "alice", p.corp.Password); a.Status != http.StatusOK {
			return fmt.Errorf("the first directory's name while the second is down = %d", a.Status)
		}
		return nil
	})
}
