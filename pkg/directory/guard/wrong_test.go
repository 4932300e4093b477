package guard_test

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// clock is a time that a test moves.
type clock struct{ t time.Time }

func newClock() *clock                   { return &clock{t: time.Unix(1_700_000_000, 0)} }
func (c *clock) now() time.Time          { return c.t }
func (c *clock) advance(d time.Duration) { c.t = c.t.Add(d) }

func newWrong(tb testing.TB, o guard.WrongPasswordsOptions) *guard.WrongPasswords {
	tb.Helper()
	w, err := guard.NewWrongPasswords(o)
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

func TestFingerprintsDiffer(t *testing.T) {
	t.Parallel()
	type in struct {
		source, id, password string
		changed              time.Time
	}
	day := time.Unix(1_700_000_000, 0)
	tests := []struct {
		name string
		edit func(*in)
	}{
		{"source", func(i *in) { i.source = "other" }},
		{"id", func(i *in) { i.id = "id-2" }},
		{"password", func(i *in) { i.password = "hunter3" }},
		{"password by a space", func(i *in) { i.password += " " }},
		{"bytes moved from source to id", func(i *in) { i.source, i.id = "cor", "pid-1" }},
		{"bytes moved from id to password", func(i *in) { i.id, i.password = "id-", "1hunter2" }},
		{"changed", func(i *in) { i.changed = day.Add(time.Second) }},
		{"changed by a fraction", func(i *in) { i.changed = day.Add(time.Nanosecond) }},
		{"undated", func(i *in) { i.changed = time.Time{} }},
	}
	w := newWrong(t, guard.WrongPasswordsOptions{})
	of := func(i in) guard.Fingerprint {
		return w.Fingerprint(i.source, i.id, identity.NewSecret(i.password), i.changed)
	}
	happy := in{"corp", "id-1", "hunter2", day}
	w.Remember(of(happy), guard.Briefly)
	if !w.Known(of(happy)) {
		t.Fatal("a remembered password is not known")
	}
	if inUTC := (in{"corp", "id-1", "hunter2", day.UTC()}); of(inUTC) != of(happy) {
		t.Error("the fingerprint depends on the time zone")
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			i := happy
			tt.edit(&i)
			if w.Known(of(i)) {
				t.Errorf("%+v is known, want only %+v", i, happy)
			}
		})
	}
}

func TestWrongPasswordLife(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		life    time.Duration
		lasting guard.Lasting
		want    time.Duration
	}{
		{"nothing set, briefly", 0, guard.Briefly, 30 * time.Second},
		{"nothing set, long", 0, guard.Long, 12 * time.Hour},
		{"longer, briefly", time.Hour, guard.Briefly, 30 * time.Second},
		{"longer, long", time.Hour, guard.Long, time.Hour},
		{"shorter, briefly", time.Second, guard.Briefly, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			clock := newClock()
			w := newWrong(t, guard.WrongPasswordsOptions{Life: tt.life, Now: clock.now})
			f := w.Fingerprint("corp", "id", identity.NewSecret("x"), time.Time{})
			w.Remember(f, tt.lasting)
			clock.advance(tt.want - 1)
			if !w.Known(f) {
				t.Errorf("forgotten before %v", tt.want)
			}
			clock.advance(1)
			if w.Known(f) {
				t.Errorf("known after %v", tt.want)
			}
		})
	}
}

func TestWrongPasswordsAreBounded(t *testing.T) {
	t.Parallel()
	evicted := 0
	w := newWrong(t, guard.WrongPasswordsOptions{Size: 10, Evicted: func() { evicted++ }})
	for i := range 25 {
		w.Remember(w.Fingerprint("corp", strconv.Itoa(i), identity.NewSecret("x"), time.Time{}), guard.Briefly)
	}
	if evicted != 15 {
		t.Errorf("%d were dropped for room, want 15", evicted)
	}
}

// TestLDAP62_PasswordsAreNotHeld: the key decides the hash, and no way of printing the memory or a fingerprint
// shows a password.
func TestLDAP62_PasswordsAreNotHeld(t *testing.T) {
	t.Parallel()
	const password = "correct horse battery staple"
	key := strings.Repeat("k", 32)
	w := newWrong(t, guard.WrongPasswordsOptions{Key: identity.NewSecret(key)})
	f := w.Fingerprint("corp", "id", identity.NewSecret(password), time.Time{})
	w.Remember(f, guard.Briefly)
	// The same state is used again for a shorter password: nothing of the longer one may be left in it.
	w.Remember(w.Fingerprint("corp", "id", identity.NewSecret("x"), time.Time{}), guard.Briefly)
	inBytes := strings.Trim(fmt.Sprintf("%d", []byte(password[:8])), "[]")
	for _, out := range []string{fmt.Sprintf("%+v", f), fmt.Sprintf("%#v", f), fmt.Sprintf("%+v", w)} {
		if strings.Contains(out, password) || strings.Contains(out, inBytes) {
			t.Errorf("printed: %s", out)
		}
	}
	same := newWrong(t, guard.WrongPasswordsOptions{Key: identity.NewSecret(key)})
	if same.Fingerprint("corp", "id", identity.NewSecret(password), time.Time{}) != f {
		t.Error("one key gave two fingerprints")
	}
	other := newWrong(t, guard.WrongPasswordsOptions{Rand: bytes.NewReader(make([]byte, 32))})
	if other.Fingerprint("corp", "id", identity.NewSecret(password), time.Time{}) == f {
		t.Error("two keys gave one fingerprint")
	}
}

func TestNewWrongPasswordsRefuses(t *testing.T) {
	t.Parallel()
	for _, o := range []guard.WrongPasswordsOptions{
		{Key: identity.NewSecret("short")},
		{Rand: strings.NewReader("short")},
		{Size: -1},
		{Life: -time.Second},
	} {
		if _, err := guard.NewWrongPasswords(o); err == nil {
			t.Errorf("NewWrongPasswords(%+v): no error, want one", o)
		}
	}
}

func BenchmarkKnown(b *testing.B) {
	w := newWrong(b, guard.WrongPasswordsOptions{})
	s := identity.NewSecret("correct horse battery staple")
	b.ReportAllocs()
	for b.Loop() {
		w.Known(w.Fingerprint("corp", "7f2b9c1e-0000-4000-8000-000000000000", s, time.Time{}))
	}
}

// TestForgetWrongPasswords: those of one account end, and nobody else's.
func TestForgetWrongPasswords(t *testing.T) {
	t.Parallel()
	w := newWrong(t, guard.WrongPasswordsOptions{})
	of := func(source, id, password string, changed time.Time) guard.Fingerprint {
		return w.Fingerprint(source, id, identity.NewSecret(password), changed)
	}
	dated := time.Unix(1_700_000_000, 0)
	mine := []guard.Fingerprint{of("corp", "id", "a", dated), of("corp", "id", "b", dated), of("corp", "id", "a", time.Time{})}
	others := []guard.Fingerprint{of("corp", "id2", "a", dated), of("partner", "id", "a", dated)}
	for _, f := range append(mine, others...) {
		w.Remember(f, guard.Long)
	}
	if n := w.Forget("corp", "id"); n != len(mine) {
		t.Errorf("Forget() = %d, want %d", n, len(mine))
	}
	for _, f := range mine {
		if w.Known(f) {
			t.Error("a forgotten password is known")
		}
	}
	for _, f := range others {
		if !w.Known(f) {
			t.Error("another account's password is forgotten")
		}
	}
}
