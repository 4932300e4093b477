package directory_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/directorytest"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

const right = "right password"

// room is a login flow over a cached fake, and what its observers were told.
type room struct {
	fake   *directorytest.Fake
	cached *directory.Cached
	auth   *directory.Authenticator

	mu   sync.Mutex
	told map[string]int
}

// setup is what a test may edit before the room is built.
type setup struct {
	users  []directorytest.User
	cached directory.CachedOptions
	auth   directory.Options
	// through stands between the fake and what asks it; nil is nothing.
	through func(*directorytest.Fake) directory.Backend
}

func newRoom(tb testing.TB, edits ...func(*setup)) *room {
	tb.Helper()
	r := &room{told: map[string]int{}}
	s := setup{users: []directorytest.User{alice()}}
	s.cached.Source, s.auth.Source = "corp", "corp"
	for _, edit := range edits {
		edit(&s)
	}
	r.fake = directorytest.NewFake(s.users...)
	s.cached.Backend = r.fake
	if s.through != nil {
		s.cached.Backend = s.through(r.fake)
	}
	keepsSending := s.auth.Observer.KeepsSending
	s.cached.Observer, s.auth.Observer = r.observer(), r.observer()
	s.auth.Observer.KeepsSending = keepsSending
	var err error
	if r.cached, err = directory.NewCached(s.cached); err != nil {
		tb.Fatal(err)
	}
	s.auth.Backend = r.cached
	if r.auth, err = directory.New(s.auth); err != nil {
		tb.Fatal(err)
	}
	return r
}

func alice() directorytest.User {
	return directorytest.User{
		Name: "alice", Aliases: []string{"alice@example.org"}, Password: right,
		Groups: []identity.Group{identity.NewGroup("g1", "cn=devs,ou=groups,dc=example,dc=org", "devs")},
	}
}

// observer counts everything under one word.
func (r *room) observer() directory.Observer {
	tell := func(parts ...string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.told[strings.Join(parts, " ")]++
	}
	return directory.Observer{
		Login:         func(source string, reason identity.Reason, _ time.Duration) { tell("login", source, string(reason)) },
		Cache:         func(source, cache, result string) { tell("cache", source, cache, result) },
		Evicted:       func(source, cache string) { tell("evicted", source, cache) },
		Coalesced:     func(source, kind string) { tell("coalesced", source, kind) },
		BudgetRefused: func(source string) { tell("budget", source) },
		Changed:       func(source, kind string) { tell("changed", source, kind) },
		Watching: func(source string, err error) {
			if err == nil {
				tell("watching", source)
				return
			}
			tell("watching", source, err.Error())
		},
		Believed: func(source, why string) { tell("believed", source, why) },
	}
}

func (r *room) heard(what string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.told[what]
}

func (r *room) login(ctx context.Context, name, password string) (identity.Principal, error) {
	return r.auth.Authenticate(ctx, identity.Credentials{Username: name, Password: identity.NewSecret(password)})
}

// wantReason checks an error's reason and what the caller sees of it.
func wantReason(tb testing.TB, err error, want identity.Reason) {
	tb.Helper()
	if refusal, ok := errors.AsType[*identity.AccountError](err); ok && refusal.Reason == want {
		return
	}
	if retry, ok := errors.AsType[*identity.RetryError](err); ok && retry.Reason == want {
		return
	}
	tb.Errorf("error = %v, want reason %q", err, want)
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	for _, login := range []string{"alice", "ALICE", "alice@example.org"} {
		p, err := r.login(t.Context(), login, right)
		if err != nil {
			t.Fatalf("login %q: %v", login, err)
		}
		if p.Kind != identity.Person || p.Source != "corp" || p.ID != "id-alice" || p.Name != "alice" || p.Stale {
			t.Errorf("login %q = %+v, want alice of corp", login, p)
		}
		if len(p.Groups) != 1 || p.Groups[0].Name != "devs" {
			t.Errorf("login %q has groups %v, want devs", login, p.Groups)
		}
	}
	if n := r.heard("login corp ok"); n != 3 {
		t.Errorf("told of %d good logins, want 3", n)
	}
}

func TestWarmLoginIsOneBind(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	for range 10 {
		if _, err := r.login(t.Context(), "alice", right); err != nil {
			t.Fatal(err)
		}
	}
	want := directorytest.Calls{Find: 1, Prove: 10, Bind: 10, Account: 1}
	if got := r.fake.Calls(); got != want {
		t.Errorf("10 logins asked %+v, want %+v", got, want)
	}
	if r.heard("cache corp entry hit") != 9 || r.heard("cache corp account hit") != 9 || r.heard("cache corp entry miss") != 1 {
		t.Errorf("told %v, want 9 hits and a miss", r.told)
	}
}

// TestRefusals: every way of no, with the reason that operators see; all of them are ErrInvalidCredentials.
func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		edit     func(*directorytest.User)
		login    string
		password string
		want     identity.Reason
		wantID   string
	}{
		{"wrong password", nil, "alice", "nope", identity.ReasonWrongPassword, "id-alice"},
		{"unknown", nil, "nobody", right, identity.ReasonNotFound, ""},
		{"ambiguous", func(u *directorytest.User) { u.ID, u.Aliases = "id-2", []string{"alice"} }, "alice", right, identity.ReasonAmbiguous, ""},
		{"disabled", func(u *directorytest.User) { u.ID, u.Refused = "id-alice", identity.ReasonDisabled }, "alice", right, identity.ReasonDisabled, "id-alice"},
		{"must change", func(u *directorytest.User) { u.ID, u.Refused = "id-alice", identity.ReasonMustChange }, "alice", right, identity.ReasonMustChange, "id-alice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			if tt.edit != nil {
				u := alice()
				tt.edit(&u)
				r.fake.Put(u)
			}
			p, err := r.login(t.Context(), tt.login, tt.password)
			wantReason(t, err, tt.want)
			if !errors.Is(err, identity.ErrInvalidCredentials) || errors.Is(err, identity.ErrUnavailable) {
				t.Errorf("error = %v, want ErrInvalidCredentials only", err)
			}
			refusal, _ := errors.AsType[*identity.AccountError](err)
			if refusal != nil && (refusal.Source != "corp" || refusal.ID != tt.wantID) {
				t.Errorf("refusal of %q@%q, want %q@corp", refusal.ID, refusal.Source, tt.wantID)
			}
			if p.Kind != identity.Anonymous || p.Groups != nil {
				t.Errorf("principal %+v beside an error, want none", p)
			}
			if r.heard("login corp "+string(tt.want)) != 1 {
				t.Errorf("told %v, want the reason once", r.told)
			}
		})
	}
}

// TestWrongPasswordIsSentOnce: the second try asks the directory nothing at all.
func TestWrongPasswordIsSentOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(t)
		_, err := r.login(t.Context(), "alice", "nope")
		wantReason(t, err, identity.ReasonWrongPassword)
		before := r.fake.Calls()
		for _, name := range []string{"alice", "Alice"} {
			time.Sleep(10 * time.Second)
			_, err = r.login(t.Context(), name, "nope")
			wantReason(t, err, identity.ReasonKnownWrongPassword)
			if refusal, ok := errors.AsType[*identity.AccountError](err); ok && refusal.Name != "alice" {
				t.Errorf("refusal names %q, want alice", refusal.Name)
			}
		}
		if after := r.fake.Calls(); after != before {
			t.Errorf("known wrong passwords asked: before %+v, after %+v", before, after)
		}
		if _, err := r.login(t.Context(), "alice", right); err != nil {
			t.Errorf("right password among wrong ones: %v", err)
		}
		time.Sleep(11 * time.Second)
		_, err = r.login(t.Context(), "alice", "nope")
		wantReason(t, err, identity.ReasonWrongPassword)
		if n := r.heard("cache corp wrong_password hit"); n != 2 {
			t.Errorf("told of %d hits, want 2", n)
		}
	})
}

// TestLDAP62_NoPasswordInErrors: nothing that comes out of a login holds what was typed as password.
func TestLDAP62_NoPasswordInErrors(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	const secret = "hunter2-unprintable"
	for range 2 {
		_, err := r.login(t.Context(), "alice", secret)
		if out := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(out, secret) {
			t.Errorf("error shows the password: %s", out)
		}
	}
	if out := fmt.Sprintf("%+v %+v", r.auth, r.cached); strings.Contains(out, secret) {
		t.Error("the memories show the password")
	}
}

func TestBudgetIsAskedBeforeEachBind(t *testing.T) {
	t.Parallel()
	counter := &fullCounter{}
	budget, err := guard.NewBudget(guard.BudgetOptions{Counter: counter})
	if err != nil {
		t.Fatal(err)
	}
	r := newRoom(t, func(s *setup) { s.auth.Budget = budget })
	_, err = r.login(t.Context(), "alice", right)
	wantReason(t, err, identity.ReasonThrottled)
	retry, ok := errors.AsType[*identity.RetryError](err)
	if !errors.Is(err, identity.ErrThrottled) || !ok || retry.ID != "id-alice" || retry.Name != "alice" || retry.Source != "corp" {
		t.Errorf("error = %+v, want ErrThrottled of alice", err)
	}
	if counter.key != guard.AccountKey("corp", "id-alice") {
		t.Errorf("counted under %q, want the account's id", counter.key)
	}
	if n := r.fake.Calls().Bind; n != 0 {
		t.Errorf("%d binds without a slot, want none", n)
	}
}

// fullCounter has no slot left.
type fullCounter struct {
	guard.Unlimited

	key string
}

func (c *fullCounter) Reserve(_ context.Context, key string, _ guard.Limit) (guard.Slot, error) {
	c.key = key
	return guard.Slot{}, identity.ErrThrottled
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	fake := directorytest.NewFake()
	for _, o := range []directory.Options{
		{Backend: fake},
		{Source: "corp"},
		{Source: "corp", Backend: fake, BindTimeout: -1},
	} {
		if _, err := directory.New(o); !errors.Is(err, directory.ErrInvalidOptions) {
			t.Errorf("New(%+v): error %v, want ErrInvalidOptions", o, err)
		}
	}
	for _, o := range []directory.CachedOptions{
		{},
		{Backend: fake, Size: -1},
		{Backend: fake, TTL: -1},
		{Backend: fake, UnknownSize: -1},
		{Backend: fake, StaleIfDown: -1},
		{Backend: fake, QuestionTimeout: -1},
	} {
		if _, err := directory.NewCached(o); !errors.Is(err, directory.ErrInvalidOptions) {
			t.Errorf("NewCached(%+v): error %v, want ErrInvalidOptions", o, err)
		}
	}
}

func ExampleAuthenticator() {
	fake := directorytest.NewFake(directorytest.User{Name: "alice", Password: "secret"})
	cached, err := directory.NewCached(directory.CachedOptions{Backend: fake, Source: "corp"})
	if err != nil {
		fmt.Println(err)
		return
	}
	auth, err := directory.New(directory.Options{Backend: cached, Source: "corp"})
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := auth.Authenticate(context.Background(), identity.Credentials{
		Username: "Alice", Password: identity.NewSecret("secret"),
	})
	fmt.Println(p.Name, err)
	_, err = auth.Authenticate(context.Background(), identity.Credentials{
		Username: "Alice", Password: identity.NewSecret("guess"),
	})
	fmt.Println(err)
	// Output:
	// alice <nil>
	// login refused: wrong_password (alice@corp)
}
