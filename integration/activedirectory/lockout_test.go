package activedirectory_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/samba"
	"github.com/wharfgate/wharfgate/integration/internal/tap"
)

// The domain locks an account after five wrong passwords.

// TestLDAP04_EmptyPasswordsAreNotSent: an empty password is a wrong one to this domain, and a login to others.
func TestLDAP04_EmptyPasswordsAreNotSent(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	p := tap.Start(t, d.Address+":636", d.TLS(t))
	g := start(t, d, through(p))
	g.MustGrant(t, "u0009", d.Password)
	mark := p.Mark()
	for _, password := range []string{"", "\x00", "\x00\x00", " ", "\t \u00a0"} {
		if answer := g.Ask(t, "u0009", password); answer.Status != http.StatusUnauthorized && answer.Status != http.StatusBadRequest {
			t.Errorf("password %q = %d, want 401", password, answer.Status)
		}
	}
	for _, r := range p.Since(mark) {
		if r.Operation == tap.Bind && strings.Contains(r.Name, d.UserDN("u0009")) {
			t.Errorf("an empty password was sent: %+v", r)
		}
	}
	if n := d.BadPasswords(t, d.UserDN("u0009")); n != 0 {
		t.Errorf("%d wrong passwords are counted, want none", n)
	}
}

// TestLDAP32_OneWrongPasswordIsSentOnce, however many clients have it.
func TestLDAP32_OneWrongPasswordIsSentOnce(t *testing.T) {
	t.Parallel()
	d, g := shared(t)
	var clients sync.WaitGroup
	for range 100 {
		clients.Go(func() {
			answer, err := g.Asker(gate.Service).Ask(t.Context(), "u0010", "stale")
			if err != nil || answer.Status != http.StatusUnauthorized {
				t.Errorf("a wrong password = %d, %v, want 401", answer.Status, err)
			}
		})
	}
	clients.Wait()
	if n := d.BadPasswords(t, d.UserDN("u0010")); n != 1 {
		t.Errorf("%d wrong passwords are counted, want 1", n)
	}
}

// guess tries so many different wrong passwords, some at once.
func guess(t *testing.T, g *gate.Gate, user string, passwords int) {
	t.Helper()
	const atOnce = 10
	for from := 0; from < passwords; from += atOnce {
		var clients sync.WaitGroup
		for i := from; i < from+atOnce; i++ {
			clients.Go(func() {
				answer, err := g.Asker(gate.Service).Ask(t.Context(), user, "guess "+strconv.Itoa(i))
				if err != nil || answer.Token != "" {
					t.Errorf("a wrong password = %d, %v", answer.Status, err)
				}
			})
		}
		clients.Wait()
	}
}

// TestLDAP33_P34_ManyWrongPasswordsLockNobody: the gate stops below the threshold that holds for the account, be it the
// domain's, or that of a fine-grained policy.
func TestLDAP33_P34_ManyWrongPasswordsLockNobody(t *testing.T) {
	t.Parallel()
	d, g := shared(t)
	strict := d.AddUser(t, samba.User{Name: "strict"})
	d.AddPolicy(t, "strict", 10, samba.Lockout{Threshold: 3}, strict)
	grouped := d.AddUser(t, samba.User{Name: "grouped"})
	d.AddPolicy(t, "grouped", 20, samba.Lockout{Threshold: 3}, d.AddGroup(t, samba.Global, "strict-ones", grouped))
	for user, most := range map[string]int{"u0011": 3, "strict": 1, "grouped": 1} {
		guess(t, g, user, 100)
		if n := d.BadPasswords(t, d.UserDN(user)); n < 1 || n > most {
			t.Errorf("%s: %d wrong passwords are counted, want 1 to %d", user, n, most)
		}
		if d.IsLocked(t, d.UserDN(user)) {
			t.Errorf("%s is locked", user)
		}
	}
}

// TestLDAP34_OwnersStayIn: while strangers guess, who was proven before goes on; who was not can come back after the
// window.
func TestLDAP34_OwnersStayIn(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	g := start(t, d)
	g.MustGrant(t, "u0012", d.Password)
	guess(t, g, "u0012", 50)
	for range 3 {
		g.MustGrant(t, "u0012", d.Password)
	}
	guess(t, g, "u0013", 50)
	if answer := g.Ask(t, "u0013", d.Password); answer.Status != http.StatusTooManyRequests || answer.Header.Get("Retry-After") == "" {
		t.Errorf("a right password that was never proven = %d, want 429 with Retry-After", answer.Status)
	}
	if d.IsLocked(t, d.UserDN("u0012")) || d.IsLocked(t, d.UserDN("u0013")) {
		t.Error("an account is locked")
	}
}

// TestLDAP36_LostAnswersAreCounted: a bind whose answer never comes may have been counted by the domain; it is not sent
// over and over.
func TestLDAP36_LostAnswersAreCounted(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	p := tap.Start(t, d.Address+":636", d.TLS(t))
	g := start(t, d, through(p), func(s gate.Settings) { s.Directory()["timeouts"] = gate.Settings{"operation": "3s"} })
	g.MustGrant(t, "u0014", d.Password)
	p.Lose(func(r tap.Request) bool { return r.Operation == tap.Bind && r.Name != d.BindDN })
	mark := p.Mark()
	answer := g.Ask(t, "u0015", "wrong")
	if answer.Status != http.StatusServiceUnavailable {
		t.Errorf("a lost answer = %d %s, want 503", answer.Status, answer.Body)
	}
	sent := 0
	for _, r := range p.Since(mark) {
		if r.Operation == tap.Bind && r.Name != d.BindDN {
			sent++
		}
	}
	if n := d.BadPasswords(t, d.UserDN("u0015")); sent < 1 || sent > 2 || n > sent {
		t.Errorf("%d binds were sent and %d counted, want 1 or 2 of both", sent, n)
	}
	guess(t, g, "u0015", 20)
	if n := d.BadPasswords(t, d.UserDN("u0015")); n > 3 || d.IsLocked(t, d.UserDN("u0015")) {
		t.Errorf("%d wrong passwords are counted, locked = %v, want 3 at most", n, d.IsLocked(t, d.UserDN("u0015")))
	}
}

// TestLDAP35_WrongServicePassword: the service account is not locked by a gate that has its old password.
func TestLDAP35_WrongServicePassword(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	service := d.AddUser(t, samba.User{Name: "svc-old", Password: "N3w-Passw0rd"}) // the gate has everybody's password
	g := prepare(t, d, func(s gate.Settings) { s.Directory().Section("bind")["dn"] = service })
	g.Serve(t)
	var clients sync.WaitGroup
	for i := range 200 {
		clients.Go(func() {
			answer, err := g.Asker(gate.Service).Ask(t.Context(), "u0016", d.Password+strconv.Itoa(i))
			if err != nil || answer.Status != http.StatusServiceUnavailable {
				t.Errorf("token = %d, %v, want 503", answer.Status, err)
			}
		})
	}
	clients.Wait()
	if n := d.BadPasswords(t, service); n != 1 || d.IsLocked(t, service) {
		t.Errorf("the service account has %d wrong passwords, locked = %v; want 1", n, d.IsLocked(t, service))
	}
}
