package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// The life of a signing certificate.
const (
	// DefaultLeafLifetime is used when the options name none.
	DefaultLeafLifetime = 48 * time.Hour
	// MinLeafLifetime and MaxLeafLifetime bound it: long enough for a weekend's clock troubles, short enough
	// that a stolen key is soon worthless.
	MinLeafLifetime = 24 * time.Hour
	MaxLeafLifetime = 72 * time.Hour
)

const (
	// leeway is how long after its end registries still accept a token; its certificate must be valid then.
	leeway = time.Minute
	// renewalTick is how often Run looks at the wall clock, which a suspended machine does not stop.
	renewalTick = time.Minute
)

// KeySetOptions are what [NewKeySet] needs.
type KeySetOptions struct {
	// CA signs the certificates; it must be set.
	CA *CA
	// Algorithms are those that services use; empty means ES256 alone.
	Algorithms []string
	// LeafLifetime is how long a certificate lives; zero means [DefaultLeafLifetime].
	LeafLifetime time.Duration
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
	// Observer is told of new certificates; its zero value tells nobody.
	Observer Observer
}

// KeySet holds one signing key an algorithm, each with a short-lived certificate under the CA, and replaces
// them ahead of time: when a third of a certificate's life remains, new tokens are signed under the next
// one, while those signed before go on being valid, because they carry their own certificate.
//
// It is safe for concurrent use.
type KeySet struct {
	ca       atomic.Pointer[CA]
	lifetime time.Duration
	now      func() time.Time
	observer Observer
	slots    []*slot
}

// slot is the place of one algorithm's key.
type slot struct {
	algorithm string
	current   atomic.Pointer[leaf]
	making    sync.Mutex
}

// Key describes the key that signs now.
type Key struct {
	// Algorithm is its RFC 7518 name.
	Algorithm string
	// Serial is the certificate's serial number in hexadecimal.
	Serial string
	// NotBefore and NotAfter bound the certificate's life; RenewAt is when the next one is made.
	NotBefore, NotAfter, RenewAt time.Time
}

// NewKeySet makes the first key of each algorithm. Errors match [ErrInvalidOptions], [ErrUnknownAlgorithm]
// or [ErrInvalidCA].
func NewKeySet(o KeySetOptions) (*KeySet, error) {
	if o.CA == nil {
		return nil, fmt.Errorf("%w: no signing CA", ErrInvalidOptions)
	}
	if o.LeafLifetime == 0 {
		o.LeafLifetime = DefaultLeafLifetime
	}
	if o.LeafLifetime < MinLeafLifetime || o.LeafLifetime > MaxLeafLifetime {
		return nil, fmt.Errorf("%w: signing certificates must live %v to %v, not %v", ErrInvalidOptions, MinLeafLifetime, MaxLeafLifetime, o.LeafLifetime)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if len(o.Algorithms) == 0 {
		o.Algorithms = []string{ES256}
	}
	s := &KeySet{lifetime: o.LeafLifetime, now: o.Now, observer: o.Observer}
	s.ca.Store(o.CA)
	algorithms := slices.Clone(o.Algorithms)
	slices.Sort(algorithms)
	for _, algorithm := range slices.Compact(algorithms) {
		s.slots = append(s.slots, &slot{algorithm: algorithm})
	}
	if err := s.Rotate(); err != nil {
		return nil, err
	}
	return s, nil
}

// CA is the authority under which the keys are.
func (s *KeySet) CA() *CA { return s.ca.Load() }

// UseCA puts the keys under another CA, or under the same one with another bundle. Tokens that were signed before
// stay valid where registries still hold the CA of before. On error everything is as it was.
func (s *KeySet) UseCA(ca *CA) error {
	old := s.ca.Swap(ca)
	if old.cert.Equal(ca.cert) {
		s.observer.ca(ca.cert.NotAfter)
		return nil
	}
	if err := s.Rotate(); err != nil {
		s.ca.Store(old)
		return errors.Join(err, s.Rotate())
	}
	s.observer.ca(ca.cert.NotAfter)
	return nil
}

// Bundle is the PEM of the CAs that a registry must hold.
func (s *KeySet) Bundle() []byte { return s.CA().Bundle() }

// Keys describes the keys that sign now, sorted by algorithm.
func (s *KeySet) Keys() []Key {
	keys := make([]Key, 0, len(s.slots))
	for _, slot := range s.slots {
		l := slot.current.Load()
		keys = append(keys, Key{
			Algorithm: slot.algorithm,
			Serial:    l.cert.SerialNumber.Text(16),
			NotBefore: l.cert.NotBefore,
			NotAfter:  l.cert.NotAfter,
			RenewAt:   l.renewAt,
		})
	}
	return keys
}

// Rotate replaces every key at once. Tokens that were signed before stay valid. On error the old keys stay
// in use where no new one could be made.
func (s *KeySet) Rotate() error {
	var errs []error
	for _, slot := range s.slots {
		errs = append(errs, s.renew(slot, slot.current.Load()))
	}
	return errors.Join(errs...)
}

// Run renews keys ahead of time until ctx ends, and returns nil then.
func (s *KeySet) Run(ctx context.Context) error {
	ticker := time.NewTicker(renewalTick)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			s.renewDue()
		}
	}
}

// renewDue renews the keys whose time has come.
func (s *KeySet) renewDue() {
	for _, slot := range s.slots {
		l, now := slot.current.Load(), s.now()
		if !l.premature(now) && (l.last || now.Before(l.renewAt)) {
			continue
		}
		if err := s.renew(slot, l); err != nil {
			s.observer.failed(slot.algorithm, err)
		}
	}
}

// leafFor gives the key that signs a token from now to expiry. Where [KeySet.Run] keeps up this is a look; else,
// such as after a machine woke from sleep or its clock was set back, the next key is made here.
func (s *KeySet) leafFor(algorithm string, now, expiry time.Time) (*leaf, error) {
	for _, slot := range s.slots {
		if slot.algorithm != algorithm {
			continue
		}
		l := slot.current.Load()
		if l.premature(now) || !l.outlasts(expiry) && !l.last {
			if err := s.renew(slot, l); err != nil {
				return nil, err
			}
			l = slot.current.Load()
		}
		if l.outlasts(expiry) {
			return l, nil
		}
		return nil, fmt.Errorf("%w: it ends at %s, as its CA does", ErrExpiringKey, l.cert.NotAfter.Format(time.RFC3339))
	}
	return nil, fmt.Errorf("%w: %q", ErrUnknownAlgorithm, algorithm)
}

// renew puts a new key into a slot, unless somebody else has replaced old meanwhile.
func (s *KeySet) renew(slot *slot, old *leaf) error {
	slot.making.Lock()
	defer slot.making.Unlock()
	if slot.current.Load() != old {
		return nil
	}
	next, err := newLeaf(s.CA(), slot.algorithm, s.now(), s.lifetime)
	if err != nil {
		return err
	}
	slot.current.Store(next)
	s.observer.rotated(slot.algorithm, next.cert.NotAfter)
	return nil
}
