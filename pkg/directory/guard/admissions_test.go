package guard_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

func newAdmissions(tb testing.TB, o guard.AdmissionsOptions) *guard.Admissions {
	tb.Helper()
	a, err := guard.NewAdmissions(o)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func TestAdmissions(t *testing.T) {
	t.Parallel()
	type in struct {
		source, id, password string
		changed              time.Time
	}
	day := time.Unix(1_700_000_000, 0)
	happy := in{"corp", "id-1", "hunter2", day}
	tests := []struct {
		name string
		edit func(*in)
		want bool
	}{
		{"the same", func(*in) {}, true},
		{"source", func(i *in) { i.source = "other" }, false},
		{"id", func(i *in) { i.id = "id-2" }, false},
		{"password", func(i *in) { i.password = "hunter3" }, false},
		{"no password", func(i *in) { i.password = "" }, false},
		{"changed", func(i *in) { i.changed = day.Add(time.Second) }, false},
		{"undated", func(i *in) { i.changed = time.Time{} }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newAdmissions(t, guard.AdmissionsOptions{})
			a.Remember(happy.source, happy.id, identity.NewSecret(happy.password), happy.changed)
			i := happy
			tt.edit(&i)
			if got := a.Recall(i.source, i.id, identity.NewSecret(i.password), i.changed).Valid; got != tt.want {
				t.Errorf("Recall(%+v).Valid = %t, want %t", i, got, tt.want)
			}
		})
	}
}

func TestAdmissionEnds(t *testing.T) {
	t.Parallel()
	one, two := identity.NewSecret("one"), identity.NewSecret("two")
	clock := newClock()
	a := newAdmissions(t, guard.AdmissionsOptions{Size: 3, Life: time.Hour, Now: clock.now})
	admits := func(s identity.Secret) bool { return a.Recall("corp", "id", s, time.Time{}).Valid }

	a.Remember("corp", "id", one, time.Time{})
	a.Remember("corp", "id", two, time.Time{})
	if admits(one) || !admits(two) {
		t.Errorf("the password before is admitted %t, the last one %t, want false and true", admits(one), admits(two))
	}
	a.Forget("corp", "id")
	if admits(two) {
		t.Error("admitted after Forget")
	}
	a.Remember("corp", "id", one, time.Time{})
	clock.advance(time.Hour)
	if admits(one) {
		t.Error("admitted after its life")
	}
	for i := range 10 {
		a.Remember("corp", strconv.Itoa(i), one, time.Time{})
	}
	if a.Len() != 3 {
		t.Errorf("%d accounts are held, want 3", a.Len())
	}
}

// TestLDAP62_AdmissionsHoldNoPassword: printing the memory shows none.
func TestLDAP62_AdmissionsHoldNoPassword(t *testing.T) {
	t.Parallel()
	const password = "correct horse battery staple"
	a := newAdmissions(t, guard.AdmissionsOptions{})
	a.Remember("corp", "id", identity.NewSecret(password), time.Time{})
	if out := fmt.Sprintf("%+v %#v", a, a); strings.Contains(out, password) {
		t.Errorf("printed: %s", out)
	}
}

func TestNewAdmissionsRefuses(t *testing.T) {
	t.Parallel()
	for _, o := range []guard.AdmissionsOptions{
		{Key: identity.NewSecret("short")},
		{Rand: strings.NewReader("short")},
		{Size: -1},
		{Life: -time.Second},
	} {
		if _, err := guard.NewAdmissions(o); err == nil {
			t.Errorf("NewAdmissions(%+v): no error, want one", o)
		}
	}
}

func newStrangers(tb testing.TB, o guard.StrangersOptions) *guard.Strangers {
	tb.Helper()
	s, err := guard.NewStrangers(o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// TestStrangersAreCountedLikeAccounts: as many failures as an account has, whatever the case of the name; a password
// that was refused is known for a while, at its name.
func TestStrangersAreCountedLikeAccounts(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s := newStrangers(t, guard.StrangersOptions{Now: clock.now})
	meet := func(name, password string) guard.Stranger { return s.Meet("corp", name, identity.NewSecret(password)) }
	fail := func(name string) error {
		settle, err := s.Attempts(meet(name, "x"), guard.Lockout{}).Reserve(t.Context())
		if err == nil {
			settle(guard.Wrong)
		}
		return err
	}
	for _, name := range []string{"Nobody", "nobody", "NOBODY"} {
		if err := fail(name); err != nil {
			t.Errorf("%s: %v, want no error", name, err)
		}
	}
	err := fail("nobody")
	retry, ok := errors.AsType[*identity.RetryError](err)
	if !ok || !errors.Is(err, guard.ErrNoBudget) || retry.After != 30*time.Minute {
		t.Errorf("the fourth failure: error %v, want ErrNoBudget for 30m", err)
	}
	if err := fail("somebody else"); err != nil {
		t.Errorf("another name: %v, want no error", err)
	}
	s.Remember(meet("nobody", "x"), guard.Briefly)
	for _, tt := range []struct {
		name, password string
		want           bool
	}{{"nobody", "x", true}, {"NOBODY", "x", true}, {"nobody", "y", false}, {"somebody else", "x", false}} {
		if got := s.Known(meet(tt.name, tt.password)); got != tt.want {
			t.Errorf("Known(%q at %q) = %t, want %t", tt.password, tt.name, got, tt.want)
		}
	}
	clock.advance(30 * time.Minute)
	if err := fail("nobody"); err != nil || s.Known(meet("nobody", "x")) {
		t.Errorf("after the window: %v and known %t, want no error and false", err, s.Known(meet("nobody", "x")))
	}
}

// TestStrangersAreBounded: names beyond the size push others out, and are counted.
func TestStrangersAreBounded(t *testing.T) {
	t.Parallel()
	s := newStrangers(t, guard.StrangersOptions{Size: 10, Limits: guard.Limits{Max: 1}})
	for i := range 100 {
		settle, err := s.Attempts(s.Meet("corp", strconv.Itoa(i), identity.Secret{}), guard.Lockout{}).Reserve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		settle(guard.Wrong)
	}
	if _, err := s.Attempts(s.Meet("corp", "99", identity.Secret{}), guard.Lockout{}).Reserve(t.Context()); !errors.Is(err, guard.ErrNoBudget) {
		t.Errorf("the last name: error %v, want ErrNoBudget", err)
	}
}

func TestNewStrangersRefuses(t *testing.T) {
	t.Parallel()
	for _, o := range []guard.StrangersOptions{{Limits: guard.Limits{Max: -1}}, {Limits: guard.Limits{Window: -1}}, {Size: -1}, {Key: identity.NewSecret("short")}} {
		if _, err := guard.NewStrangers(o); err == nil {
			t.Errorf("NewStrangers(%+v): no error, want one", o)
		}
	}
}

// TestAdmissionTells: whether a password is the one that was proven, for how long, and what was since.
func TestAdmissionTells(t *testing.T) {
	t.Parallel()
	clock := newClock()
	a := newAdmissions(t, guard.AdmissionsOptions{Now: clock.now, Life: time.Hour})
	one, two := identity.NewSecret("one"), identity.NewSecret("two")
	changed := clock.t.Add(-time.Hour)
	recall := func(s identity.Secret, c time.Time) guard.Admission { return a.Recall("corp", "id", s, c) }
	check := func(what string, got, want guard.Admission) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	check("nothing proven", recall(one, changed), guard.Admission{})
	a.Doubt("corp", "id")
	check("nothing proven, and doubted", recall(one, changed), guard.Admission{})
	a.Remember("corp", "id", one, changed)
	clock.advance(time.Minute)
	check("proven", recall(one, changed), guard.Admission{Same: true, Valid: true, Age: time.Minute})
	check("another one", recall(two, changed), guard.Admission{})
	check("changed since", recall(one, clock.t), guard.Admission{Same: true, Age: time.Minute})
	a.Doubt("corp", "id")
	clock.advance(time.Minute)
	check("doubted", recall(one, changed), guard.Admission{Same: true, Valid: true, Age: 2 * time.Minute, Doubted: true})
	clock.advance(57*time.Minute + 59*time.Second)
	if !a.Recall("corp", "id", one, changed).Valid {
		t.Error("a doubt ended the admission")
	}
	clock.advance(time.Second)
	check("an hour after its proof", recall(one, changed), guard.Admission{})
	a.Remember("corp", "id", one, changed)
	check("proven again", recall(one, changed), guard.Admission{Same: true, Valid: true})
	if !a.Forget("corp", "id") || a.Forget("corp", "id") || a.Recall("corp", "id", one, changed).Valid {
		t.Error("Forget() does not tell what it forgets")
	}
}

func TestAdmissionStands(t *testing.T) {
	t.Parallel()
	good := guard.Admission{Same: true, Valid: true, Age: time.Minute}
	for _, tt := range []struct {
		name   string
		edit   func(*guard.Admission)
		within time.Duration
		want   bool
	}{
		{"within its time", func(*guard.Admission) {}, time.Minute + 1, true},
		{"at its end", func(*guard.Admission) {}, time.Minute, false},
		{"switched off", func(a *guard.Admission) { a.Age = 0 }, 0, false},
		{"changed", func(a *guard.Admission) { a.Valid = false }, time.Hour, false},
		{"doubted", func(a *guard.Admission) { a.Doubted = true }, time.Hour, false},
	} {
		a := good
		tt.edit(&a)
		if got := a.Stands(tt.within); got != tt.want {
			t.Errorf("%s: Stands(%v) = %t, want %t", tt.name, tt.within, got, tt.want)
		}
	}
}
