package directory_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/directorytest"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// TestP28_P29_P30_NeverReachTheDirectory: names that cannot be one and passwords that are none.
func TestP28_P29_P30_NeverReachTheDirectory(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, login, password string
		want                  identity.Reason
	}{
		{"nothing", "", "", identity.ReasonBadName},
		{"empty name", "", right, identity.ReasonBadName},
		{"empty password", "alice", "", identity.ReasonWrongPassword},
		{"password of spaces", "alice", " \t\u00a0\n", identity.ReasonWrongPassword},
		{"password that C takes for empty", "alice", "\x00" + right, identity.ReasonWrongPassword},
		{"NUL", "alice\x00", right, identity.ReasonBadName},
		{"newline", "ali\nce", right, identity.ReasonBadName},
		{"tab", "\talice", right, identity.ReasonBadName},
		{"DEL", "alice\x7f", right, identity.ReasonBadName},
		{"C1 control", "alice\u0085", right, identity.ReasonBadName},
		{"not UTF-8", "alice\xff", right, identity.ReasonBadName},
		{"too long", strings.Repeat("a", 257), right, identity.ReasonBadName},
		{"very long", strings.Repeat("a", 10_000), right, identity.ReasonBadName},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			_, err := r.login(t.Context(), tt.login, tt.password)
			wantReason(t, err, tt.want)
			if !errors.Is(err, identity.ErrInvalidCredentials) {
				t.Errorf("error = %v, want ErrInvalidCredentials", err)
			}
			if calls := r.fake.Calls(); calls != (directorytest.Calls{}) {
				t.Errorf("the directory was asked %+v, want nothing", calls)
			}
		})
	}
}

// TestP30_PasswordsArriveUnchanged: whatever is not empty, or taken for it, is a password, with the spaces around it.
func TestP30_PasswordsArriveUnchanged(t *testing.T) {
	t.Parallel()
	for _, password := range []string{" a:b ", "påß wörd", "x\x00y", strings.Repeat("p", 1024)} {
		r := newRoom(t)
		u := alice()
		u.Password = password
		r.fake.Put(u)
		if _, err := r.login(t.Context(), "alice", password); err != nil {
			t.Errorf("login with %q: %v", password, err)
		}
		if _, err := r.login(t.Context(), "alice", password+" "); err == nil {
			t.Errorf("login with %q and a space more: no error", password)
		}
	}
}

// TestP31_NamesArriveUnchanged: what means something in a filter is the Backend's to escape, once.
func TestP31_NamesArriveUnchanged(t *testing.T) {
	t.Parallel()
	for _, login := range []string{"jo(se)", "émile", "o'brien", `CORP\alice`, "a*", "x,y+z", `"q"`, " alice", strings.Repeat("a", 256)} {
		r := newRoom(t)
		var got string
		r.fake.OnFind = func(_ context.Context, login string) error {
			got = login
			return nil
		}
		_, err := r.login(t.Context(), login, right)
		wantReason(t, err, identity.ReasonNotFound)
		if got != login {
			t.Errorf("the directory was asked for %q, want %q", got, login)
		}
	}
}

// FuzzNames: whatever reaches a Backend is UTF-8 without control characters and of bounded length, and an
// empty password never does.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"alice", "", "a\x00b", "é", "\xff", strings.Repeat("x", 257), `CORP\alice`, "\u0085", "*)(uid=*"} {
		f.Add(s, right)
		f.Add(s, "")
	}
	f.Fuzz(func(t *testing.T, login, password string) {
		fake := directorytest.NewFake(alice())
		asked := false
		fake.OnFind = func(_ context.Context, login string) error {
			asked = true
			if login == "" || len(login) > 256 || !utf8.ValidString(login) || strings.ContainsFunc(login, unicode.IsControl) {
				t.Errorf("%q reached the directory", login)
			}
			return nil
		}
		auth, err := directory.New(directory.Options{Source: "corp", Backend: fake})
		if err != nil {
			t.Fatal(err)
		}
		p, err := auth.Authenticate(t.Context(), identity.Credentials{Username: login, Password: identity.NewSecret(password)})
		if password == "" && asked {
			t.Errorf("an empty password of %q reached the directory", login)
		}
		if (err == nil) != (password == right && p.Name == "alice") {
			t.Errorf("login %q with %q = %+v, %v", login, password, p, err)
		}
		if _, err := auth.Resolve(t.Context(), "", login); err != nil && !errors.Is(err, identity.ErrInvalidCredentials) {
			t.Errorf("Resolve(%q): %v", login, err)
		}
	})
}
