package activedirectory_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/samba"
)

// forms are the ways to type a login name.
func forms(d *samba.Server, name string) map[string]string {
	return map[string]string{
		"bare": name, "upper case": strings.ToUpper(name), "principal name": name + "@" + d.Domain,
		"principal name in capitals": strings.ToUpper(name[:1]) + name[1:] + "@" + strings.ToUpper(d.Domain),
		"domain":                     d.NetBIOS + `\` + name, "domain in lower case": strings.ToLower(d.NetBIOS) + `\` + strings.ToUpper(name),
		"mail": name + "@mail.example",
	}
}

// TestLDAP01_EveryFormOfAName and the identity of item 2: whatever was typed, the account is the directory's.
func TestLDAP01_02_EveryFormOfANameIsOneAccount(t *testing.T) {
	t.Parallel()
	d, g := shared(t)
	d.AddUser(t, samba.User{Name: "typist", Attributes: map[string][]string{"mail": {"typist@mail.example"}}})
	for what, typed := range forms(d, "typist") {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			answer := g.MustGrant(t, typed, d.Password)
			if answer.Claims.Subject != "typist" {
				t.Errorf("subject for %q = %q, want typist", typed, answer.Claims.Subject)
			}
			if line := g.RequestLine(t, answer); line["account"] != "typist@corp" {
				t.Errorf("account in the log for %q = %v, want typist@corp", typed, line["account"])
			}
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		t.Parallel()
		for what, typed := range forms(d, "u0001") {
			if what == "mail" {
				continue // u0001 has none
			}
			if answer := g.Ask(t, typed, "wrong"); answer.Status != http.StatusUnauthorized {
				t.Errorf("%s with a wrong password = %d, want 401", typed, answer.Status)
			}
		}
		if n := d.BadPasswords(t, d.UserDN("u0001")); n != 1 {
			t.Errorf("one wrong password under many names was sent %d times, want once", n)
		}
	})
}

// TestLDAP02_OneEntryInTheMemory: forms of a name share what is remembered; none opens an account of its own.
func TestLDAP02_FormsShareTheAccount(t *testing.T) {
	t.Parallel()
	d, g := shared(t)
	f := login(t, g, "alice", d.Password)
	for _, typed := range forms(d, "alice") {
		if strings.HasSuffix(typed, "@mail.example") {
			continue
		}
		if again := login(t, g, typed, d.Password); again.ID != f.ID || again.ID == "" || again.Name != "alice" || again.DN != f.DN {
			t.Errorf("%q is %+v, want the account %s", typed, again, f.ID)
		}
	}
}

// TestLDAP03_OtherNamesOfAnAccount: what a domain controller itself would take for a name of alice at a bind is nobody's
// login name here.
func TestLDAP03_NamesOnlyABindKnowsAreRefused(t *testing.T) {
	t.Parallel()
	d, g := shared(t)
	alice := d.Read(t, d.UserDN("alice"), "objectSid", "objectGUID")
	sid := login(t, g, "alice", d.Password)
	for what, typed := range map[string]string{
		"canonical name": d.Domain + "/Test/People/alice", "DN": d.UserDN("alice"), "GUID": "<GUID=" + sid.ID + ">", "bare GUID": sid.ID,
		"SID": "<SID=" + sidText(t, alice.GetRawAttributeValue("objectSid")) + ">", "bare SID": sidText(t, alice.GetRawAttributeValue("objectSid")),
		"id": "id:" + sid.ID,
	} {
		if answer := g.Ask(t, typed, d.Password); answer.Status != http.StatusUnauthorized {
			t.Errorf("%s %q = %d %s as %q, want 401", what, typed, answer.Status, answer.Body, answer.Claims.Subject)
		}
	}
	if n := d.BadPasswords(t, d.UserDN("alice")); n != 0 {
		t.Errorf("alice has %d wrong passwords, want none", n)
	}
}

// TestLDAP05_AmbiguousNames, also item 9: a name that leads to two entries leads nowhere, and takes nobody's place.
func TestLDAP05_AmbiguousNameIsRefused(t *testing.T) {
	t.Parallel()
	d, g := shared(t)
	for _, name := range []string{"twin-a", "twin-b"} {
		d.AddUser(t, samba.User{Name: name, Attributes: map[string][]string{"mail": {"twins@mail.example"}}})
	}
	mustRefuse(t, g, "twins@mail.example", d.Password, "ambiguous")
	for _, name := range []string{"twin-a", "twin-b"} {
		g.MustGrant(t, name, d.Password)
		if n := d.BadPasswords(t, d.UserDN(name)); n != 0 {
			t.Errorf("%s has %d wrong passwords, want none", name, n)
		}
	}
}

// TestLDAP09_MailOfSomebodyElse: who sets the own mail address to another's principal name gets neither that account nor
// its place.
func TestLDAP09_MailLikeAnothersPrincipalName(t *testing.T) {
	t.Parallel()
	d, g := shared(t)
	victim := d.AddUser(t, samba.User{Name: "victim"})
	const password = "M1schief-maker"
	d.AddUser(t, samba.User{Name: "thief", Password: password, Attributes: map[string][]string{"mail": {"victim@" + d.Domain}}})
	typed := "victim@" + d.Domain
	if answer := g.Ask(t, typed, password); answer.Status != http.StatusUnauthorized {
		t.Errorf("the thief's password at the victim's name = %d as %q, want 401", answer.Status, answer.Claims.Subject)
	}
	if answer := g.Ask(t, typed, d.Password); answer.Status == http.StatusOK && answer.Claims.Subject != "victim" {
		t.Errorf("the victim is %q", answer.Claims.Subject)
	} else if answer.Status != http.StatusOK {
		if line := g.RequestLine(t, answer); line["reason"] != "ambiguous" {
			t.Errorf("the victim's principal name = %d %v, want 200, or 401 as ambiguous", answer.Status, line)
		}
	}
	for _, name := range []string{"victim", d.NetBIOS + `\victim`} { // what nobody else can claim
		if answer := g.MustGrant(t, name, d.Password); answer.Claims.Subject != "victim" {
			t.Errorf("%s is %q", name, answer.Claims.Subject)
		}
	}
	if n := d.BadPasswords(t, victim); n > 1 {
		t.Errorf("the victim has %d wrong passwords, want 1 at most", n)
	}
}

// TestLDAP08_UnknownDomain: a prefix that no directory has is never looked for in the default one.
func TestLDAP08_UnknownDomainIsNobody(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	g := start(t, d)
	if answer := g.Ask(t, `ELSEWHERE\u0002`, d.Password); answer.Status != http.StatusUnauthorized {
		t.Errorf("an unknown domain = %d as %q, want 401", answer.Status, answer.Claims.Subject)
	}
	if n := g.Metric(t, "wharfgate_ldap_operations_total", `op="user_bind"`); n != 0 {
		t.Errorf("%v binds for an unknown domain, want none", n)
	}
	g.MustGrant(t, d.NetBIOS+`\u0002`, d.Password)
}

// TestLDAP10_OnlyPeopleLogIn: not machines, groups or contacts.
func TestLDAP10_OnlyPeopleLogIn(t *testing.T) {
	t.Parallel()
	d, g := shared(t)
	for what, typed := range map[string]string{
		"computer": "ws1$", "computer of the domain": d.NetBIOS + `\ws1$`, "computer by mail": "ws1@" + d.Domain,
		"controller": "dc1$", "group": "gl-devs", "contact": "vendor@" + d.Domain, "trust": "krbtgt",
	} {
		if answer := g.Ask(t, typed, d.Password); answer.Status != http.StatusUnauthorized {
			t.Errorf("%s %q = %d as %q, want 401", what, typed, answer.Status, answer.Claims.Subject)
		}
	}
	if n := d.BadPasswords(t, "CN=ws1,"+d.PeopleDN); n != 0 {
		t.Errorf("the computer has %d wrong passwords: it was bound", n)
	}
}
