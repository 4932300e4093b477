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

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// ErrInvalidOptions means that a part of this package cannot be made from its options.
var ErrInvalidOptions = errors.New("invalid guard options")

// keyLength is how many bytes the key of a hash has.
const keyLength = sha256.Size

// Fingerprint stands for one password of one account. It is comparable, tells nothing to who lacks the key,
// and means nothing to a memory with another key. The zero Fingerprint stands for nothing.
type Fingerprint struct {
	sum     [sha256.Size]byte
	account uint64 // the same for all passwords of one account, and as good as never for two
}

// hasher makes fingerprints under one key. It is safe for concurrent use.
type hasher struct {
	key    []byte
	states sync.Pool // of *hashState
}

// hashState is a keyed hash with room for its input and output, used again and again.
type hashState struct {
	mac   hash.Hash
	input []byte
	sum   [sha256.Size]byte
}

// newHasher uses the key that was set, or a random one.
func newHasher(key identity.Secret, random io.Reader) (*hasher, error) {
	if !key.IsEmpty() {
		b := []byte(key.Reveal())
		if len(b) < keyLength {
			return nil, fmt.Errorf("%w: key of %d bytes, want at least %d", ErrInvalidOptions, len(b), keyLength)
		}
		return &hasher{key: b}, nil
	}
	if random == nil {
		random = rand.Reader
	}
	b := make([]byte, keyLength)
	if _, err := io.ReadFull(random, b); err != nil {
		return nil, fmt.Errorf("make key of fingerprints: %w", err)
	}
	return &hasher{key: b}, nil
}

// fingerprint gives what stands for a password of the account that source and id name. Changed is when the
// account's password last changed, zero where the directory cannot tell; a new password makes every old
// fingerprint worthless.
func (h *hasher) fingerprint(source, id string, password identity.Secret, changed time.Time) Fingerprint {
	s, ok := h.states.Get().(*hashState)
	if !ok {
		s = &hashState{mac: hmac.New(sha256.New, h.key)}
	}
	defer h.states.Put(s)
	s.mac.Reset()
	in := s.input[:0]
	for _, part := range [...]string{source, id, password.Reveal()} {
		in = binary.BigEndian.AppendUint64(in, uint64(len(part)))
		in = append(in, part...)
	}
	if !changed.IsZero() {
		in = binary.BigEndian.AppendUint64(in, uint64(changed.Unix()))
		in = binary.BigEndian.AppendUint32(in, uint32(changed.Nanosecond()))
	}
	_, _ = s.mac.Write(in) // a hash never fails
	clear(in)              // the password does not stay behind in the pool
	s.input = in
	return Fingerprint{sum: [sha256.Size]byte(s.mac.Sum(s.sum[:0])), account: tag(source, id)}
}

// tag gives what all fingerprints of an account have in common (FNV-1a). It only tells them apart, and keeps nothing
// secret.
func tag(source, id string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for _, part := range [...]string{source, "\x00", id} {
		for i := range len(part) {
			h = (h ^ uint64(part[i])) * prime
		}
	}
	return h
}
