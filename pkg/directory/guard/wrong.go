package guard

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory/cache"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// ErrInvalidOptions means that a part of this package cannot be made from its options.
var ErrInvalidOptions = errors.New("invalid guard options")

const (
	// keyLength is how many bytes the key of the hash has.
	keyLength = sha256.Size
	// defaultWrongPasswords is how many wrong passwords are remembered when nothing else is said.
	defaultWrongPasswords = 20_000
	// undatedLife is how long a wrong password is remembered where nobody can tell whether the password has
	// changed since.
	undatedLife = 30 * time.Second
)

// WrongPasswordsOptions says how wrong passwords are remembered. The zero value is usable.
type WrongPasswordsOptions struct {
	// Size is how many are remembered at most; zero means 20,000.
	Size int
	// Life is how long one is remembered where the directory tells when a password changed; zero means 30 s.
	// Elsewhere it is 30 s, or Life if that is shorter.
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
	known  *cache.Cache[Fingerprint, struct{}]
	life   time.Duration
	key    []byte
	hashes sync.Pool // of *hashState
}

// Fingerprint stands for one password of one account. It is comparable, tells nothing to who lacks the key,
// and is made by [WrongPasswords.Fingerprint]. The zero Fingerprint stands for nothing.
type Fingerprint struct {
	sum   [sha256.Size]byte
	dated bool
}

// hashState is a keyed hash with room for its input and output, used again and again.
type hashState struct {
	mac   hash.Hash
	input []byte
	sum   [sha256.Size]byte
}

// NewWrongPasswords makes an empty memory.
func NewWrongPasswords(o WrongPasswordsOptions) (*WrongPasswords, error) {
	key, err := hashKey(o)
	if err != nil {
		return nil, err
	}
	if o.Size == 0 {
		o.Size = defaultWrongPasswords
	}
	if o.Life == 0 {
		o.Life = undatedLife
	}
	known, err := cache.New[Fingerprint, struct{}](cache.Options{
		Size: o.Size, TTL: min(o.Life, undatedLife), Now: o.Now, Evicted: o.Evicted,
	})
	if err != nil {
		return nil, fmt.Errorf("make memory of wrong passwords: %w", err)
	}
	return &WrongPasswords{known: known, life: o.Life, key: key}, nil
}

// Fingerprint gives what stands for a password of the account that source and id name. Changed is when the
// account's password last changed, zero where the directory cannot tell; a new password makes every old
// fingerprint worthless.
func (w *WrongPasswords) Fingerprint(source, id string, password identity.Secret, changed time.Time) Fingerprint {
	h, ok := w.hashes.Get().(*hashState)
	if !ok {
		h = &hashState{mac: hmac.New(sha256.New, w.key)}
	}
	defer w.hashes.Put(h)
	h.mac.Reset()
	in := h.input[:0]
	for _, part := range [...]string{source, id, password.Reveal()} {
		in = binary.BigEndian.AppendUint64(in, uint64(len(part)))
		in = append(in, part...)
	}
	f := Fingerprint{dated: !changed.IsZero()}
	if f.dated {
		in = binary.BigEndian.AppendUint64(in, uint64(changed.Unix()))
		in = binary.BigEndian.AppendUint32(in, uint32(changed.Nanosecond()))
	}
	_, _ = h.mac.Write(in) // a hash never fails
	clear(in)              // the password does not stay behind in the pool
	h.input = in
	f.sum = [sha256.Size]byte(h.mac.Sum(h.sum[:0]))
	return f
}

// Known reports whether the directory has refused this password within its life.
func (w *WrongPasswords) Known(f Fingerprint) bool { return w.known.Get(f).State == cache.Fresh }

// Remember notes that the directory has refused this password. It is for an answer that says "wrong password"
// and for nothing else.
func (w *WrongPasswords) Remember(f Fingerprint) {
	if f.dated {
		w.known.AddFor(f, struct{}{}, w.life)
		return
	}
	w.known.Add(f, struct{}{})
}

// hashKey gives the key that was set, or a random one.
func hashKey(o WrongPasswordsOptions) ([]byte, error) {
	if !o.Key.IsEmpty() {
		key := []byte(o.Key.Reveal())
		if len(key) < keyLength {
			return nil, fmt.Errorf("%w: key of %d bytes, want at least %d", ErrInvalidOptions, len(key), keyLength)
		}
		return key, nil
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	key := make([]byte, keyLength)
	if _, err := io.ReadFull(o.Rand, key); err != nil {
		return nil, fmt.Errorf("make key of wrong passwords: %w", err)
	}
	return key, nil
}

// Len is how many wrong passwords are remembered, ended ones included.
func (w *WrongPasswords) Len() int { return w.known.Len() }
