package refresh

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// A token is the prefix and, in base64url, a head in the clear (form, id of the key, length of what follows), which is
// authenticated, and the sealed content behind its nonce.
const (
	// prefix lets people and scanners for leaked secrets see what a token is.
	prefix = "whgr_"
	// form is the form of what follows it.
	form = 1
	// maxToken bounds the text of a token.
	maxToken = 4 << 10

	secretSize = 32
	nonceSize  = 12
	idSize     = 8
	headSize   = 1 + keyIDSize + 2

	// alphabet is that of base64url.
	alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
)

// errContent means that a sealed content is not in the form that this package writes.
var errContent = errors.New("sealed content is not whole")

// id tells one token from another. It is no secret.
type id [idSize]byte

// String gives it as logs and the audit record print it.
func (i id) String() string { return hex.EncodeToString(i[:]) }

// account names an account for good.
type account struct{ directory, id string }

// content is what a token says.
type content struct {
	id      id
	issued  time.Time
	expires time.Time
	changed time.Time // when the password last changed; zero if the directory does not tell
	service string
	account account
}

// newAEAD makes the cipher of a key.
func newAEAD(secret []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, fmt.Errorf("key of refresh tokens: %w", err)
	}
	return cipher.NewGCM(block)
}

// seal makes the token of a content.
func (k *key) seal(c *content, random io.Reader) (identity.Secret, error) {
	plain := c.encode()
	size := nonceSize + len(plain) + k.aead.Overhead()
	b := make([]byte, 0, headSize+size)
	b = append(b, form)
	b = append(b, k.id[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(size))
	b = b[:headSize+nonceSize]
	if _, err := io.ReadFull(random, b[headSize:]); err != nil {
		return identity.Secret{}, fmt.Errorf("make a refresh token: %w", err)
	}
	b = k.aead.Seal(b, b[headSize:], plain, b[:headSize])
	text := prefix + base64.RawURLEncoding.EncodeToString(b)
	if len(text) > maxToken {
		return identity.Secret{}, fmt.Errorf("make a refresh token: %w", errContent)
	}
	return identity.NewSecret(text), nil
}

// sealed is a token in its parts, with nothing of it proven.
type sealed struct{ head, nonce, box []byte }

// split takes a token apart; the error is its reason.
func split(token string) (sealed, keyID, identity.Reason) {
	text, ok := strings.CutPrefix(token, prefix)
	if !ok || len(token) > maxToken || strings.Trim(text, alphabet) != "" {
		return sealed{}, keyID{}, identity.ReasonRefreshMalformed
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		b, err = base64.RawURLEncoding.DecodeString(text[:len(text)-len(text)%4]) // cut within a group of four
		if err != nil {
			return sealed{}, keyID{}, identity.ReasonRefreshMalformed
		}
	}
	if len(b) < headSize {
		return sealed{}, keyID{}, identity.ReasonRefreshTruncated
	}
	size := int(binary.BigEndian.Uint16(b[headSize-2:]))
	switch {
	case b[0] != form:
		return sealed{}, keyID{}, identity.ReasonRefreshMalformed
	case len(b) < headSize+size || size < nonceSize:
		return sealed{}, keyID{}, identity.ReasonRefreshTruncated
	case len(b) > headSize+size || err != nil:
		return sealed{}, keyID{}, identity.ReasonRefreshMalformed
	}
	return sealed{b[:headSize], b[headSize : headSize+nonceSize], b[headSize+nonceSize:]}, keyID(b[1:]), ""
}

// open gives what the key has sealed.
func (k *key) open(s sealed) (content, error) {
	plain, err := k.aead.Open(nil, s.nonce, s.box, s.head)
	if err != nil {
		return content{}, err
	}
	return decode(plain)
}

// encode writes a content.
func (c *content) encode() []byte {
	var b []byte
	b = append(b, c.id[:]...)
	for _, t := range []time.Time{c.issued, c.expires, c.changed} {
		b = binary.BigEndian.AppendUint64(b, uint64(nanoseconds(t)))
	}
	for _, s := range []string{c.service, c.account.directory, c.account.id} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}

// decode reads a content.
func decode(b []byte) (content, error) {
	var c content
	const times = 3
	if len(b) < idSize+times*8 {
		return content{}, errContent
	}
	c.id, b = id(b[:idSize]), b[idSize:]
	for _, t := range []*time.Time{&c.issued, &c.expires, &c.changed} {
		*t, b = moment(int64(binary.BigEndian.Uint64(b))), b[8:]
	}
	for _, s := range []*string{&c.service, &c.account.directory, &c.account.id} {
		n, used := binary.Uvarint(b)
		if used <= 0 || n > uint64(len(b)-used) {
			return content{}, errContent
		}
		*s, b = string(b[used:used+int(n)]), b[used+int(n):]
	}
	if len(b) > 0 {
		return content{}, errContent
	}
	return c, nil
}

// nanoseconds gives a time as a number; zero is no time.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// moment is the reverse of nanoseconds.
func moment(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}
