package integration_test

import (
	"context"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
	"github.com/wharfgate/wharfgate/pkg/directory/directorytest"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// TestBackendConformsOnSlapd: what every backend must do, done by the LDAP backend on a real directory, which goes
// away and comes back at the end.
func TestBackendConformsOnSlapd(t *testing.T) {
	t.Parallel()
	for _, method := range []ldap.Method{ldap.MemberSearch, ldap.MemberOf} {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			d := slapd.Start(t, slapd.Options{})
			const known, other = "Kn0wn-to-us", "0ther-than-that"
			for uid, password := range map[string]string{"known": known, "other": other} {
				d.AddPerson(t, uid)
				d.SetPassword(t, uid, password)
			}
			d.SetMail(t, "known", "known@example.org")
			d.SetMail(t, "nora", "twin@example.org")
			d.SetMail(t, "dana", "twin@example.org")
			d.AddGroup(t, slapd.Names, "devs", d.PersonDN("known"))
			d.AddGroup(t, slapd.Names, "staff", d.GroupDN("devs"), d.PersonDN("other"))
			groups := []string{d.GroupDN("devs"), d.GroupDN("staff")}
			if method == ldap.MemberSearch { // memberOf of this server knows groupOfNames alone
				d.AddGroup(t, slapd.UniqueNames, "mailers", d.PersonDN("known"))
				d.AddGroup(t, slapd.Posix, "shell", "known")
				groups = append(groups, d.GroupDN("mailers"), d.GroupDN("shell"))
			}
			b := startBackend(t, d, method)
			directorytest.Run(t, directorytest.Harness{
				Backend: b,
				Known: directorytest.Account{
					Logins: []string{"known", "KNOWN", "known@example.org"}, Name: "known",
					Password: identity.NewSecret(known), Groups: groups,
				},
				Other: directorytest.Account{
					Logins: []string{"other"}, Name: "other", Password: identity.NewSecret(other), Groups: []string{d.GroupDN("staff")},
				},
				WrongPassword: identity.NewSecret("neither"), Unknown: "nobody-of-that-name", Ambiguous: "twin@example.org",
				Refused: []directorytest.Refused{
					{Login: "locked", Password: identity.NewSecret(d.Password), Reason: identity.ReasonLocked},
					{Login: "expired", Password: identity.NewSecret(d.Password), Reason: identity.ReasonPasswordExpired},
					{Login: "mustchange", Password: identity.NewSecret(d.Password), Reason: identity.ReasonMustChange},
				},
				Down: func() { d.Kill(t) },
				Up: func() {
					d.Restart(t)
					loopback.Eventually(t, recovery, func() error {
						_, err := b.Find(t.Context(), "known", 0)
						return err
					})
				},
			})
		})
	}
}

// startBackend runs a backend until the test ends.
func startBackend(t *testing.T, d *slapd.Server, method ldap.Method) *ldap.Backend {
	t.Helper()
	b, err := ldap.New(ldap.Options{
		Source: "corp", Servers: []string{d.URL}, TLS: d.TLS(t), BaseDN: d.BaseDN,
		BindDN: d.BindDN, BindPassword: func() (identity.Secret, error) { return identity.NewSecret(d.Password), nil },
		Users:  ldap.Users{BaseDN: "ou=people," + d.BaseDN, LoginAttributes: []string{"uid", "mail"}},
		Groups: ldap.Groups{BaseDN: "ou=groups," + d.BaseDN, Method: method, Nested: true},
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
