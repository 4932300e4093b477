package backend_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/samba"
	"github.com/wharfgate/wharfgate/pkg/directory/directorytest"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	s := samba.Shared(t)
	known := s.AddUser(t, samba.User{Name: "conform", Attributes: map[string][]string{"mail": {"c.form@mail.example"}}})
	s.AddUser(t, samba.User{Name: "conform2", Password: "An0ther-one"})
	twin := func(name string) {
		s.AddUser(t, samba.User{Name: name, Attributes: map[string][]string{"mail": {"twin@mail.example"}}})
	}
	twin("conform3")
	twin("conform4")
	inner := s.AddGroup(t, samba.Global, "conform-inner", known)
	s.AddGroup(t, samba.DomainLocal, "conform-outer", inner)
	off := s.AddUser(t, samba.User{Name: "conform5"})
	s.Disable(t, off)
	users, everybody := "CN=Domain Users,CN=Users,"+s.BaseDN, "CN=Users,CN=Builtin,"+s.BaseDN
	for _, method := range methods() {
		err := directorytest.Check(t.Context(), directorytest.Harness{
			Backend: start(t, windows(t, s, func(o *ldap.Options) { o.Groups.Method = method })),
			Known: directorytest.Account{
				Logins: []string{
					"conform", "CONFORM", "conform@corp.example", "Conform@CORP.example", `CORP\conform`, `corp\CONFORM`,
					`corp.example\conform`, "conform@corp", "C.Form@mail.example",
				},
				Name: "conform", Password: identity.NewSecret(s.Password),
				Groups: []string{s.GroupDN("conform-inner"), s.GroupDN("conform-outer"), users, everybody},
			},
			Other: directorytest.Account{
				Logins: []string{"conform2"}, Name: "conform2", Password: identity.NewSecret("An0ther-one"), Groups: []string{users, everybody},
			},
			WrongPassword: identity.NewSecret("wrong"), Unknown: "nobody", Ambiguous: "twin@mail.example",
			Refused: []directorytest.Refused{{Login: "conform5", Password: identity.NewSecret(s.Password), Reason: identity.ReasonDisabled}},
		})
		if err != nil {
			t.Errorf("%s: %v", method, err)
		}
		s.Set(t, known, "lockoutTime", "0") // wrong passwords were tried
	}
}

// TestLDAP02_OneIdentity: whatever form of a name is typed, the identity is the entry's own.
func TestLDAP02_OneIdentity(t *testing.T) {
	t.Parallel()
	s := samba.Shared(t)
	b := start(t, windows(t, s, nil))
	want, err := b.Find(t.Context(), "bob", 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.ID) != 36 || strings.ToLower(want.ID) != want.ID || want.Name != "bob" || want.PasswordChanged.IsZero() {
		t.Errorf("Find(bob) = %+v, want a GUID, the sAMAccountName and when the password changed", want)
	}
	for _, name := range []string{"BOB", `CORP\bob`, `corp\Bob`, "robert@corp.example", "Robert@CORP.EXAMPLE", "bob@corp.example", "bob@CORP"} {
		e, err := b.Find(t.Context(), name, 0)
		if err != nil || e.ID != want.ID || e.Name != "bob" {
			t.Errorf("Find(%q) = %q %q, %v, want bob", name, e.ID, e.Name, err)
		}
	}
	if e, err := b.Find(t.Context(), "bob@other.example", 0); err != nil || e.Name != "mallory" {
		t.Errorf("Find(bob@other.example) = %q, %v, want mallory, whose userPrincipalName that is", e.Name, err)
	}
	if e, err := b.FindID(t.Context(), want.ID, 0); err != nil || e.DN != want.DN {
		t.Errorf("FindID = %+v, %v", e, err)
	}
}

// TestLDAP03_OtherFormsOfNames: what a domain controller takes as the name of a bind is no login here.
func TestLDAP03_OtherFormsOfNames(t *testing.T) {
	t.Parallel()
	s := samba.Shared(t)
	b := start(t, windows(t, s, nil))
	e, err := b.Find(t.Context(), "alice", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"corp.example/Test/People/alice", "corp.example/Test/People\nalice", e.DN, e.ID, "{" + e.ID + "}", "<GUID=" + e.ID + ">",
		s.SID + "-1104", "<SID=" + s.SID + "-1104>", "alice@", "@corp.example", `CORP\`, `\alice`, `CORP\\alice`, `CORP\corp\alice`,
		`CORP\alice@corp.example`, "alice@corp.example@corp.example", "alice/corp.example", "ldap/dc1.corp.example",
	} {
		if e, err := b.Find(t.Context(), name, 0); !errors.Is(err, identity.ErrInvalidCredentials) {
			t.Errorf("Find(%q) = %q, %v, want a refusal", name, e.DN, err)
		}
	}
}

// TestLDAP08_UnknownDomain: the name of another domain is never looked for in this one.
func TestLDAP08_UnknownDomain(t *testing.T) {
	t.Parallel()
	s := samba.Shared(t)
	way := tapped(t, s)
	b := start(t, windows(t, s, way.use(t)))
	if _, err := b.Find(t.Context(), `CORP\alice`, 0); err != nil {
		t.Fatal(err)
	}
	mark := way.Mark()
	for _, name := range []string{`OTHER\alice`, `corp.other\alice`, `CORPX\alice`, ` CORP\alice`, `.\alice`} {
		_, err := b.Find(t.Context(), name, 0)
		wantReason(t, name, err, identity.ReasonNotFound)
	}
	for _, r := range way.Since(mark) {
		if strings.Contains(r.Filter, "alice") {
			t.Errorf("searched %s", r.Filter)
		}
	}
	_, err := b.Find(t.Context(), "alice@other.example", 0)
	wantReason(t, "a suffix of nobody", err, identity.ReasonNotFound)
}

// TestLDAP09_MailOfAnother: whoever gives their own entry the userPrincipalName of a victim as a mail address does
// not log in as the victim. The name is ambiguous then, and says so; the victim's other names work on.
func TestLDAP09_MailOfAnother(t *testing.T) {
	t.Parallel()
	s := samba.Shared(t)
	s.AddUser(t, samba.User{Name: "victim"})
	s.AddUser(t, samba.User{Name: "thief", Attributes: map[string][]string{"mail": {"victim@corp.example"}}})
	b := start(t, windows(t, s, nil))
	_, err := b.Find(t.Context(), "victim@corp.example", 0)
	wantReason(t, "the name of both", err, identity.ReasonAmbiguous)
	if err != nil && (!strings.Contains(err.Error(), "CN=victim") || !strings.Contains(err.Error(), "CN=thief")) {
		t.Errorf("the refusal does not name both entries: %v", err)
	}
	for name, want := range map[string]string{"victim": "victim", `CORP\victim`: "victim", "thief": "thief"} {
		if e, err := b.Find(t.Context(), name, 0); err != nil || e.Name != want {
			t.Errorf("Find(%q) = %q, %v, want %s", name, e.Name, err, want)
		}
	}
	// A userPrincipalName without a suffix is nobody's bare name.
	s.AddUser(t, samba.User{Name: "thief2", Attributes: map[string][]string{"userPrincipalName": {"victim@elsewhere"}, "mail": {"victim"}}})
	if e, err := b.Find(t.Context(), "victim", 0); err != nil || e.Name != "victim" {
		t.Errorf("Find(victim) = %q, %v, want the one whose sAMAccountName it is", e.Name, err)
	}
}

// TestLDAP10_OnlyPeople: computers, groups and contacts have no login.
func TestLDAP10_OnlyPeople(t *testing.T) {
	t.Parallel()
	s := samba.Shared(t)
	s.Add(t, s.UserDN("machine1"), map[string][]string{
		"objectClass": {"computer"}, "sAMAccountName": {"machine1$"}, "userAccountControl": {"4096"}, "mail": {"machine1@mail.example"},
	})
	s.Add(t, s.UserDN("contact1"), map[string][]string{"objectClass": {"contact"}, "mail": {"contact1@mail.example"}})
	b := start(t, windows(t, s, func(o *ldap.Options) { o.Users.Filter = "(objectClass=*)" }))
	for _, name := range []string{"machine1$", `CORP\machine1$`, "machine1@mail.example", "contact1@mail.example", "gl-devs", "dc1$", "krbtgt$"} {
		_, err := b.Find(t.Context(), name, 0)
		wantReason(t, name, err, identity.ReasonNotFound)
	}
}
