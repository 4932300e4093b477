package ldap_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/directorytest"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

func TestWindowsConformance(t *testing.T) {
	t.Parallel()
	for _, method := range []ldap.Method{ldap.TokenGroups, ldap.MemberOf, ldap.MemberSearch} {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			s := newDomain()
			b := backend(t, windowsOptions(func(o *ldap.Options) { o.Groups.Method = method }, s))
			groups := []string{
				"CN=devs,OU=groups,DC=example,DC=org", "CN=staff,OU=groups,DC=example,DC=org", "CN=users,OU=groups,DC=example,DC=org",
			}
			if method == ldap.MemberSearch {
				s.change("CN=devs", "member", "CN=Alice,CN=Users,DC=example,DC=org", serviceDN)
			}
			directorytest.Run(t, directorytest.Harness{
				Backend: b,
				Known: directorytest.Account{
					Logins: []string{"alice", "alice@example.org", `EXAMPLE\alice`, "alice@EXAMPLE", "a.alice@mail.example"}, Name: "alice",
					Password: identity.NewSecret("password"), Groups: groups,
				},
				Other:         directorytest.Account{Logins: []string{"svc"}, Name: "svc", Password: identity.NewSecret("service"), Groups: groups},
				WrongPassword: identity.NewSecret("wrong"), Unknown: "nobody",
				Down: func() { s.leave(errRefused) }, Up: func() { s.leave(nil) },
			})
		})
	}
}

// subcodeText is what Active Directory says beside result 49.
func subcodeText(code string) string {
	return "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data " + code + ", v4563\x00"
}

// TestLDAP26_Subcodes: each sub-code has its own reason, and only a wrong password counts as one.
func TestLDAP26_Subcodes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code    string
		reason  identity.Reason
		outcome guard.Outcome
	}{
		{"52e", identity.ReasonWrongPassword, guard.Wrong},
		{"525", identity.ReasonNotFound, guard.Refused},
		{"52f", identity.ReasonRestricted, guard.Refused},
		{"530", identity.ReasonHours, guard.Refused},
		{"531", identity.ReasonWorkstation, guard.Refused},
		{"532", identity.ReasonPasswordExpired, guard.Refused},
		{"533", identity.ReasonDisabled, guard.Refused},
		{"568", identity.ReasonTooManyGroups, guard.Refused},
		{"701", identity.ReasonAccountExpired, guard.Refused},
		{"773", identity.ReasonMustChange, guard.Refused},
		{"775", identity.ReasonLocked, guard.Refused},
		{"52E", identity.ReasonWrongPassword, guard.Wrong},
		{"999", identity.ReasonWrongPassword, guard.Wrong},
		{"", identity.ReasonWrongPassword, guard.Wrong},
	}
	for _, tt := range tests {
		t.Run(tt.code, func(t *testing.T) {
			t.Parallel()
			s := newDomain()
			b := backend(t, windowsOptions(nil, s))
			e, err := b.Find(t.Context(), "alice", 0)
			if err != nil {
				t.Fatal(err)
			}
			s.on(func(r request) *answer {
				if r.op != opBind || !strings.Contains(r.dn, "Alice") {
					return nil
				}
				return &answer{raw: resultWithText(r, 49, subcodeText(tt.code))}
			})
			a := &slots{}
			_, err = b.Prove(t.Context(), e, identity.NewSecret("password"), a)
			refusal, ok := errors.AsType[*identity.AccountError](err)
			if !ok || refusal.Reason != tt.reason {
				t.Errorf("bind refused with data %q: %v, want %s", tt.code, err, tt.reason)
			}
			a.settled(t, tt.outcome)
		})
	}
}

// TestAccountState: what the attributes of an account say, without any bind.
func TestAccountState(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	ticks := func(d time.Duration) string {
		return fmt.Sprint(now.Add(d).Unix()*10_000_000 + 116_444_736_000_000_000)
	}
	tests := []struct {
		name             string
		attribute, value string
		attribute2, also string
		want             identity.Reason
	}{
		{name: "fine"},
		{name: "disabled", attribute: "userAccountControl", value: "514", want: identity.ReasonDisabled},
		{name: "expired an instant ago", attribute: "accountExpires", value: ticks(0), want: identity.ReasonAccountExpired},
		{name: "expires", attribute: "accountExpires", value: ticks(time.Second)},
		{name: "never expires", attribute: "accountExpires", value: "0"},
		{name: "locked", attribute: "msDS-User-Account-Control-Computed", value: "16", want: identity.ReasonLocked},
		{name: "was locked", attribute: "lockoutTime", value: ticks(-time.Hour)},
		{name: "password expired", attribute: "msDS-User-Account-Control-Computed", value: "8388608", want: identity.ReasonPasswordExpired},
		{name: "both bits", attribute: "msDS-User-Account-Control-Computed", value: "8388624", want: identity.ReasonLocked},
		{name: "must change", attribute: "pwdLastSet", value: "0", attribute2: "msDS-User-Account-Control-Computed", also: "8388608", want: identity.ReasonMustChange},
		{name: "need not change", attribute: "pwdLastSet", value: "0", attribute2: "userAccountControl", also: "66048"},
		{name: "disabled and expired", attribute: "userAccountControl", value: "514", attribute2: "accountExpires", also: "1", want: identity.ReasonDisabled},
		{name: "nothing may be read", attribute: "userAccountControl", attribute2: "msDS-User-Account-Control-Computed"},
		{name: "no number", attribute: "userAccountControl", value: "many"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newDomain()
			for attribute, value := range map[string]string{tt.attribute: tt.value, tt.attribute2: tt.also} {
				if value == "" {
					s.change("CN=Alice", attribute)
				} else {
					s.change("CN=Alice", attribute, value)
				}
			}
			b := backend(t, windowsOptions(func(o *ldap.Options) { o.Now = func() time.Time { return now } }, s))
			e, err := b.Find(t.Context(), "alice", 0)
			if err != nil {
				t.Fatal(err)
			}
			account, err := b.Account(t.Context(), e, directory.Proof{}, 0)
			if hidden := tt.name == "nothing may be read"; account.Unjudged != hidden {
				t.Errorf("Account: Unjudged is %t, want %t", account.Unjudged, hidden)
			}
			refusal, refused := errors.AsType[*identity.AccountError](err)
			if tt.want == "" && err != nil || tt.want != "" && (!refused || refusal.Reason != tt.want) {
				t.Errorf("Account: %v, want reason %q", err, tt.want)
			}
		})
	}
}

// TestTokenGroupsIncomplete: groups that cannot be told are never no groups.
func TestTokenGroupsIncomplete(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		tokens []string
		method ldap.Method
		spoil  func(*fakeServer)
	}{
		{name: "none", method: ldap.TokenGroups},
		{name: "no SID", method: ldap.TokenGroups, tokens: []string{rawSID(513), "\x01\x05"}},
		{name: "no primary group", method: ldap.MemberOf, spoil: func(s *fakeServer) { s.change("CN=Alice", "primaryGroupID") }},
		{name: "no SID of its own", method: ldap.MemberOf, spoil: func(s *fakeServer) { s.change("CN=Alice", "objectSid") }},
		{name: "names refused", method: ldap.TokenGroups, tokens: []string{rawSID(513)}, spoil: func(s *fakeServer) {
			s.on(func(r request) *answer {
				if r.op == opSearch && slices.Contains(filterAttributes(r), "objectSid") {
					return &answer{result: true, code: 1}
				}
				return nil
			})
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newDomain()
			s.change("CN=Alice", "tokenGroups", tt.tokens...)
			if tt.spoil != nil {
				tt.spoil(s)
			}
			b := backend(t, windowsOptions(func(o *ldap.Options) { o.Groups.Method = tt.method }, s))
			if a, err := login(t.Context(), b, "alice", "password"); !errors.Is(err, identity.ErrUnavailable) {
				t.Errorf("groups = %q, %v, want ErrUnavailable", names(a.Groups), err)
			}
		})
	}
}

// TestForeignGroups: groups of other domains count by their SID alone, and are asked for again after a while.
func TestForeignGroups(t *testing.T) {
	t.Parallel()
	s := newDomain()
	s.change("CN=Alice", "tokenGroups", rawSID(513), rawSID(7777))
	now := time.Now()
	b := backend(t, windowsOptions(func(o *ldap.Options) { o.Now = func() time.Time { return now } }, s))
	a, err := login(t.Context(), b, "alice", "password")
	if err != nil || names(a.Groups) != "- users" {
		t.Fatalf("groups = %q, %v, want users and one without a name", names(a.Groups), err)
	}
	if !slices.ContainsFunc(a.Groups, func(g identity.Group) bool { return g.ID == "S-1-5-21-1-2-3-7777" && g.DN == "" }) {
		t.Errorf("groups = %+v, want the foreign one by its SID", a.Groups)
	}
	s.forget()
	if _, err := login(t.Context(), b, "alice", "password"); err != nil || s.count(opSearch, "") != 2 {
		t.Errorf("%d searches for a user whose groups are known, %v, want 2: the entry twice", s.count(opSearch, ""), err)
	}
}

// TestBindByGUID: a server that takes a GUID as the name of a bind gets it, another one the DN; no password of a user
// is risked to find out.
func TestBindByGUID(t *testing.T) {
	t.Parallel()
	for _, onlyDN := range []bool{false, true} {
		t.Run(fmt.Sprint("only DN: ", onlyDN), func(t *testing.T) {
			t.Parallel()
			s := newDomain()
			s.onlyDN = onlyDN
			b, stop := running(t, windowsOptions(nil, s))
			e, err := b.Find(t.Context(), "alice", 0)
			if err != nil {
				t.Fatal(err)
			}
			prove := func() directory.Proof {
				p, err := b.Prove(t.Context(), e, identity.NewSecret("password"), &slots{})
				if err != nil {
					t.Fatal(err)
				}
				return p
			}
			if p := prove(); p.ByID {
				t.Error("the first bind went by id, before anybody knew that this works")
			}
			probe := "<GUID=" + guidText(1) + ">"
			for deadline := time.Now().Add(5 * time.Second); s.count(opBind, probe) == 0; {
				if time.Now().After(deadline) {
					t.Fatal("nobody finds out")
				}
			}
			for deadline := time.Now().Add(5 * time.Second); !onlyDN && !prove().ByID; {
				if time.Now().After(deadline) {
					t.Fatal("binds still go by DN")
				}
			}
			if onlyDN && prove().ByID {
				t.Error("a bind went by id")
			}
			if n := s.count(opBind, probe); n != 1 {
				t.Errorf("the service account was bound by its id %d times, want once", n)
			}
			if n := s.count(opBind, "<GUID="+guidText(2)+">"); onlyDN && n != 0 {
				t.Errorf("%d binds of alice by id", n)
			}
			stop()
		})
	}
}

// TestLostBind: a connection on which the server has forgotten the service account is replaced, and nobody notices.
func TestLostBind(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"00002020: Operation unavailable without authentication",
		"000004DC: LdapErr: DSID-0C090A71, comment: In order to perform this operation a successful bind must be completed on the connection., data 0, v4563",
	} {
		s := newDomain()
		b := backend(t, windowsOptions(nil, s))
		if _, err := b.Find(t.Context(), "alice", 0); err != nil {
			t.Fatal(err)
		}
		opened, forgot := s.opened(), false
		s.on(func(r request) *answer {
			if r.op != opSearch || forgot {
				return nil
			}
			forgot = true
			return &answer{raw: resultWithText(r, 1, text)}
		})
		if e, err := b.Find(t.Context(), "alice", 0); err != nil || e.Name != "alice" {
			t.Errorf("Find = %q, %v, want alice", e.Name, err)
		}
		if s.opened() != opened+1 {
			t.Errorf("%d connections were opened, want one", s.opened()-opened)
		}
	}
}

// TestProbeTellsWhatIsHidden: attributes that the service account may not read are told before somebody misses them.
func TestProbeTellsWhatIsHidden(t *testing.T) {
	t.Parallel()
	s := newDomain()
	b := backend(t, windowsOptions(nil, s))
	if status := b.Probe(t.Context()); len(status) != 1 || status[0].Err != nil || len(status[0].Warnings) != 1 { // no TLS
		t.Errorf("Probe = %+v, want no fault and the warning of plaintext", status)
	}
	s.change("CN=Alice", "msDS-User-Account-Control-Computed")
	s.change("CN=Alice", "pwdLastSet")
	status := b.Probe(t.Context())
	if len(status) != 1 || status[0].Err != nil ||
		!slices.ContainsFunc(status[0].Warnings, func(w string) bool {
			return strings.Contains(w, "may not read msDS-User-Account-Control-Computed, pwdLastSet of accounts")
		}) {
		t.Errorf("Probe = %+v, want a warning with both attributes", status)
	}
	s.change("CN=Alice", "tokenGroups")
	if status := b.Probe(t.Context()); len(status) != 1 || status[0].Err == nil || !strings.Contains(status[0].Err.Error(), "tokenGroups") {
		t.Errorf("Probe without tokenGroups = %+v, want a fault", status)
	}
}
