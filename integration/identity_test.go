package integration_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// Identity is the directory's entry: not its DN, and not a name that somebody else can take.

func TestAccountMadeAgainAtItsDNIsAnotherAccount(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d)
	const scope = "repository:payments/api:push"
	d.AddPerson(t, "temp")
	d.AddMember(t, "payments", d.PersonDN("temp"))
	if got := granted(mustGrant(t, g, "temp", d.Password, scope), "payments/api"); got == nil {
		t.Fatal("the first holder of the DN gets nothing, want push")
	}
	read := time.Now()
	d.Remove(t, d.PersonDN("temp"))
	d.AddPerson(t, "temp")
	const password = "an0ther-Person"
	d.SetPassword(t, "temp", password)
	loopback.Eventually(t, soon, func() error { // what was read this very moment is taken as it is
		if time.Since(read) < 2*time.Second {
			return errors.New("just read")
		}
		return nil
	})
	if got := granted(mustGrant(t, g, "temp", password, scope), "payments/api"); got != nil {
		t.Errorf("the next holder of the DN gets %q, want nothing", got)
	}
}

func TestMailOfSomebodyElseIsNobodysName(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d, func(s gate.Settings) {
		s.Directory()["users"].(gate.Settings)["login_attributes"] = []string{"mail", "uid"}
	})
	d.SetMail(t, "carol", "alice@example.org")
	for user, want := range map[string]int{"carol": http.StatusUnauthorized, "nora": http.StatusOK} {
		answer, err := g.Asker(serviceV3).Ask(t.Context(), user, d.Password)
		if err != nil || answer.Status != want {
			t.Errorf("%s = %d, %v, want %d", user, answer.Status, err, want)
		}
		if want == http.StatusOK && answer.Claims.Subject != user+"@example.org" {
			t.Errorf("subject = %q, want the mail address", answer.Claims.Subject)
		}
	}
}

func TestCannotForAGroupOutsideTheGroupsBase(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	banned := "cn=banned," + d.BaseDN
	d.AddGroupAt(t, banned, slapd.Names, d.PersonDN("alice"))
	g := startGate(t, d)
	g.SetPolicy(t, sitePolicy+`  - {who: "group:`+banned+`", cannot: push, repos: "**"}`+"\n")
	g.Reload(t)
	answer := mustGrant(t, g, "alice", d.Password, "repository:payments/api:pull,push")
	if got := granted(answer, "payments/api"); !slices.Equal(got, []string{"pull"}) {
		t.Errorf("granted = %q, want pull alone", got)
	}
}
