package backend_test

import (
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/samba"
	"github.com/wharfgate/wharfgate/pkg/directory/directorytest"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// TestBackendConformsOnADomain: what every backend must do, done on a real domain, which goes away and comes back at the
// end.
func TestBackendConformsOnADomain(t *testing.T) {
	t.Parallel()
	d := samba.Start(t, samba.Options{})
	const known, other = "Kn0wn-to-us", "0ther-than-that"
	dn := d.AddUser(t, samba.User{Name: "known", Password: known, Attributes: map[string][]string{"mail": {"known@mail.example"}}})
	d.AddUser(t, samba.User{Name: "other", Password: other})
	for _, name := range []string{"twin-a", "twin-b"} {
		d.AddUser(t, samba.User{Name: name, Attributes: map[string][]string{"mail": {"twins@mail.example"}}})
	}
	devs := d.AddGroup(t, samba.Global, "devs", dn)
	staff := d.AddGroup(t, samba.Universal, "staff", devs, d.UserDN("other"))
	everybody := []string{"CN=Domain Users,CN=Users," + d.BaseDN, "CN=Users,CN=Builtin," + d.BaseDN}
	b := start(t, windows(t, d, func(o *ldap.Options) {
		o.Timeouts = ldap.Timeouts{Dial: 2 * time.Second, Operation: 4 * time.Second, Stage: 5 * time.Second} // it goes away
	}))
	refused := func(login string, reason identity.Reason) directorytest.Refused {
		return directorytest.Refused{Login: login, Password: identity.NewSecret(d.Password), Reason: reason}
	}
	directorytest.Run(t, directorytest.Harness{
		Backend: b,
		Known: directorytest.Account{
			Logins: []string{"known", "KNOWN", "known@" + d.Domain, d.NetBIOS + `\known`, "known@mail.example"}, Name: "known",
			Password: identity.NewSecret(known), Groups: append([]string{devs, staff}, everybody...),
		},
		Other: directorytest.Account{
			Logins: []string{"other"}, Name: "other", Password: identity.NewSecret(other), Groups: append([]string{staff}, everybody...),
		},
		WrongPassword: identity.NewSecret("neither"), Unknown: "nobody-of-that-name", Ambiguous: "twins@mail.example",
		Refused: []directorytest.Refused{
			refused("disabled", identity.ReasonDisabled), refused("expired", identity.ReasonAccountExpired),
			refused("pwexpired", identity.ReasonPasswordExpired), refused("mustchange", identity.ReasonMustChange),
			refused("locked", identity.ReasonLocked), refused("nohours", identity.ReasonHours), refused("nostation", identity.ReasonWorkstation),
		},
		Down: func() { d.Kill(t) },
		Up: func() {
			d.Restart(t)
			loopback.Eventually(t, time.Minute, func() error {
				_, err := b.Find(t.Context(), "known", 0)
				return err
			})
		},
	})
}
