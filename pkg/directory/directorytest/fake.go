package directorytest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// errAway is why a Fake that was taken down does not answer.
var errAway = errors.New("connection refused")

// User is an account in a [Fake].
type User struct {
	// ID is the entry's id; empty means "id-" and the name.
	ID string
	// DN is the entry's DN; empty means uid=NAME,ou=people,dc=example,dc=org.
	DN string
	// Name is the canonical login name.
	Name string
	// Aliases are further login names.
	Aliases []string
	// Password is the right password.
	Password string
	// PasswordChanged is when it last changed; zero means that the directory cannot tell.
	PasswordChanged time.Time
	// Groups are all groups, nested ones included.
	Groups []identity.Group
	// Refused is why the account may not log in although the password is right; empty means that it may.
	Refused identity.Reason
}

// Calls counts what a [Fake] was asked.
type Calls struct {
	// Find, FindID, Prove and Account are the calls of the methods.
	Find, FindID, Prove, Account int
	// Bind is how many calls of Prove sent a bind.
	Bind int
}

// Fake is a directory in memory. It remembers nothing between questions, passes the suite, and is safe for
// concurrent use. Its func fields are set before it is used.
type Fake struct {
	// OnFind is called by Find; an error is its answer.
	OnFind func(ctx context.Context, login string) error
	// OnProve is called by Prove after a slot was reserved, when the bytes of the bind would leave; an error
	// is its answer, and the slot's outcome is unknown.
	OnProve func(ctx context.Context, e directory.Entry) error
	// OnAccount is called by Account; an error is its answer.
	OnAccount func(ctx context.Context, e directory.Entry) error
	// Rule is how it locks accounts, and what it tells about that; the zero value locks nobody and tells nothing.
	Rule guard.Lockout
	// HidesLocks makes a locked account answer every password as a wrong one is answered.
	HidesLocks bool
	// Now tells the time; nil means time.Now.
	Now func() time.Time

	mu       sync.Mutex
	users    []User
	failures map[string]guard.Seen // by id
	away     bool
	calls    Calls
}

var _ directory.Backend = (*Fake)(nil)

// NewFake makes a directory with users in it.
func NewFake(users ...User) *Fake {
	f := &Fake{}
	for _, u := range users {
		f.Put(u)
	}
	return f
}

// Put adds a user, or replaces the one with its id.
func (f *Fake) Put(u User) {
	if u.ID == "" {
		u.ID = "id-" + u.Name
	}
	if u.DN == "" {
		u.DN = "uid=" + u.Name + ",ou=people,dc=example,dc=org"
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.users = append(slices.DeleteFunc(f.users, func(o User) bool { return o.ID == u.ID }), u)
}

// Remove deletes the user with the id.
func (f *Fake) Remove(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.users = slices.DeleteFunc(f.users, func(u User) bool { return u.ID == id })
}

// Down makes every question fail with [identity.ErrUnavailable].
func (f *Fake) Down() { f.setAway(true) }

// Up ends what Down began.
func (f *Fake) Up() { f.setAway(false) }

// Calls returns what was counted so far.
func (f *Fake) Calls() Calls {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

// Find finds the one user with a login name.
func (f *Fake) Find(ctx context.Context, login string, _ time.Duration) (directory.Entry, error) {
	f.count(func(c *Calls) { c.Find++ })
	if f.OnFind != nil {
		if err := f.OnFind(ctx, login); err != nil {
			return directory.Entry{}, err
		}
	}
	found, err := f.pick(ctx, func(u User) bool {
		name := identity.Fold(login)
		return identity.Fold(u.Name) == name ||
			slices.ContainsFunc(u.Aliases, func(a string) bool { return identity.Fold(a) == name })
	})
	if err != nil {
		return directory.Entry{}, fmt.Errorf("search user %q: %w", login, err)
	}
	return f.entry(found), nil
}

// FindID finds the user with an id.
func (f *Fake) FindID(ctx context.Context, id string, _ time.Duration) (directory.Entry, error) {
	f.count(func(c *Calls) { c.FindID++ })
	found, err := f.pick(ctx, func(u User) bool { return u.ID == id })
	if err != nil {
		return directory.Entry{}, fmt.Errorf("read user %q: %w", id, err)
	}
	return f.entry(found), nil
}

// entry gives a user's entry.
func (f *Fake) entry(u User) directory.Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := directory.Entry{ID: u.ID, DN: u.DN, Name: u.Name, PasswordChanged: u.PasswordChanged, ReadAt: f.now()}
	if f.Rule.Known {
		e.Lockout.Seen = f.seen(u.ID)
	}
	return e
}

// Prove compares the password of the user who has the entry's DN now.
func (f *Fake) Prove(ctx context.Context, e directory.Entry, s identity.Secret, attempts guard.Attempts) (directory.Proof, error) {
	f.count(func(c *Calls) { c.Prove++ })
	if s.IsEmpty() {
		return directory.Proof{}, &identity.AccountError{Reason: identity.ReasonWrongPassword}
	}
	settle, err := attempts.Reserve(ctx)
	if err != nil {
		return directory.Proof{}, err
	}
	f.count(func(c *Calls) { c.Bind++ })
	if f.OnProve != nil {
		if err := f.OnProve(ctx, e); err != nil {
			settle(guard.Unknown)
			return directory.Proof{}, err
		}
	}
	u, err := f.pick(ctx, func(u User) bool { return u.DN == e.DN })
	switch {
	case errors.Is(err, identity.ErrUnavailable):
		settle(guard.NotSent)
		return directory.Proof{}, fmt.Errorf("bind as %q: %w", e.DN, err)
	case err != nil:
		settle(guard.Wrong)
		return directory.Proof{}, &identity.AccountError{Reason: identity.ReasonWrongPassword}
	}
	outcome, reason := f.judge(u, s)
	settle(outcome)
	if reason != "" {
		return directory.Proof{}, &identity.AccountError{Reason: reason}
	}
	return directory.Proof{Server: "fake", At: f.now()}, nil
}

// Account reads the user with the entry's id.
func (f *Fake) Account(ctx context.Context, e directory.Entry, _ directory.Proof, _ time.Duration) (directory.Account, error) {
	f.count(func(c *Calls) { c.Account++ })
	if f.OnAccount != nil {
		if err := f.OnAccount(ctx, e); err != nil {
			return directory.Account{}, err
		}
	}
	u, err := f.pick(ctx, func(u User) bool { return u.ID == e.ID })
	if err != nil {
		return directory.Account{}, fmt.Errorf("read account %q: %w", e.DN, err)
	}
	if u.Refused != "" {
		return directory.Account{}, &identity.AccountError{Reason: u.Refused}
	}
	return directory.Account{
		Groups: slices.Clone(u.Groups), PasswordChanged: u.PasswordChanged, ReadAt: f.now(),
	}, nil
}

// pick returns the one user that a func chooses.
func (f *Fake) pick(ctx context.Context, choose func(User) bool) (User, error) {
	if err := ctx.Err(); err != nil {
		return User{}, fmt.Errorf("%w: %w", identity.ErrUnavailable, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return User{}, fmt.Errorf("%w: %w", identity.ErrUnavailable, errAway)
	}
	var found []User
	for _, u := range f.users {
		if choose(u) {
			found = append(found, u)
		}
	}
	switch len(found) {
	case 0:
		return User{}, &identity.AccountError{Reason: identity.ReasonNotFound}
	case 1:
		return found[0], nil
	default:
		return User{}, &identity.AccountError{Reason: identity.ReasonAmbiguous}
	}
}

// count notes a call.
func (f *Fake) count(add func(*Calls)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	add(&f.calls)
}

// setAway takes the directory away, or back.
func (f *Fake) setAway(away bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = away
}

// now is the fake's time.
func (f *Fake) now() time.Time {
	if f.Now != nil {
		return f.Now()
	}
	return time.Now()
}
