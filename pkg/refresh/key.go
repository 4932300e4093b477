package refresh

import (
	"crypto/cipher"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"time"
)

const (
	keyIDSize = 4
	// rotateEvery is how long a key seals.
	rotateEvery = 30 * 24 * time.Hour
	// announce is how long before it seals a key is in the file, so that other processes know it by then.
	announce = time.Minute
)

// keyID tells one key from another.
type keyID [keyIDSize]byte

// key seals tokens for a while, and opens them for longer.
type key struct {
	id     keyID
	secret []byte
	from   time.Time // when it begins to seal, and the one before it ends
	aead   cipher.AEAD
}

// keyRecord is a key in the file.
type keyRecord struct {
	ID     string    `json:"id"`
	Secret string    `json:"secret"`
	From   time.Time `json:"from"`
}

// newKey makes a key.
func newKey(from time.Time, random io.Reader) (*key, error) {
	b := make([]byte, keyIDSize+secretSize)
	if _, err := io.ReadFull(random, b); err != nil {
		return nil, fmt.Errorf("make a key of refresh tokens: %w", err)
	}
	aead, err := newAEAD(b[keyIDSize:])
	if err != nil {
		return nil, err
	}
	return &key{id: keyID(b), secret: b[keyIDSize:], from: from, aead: aead}, nil
}

// record gives the key as the file has it.
func (k *key) record() *keyRecord {
	return &keyRecord{ID: hex.EncodeToString(k.id[:]), Secret: base64.StdEncoding.EncodeToString(k.secret), From: k.from.UTC()}
}

// key reads a key of the file.
func (r *keyRecord) key() (*key, error) {
	name, err := hex.DecodeString(r.ID)
	if err != nil || len(name) != keyIDSize {
		return nil, fmt.Errorf("%w: a key has no id", ErrDamaged)
	}
	secret, err := base64.StdEncoding.DecodeString(r.Secret)
	if err != nil || len(secret) != secretSize {
		return nil, fmt.Errorf("%w: key %s is not whole", ErrDamaged, r.ID)
	}
	aead, err := newAEAD(secret)
	if err != nil {
		return nil, err
	}
	return &key{id: keyID(name), secret: secret, from: r.From, aead: aead}, nil
}

// keys are all that are kept, the oldest first.
type keys []*key

// sealing gives the key that seals at a time: the youngest that has begun. The first one seals from the start.
func (ks keys) sealing(now time.Time) *key {
	for _, k := range slices.Backward(ks) {
		if !k.from.After(now) {
			return k
		}
	}
	return ks[0]
}

// find gives the key of an id, and when the next one took over; zero if none has.
func (ks keys) find(i keyID) (k *key, until time.Time) {
	for n, k := range ks {
		if k.id != i {
			continue
		}
		if n+1 < len(ks) {
			until = ks[n+1].from
		}
		return k, until
	}
	return nil, time.Time{}
}

// add puts a key among the others.
func (ks keys) add(k *key) keys {
	at, _ := slices.BinarySearchFunc(ks, k, func(a, b *key) int { return a.from.Compare(b.from) })
	for at < len(ks) && ks[at].from.Equal(k.from) {
		at++
	}
	return slices.Insert(slices.Clone(ks), at, k)
}

// living leaves out the keys all of whose tokens have ended.
func (ks keys) living(now time.Time) keys {
	first := 0
	for first+1 < len(ks) && now.Sub(ks[first+1].from) > MaxLifetime {
		first++
	}
	return ks[first:]
}
