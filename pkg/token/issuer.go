package token

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

const (
	// MinLifetime is the shortest life of a token: old clients take every token for that long.
	MinLifetime = time.Minute
	// MaxHandySize is the size up to which a token fits through every usual proxy, whose limit for one
	// header line is 8 KiB.
	MaxHandySize = 7680

	// settled is how far before now tokens begin, for registries whose clock is behind.
	settled = 10 * time.Second
	// idSize is the size of a random token id in bytes.
	idSize = 16
	// signatureRoom is the encoded size of an RS256 signature, the longest.
	signatureRoom = 344
)

// Options are what [New] needs.
type Options struct {
	// Issuer becomes iss, byte for byte as registries have it; it must be set.
	Issuer string
	// Keys sign under the CA; nil means that only rings sign.
	Keys *KeySet
	// Rings sign for registries that know keys by their id. Each has a name of its own.
	Rings []*Ring
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
	// Rand is where token ids come from; nil means [rand.Reader].
	Rand io.Reader
}

// Issuer makes signed tokens. It is immutable and safe for concurrent use.
type Issuer struct {
	keys    *KeySet
	rings   map[string]*Ring
	now     func() time.Time
	rand    io.Reader
	opening string // what every payload begins with
	scratch sync.Pool
}

// scratch is the memory that one signing needs.
type scratch struct {
	payload []byte
	encoded []byte
	id      [idSize]byte
}

// New makes an Issuer. Errors match [ErrInvalidOptions].
func New(o Options) (*Issuer, error) {
	if o.Keys == nil && len(o.Rings) == 0 {
		return nil, fmt.Errorf("%w: no keys", ErrInvalidOptions)
	}
	rings := make(map[string]*Ring, len(o.Rings))
	for _, r := range o.Rings {
		if rings[r.Name()] != nil {
			return nil, fmt.Errorf("%w: two rings are named %s", ErrInvalidOptions, r.Name())
		}
		rings[r.Name()] = r
	}
	if o.Issuer == "" || !utf8.ValidString(o.Issuer) {
		return nil, fmt.Errorf("%w: the issuer %q is not a text", ErrInvalidOptions, o.Issuer)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	return &Issuer{
		keys:    o.Keys,
		rings:   rings,
		now:     o.Now,
		rand:    o.Rand,
		opening: `{"iss":` + string(appendString(nil, o.Issuer)),
		scratch: sync.Pool{New: func() any { return &scratch{} }},
	}, nil
}

// Sign makes a token (RFC 7519) in the form that distribution reads: one audience as a string, whole
// seconds, an access list that is never null, with one entry a resource in alphabetical order.
//
// Errors match [ErrInvalidClaims], [ErrUnknownAlgorithm], [ErrUnknownRing], [ErrInvalidKey] or [ErrExpiringKey].
func (i *Issuer) Sign(c Claims) (Signed, error) {
	c, err := normal(c)
	if err != nil {
		return Signed{}, err
	}
	now := i.now().UTC()
	expiry := now.Truncate(time.Second).Add(c.Lifetime)
	l, err := i.leafFor(&c, now, expiry)
	if err != nil {
		return Signed{}, err
	}
	s, ok := i.scratch.Get().(*scratch)
	if !ok {
		s = &scratch{}
	}
	defer i.scratch.Put(s)
	if c.ID == "" {
		if c.ID, err = s.newID(i.rand); err != nil {
			return Signed{}, err
		}
	}
	s.payload = appendClaims(append(s.payload[:0], i.opening...), c, now.Add(-settled).Unix(), expiry.Unix())
	text, err := l.sign(s)
	if err != nil {
		return Signed{}, err
	}
	return Signed{Token: identity.NewSecret(text), ID: c.ID, IssuedAt: now, ExpiresAt: expiry}, nil
}

// leafFor gives the key that signs what the claims say.
func (i *Issuer) leafFor(c *Claims, now, expiry time.Time) (*leaf, error) {
	if c.Ring != "" {
		r := i.rings[c.Ring]
		if r == nil {
			return nil, fmt.Errorf("%w: %q", ErrUnknownRing, c.Ring)
		}
		return r.leafFor(c.Form, now, expiry)
	}
	if i.keys == nil {
		return nil, fmt.Errorf("%w: %q", ErrUnknownAlgorithm, c.Algorithm)
	}
	return i.keys.leafFor(c.Algorithm, now, expiry)
}

// Size is the length of the token in bytes. Beyond [MaxHandySize] it may not pass every proxy.
func (s Signed) Size() int { return len(s.Token.Reveal()) }

// newID draws a token id.
func (s *scratch) newID(rand io.Reader) (string, error) {
	if _, err := io.ReadFull(rand, s.id[:]); err != nil {
		return "", fmt.Errorf("draw a token id: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(s.id[:]), nil
}

// sign writes the compact form (RFC 7515 section 7.1) of the payload.
func (l *leaf) sign(s *scratch) (string, error) {
	s.encoded = base64.RawURLEncoding.AppendEncode(s.encoded[:0], s.payload)
	var b strings.Builder
	b.Grow(len(l.header) + len(s.encoded) + 1 + signatureRoom)
	b.WriteString(l.header)
	b.Write(s.encoded)
	signature, err := l.method.Sign(b.String(), l.key)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	s.encoded = base64.RawURLEncoding.AppendEncode(append(s.encoded[:0], '.'), signature)
	b.Write(s.encoded)
	return b.String(), nil
}
