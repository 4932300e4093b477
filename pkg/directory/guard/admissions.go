package guard

import (
	"crypto/subtle"
	"fmt"
	"io"
	"sync"
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
	hash *hasher

	mu   sync.Mutex // orders changes
	last *cache.Cache[owner, admission]
	life time.Duration
}

// owner is the account that a password belongs to.
type owner struct{ source, id string }

// admission is one proven password.
type admission struct {
	print   Fingerprint // without the time of the change
	changed time.Time
	doubted bool
	proven  time.Duration // how old the proof was when this was written
}

// Admission says what is known of a password that was typed. The zero Admission is nothing.
type Admission struct {
	// Same is true if it is the last password that a bind proved for the account, whatever was changed since.
	Same bool
	// Valid is true if, besides, the account's password has not changed since that proof.
	Valid bool
	// Age is how long ago the last proof was.
	Age time.Duration
	// Doubted is true if the account had a wrong attempt since, or was refused.
	Doubted bool
}

// Stands reports whether the password may be believed without a bind for so long after its proof; zero is never.
func (a Admission) Stands(within time.Duration) bool { return a.Valid && !a.Doubted && a.Age < within }

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
	last, err := cache.New[owner, admission](cache.Options{Size: o.Size, TTL: o.Life, Now: o.Now, Evicted: o.Evicted})
	if err != nil {
		return nil, fmt.Errorf("make memory of proven passwords: %w", err)
	}
	return &Admissions{last: last, hash: h, life: o.Life}, nil
}

// Remember notes that a bind has proven the password of an account. Changed is when the account's password last
// changed, zero where the directory cannot tell: another time ends the admission.
func (a *Admissions) Remember(source, id string, password identity.Secret, changed time.Time) {
	is := admission{print: a.hash.fingerprint(source, id, password, time.Time{}), changed: changed}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last.Add(owner{source, id}, is)
}

// Recall says what is known of a password of an account, whose password last changed at a time.
func (a *Admissions) Recall(source, id string, password identity.Secret, changed time.Time) Admission {
	hit := a.last.Get(owner{source, id})
	if hit.State != cache.Fresh {
		return Admission{}
	}
	f, is := a.hash.fingerprint(source, id, password, time.Time{}), hit.Value
	if subtle.ConstantTimeCompare(f.sum[:], is.print.sum[:]) != 1 {
		return Admission{}
	}
	return Admission{Same: true, Valid: is.changed.Equal(changed), Age: hit.Age + is.proven, Doubted: is.doubted}
}

// Doubt notes that the account had a wrong attempt, or was refused: until the next proof no password of it is
// believed without a bind.
func (a *Admissions) Doubt(source, id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	hit := a.last.Get(owner{source, id})
	if hit.State != cache.Fresh || hit.Value.doubted {
		return
	}
	hit.Value.doubted, hit.Value.proven = true, hit.Age+hit.Value.proven
	a.last.AddFor(owner{source, id}, hit.Value, a.life-hit.Value.proven)
}

// Forget ends the admission of an account, and reports whether there was one.
func (a *Admissions) Forget(source, id string) (forgotten bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	forgotten = a.last.Get(owner{source, id}).State == cache.Fresh
	a.last.Remove(owner{source, id})
	return forgotten
}

// Len is how many accounts are remembered, ended ones included.
func (a *Admissions) Len() int { return a.last.Len() }
