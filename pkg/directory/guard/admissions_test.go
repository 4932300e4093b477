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
			if got := a.Admits(i.source, i.id, identity.NewSecret(i.password), i.changed); got != tt.want {
				t.Errorf("Admits(%+v) = %t, want %t", i, got, tt.want)
			}
		})
	}
}

func TestAdmissionEnds(t *testing.T) {
	t.Parallel()
	one, two := identity.NewSecret("one"), identity.NewSecret("two")
	clock := newClock()
	a := newAdmissions(t, guard.AdmissionsOptions{Size: 3, Life: time.Hour, Now: clock.now})
	admits := func(s identity.Secret) bool { return a.Admits("corp", "id", s, time.Time{}) }

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

// try is one login at a name without an account, from a client who pays for it.
func try(tb testing.TB, s *guard.Strangers, name, password string, pay func() (func(guard.Outcome), error)) error {
	tb.Helper()
	st := s.Meet("corp", name, identity.NewSecret(password))
	if s.Known(st) {
		return nil
	}
	return s.Count(tb.Context(), st, pay)
}

// TestStrangersAreCountedLikeAccounts: as many different passwords as an account has, whatever the case of the name;
// a password that was refused counts once.
func TestStrangersAreCountedLikeAccounts(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s := newStrangers(t, guard.StrangersOptions{Now: clock.now})
	paid := map[guard.Outcome]int{}
	pay := func() (func(guard.Outcome), error) { return func(o guard.Outcome) { paid[o]++ }, nil }
	for _, password := range []string{"a", "b", "a", "c", "c", "b"} {
		if err := try(t, s, "Nobody", password, pay); err != nil {
			t.Errorf("password %q: %v, want none", password, err)
		}
	}
	err := try(t, s, "NOBODY", "d", pay)
	retry, ok := errors.AsType[*identity.RetryError](err)
	if !ok || !errors.Is(err, guard.ErrNoBudget) || retry.After != 30*time.Minute {
		t.Errorf("the fourth password: error %v, want ErrNoBudget for 30m", err)
	}
	if err := try(t, s, "somebody else", "d", pay); err != nil {
		t.Errorf("another name: %v, want none", err)
	}
	if paid[guard.Wrong] != 4 || paid[guard.NotSent] != 1 {
		t.Errorf("paid %v, want 4 wrong and 1 not sent", paid)
	}
	clock.advance(30 * time.Minute)
	if err := try(t, s, "nobody", "d", pay); err != nil {
		t.Errorf("after the window: %v, want none", err)
	}
}

func TestStrangersPay(t *testing.T) {
	t.Parallel()
	s := newStrangers(t, guard.StrangersOptions{Limit: 1})
	broke := errors.New("cannot pay")
	pay := func() (func(guard.Outcome), error) { return nil, broke }
	if err := try(t, s, "nobody", "a", pay); !errors.Is(err, broke) {
		t.Errorf("error %v, want that of paying", err)
	}
	free := func() (func(guard.Outcome), error) { return func(guard.Outcome) {}, nil }
	if err := try(t, s, "nobody", "a", free); err != nil {
		t.Errorf("what was not paid for was counted: %v", err)
	}
}

func TestNoStrangers(t *testing.T) {
	t.Parallel()
	var s *guard.Strangers
	for range 10 {
		if err := try(t, s, "nobody", "a", nil); err != nil {
			t.Errorf("nil counts: %v", err)
		}
	}
	for _, o := range []guard.StrangersOptions{{Limit: -1}, {Window: -1}, {Size: -1}, {Key: identity.NewSecret("short")}} {
		if _, err := guard.NewStrangers(o); err == nil {
			t.Errorf("NewStrangers(%+v): no error, want one", o)
		}
	}
}
