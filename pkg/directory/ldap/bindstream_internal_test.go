package ldap

import (
	"bytes"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
)

// encoded is a bind request as the libraries encode it.
func encoded(id int64, dn, secret string) []byte {
	p := ber.NewSequence("LDAPMessage")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, "id"))
	bind := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationBindRequest, nil, "bind")
	bind.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 3, "version"))
	bind.AppendChild(ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, dn, "name"))
	bind.AppendChild(ber.NewString(ber.ClassContext, ber.TypePrimitive, 0, secret, "simple"))
	p.AppendChild(bind)
	controls := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "Controls")
	controls.AppendChild(goldap.NewControlBeheraPasswordPolicy().Encode())
	p.AppendChild(controls)
	return p.Bytes()
}

// requestBytes encodes the same by itself.
func requestBytes(id int64, dn, secret string) []byte {
	controls := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "Controls")
	controls.AppendChild(goldap.NewControlBeheraPasswordPolicy().Encode())
	s := bindStream{control: string(controls.Bytes()), id: id}
	return s.appendRequest(nil, dn, secret)
}

// FuzzBindRequest: a request is what the libraries would send, byte for byte.
func FuzzBindRequest(f *testing.F) {
	f.Add(int64(1), "uid=alice,dc=example,dc=org", "secret")
	f.Add(int64(127), strings.Repeat("x", 127), strings.Repeat("y", 128))
	f.Add(int64(128), strings.Repeat("x", 255), strings.Repeat("y", 256))
	f.Add(int64(32768), strings.Repeat("x", 65536), "\x00\xff")
	f.Add(int64(maxID), "", "")
	f.Fuzz(func(t *testing.T, id int64, dn, secret string) {
		if id < 1 || id > maxID {
			t.Skip("no message has this id")
		}
		if got, want := requestBytes(id, dn, secret), encoded(id, dn, secret); !bytes.Equal(got, want) {
			t.Errorf("appendRequest(%d, %q, %q) = %x, want %x", id, dn, secret, got, want)
		}
	})
}

// TestSuccessBytes: the bytes that are taken for a success are one to the libraries, for the same message.
func TestSuccessBytes(t *testing.T) {
	t.Parallel()
	for _, id := range []int64{1, 127, 128, 255, 256, 32767, 32768, 1<<23 - 1, 1 << 23, maxID} {
		p, err := ber.DecodePacketErr(appendSuccess(nil, id))
		if err != nil {
			t.Fatalf("id %d: %v", id, err)
		}
		if got := p.Children[0].Value; got != id {
			t.Errorf("id = %v, want %d", got, id)
		}
		if r := p.Children[1]; len(p.Children) != 2 || r.Tag != goldap.ApplicationBindResponse || goldap.GetLDAPError(p) != nil {
			t.Errorf("id %d: not the success of a bind", id)
		}
	}
}
