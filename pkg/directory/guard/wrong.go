package guard

import (
	"fmt"
	"io"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/cache"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

const (
	// defaultWrongPasswords is how many wrong passwords are remembered when nothing else is said.
	defaultWrongPasswords = 20_000
	// defaultLife is how long a wrong password is remembered where a change of the password shows.
	defaultLife = 12 * time.Hour
	// briefLife is how long one is remembered where nobody can tell whether it has become the right one since.
	briefLife = 30 * time.Second
)

// Lasting says how long a wrong password is remembered. The zero Lasting is Briefly.
type Lasting uint8

// How long a wrong password is remembered.
const (
	// Briefly is for where nobody can tell whether it has become the right one since.
	Briefly Lasting = iota
	// Long is for where a change of the password shows, and ends what is remembered.
	Long
)

// WrongPasswordsOptions says how wrong passwords are remembered. The zero value is usable.
type WrongPasswordsOptions struct {
	// Size is how many are remembered at most; zero means 20,000.
	Size int
	// Life is how long one is remembered that is remembered for [Long]; zero means 12 hours. [Briefly] is 30 s, or
	// Life if that is shorter.
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

// WrongPasswords remembers which passwords a directory has refused, by keyed hash and never the password
// itself, so that each is sent once in its life. It is safe for concurrent use.
type WrongPasswords struct {
	known *cache.Cache[Fingerprint, struct{}]
	life  time.Duration
	hash  *hasher
}

// NewWrongPasswords makes an empty memory.
func NewWrongPasswords(o WrongPasswordsOptions) (*WrongPasswords, error) {
	h, err := newHasher(o.Key, o.Rand)
	if err != nil {
		return nil, err
	}
	if o.Size == 0 {
		o.Size = defaultWrongPasswords
	}
	if o.Life == 0 {
		o.Life = defaultLife
	}
	known, err := cache.New[Fingerprint, struct{}](cache.Options{
		Size: o.Size, TTL: min(o.Life, briefLife), Now: o.Now, Evicted: o.Evicted,
	})
	if err != nil {
		return nil, fmt.Errorf("make memory of wrong passwords: %w", err)
	}
	return &WrongPasswords{known: known, life: o.Life, hash: h}, nil
}

// Fingerprint gives what stands for a password of the account that source and id name. Changed is when the
// account's password last changed, zero where the directory cannot tell; a new password makes every old
// fingerprint worthless.
func (w *WrongPasswords) Fingerprint(source, id string, password identity.Secret, changed time.Time) Fingerprint {
	return w.hash.fingerprint(source, id, password, changed)
}

// Known reports whether the directory has refused this password within its life.
func (w *WrongPasswords) Known(f Fingerprint) bool { return w.known.Get(f).State == cache.Fresh }

// Remember notes that the directory has refused this password. It is for an answer that says "wrong password"
// and for nothing else. A password of an account whose changes do not show is never remembered for long.
func (w *WrongPasswords) Remember(f Fingerprint, l Lasting) {
	if l == Long {
		w.known.AddFor(f, struct{}{}, w.life)
		return
	}
	w.known.Add(f, struct{}{})
}

// Forget ends what is remembered of the account that source and id name. It looks at everything that is remembered
// and is not for hot paths.
func (w *WrongPasswords) Forget(source, id string) (forgotten int) {
	account := tag(source, id)
	w.known.RemoveFunc(func(f Fingerprint, _ struct{}) bool {
		if f.account != account {
			return false
		}
		forgotten++
		return true
	})
	return forgotten
}

// Len is how many wrong passwords are remembered, ended ones included.
func (w *WrongPasswords) Len() int { return w.known.Len() }
