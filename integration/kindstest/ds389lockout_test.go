package kindstest_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/ds389"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
)

// TestLDAP33_389RuleThatMayNotBeRead: a server with the lockout that it has by itself, 3 wrong passwords, whose
// configuration the service account may not read: of 100 different wrong passwords it sees one, and locks nobody. Who may
// read the configuration lets the gate keep to what it says.
func TestLDAP33_389RuleThatMayNotBeRead(t *testing.T) {
	t.Parallel()
	d := ds389.Start(t)
	d.Set(t, "cn=config", "passwordMaxFailure", "3")
	d.AddPerson(t, "owner")
	g := gate.Start(t, d, policy, gate.WithoutAddressLimit)
	guess(t, g, "owner", 100)
	if n := d.BadPasswords(t, "owner"); n != 1 {
		t.Errorf("the server counts %d wrong passwords, want 1", n)
	}
	mustGrant(t, gate.Start(t, d, policy), "owner", d.Password) // a gate that knows of nothing

	said := check(t, g)
	for _, want := range []string{"cn=config may not be read", "at most 1 bind of an account"} {
		if !strings.Contains(said.Out, want) {
			t.Errorf("check --online does not say %q:\n%s%s", want, said.Out, said.Err)
		}
	}

	d.Set(t, "cn=config", "passwordMaxFailure", "4")
	d.AddValues(t, "cn=config", "aci",
		`(targetattr="objectClass || passwordLockout || passwordMaxFailure || passwordResetFailureCount || passwordLockoutDuration")`+
			`(version 3.0; acl "lockout rule"; allow (read,search,compare) userdn="ldap:///`+d.BindDN+`";)`)
	d.AddPerson(t, "reader")
	told := gate.Start(t, d, policy, gate.WithoutAddressLimit)
	guess(t, told, "reader", 100)
	if n := d.BadPasswords(t, "reader"); n != 2 {
		t.Errorf("with a rule that can be read the server counts %d wrong passwords, want 2", n)
	}
	if said := check(t, told); !strings.Contains(said.Out, "4 wrong passwords") || !strings.Contains(said.Out, "passwordMaxFailure of cn=config") {
		t.Errorf("check --online does not tell the rule:\n%s%s", said.Out, said.Err)
	}
}

// guess tries so many different wrong passwords, ten at once.
func guess(t *testing.T, g *gate.Gate, user string, passwords int) {
	t.Helper()
	const atOnce = 10
	var clients sync.WaitGroup
	for n := range atOnce {
		clients.Go(func() {
			for i := n; i < passwords; i += atOnce {
				answer, err := g.Asker(gate.Service).Ask(t.Context(), user, "guess "+strconv.Itoa(i))
				if err != nil || answer.Status != http.StatusUnauthorized && answer.Status != http.StatusTooManyRequests {
					t.Errorf("a wrong password = %d %s, %v, want 401 or 429", answer.Status, answer.Body, err)
				}
			}
		})
	}
	clients.Wait()
}
