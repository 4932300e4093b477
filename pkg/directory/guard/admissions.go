package guard

import (
	"crypto/subtle"
	"fmt"
	"io"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/cache"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

const (
	// defaultAdmissions is how many accounts are remembered when nothing else is said.
	defaultAdmissions = 100_000
	// defaultAdmissionLife is how long a proven password is remembered after its last proof.
	defaultAdmissionLife = 30 * 24 * time.Hour
)

// AdmissionsOptions says how proven passwords are remembered. The zero value is usable.
type AdmissionsOptions struct {
	// Size is how many accounts are remembered at most; zero means 100,000. Only a login that succeeded takes
	// a place, so that no stranger can push anybody out.
	Size int
	// Life is how long a password is remembered after its last proof; zero means 30 days.
	Life time.Duration
	// Key is the key of the hash, at least 32 bytes; empty means a random one of this process.
	Key identity.Secret
	// Rand is where a random key comes from; nil means crypto/rand.
	Rand io.Reader
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// Evicted is called each time one was dropped to make room; it may be nil and must not block.
	Evicted func()
}

// Admissions remembers the last password of each account that a bind proved, by keyed hash and never the
// password itself. Such a password is still bound at every login; it only does not stand behind the guesses of
// strangers: neither the failed-bind budget nor a limit of failures holds it up. It is safe for concurrent use.
type Admissions struct {
	last *cache.Cache[owner, Fingerprint]
	hash *hasher
}

// owner is the account that a password belongs to.
type owner struct{ source, id string }

// NewAdmissions makes an empty memory.
func NewAdmissions(o AdmissionsOptions) (*Admissions, error) {
	h, err := newHasher(o.Key, o.Rand)
	if err != nil {
		return nil, err
	}
	if o.Size == 0 {
		o.Size = defaultAdmissions
	}
	if o.Life == 0 {
		o.Life = defaultAdmissionLife
	}
	last, err := cache.New[owner, Fingerprint](cache.Options{Size: o.Size, TTL: o.Life, Now: o.Now, Evicted: o.Evicted})
	if err != nil {
		return nil, fmt.Errorf("make memory of proven passwords: %w", err)
	}
	return &Admissions{last: last, hash: h}, nil
}

// Remember notes that a bind has proven the password of an account. Changed is when the account's password last
// changed, zero where the directory cannot tell: another time ends the admission.
func (a *Admissions) Remember(source, id string, password identity.Secret, changed time.Time) {
	a.last.Add(owner{source, id}, a.hash.fingerprint(source, id, password, changed))
}

// Admits reports whether the password is the last one that a bind proved for the account.
func (a *Admissions) Admits(source, id string, password identity.Secret, changed time.Time) bool {
	hit := a.last.Get(owner{source, id})
	if hit.State != cache.Fresh {
		return false
	}
	f := a.hash.fingerprint(source, id, password, changed)
	return f.dated == hit.Value.dated && subtle.ConstantTimeCompare(f.sum[:], hit.Value.sum[:]) == 1
}

// Forget ends the admission of an account.
func (a *Admissions) Forget(source, id string) { a.last.Remove(owner{source, id}) }

// Len is how many accounts are remembered, ended ones included.
func (a *Admissions) Len() int { return a.last.Len() }
