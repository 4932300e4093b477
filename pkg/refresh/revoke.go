package refresh

import (
	"fmt"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// ErrInvalidRevocation means that a [Revocation] does not say what it revokes.
var ErrInvalidRevocation = fmt.Errorf("%w: a revocation names a directory and an id, or neither", ErrInvalidOptions)

// ErrFuture means that a revocation is for tokens that are still to be made.
var ErrFuture = fmt.Errorf("%w: the time of a revocation lies in the future", ErrInvalidOptions)

// Revocation says which tokens end: those that were made until a time.
type Revocation struct {
	// Directory and ID name the account; both empty means all accounts.
	Directory, ID string
	// Before is the time; zero means now. Of all accounts and without a time, the key that seals is replaced too.
	Before time.Time
	// Why is a word for the file; it may be empty.
	Why string
}

// Revoke ends tokens. When it returns nil, that is on the disk and in force. After an error of the disk it is in force
// in this process alone.
func (s *Store) Revoke(r Revocation) error {
	now := s.now()
	switch {
	case (r.Directory == "") != (r.ID == ""):
		return ErrInvalidRevocation
	case r.Before.After(now):
		return ErrFuture
	}
	line := revocation{Directory: r.Directory, ID: r.ID, Before: r.Before.UTC(), At: now.UTC(), Why: r.Why}
	entries := []entry{{Revoked: &line}}
	if r.Before.IsZero() {
		line.Before = now.UTC()
		if r.ID == "" {
			k, err := newKey(now, s.random)
			if err != nil {
				return err
			}
			entries = append(entries, entry{Key: k.record()})
		}
	}
	if err := s.put(entries...); err != nil {
		return fmt.Errorf("revoke refresh tokens: %w", err)
	}
	return nil
}

// end ends the tokens of an account that were made until now, because its directory said why. Those that have ended
// already cost nothing.
func (s *Store) end(who account, why identity.Reason) {
	now := s.now().UTC()
	if s.revoked(who, now) {
		return
	}
	err := s.put(entry{Revoked: &revocation{Directory: who.directory, ID: who.id, Before: now, At: now, Why: string(why)}})
	if err != nil {
		s.observer.failed(fmt.Errorf("end the refresh tokens of an account: %w", err))
	}
	s.observer.ended(who.directory, why)
}

// account is who a revocation is about.
func (r revocation) account() account { return account{r.Directory, r.ID} }

// revoked reports whether the tokens of an account that were made at a time have ended.
func (s *Store) revoked(who account, issued time.Time) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !issued.After(s.all) {
		return true
	}
	r, ok := s.accounts[who]
	return ok && !issued.After(r.Before)
}

// Revocations is how many accounts have tokens that were revoked, and not all of which have expired.
func (s *Store) Revocations() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.accounts)
}

// KeySince is when the key that seals began to.
func (s *Store) KeySince() time.Time {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.keys.sealing(s.now()).from
}

// seal makes the token of a content.
func (s *Store) seal(c *content) (identity.Secret, error) {
	s.mu.RLock()
	k := s.keys.sealing(c.issued)
	s.mu.RUnlock()
	return k.seal(c, s.random)
}

// open gives what a token says that one of the keys has sealed; the reason is empty then.
func (s *Store) open(token identity.Secret) (content, identity.Reason) {
	parts, name, reason := split(token.Reveal())
	if reason != "" {
		return content{}, reason
	}
	s.mu.RLock()
	k, until := s.keys.find(name)
	s.mu.RUnlock()
	if k == nil {
		return content{}, identity.ReasonRefreshUnknownKey
	}
	c, err := k.open(parts)
	if err != nil || !until.IsZero() && !c.issued.Before(until) {
		return content{}, identity.ReasonRefreshForged // a key that has been replaced seals nothing new
	}
	return c, ""
}
