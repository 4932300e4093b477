package backend_test

import (
	"errors"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/samba"
	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// TestLDAP26_StateShowsInTheBind: each state of an account is refused for its own reason by the bind.
func TestLDAP26_StateShowsInTheBind(t *testing.T) {
	t.Parallel()
	s := samba.Shared(t)
	b := start(t, windows(t, s, nil))
	for name, want := range map[string]identity.Reason{
		"disabled": identity.ReasonDisabled, "expired": identity.ReasonAccountExpired, "pwexpired": identity.ReasonPasswordExpired,
		"mustchange": identity.ReasonMustChange, "nohours": identity.ReasonHours, "nostation": identity.ReasonWorkstation,
		"locked": identity.ReasonLocked,
	} {
		e, err := b.Find(t.Context(), name, 0)
		if err != nil {
			t.Errorf("Find(%q): %v", name, err)
			continue
		}
		_, err = b.Prove(t.Context(), e, identity.NewSecret(s.Password), &attempts{})
		wantReason(t, "bind of "+name, err, want)
	}
}

// TestLDAP29_StateIsReadWithTheGroups: an account's state is seen without a bind as well, each time its groups are read.
func TestLDAP29_StateIsReadWithTheGroups(t *testing.T) {
	t.Parallel()
	s := samba.Shared(t)
	b := start(t, windows(t, s, nil))
	for name, want := range map[string]identity.Reason{
		"disabled": identity.ReasonDisabled, "expired": identity.ReasonAccountExpired, "pwexpired": identity.ReasonPasswordExpired,
		"mustchange": identity.ReasonMustChange, "locked": identity.ReasonLocked,
	} {
		e, err := b.Find(t.Context(), name, 0)
		if err != nil {
			t.Errorf("Find(%q): %v", name, err)
			continue
		}
		_, err = b.Account(t.Context(), e, directory.Proof{}, 0)
		wantReason(t, "account "+name, err, want)
	}
	dn := s.AddUser(t, samba.User{Name: "leaver"})
	e, a, err := login(t.Context(), b, "leaver", s.Password)
	if err != nil || a.PasswordChanged.IsZero() || time.Since(a.PasswordChanged) > time.Hour {
		t.Fatalf("login = %+v, %v, want when the password was set", a, err)
	}
	s.Disable(t, dn)
	_, err = b.Account(t.Context(), e, directory.Proof{}, 0)
	wantReason(t, "disabled since", err, identity.ReasonDisabled)
	s.Enable(t, dn)
	s.Set(t, dn, "pwdLastSet", "0")
	_, err = b.Account(t.Context(), e, directory.Proof{}, 0)
	wantReason(t, "must change since", err, identity.ReasonMustChange)
	s.Set(t, dn, "pwdLastSet", "-1")
	if _, err := b.Account(t.Context(), e, directory.Proof{}, 0); err != nil {
		t.Errorf("account after it was put right: %v", err)
	}
}

// TestLDAP30_PasswordChanged: a new password shows in the entry and in the account.
func TestLDAP30_PasswordChanged(t *testing.T) {
	t.Parallel()
	s := samba.Shared(t)
	dn := s.AddUser(t, samba.User{Name: "changer"})
	s.Local(t, dn, "pwdLastSet", "133800000000000000")
	b := start(t, windows(t, s, nil))
	before, err := b.Find(t.Context(), "changer", 0)
	if want := time.Date(2024, 12, 30, 2, 40, 0, 0, time.UTC); err != nil || !before.PasswordChanged.Equal(want) {
		t.Fatalf("Find = %v, %v, want %v", before.PasswordChanged, err, want)
	}
	s.SetPassword(t, dn, "An0ther-one")
	after, err := b.Find(t.Context(), "changer", 0)
	if err != nil || !after.PasswordChanged.After(before.PasswordChanged) {
		t.Errorf("PasswordChanged = %v, %v, want later than %v", after.PasswordChanged, err, before.PasswordChanged)
	}
	if a, err := b.Account(t.Context(), before, directory.Proof{}, 0); err != nil || !a.PasswordChanged.Equal(after.PasswordChanged) {
		t.Errorf("account's PasswordChanged = %v, %v, want %v", a.PasswordChanged, err, after.PasswordChanged)
	}
}

// TestReusedName: an entry that was remembered is never taken for another account that has its DN or its name by now.
func TestReusedName(t *testing.T) {
	t.Parallel()
	s := samba.Shared(t)
	dn := s.AddUser(t, samba.User{Name: "reused"})
	b := start(t, windows(t, s, nil))
	old, _, err := login(t.Context(), b, "reused", s.Password)
	if err != nil {
		t.Fatal(err)
	}
	s.Move(t, dn, "CN=reused-old", "")
	s.Set(t, s.UserDN("reused-old"), "userPrincipalName", "reused-old@"+s.Domain)
	s.Set(t, s.UserDN("reused-old"), "sAMAccountName", "reused-old")
	s.AddUser(t, samba.User{Name: "reused", Password: "An0ther-one"})
	_, err = b.Account(t.Context(), old, directory.Proof{}, 0)
	wantReason(t, "account that has another name by now", err, identity.ReasonNotFound)
	eventuallyByID(t, b, "reused", "An0ther-one")
	if p, err := b.Prove(t.Context(), old, identity.NewSecret("An0ther-one"), &attempts{}); err == nil {
		t.Errorf("the password of the new account proved the old one: %+v", p)
	}
	p, err := b.Prove(t.Context(), old, identity.NewSecret(s.Password), &attempts{})
	if err != nil || !p.ByID {
		t.Errorf("bind by id of an account that moved = %+v, %v", p, err)
	}
	s.Remove(t, s.UserDN("reused-old"))
	_, err = b.Account(t.Context(), old, directory.Proof{}, 0)
	wantReason(t, "account that is gone", err, identity.ReasonNotFound)
	if _, err := b.FindID(t.Context(), old.ID, 0); !errors.Is(err, identity.ErrInvalidCredentials) {
		t.Errorf("FindID of an account that is gone: %v", err)
	}
}
