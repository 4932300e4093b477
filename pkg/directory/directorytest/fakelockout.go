package directorytest

import (
	"context"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

var _ directory.LockoutReader = (*Fake)(nil)

// Lockout gives [Fake.Rule].
func (f *Fake) Lockout(context.Context, directory.Entry) guard.Lockout { return f.Rule }

// WrongPassword counts a wrong password that came to the user with the id by another way, as at a desk.
func (f *Fake) WrongPassword(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail(id)
}

// Failures is how many wrong passwords the user with the id has by now, and Locked whether that is too many.
func (f *Fake) Failures(id string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen(id).Failures
}

// Locked is described at [Fake.Failures].
func (f *Fake) Locked(id string) bool {
	return f.Rule.Threshold > 0 && f.Failures(id) >= f.Rule.Threshold
}

// seen gives what is counted for a user, where a quiet window forgets all of it. The mutex is held.
func (f *Fake) seen(id string) guard.Seen {
	s := f.failures[id]
	if f.Rule.Window > 0 && f.now().Sub(s.Last) >= f.Rule.Window {
		return guard.Seen{}
	}
	return s
}

// fail counts a wrong password, up to the one that locks. The mutex is held.
func (f *Fake) fail(id string) {
	if f.failures == nil {
		f.failures = map[string]guard.Seen{}
	}
	s := f.seen(id)
	if f.Rule.Threshold == 0 || s.Failures < f.Rule.Threshold {
		f.failures[id] = guard.Seen{Failures: s.Failures + 1, Last: f.now()}
	}
}

// judge is what the user says to a password, and counts it.
func (f *Fake) judge(u User, s identity.Secret) (guard.Outcome, identity.Reason) {
	locked := f.Locked(u.ID)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case locked && f.HidesLocks:
		return guard.Wrong, identity.ReasonWrongPassword
	case locked:
		return guard.Refused, identity.ReasonLocked
	case u.Password != s.Reveal():
		f.fail(u.ID)
		return guard.Wrong, identity.ReasonWrongPassword
	case u.Refused != "":
		return guard.Refused, u.Refused
	}
	delete(f.failures, u.ID)
	return guard.OK, ""
}
