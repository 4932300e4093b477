package activedirectory_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/samba"
)

// asAdministrator is the domain read by its administrator, who may read fine-grained policies.
type asAdministrator struct{ *samba.Server }

func (d asAdministrator) Configuration() map[string]any {
	c := d.Server.Configuration()
	c["bind"] = map[string]any{"dn": d.AdminDN}
	return c
}

func (d asAdministrator) ServicePassword() string { return d.AdminPassword }

// junk tries different wrong passwords, one after the other.
func junk(t *testing.T, g *gate.Gate, user string, n int) {
	t.Helper()
	for i := range n {
		if a := g.Ask(t, user, "junk "+strconv.Itoa(i)); a.Status != http.StatusUnauthorized && a.Status != http.StatusTooManyRequests {
			t.Fatalf("a wrong password of %s = %d, want 401 or 429", user, a.Status)
		}
	}
}

// wrongAtTheDesk binds with wrong passwords, past the gate.
func wrongAtTheDesk(t *testing.T, d *samba.Server, user string, n int) {
	t.Helper()
	for range n {
		c, err := ldap.DialURL(d.URL, ldap.DialWithTLSConfig(d.TLS(t)))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Bind(d.UserDN(user), "wrong"); err == nil {
			t.Fatal("a wrong password is right")
		}
		_ = c.Close()
	}
}

// TestLDAP33_BudgetFollowsTheDomain: two less than the threshold of the domain, or of the fine-grained policy that
// results for an account; where that one may not be read, a single one. Nobody is locked.
func TestLDAP33_BudgetFollowsTheDomain(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	half := 30 * time.Minute
	for i, threshold := range []int{3, 4, 8} {
		user := "pso" + strconv.Itoa(threshold)
		for _, who := range []string{"-plain", "-admin"} {
			d.AddUser(t, samba.User{Name: user + who})
		}
		d.AddPolicy(t, user, 10+i, samba.Lockout{Threshold: threshold, Duration: half, Window: half},
			d.UserDN(user+"-plain"), d.UserDN(user+"-admin"))
	}
	d.AddUser(t, samba.User{Name: "no-pso"})
	plain, admin := start(t, d), start(t, asAdministrator{d})
	for _, tt := range []struct {
		gate *gate.Gate
		user string
		want int
	}{
		{plain, "no-pso", 3},
		{admin, "pso3-admin", 1},
		{admin, "pso4-admin", 2},
		{admin, "pso8-admin", 6},
		{plain, "pso3-plain", 1},
		{plain, "pso8-plain", 1},
	} {
		junk(t, tt.gate, tt.user, 12)
		dn := d.UserDN(tt.user)
		if n := d.BadPasswords(t, dn); n != tt.want || d.IsLocked(t, dn) {
			t.Errorf("%s: %d wrong passwords are counted, locked %t, want %d and false", tt.user, n, d.IsLocked(t, dn), tt.want)
		}
	}
}

// TestCheckTellsTheThreshold: check --online prints the domain's rule and what follows from it.
func TestCheckTellsTheThreshold(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	said := prepare(t, d).Run(t, "", "check --online")
	for _, want := range []string{"5 wrong passwords", "lockoutThreshold of " + d.BaseDN, "at most 3 binds"} {
		if !strings.Contains(said.Out, want) {
			t.Errorf("check --online does not say %q:\n%s%s", want, said.Out, said.Err)
		}
	}
}

// TestWhatTheDomainCountsCounts: with wrong passwords from elsewhere, no bind of the gate is the one that locks; who was
// proven before is let in all the same.
func TestWhatTheDomainCountsCounts(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	g := start(t, d)
	for _, user := range []string{"desk3", "desk4", "desk4-known"} {
		d.AddUser(t, samba.User{Name: user})
	}
	g.MustGrant(t, "desk4-known", d.Password)
	wrongAtTheDesk(t, d, "desk3", 3)
	wrongAtTheDesk(t, d, "desk4", 4)
	wrongAtTheDesk(t, d, "desk4-known", 4)
	for user, want := range map[string]int{"desk3": 4, "desk4": 4} {
		junk(t, g, user, 5)
		if n := d.BadPasswords(t, d.UserDN(user)); n != want || d.IsLocked(t, d.UserDN(user)) {
			t.Errorf("%s: %d wrong passwords are counted, want %d and no lock", user, n, want)
		}
	}
	if a := g.Ask(t, "desk4", d.Password); a.Status != http.StatusTooManyRequests {
		t.Errorf("a password that was never proven, one attempt below the lock = %d, want 429", a.Status)
	}
	g.MustGrant(t, "desk4-known", d.Password)
}

// TestChangedPasswordEndsWrongMemory: a password that was wrong works seconds after it became the right one, and was
// sent once until then.
func TestChangedPasswordEndsWrongMemory(t *testing.T) {
	t.Parallel()
	const next = "N3xt-Passw0rd"
	d := samba.Shared(t)
	g := start(t, d)
	dn := d.AddUser(t, samba.User{Name: "early"})
	for range 5 {
		if a := g.Ask(t, "early", next); a.Status != http.StatusUnauthorized {
			t.Fatalf("a password that is not set yet = %d, want 401", a.Status)
		}
	}
	if n := d.BadPasswords(t, dn); n != 1 {
		t.Errorf("%d wrong passwords are counted, want 1", n)
	}
	d.SetPassword(t, dn, next)
	changed := time.Now()
	loopback.Eventually(t, soon, func() error {
		if a := g.Ask(t, "early", next); a.Status != http.StatusOK {
			return fmt.Errorf("the password that is right by now = %d, want 200", a.Status)
		}
		return nil
	})
	t.Logf("the new password works after %v", time.Since(changed).Round(100*time.Millisecond))
}

// TestLDAP30_ChangedPasswordIsBoundAgain: with proven_for, a login after another one needs no bind. Once the password was
// changed, the old one, which the domain still takes for an hour, is bound again.
func TestLDAP30_ChangedPasswordIsBoundAgain(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	g := start(t, d, func(s gate.Settings) { s.Directory()["proven_for"] = "60s" })
	dn := d.AddUser(t, samba.User{Name: "positive"})
	binds := func() float64 { return g.Metric(t, "wharfgate_ldap_operations_total", `op="user_bind"`) }
	g.MustGrant(t, "positive", d.Password)
	before := binds()
	for range 5 {
		g.MustGrant(t, "positive", d.Password)
	}
	if n := binds(); n != before {
		t.Errorf("%v binds after five more logins, want %v", n, before)
	}
	if n := g.Metric(t, "wharfgate_logins_without_bind_total", `why="recent"`); n != 5 {
		t.Errorf("%v logins without a bind, want 5", n)
	}
	d.SetPassword(t, dn, "An0ther-Passw0rd")
	loopback.Eventually(t, soon, func() error {
		g.Ask(t, "positive", d.Password)
		if binds() == before {
			return fmt.Errorf("still %v binds", before)
		}
		return nil
	})
}

// TestLDAP59_ANoIsNeverOverruled: what the domain has refused stays refused while it is away, although proven passwords
// and old groups would do.
func TestLDAP59_ANoIsNeverOverruled(t *testing.T) {
	t.Parallel()
	d := samba.Start(t, samba.Options{})
	g := start(t, d, func(s gate.Settings) {
		s.Directory()["cache"] = gate.Settings{"ttl": "1s", "stale_if_down": "1h"}
		s.Directory()["proven_if_down"] = "1h"
	})
	users := map[string]func(dn string){
		"stays":    func(string) {},
		"disabled": func(dn string) { d.Disable(t, dn) },
		"removed":  func(dn string) { d.Remove(t, dn) },
	}
	for user := range users {
		d.AddUser(t, samba.User{Name: "no-" + user})
		g.MustGrant(t, "no-"+user, d.Password)
	}
	for user, change := range users {
		change(d.UserDN("no-" + user))
		want := http.StatusUnauthorized
		if user == "stays" {
			want = http.StatusOK
		}
		loopback.Eventually(t, soon, func() error {
			if a := g.Ask(t, "no-"+user, d.Password); a.Status != want {
				return fmt.Errorf("%s = %d, want %d", user, a.Status, want)
			}
			return nil
		})
	}
	d.Kill(t)
	for user := range users {
		a := g.Ask(t, "no-"+user, d.Password)
		switch {
		case user == "stays" && a.Status != http.StatusOK:
			t.Errorf("who was proven and not refused = %d %s, want 200", a.Status, a.Body)
		case user != "stays" && a.Status == http.StatusOK:
			t.Errorf("%s got a token while the domain is away", user)
		}
	}
}
