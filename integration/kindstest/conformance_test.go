package kindstest_test

import (
	"context"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/ds389"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/pkg/directory/directorytest"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// TestBackendConformsOn389: what every backend must do, done on a real 389 Directory Server, which goes away and comes
// back at the end.
func TestBackendConformsOn389(t *testing.T) {
	t.Parallel()
	d := ds389.Start(t)
	for _, uid := range []string{"known", "other"} {
		d.AddPerson(t, uid)
	}
	const known, other = "Kn0wn-to-us", "0ther-than-that"
	d.SetPassword(t, "known", known)
	d.SetPassword(t, "other", other)
	for uid, mail := range map[string]string{"known": "known@example.net", "nora": "twins@example.net", "dana": "twins@example.net"} {
		d.Set(t, d.PersonDN(uid), "mail", mail)
	}
	d.AddGroup(t, "devs", d.PersonDN("known"))
	d.AddGroup(t, "staff", d.GroupDN("devs"), d.PersonDN("other"))
	b := startBackend(t, d)
	refused := func(login string, reason identity.Reason) directorytest.Refused {
		return directorytest.Refused{Login: login, Password: identity.NewSecret(d.Password), Reason: reason}
	}
	directorytest.Run(t, directorytest.Harness{
		Backend: b,
		Known: directorytest.Account{
			Logins: []string{"known", "KNOWN", "known@example.net"}, Name: "known",
			Password: identity.NewSecret(known), Groups: []string{d.GroupDN("devs"), d.GroupDN("staff")},
		},
		Other: directorytest.Account{
			Logins: []string{"other"}, Name: "other", Password: identity.NewSecret(other), Groups: []string{d.GroupDN("staff")},
		},
		WrongPassword: identity.NewSecret("neither"), Unknown: "nobody-of-that-name", Ambiguous: "twins@example.net",
		Refused: []directorytest.Refused{
			refused("disabled", identity.ReasonDisabled), refused("locked", identity.ReasonLocked), refused("mustchange", identity.ReasonMustChange),
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

// startBackend runs a backend with what the kind fills in until the test ends.
func startBackend(t *testing.T, d *ds389.Server) *ldap.Backend {
	t.Helper()
	b, err := ldap.New(ldap.Options{
		Source: "red", Servers: []string{d.URL}, TLS: d.TLS(t), BaseDN: d.BaseDN,
		BindDN: d.BindDN, BindPassword: func() (identity.Secret, error) { return identity.NewSecret(d.Password), nil },
		Users:  ldap.Users{LoginAttributes: []string{"uid", "mail"}, IDAttribute: "nsUniqueId", State: ldap.NsAccountLockState},
		Groups: ldap.Groups{BaseDN: "ou=groups," + d.BaseDN, Nested: true, IDAttribute: "nsUniqueId"},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return b
}
