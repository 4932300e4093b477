package directory_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/directorytest"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// house is a company with two directories. Both have an alice: with another password, another id, other groups.
type house struct {
	corp, partner *room
	realms        *directory.Realms
}

const partnerRight = "right at the partner"

// newHouse builds it. Edits change the options of the router.
func newHouse(tb testing.TB, edits ...func(*directory.RealmsOptions)) *house {
	tb.Helper()
	h := &house{
		corp: newRoom(tb, counted, func(s *setup) { s.cached.StaleIfDown = time.Hour }),
		partner: newRoom(tb, counted, func(s *setup) {
			s.cached.Source, s.auth.Source = "partner", "partner"
			s.users = []directorytest.User{
				{Name: "alice", ID: "p-alice", Password: partnerRight, Groups: []identity.Group{identity.NewGroup("p1", "cn=devs,dc=partner", "devs")}},
				{Name: "pat", Password: partnerRight, Aliases: []string{"p.smith@partner.example"}},
			}
		}),
	}
	o := directory.RealmsOptions{Directories: []directory.Realm{
		{Directory: h.corp.auth, Names: []string{"CORP", "corp.example"}},
		{Directory: h.partner.auth, Names: []string{"PARTNER", "partner.example"}},
	}}
	for _, edit := range edits {
		edit(&o)
	}
	var err error
	if h.realms, err = directory.NewRealms(o); err != nil {
		tb.Fatal(err)
	}
	return h
}

// counted lets a room count names without an account.
func counted(s *setup) {
	strangers, err := guard.NewStrangers(guard.StrangersOptions{})
	if err == nil {
		s.auth.Strangers = strangers
	}
}

func inOrder(o *directory.RealmsOptions) { o.Lookup = directory.InOrder }

func (h *house) login(ctx context.Context, name, password string) (identity.Principal, error) {
	return h.realms.Authenticate(ctx, identity.Credentials{Username: name, Password: identity.NewSecret(password)})
}

// binds are how many passwords either directory was sent.
func (h *house) binds() [2]int { return [2]int{h.corp.fake.Calls().Bind, h.partner.fake.Calls().Bind} }

// TestLDAP66_RealmsDecide: what was typed decides which directory is sent the password, and no other one is.
func TestLDAP66_RealmsDecide(t *testing.T) {
	t.Parallel()
	tests := []struct {
		typed, password string
		want            string // source and name, or the reason of the refusal
		binds           [2]int
		edits           []func(*directory.RealmsOptions)
	}{
		{typed: "alice", password: right, want: "corp alice", binds: [2]int{1, 0}},
		{typed: "alice", password: partnerRight, want: "wrong_password", binds: [2]int{1, 0}},
		{typed: `CORP\alice`, password: right, want: "corp alice", binds: [2]int{1, 0}},
		{typed: `corp\ALICE`, password: right, want: "corp alice", binds: [2]int{1, 0}},
		{typed: "alice@Corp.Example", password: right, want: "corp alice", binds: [2]int{1, 0}},
		{typed: `PARTNER\alice`, password: partnerRight, want: "partner alice", binds: [2]int{0, 1}},
		{typed: `partner.example\alice`, password: partnerRight, want: "partner alice", binds: [2]int{0, 1}},
		{typed: "alice@partner.example", password: partnerRight, want: "partner alice", binds: [2]int{0, 1}},
		{typed: "alice@partner.example", password: right, want: "wrong_password", binds: [2]int{0, 1}},
		{typed: "p.smith@partner.example", password: partnerRight, want: "partner pat", binds: [2]int{0, 1}},
		{typed: "alice@example.org", password: right, want: "corp alice", binds: [2]int{1, 0}}, // a mail address there
		{typed: "pat", password: partnerRight, want: "not_found"},
		{typed: "bob@partner.example", password: partnerRight, want: "not_found"},
		{typed: "alice@nobody.example", password: right, want: "not_found"},
		{typed: `OTHER\alice`, password: right, want: "not_found"},
		{typed: `\alice`, password: right, want: "not_found"},
		{typed: `OTHER\alice@partner.example`, password: partnerRight, want: "not_found"},
		{typed: `CORP\`, password: right, want: "bad_name"},
		{typed: "@partner.example", password: right, want: "bad_name"},
		{typed: "alice@partner.example", password: "", want: "wrong_password"},
		{typed: "alice@@partner.example", password: partnerRight, want: "not_found"},

		{typed: "alice", password: right, want: "corp alice", binds: [2]int{1, 0}, edits: orders()},
		{typed: "alice", password: partnerRight, want: "wrong_password", binds: [2]int{1, 0}, edits: orders()},
		{typed: "pat", password: partnerRight, want: "partner pat", binds: [2]int{0, 1}, edits: orders()},
		{typed: "p.smith@partner.example", password: partnerRight, want: "partner pat", binds: [2]int{0, 1}, edits: orders()},
		{typed: "pat@corp.example", password: partnerRight, want: "not_found", edits: orders()},
		{typed: `OTHER\alice`, password: right, want: "not_found", edits: orders()},
		{typed: "nobody", password: right, want: "not_found", edits: orders()},
		{typed: "", password: right, want: "bad_name", edits: orders()},
	}
	for _, tt := range tests {
		t.Run(tt.typed+" "+tt.want, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, tt.edits...)
			p, err := h.login(t.Context(), tt.typed, tt.password)
			if got := p.Source + " " + p.Name; err == nil && got != tt.want {
				t.Errorf("login %q = %q, want %q", tt.typed, got, tt.want)
			}
			if err != nil {
				wantReason(t, err, identity.Reason(tt.want))
			}
			if got := h.binds(); got != tt.binds {
				t.Errorf("login %q sent %d binds, want %d", tt.typed, got, tt.binds)
			}
		})
	}
}

// orders are the options of a search in order.
func orders() []func(*directory.RealmsOptions) { return []func(*directory.RealmsOptions){inOrder} }

// TestLDAP08_UnknownPrefixAsksNobody: a prefix that no directory has is refused, and nothing is searched for.
func TestLDAP08_UnknownPrefixAsksNobody(t *testing.T) {
	t.Parallel()
	for _, edit := range []func(*directory.RealmsOptions){func(*directory.RealmsOptions) {}, inOrder} {
		h := newHouse(t, edit)
		_, err := h.login(t.Context(), `OTHER\alice`, right)
		wantReason(t, err, identity.ReasonNotFound)
		if calls := [2]directorytest.Calls{h.corp.fake.Calls(), h.partner.fake.Calls()}; calls != ([2]directorytest.Calls{}) {
			t.Errorf("the directories were asked %+v", calls)
		}
		if h.corp.heard("login corp not_found") != 1 {
			t.Errorf("told %v, want the refusal", h.corp.told)
		}
	}
}

// TestFormAsTyped: a directory that reads realms itself gets all that was typed, also a prefix that nobody lists.
func TestFormAsTyped(t *testing.T) {
	t.Parallel()
	var asked []string
	h := newHouse(t, func(o *directory.RealmsOptions) {
		o.Directories[0].Form, o.Directories[0].Names = directory.AsTyped, []string{"corp.example"}
	})
	h.corp.fake.OnFind = func(_ context.Context, login string) error {
		asked = append(asked, login)
		return nil
	}
	for _, typed := range []string{"alice@corp.example", `OTHER\alice`, "alice"} {
		_, _ = h.login(t.Context(), typed, right)
	}
	if want := []string{"alice@corp.example", `OTHER\alice`, "alice"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
}

// TestOneDirectoryNeedsNoRealm: alone, a directory gets what was typed, but for its own realms.
func TestOneDirectoryNeedsNoRealm(t *testing.T) {
	t.Parallel()
	r := newRoom(t, func(s *setup) {
		s.users = append(s.users, directorytest.User{Name: `old\style`, Password: right}, directorytest.User{Name: "a@b", Password: right})
	})
	realms, err := directory.NewRealms(directory.RealmsOptions{Directories: []directory.Realm{{Directory: r.auth, Names: []string{"CORP"}}}})
	if err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]string{"alice": "alice", `CORP\alice`: "alice", `old\style`: `old\style`, "a@b": "a@b"} {
		p, err := realms.Authenticate(t.Context(), identity.Credentials{Username: typed, Password: identity.NewSecret(right)})
		if err != nil || p.Name != want {
			t.Errorf("login %q = %q, %v, want %q", typed, p.Name, err, want)
		}
	}
}

// TestLDAP66_OneDirectoryDown: it breaks the logins that belong to it, and no others.
func TestLDAP66_OneDirectoryDown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.corp.fake.Down()
	_, err := h.login(t.Context(), "alice", right)
	wantUnavailable(t, err, "corp")
	if p, err := h.login(t.Context(), "alice@partner.example", partnerRight); err != nil || p.Source != "partner" {
		t.Errorf("login at the other one = %+v, %v", p, err)
	}
	h.corp.fake.Up()
	h.partner.fake.Down()
	for _, typed := range []string{"alice@partner.example", `PARTNER\alice`, "nobody@partner.example"} {
		_, err = h.login(t.Context(), typed, partnerRight)
		wantUnavailable(t, err, "partner")
	}
	if p, err := h.login(t.Context(), "alice", right); err != nil || p.Source != "corp" {
		t.Errorf("login at the default one = %+v, %v", p, err)
	}
}

// wantUnavailable checks that a directory says to come again.
func wantUnavailable(tb testing.TB, err error, source string) {
	tb.Helper()
	retry, ok := errors.AsType[*identity.RetryError](err)
	if !ok || !errors.Is(err, identity.ErrUnavailable) || errors.Is(err, identity.ErrInvalidCredentials) || retry.Source != source {
		tb.Errorf("error = %v, want that directory %s is unavailable", err, source)
	}
}

// TestLDAP66_InOrderWaitsForTheFirst: while an earlier directory is down, a later one is asked for no name that the
// earlier one might have. Names with a realm go on, and those that are known of the earlier one, too.
func TestLDAP66_InOrderWaitsForTheFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, inOrder)
		if _, err := h.login(t.Context(), "alice", right); err != nil {
			t.Fatal(err)
		}
		h.corp.fake.Down()
		before := h.partner.fake.Calls()
		for _, typed := range []string{"pat", "nobody", "p.smith@partner.test"} {
			_, err := h.login(t.Context(), typed, partnerRight)
			wantUnavailable(t, err, "corp")
		}
		if got := h.partner.fake.Calls(); got != before {
			t.Errorf("the later directory was asked %+v, before %+v", got, before)
		}
		_, err := h.login(t.Context(), "alice", right) // known there; but the password cannot be proven now
		wantUnavailable(t, err, "corp")
		if p, err := h.login(t.Context(), "pat@partner.example", partnerRight); err != nil || p.Source != "partner" {
			t.Errorf("login with a realm = %+v, %v", p, err)
		}
		h.corp.fake.Up()
		h.partner.fake.Down()
		if _, err := h.login(t.Context(), "alice", right); err != nil {
			t.Errorf("login at the first while the second is down: %v", err)
		}
		_, err = h.login(t.Context(), "pat", partnerRight)
		wantUnavailable(t, err, "partner")
	})
}

// TestUnknownNamesAreCountedAlike: a name that no directory has is answered 429 after as many passwords as an account,
// whether it is unknown by its realm or by its name.
func TestUnknownNamesAreCountedAlike(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{`OTHER\alice`, "nobody", "nobody@partner.example"} {
		for _, edits := range [][]func(*directory.RealmsOptions){nil, orders()} {
			h := newHouse(t, edits...)
			var got []bool
			for _, junk := range []string{"1", "2", "3", "4"} {
				_, err := h.login(t.Context(), typed, junk)
				got = append(got, errors.Is(err, identity.ErrThrottled))
			}
			if want := []bool{false, false, false, true}; !slices.Equal(got, want) {
				t.Errorf("%q is throttled %v, want %v", typed, got, want)
			}
		}
	}
}

// TestRealmsResolve: a source names the directory; without one the name is routed, and an id is the default one's.
func TestRealmsResolve(t *testing.T) {
	t.Parallel()
	tests := []struct{ source, name, want string }{
		{"", "alice", "corp id-alice"},
		{"corp", "alice", "corp id-alice"},
		{"partner", "alice", "partner p-alice"},
		{"partner", "alice@partner.example", "partner p-alice"},
		{"partner", `PARTNER\alice`, "partner p-alice"},
		{"partner", `CORP\alice`, "not_found"},
		{"partner", "id:p-alice", "partner p-alice"},
		{"partner", "id:id-alice", "not_found"},
		{"", "alice@partner.example", "partner p-alice"},
		{"", `OTHER\alice`, "not_found"},
		{"", "id:id-alice", "corp id-alice"},
		{"", "id:p-alice", "not_found"},
		{"lab", "alice", "not_found"},
	}
	h := newHouse(t)
	for _, tt := range tests {
		p, err := h.realms.Resolve(t.Context(), tt.source, tt.name)
		if got := p.Source + " " + p.ID; err == nil && got != tt.want {
			t.Errorf("Resolve(%q, %q) = %q, want %q", tt.source, tt.name, got, tt.want)
		}
		if err != nil {
			wantReason(t, err, identity.Reason(tt.want))
		}
		source, e, errFind := h.realms.Find(t.Context(), tt.source, tt.name)
		if got := source + " " + e.ID; errFind == nil && got != tt.want || (err == nil) != (errFind == nil) {
			t.Errorf("Find(%q, %q) = %q, %v, want %q", tt.source, tt.name, got, errFind, tt.want)
		}
	}
}

func TestNewRealmsRefuses(t *testing.T) {
	t.Parallel()
	a, b := newRoom(t).auth, newRoom(t, func(s *setup) { s.auth.Source = "b" }).auth
	tests := map[string]directory.RealmsOptions{
		"none":             {},
		"nil":              {Directories: []directory.Realm{{}}},
		"twice":            {Directories: []directory.Realm{{Directory: a}, {Directory: a}}},
		"one realm of two": {Directories: []directory.Realm{{Directory: a, Names: []string{"X"}}, {Directory: b, Names: []string{"x"}}}},
		"empty realm":      {Directories: []directory.Realm{{Directory: a, Names: []string{""}}}},
		"unknown default":  {Directories: []directory.Realm{{Directory: a}}, Default: "b"},
	}
	for name, o := range tests {
		if _, err := directory.NewRealms(o); !errors.Is(err, directory.ErrInvalidOptions) {
			t.Errorf("%s: NewRealms = %v, want ErrInvalidOptions", name, err)
		}
	}
	if r, err := directory.NewRealms(directory.RealmsOptions{Directories: []directory.Realm{{Directory: a}, {Directory: b}}, Default: "b"}); err != nil {
		t.Error(err)
	} else if _, err := r.Resolve(t.Context(), "", "alice"); err != nil {
		t.Error(err)
	}
}

// FuzzRealms: whatever is typed, a password is sent to one directory at most, and who is let in has the password of
// the account in the directory that is named.
func FuzzRealms(f *testing.F) {
	for _, s := range []string{"alice", `CORP\alice`, "alice@partner.example", `PARTNER\pat`, "pat", `a\b@c`, "@", `\`, "id:p-alice"} {
		f.Add(s, partnerRight, true)
		f.Add(s, right, false)
	}
	f.Fuzz(func(t *testing.T, typed, password string, search bool) {
		h := newHouse(t, func(o *directory.RealmsOptions) {
			if search {
				o.Lookup = directory.InOrder
			}
		})
		p, err := h.login(t.Context(), typed, password)
		if b := h.binds(); b[0]+b[1] > 1 {
			t.Errorf("login %q sent %d binds", typed, b)
		}
		if err != nil {
			return
		}
		secret := map[string]string{"corp": right, "partner": partnerRight}[p.Source]
		if password != secret {
			t.Errorf("login %q with %q = %s@%s", typed, password, p.Name, p.Source)
		}
	})
}
