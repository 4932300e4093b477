package ldap_test

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// FuzzBindAnswer: whatever a server answers to a bind, the password is proven only by a response to this very
// message with result 0; everything else is a refusal or unavailable, and harms nothing. (The library does not
// look which kind of response it is; the message's id says that it belongs to the bind.)
func FuzzBindAnswer(f *testing.F) {
	f.Add(message(1, resultOf(opBindResponse, 0)))
	f.Add(message(1, resultOf(opBindResponse, 0), policyError(2)))
	f.Add(message(1, resultOf(opBindResponse, 49), policyError(1)))
	f.Add(message(2, resultOf(opBindResponse, 0)))
	f.Add(message(0, resultOf(opExtendedResponse, 52)))
	f.Add([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff})
	f.Add([]byte{0x30, 0x03, 0x02, 0x01, 0x01})
	f.Fuzz(func(t *testing.T, raw []byte) {
		synctest.Test(t, func(t *testing.T) {
			s := newFakeServer()
			s.on(onUserBind(func(request) *answer { return &answer{raw: append([]byte{}, raw...), hangUp: true} }))
			b, stop := running(t, options(nil, s))
			defer stop()
			synctest.Wait()
			p, _, err := prove(t.Context(), b)
			switch {
			case err == nil && (p.IsZero() || !someSuccess(raw)):
				t.Errorf("%x proves a password", raw)
			case err != nil && !errors.Is(err, identity.ErrUnavailable) && !errors.Is(err, identity.ErrInvalidCredentials):
				t.Errorf("%x: %v, want a refusal or ErrUnavailable", raw, err)
			}
		})
	})
}

// someSuccess reports whether a stream holds a message 1 with result 0.
func someSuccess(raw []byte) bool {
	for r := bytes.NewReader(raw); r.Len() > 0; {
		p, err := ber.ReadPacket(r)
		if err != nil {
			return false
		}
		if len(p.Children) < 2 || len(p.Children[1].Children) < 3 {
			continue
		}
		id, isInt := p.Children[0].Value.(int64)
		code, isCode := p.Children[1].Children[0].Value.(int64)
		if isInt && isCode && id == 1 && code == 0 && p.Children[1].ClassType == ber.ClassApplication {
			return true
		}
	}
	return false
}
