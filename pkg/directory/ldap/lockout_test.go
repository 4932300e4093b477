package ldap_test

import (
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
)

// withState makes the accounts of a directory have a State.
func withState(s ldap.State) func(*ldap.Options) {
	return func(o *ldap.Options) { o.Users.State = s }
}

// TestLockoutRules: what each kind of directory tells, the strictest of several where nobody says which, and nothing
// where it may not be read. What could not be read is never taken for "no lock".
func TestLockoutRules(t *testing.T) {
	t.Parallel()
	const base = "dc=example,dc=org"
	type attributes = map[string][]string
	policy := func(cn string, a attributes) object {
		a["objectClass"] = []string{"pwdPolicy"}
		return object{"cn=" + cn + "," + base, a}
	}
	kerberos := func(cn string, a attributes) object {
		a["objectClass"] = []string{"krbPwdPolicy"}
		return object{"cn=" + cn + "," + base, a}
	}
	loose := policy("loose", attributes{"pwdAttribute": {"userPassword"}, "pwdLockout": {"TRUE"}, "pwdMaxFailure": {"9"}, "pwdFailureCountInterval": {"3600"}})
	strict := policy("strict", attributes{"pwdAttribute": {"userPassword"}, "pwdLockout": {"TRUE"}, "pwdMaxFailure": {"4"}, "pwdFailureCountInterval": {"600"}, "pwdLockoutDuration": {"60"}})
	off := policy("off", attributes{"pwdAttribute": {"userPassword"}, "pwdMaxFailure": {"2"}})
	hidden := policy("hidden", attributes{})
	forever := policy("forever", attributes{"pwdAttribute": {"userPassword"}, "pwdLockout": {"TRUE"}, "pwdMaxFailure": {"9"}})
	tests := []struct {
		name    string
		state   ldap.State
		objects []object
		rule    string
		want    guard.Lockout // but for its origin
		origin  string
	}{
		{"no state", ldap.NoState, nil, "", guard.Lockout{}, "does not tell"},
		{"ppolicy, none", ldap.PasswordPolicyState, nil, "", guard.Lockout{}, "no pwdPolicy can be read"},
		{"ppolicy, one", ldap.PasswordPolicyState, []object{loose}, "", guard.Lockout{Known: true, Threshold: 9, Window: time.Hour}, "pwdMaxFailure of cn=loose"},
		{
			"ppolicy, the strictest with the longest window", ldap.PasswordPolicyState,
			[]object{loose, off, strict},
			"",
			guard.Lockout{Known: true, Threshold: 4, Window: time.Hour, Duration: time.Minute},
			"cn=strict",
		},
		{"ppolicy, one that never forgets", ldap.PasswordPolicyState, []object{forever, strict}, "", guard.Lockout{Known: true, Threshold: 4, Duration: time.Minute}, "cn=strict"},
		{
			"ppolicy, the shortest lock", ldap.PasswordPolicyState,
			[]object{strict, policy("short", attributes{"pwdAttribute": {"userPassword"}, "pwdLockout": {"TRUE"}, "pwdMaxFailure": {"8"}, "pwdFailureCountInterval": {"60"}, "pwdLockoutDuration": {"30"}})},
			"",
			guard.Lockout{Known: true, Threshold: 4, Window: 10 * time.Minute, Duration: 30 * time.Second},
			"cn=strict",
		},
		{"ppolicy, off", ldap.PasswordPolicyState, []object{off}, "", guard.Lockout{Known: true}, "cn=off"},
		{"ppolicy, hidden", ldap.PasswordPolicyState, []object{hidden}, "", guard.Lockout{}, "no pwdPolicy can be read"},
		{"ppolicy, named", ldap.PasswordPolicyState, []object{loose, strict}, "cn=loose," + base, guard.Lockout{Known: true, Threshold: 9, Window: time.Hour}, "cn=loose"},
		{"ppolicy, named and hidden", ldap.PasswordPolicyState, []object{hidden, strict}, "cn=hidden," + base, guard.Lockout{}, "cn=hidden," + base + " may not be read"},
		{"ppolicy, named and gone", ldap.PasswordPolicyState, []object{strict}, "cn=gone," + base, guard.Lockout{}, "cn=gone," + base + " may not be read"},
		{"389, hidden", ldap.NsAccountLockState, nil, "", guard.Lockout{Threshold: 3}, "cn=config may not be read"},
		{"389, local and hidden", ldap.NsAccountLockState, nil, "cn=local," + base, guard.Lockout{Threshold: 3}, "cn=local," + base + " may not be read"},
		{
			"389, on", ldap.NsAccountLockState,
			[]object{{"cn=config", attributes{"passwordLockout": {"on"}, "passwordMaxFailure": {"3"}, "passwordResetFailureCount": {"600"}, "passwordLockoutDuration": {"3600"}}}},
			"",
			guard.Lockout{Known: true, Threshold: 3, Window: 10 * time.Minute, Duration: time.Hour},
			"cn=config",
		},
		{"389, off", ldap.NsAccountLockState, []object{{"cn=config", attributes{"passwordLockout": {"off"}, "passwordMaxFailure": {"3"}}}}, "", guard.Lockout{Known: true}, "cn=config"},
		{"389, half hidden", ldap.NsAccountLockState, []object{{"cn=config", attributes{"passwordMaxFailure": {"3"}}}}, "", guard.Lockout{Threshold: 3}, "may not be read"},
		{
			"freeipa", ldap.FreeIPAState,
			[]object{kerberos("global", attributes{"krbPwdMaxFailure": {"6"}, "krbPwdFailureCountInterval": {"60"}, "krbPwdLockoutDuration": {"600"}})},
			"",
			guard.Lockout{Known: true, Threshold: 6, Window: time.Minute, Duration: 10 * time.Minute},
			"cn=global",
		},
		{"freeipa, hidden", ldap.FreeIPAState, []object{kerberos("global", attributes{})}, "", guard.Lockout{Threshold: 6}, "no krbPwdPolicy"},
		{
			"active directory", ldap.ActiveDirectoryState,
			[]object{{base, attributes{"lockoutThreshold": {"5"}, "lockoutDuration": {"-18000000000"}, "lockOutObservationWindow": {"-6000000000"}}}},
			"",
			guard.Lockout{Known: true, Threshold: 5, Window: 10 * time.Minute, Duration: 30 * time.Minute},
			"LockoutThreshold of " + base,
		},
		{"active directory, hidden", ldap.ActiveDirectoryState, nil, "", guard.Lockout{}, base + " may not be read"},
		{
			"active directory, locked for good", ldap.ActiveDirectoryState,
			[]object{{base, attributes{"lockoutThreshold": {"5"}, "lockoutDuration": {"-9223372036854775808"}, "lockOutObservationWindow": {"-6000000000"}}}},
			"",
			guard.Lockout{Known: true, Threshold: 5, Window: 10 * time.Minute},
			base,
		},
		{
			"active directory, fine-grained", ldap.ActiveDirectoryState,
			[]object{{"cn=pso," + base, attributes{"msDS-LockoutThreshold": {"7"}, "msDS-LockoutObservationWindow": {"-6000000000"}, "msDS-LockoutDuration": {"-6000000000"}}}},
			"cn=pso," + base,
			guard.Lockout{Known: true, Threshold: 7, Window: 10 * time.Minute, Duration: 10 * time.Minute},
			"msDS-LockoutThreshold of cn=pso",
		},
		{"active directory, fine-grained and hidden", ldap.ActiveDirectoryState, []object{{"cn=pso," + base, attributes{}}}, "cn=pso," + base, guard.Lockout{Threshold: 3}, "cn=pso," + base + " may not be read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newFakeServer()
			for _, o := range tt.objects {
				if o.dn == base {
					s.objects = s.objects[1:] // the company has one without attributes
				}
			}
			s.objects = append(s.objects, tt.objects...)
			b := backend(t, options(withState(tt.state), s))
			got := b.Lockout(t.Context(), directory.Entry{Lockout: directory.EntryLockout{Rule: tt.rule}})
			if !strings.Contains(strings.ToLower(got.Origin), strings.ToLower(tt.origin)) {
				t.Errorf("origin %q, want it to say %q", got.Origin, tt.origin)
			}
			if got.Origin = ""; got != tt.want {
				t.Errorf("Lockout() = %+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestLockoutOfAnAwayDirectoryIsNotKnown, and is asked for again after a moment; one that was known stays.
func TestLockoutOfAnAwayDirectoryIsNotKnown(t *testing.T) {
	t.Parallel()
	s := newFakeServer()
	s.objects = append(s.objects, object{"cn=p,dc=example,dc=org", map[string][]string{
		"objectClass": {"pwdPolicy"}, "pwdAttribute": {"userPassword"}, "pwdLockout": {"TRUE"}, "pwdMaxFailure": {"4"}, "pwdFailureCountInterval": {"60"},
	}})
	now := time.Unix(1_700_000_000, 0)
	var mu sync.Mutex
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	advance := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
	b, stop := running(t, options(func(o *ldap.Options) { o.Users.State, o.Now = ldap.PasswordPolicyState, clock }, s))
	s.leave(errRefused)
	ask := func() guard.Lockout { return b.Lockout(t.Context(), directory.Entry{}) }
	if l := ask(); l.Known || !strings.Contains(l.Origin, "could not be read") {
		t.Errorf("while it is away: %+v, want that it could not be read", l)
	}
	s.leave(nil)
	advance(31 * time.Second)
	deadline := time.Now().Add(10 * time.Second)
	for !ask().Known && time.Now().Before(deadline) {
		advance(31 * time.Second) // the server is out of service for a while
	}
	if l := ask(); l.Threshold != 4 {
		t.Fatalf("once it is back: %+v, want a threshold of 4", l)
	}
	s.leave(errRefused)
	for range 20 {
		advance(11 * time.Minute)
		if l := ask(); !l.Known || l.Threshold != 4 {
			t.Fatalf("away again: %+v, want what was known", l)
		}
	}
	stop()
}

// TestLockoutIsAskedOnce for all who want to know at once, and then not for ten minutes.
func TestLockoutIsAskedOnce(t *testing.T) {
	t.Parallel()
	s := newFakeServer()
	b := backend(t, options(withState(ldap.PasswordPolicyState), s))
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { b.Lockout(t.Context(), directory.Entry{}) })
	}
	wg.Wait()
	if n := s.count(opSearch, "dc=example,dc=org"); n != 1 {
		t.Errorf("%d searches, want 1", n)
	}
}

// TestEntryTellsItsFailures: what the directory counts for an account comes with its entry.
func TestEntryTellsItsFailures(t *testing.T) {
	t.Parallel()
	last := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	now := last.Add(time.Minute)
	type attributes = map[string][]string
	tests := []struct {
		name  string
		state ldap.State
		has   attributes
		want  directory.EntryLockout
	}{
		{"no state", ldap.NoState, attributes{"badPwdCount": {"3"}, "pwdFailureTime": {"20260102030405Z"}}, directory.EntryLockout{}},
		{"nothing", ldap.ActiveDirectoryState, nil, directory.EntryLockout{}},
		{
			"active directory", ldap.ActiveDirectoryState,
			attributes{"badPwdCount": {"3"}, "badPasswordTime": {"134117966450000000"}, "msDS-ResultantPSO": {"cn=pso"}},
			directory.EntryLockout{Rule: "cn=pso", Seen: guard.Seen{Failures: 3, Last: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}},
		},
		{"active directory, nonsense", ldap.ActiveDirectoryState, attributes{"badPwdCount": {"-3"}, "badPasswordTime": {"x"}}, directory.EntryLockout{}},
		{
			"ppolicy", ldap.PasswordPolicyState,
			attributes{"pwdFailureTime": {"20260102030405Z", "20260102030300.123456Z"}, "pwdPolicySubentry": {"cn=p"}},
			directory.EntryLockout{Rule: "cn=p", Seen: guard.Seen{
				Failures: 2, Last: last, Times: []time.Time{last, time.Date(2026, 1, 2, 3, 3, 0, 123456000, time.UTC)},
			}},
		},
		{
			"ppolicy, locked by an administrator", ldap.PasswordPolicyState,
			attributes{"pwdAccountLockedTime": {"000001010000Z"}},
			directory.EntryLockout{Seen: guard.Seen{Locked: true}},
		},
		{
			"389", ldap.NsAccountLockState,
			attributes{"passwordRetryCount": {"2"}, "retryCountResetTime": {"20260102031405Z"}},
			directory.EntryLockout{Seen: guard.Seen{Failures: 2}},
		},
		{"389, forgotten", ldap.NsAccountLockState, attributes{"passwordRetryCount": {"2"}, "retryCountResetTime": {"20260102030404Z"}}, directory.EntryLockout{}},
		{
			"freeipa", ldap.FreeIPAState,
			attributes{"krbLoginFailedCount": {"2"}, "krbLastFailedAuth": {"20260102030405Z"}, "krbPwdPolicyReference": {"cn=g"}},
			directory.EntryLockout{Rule: "cn=g", Seen: guard.Seen{Failures: 2, Last: last}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newFakeServer()
			for i, o := range s.objects {
				if o.dn == "uid=bob,ou=people,dc=example,dc=org" {
					maps.Copy(s.objects[i].attributes, tt.has)
				}
			}
			b := backend(t, options(func(o *ldap.Options) { o.Users.State, o.Now = tt.state, func() time.Time { return now } }, s))
			e, err := b.Find(t.Context(), "bob", 0)
			if err != nil || !reflect.DeepEqual(e.Lockout, tt.want) {
				t.Errorf("Find(bob) tells %+v, %v, want %+v", e.Lockout, err, tt.want)
			}
		})
	}
}
