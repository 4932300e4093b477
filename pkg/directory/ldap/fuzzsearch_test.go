package ldap_test

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// ofMessage puts bytes behind a message id, as the operation of a message whose length is right.
func ofMessage(id int64, body []byte) []byte {
	head := ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, "").Bytes()
	p := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	p.Data.Write(head)
	p.Data.Write(body)
	return p.Bytes()
}

// holds reports whether a stream has an operation of a kind that says what ok wants.
func holds(raw []byte, op ber.Tag, ok func(*ber.Packet) bool) bool {
	for r := bytes.NewReader(raw); r.Len() > 0; {
		p, err := ber.ReadPacket(r)
		if err != nil {
			return false
		}
		for _, child := range append([]*ber.Packet{p}, p.Children...) {
			if child.Tag == op && len(child.Children) > 0 && ok(child) {
				return true
			}
		}
	}
	return false
}

// FuzzSearchAnswer: whatever a server answers to searches, an entry or groups are taken only from a search that ended
// well; everything else is an error, and harms nothing.
func FuzzSearchAnswer(f *testing.F) {
	full := entry(1, object{dn: "uid=alice,dc=example,dc=org", attributes: map[string][]string{"uid": {"alice"}, "entryUUID": {"1"}}})
	p, err := ber.ReadPacket(bytes.NewReader(full))
	if err != nil {
		f.Fatal(err)
	}
	found, done := p.Children[1].Bytes(), resultOf(opDone, 0).Bytes()
	f.Add(found, done)
	f.Add(done, done)
	f.Add(found, resultOf(opDone, 4).Bytes())
	f.Add(found, resultOf(opBindResponse, 0).Bytes())
	f.Add(found[:len(found)/2], done)
	f.Add([]byte{0x64, 0x80}, []byte{0x65, 0x84, 0x7f, 0xff, 0xff, 0xff})
	f.Add([]byte{0x73, 0x00}, done)
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		synctest.Test(t, func(t *testing.T) {
			s := newFakeServer()
			b, stop := running(t, options(nil, s))
			defer stop()
			synctest.Wait()
			var sent []byte
			s.on(func(r request) *answer {
				if r.op != opSearch || r.dn == "" {
					return nil
				}
				sent = append(ofMessage(r.id, first), ofMessage(r.id, second)...)
				return &answer{raw: sent, hangUp: true}
			})
			e, err := b.Find(t.Context(), "alice", 0)
			judgeFuzzed(t, "Find", err)
			if err == nil && (e.DN == "" || e.ID == "" || !endedWell(sent)) {
				t.Errorf("%x is the entry %+v", sent, e)
			}
			_, err = b.Account(t.Context(), alice(), directory.Proof{}, 0)
			judgeFuzzed(t, "Account", err)
			if err == nil && !endedWell(sent) {
				t.Errorf("%x are all groups", sent)
			}
		})
	})
}

// judgeFuzzed reports an error of a kind that callers do not expect.
func judgeFuzzed(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, identity.ErrUnavailable) && !errors.Is(err, identity.ErrInvalidCredentials) {
		t.Errorf("%s: %v, want a refusal or ErrUnavailable", what, err)
	}
}

// endedWell reports whether a stream holds the end of a search with result 0.
func endedWell(raw []byte) bool {
	return holds(raw, opDone, func(p *ber.Packet) bool {
		code, ok := p.Children[0].Value.(int64)
		return ok && code == 0
	})
}
