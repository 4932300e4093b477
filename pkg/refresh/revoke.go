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
	// Before is the time; zero means now, by the clock of every process: also what one that is ahead has dated later is
	// revoked. Of all accounts and without a time, the key that seals is replaced too. A time less than a minute after
	// another revocation also ends what was made since that one.
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
	line := revocation{Directory: r.Directory, ID: r.ID, At: now.UTC(), Why: r.Why}
	line.Before = s.until(line.account(), r.Before)
	entries := []entry{{Revoked: &line}}
	if r.Before.IsZero() {
		line.Before = s.untilNow(line.account(), now)
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

// end ends the tokens of the account of a token that were made until now, because its directory said why. Those that
// have ended already cost nothing.
func (s *Store) end(c *content, why identity.Reason) {
	now, who := s.now(), c.account
	if s.revoked(who, c.issued) {
		return
	}
	line := revocation{Directory: who.directory, ID: who.id, Before: s.untilNow(who, now), At: now.UTC(), Why: string(why)}
	err := s.put(entry{Revoked: &line})
	if err != nil {
		s.observer.failed(fmt.Errorf("end the refresh tokens of an account: %w", err))
	}
	s.observer.ended(who.directory, why)
}

// account is who a revocation is about.
func (r revocation) account() account { return account{r.Directory, r.ID} }

// revoked reports whether the tokens of an account that were made at a time have ended.
func (s *Store) revoked(who account, issued time.Time) bool {
	return !issued.After(s.revokedUntil(who))
}

// revokedUntil is until when the tokens of an account were made that have ended; zero if none has.
func (s *Store) revokedUntil(who account) time.Time {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return later(s.all, s.accounts[who].Before)
}

// until gives the time of a revocation of every token that was made until a time. What was made just after another
// revocation is dated after that one's end; it cannot be told apart, and all of it is revoked.
func (s *Store) until(who account, before time.Time) time.Time {
	end := s.revokedUntil(who)
	if before.Before(end) && !before.Before(end.Add(-skew)) {
		return end.Add(1).UTC()
	}
	return before.UTC()
}

// untilNow gives the time of a revocation of every token that was made until now. A process whose clock is ahead may
// have dated one later, and so has one that was made just after another revocation.
func (s *Store) untilNow(who account, now time.Time) time.Time {
	return later(now.Add(skew), s.revokedUntil(who).Add(1)).UTC()
}

// dated gives the time that a token is made at: now, or just after what is revoked.
func (s *Store) dated(who account, now time.Time) time.Time {
	return later(now, s.revokedUntil(who).Add(1))
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
	switch {
	case err != nil:
		return content{}, identity.ReasonRefreshForged
	case until.IsZero() || c.issued.Before(until):
		return c, ""
	case s.revoked(c.account, c.issued): // dated ahead, before its key was replaced
		return content{}, identity.ReasonRefreshRevoked
	default:
		return content{}, identity.ReasonRefreshForged // a key that has been replaced seals nothing new
	}
}
