package ldap

import (
	"bytes"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"
)

// FuzzLoginFilter: whatever is typed, the filter asks for exactly that value in the login attributes, and for
// nothing else.
func FuzzLoginFilter(f *testing.F) {
	for _, s := range []string{"alice", "émile", "*", "*)(uid=*", `\2a`, "o'brien", "jo(se)", "(", "\ufffd", "漢字", `a\`, "a b"} {
		f.Add(s)
	}
	s := newShape(&Options{
		BaseDN: "dc=x", Users: Users{Filter: "(objectClass=person)", LoginAttributes: []string{"uid", "mail"}},
		Groups: Groups{Filter: defaultGroupFilter},
	})
	f.Fuzz(func(t *testing.T, login string) {
		if !validText(login, maxLogin) {
			return
		}
		p, err := goldap.CompileFilter(s.loginFilter(login))
		if err != nil {
			t.Fatalf("filter for %q: %v", login, err)
		}
		if len(p.Children) != 2 || len(p.Children[1].Children) != 2 {
			t.Fatalf("filter for %q has another shape: %s", login, s.loginFilter(login))
		}
		for i, attribute := range []string{"uid", "mail"} {
			equal := p.Children[1].Children[i]
			if equal.Tag != goldap.FilterEqualityMatch {
				t.Fatalf("filter for %q is no equality: %s", login, s.loginFilter(login))
			}
			got := ber.DecodeString(equal.Children[1].Data.Bytes())
			if a := ber.DecodeString(equal.Children[0].Data.Bytes()); a != attribute || got != login {
				t.Fatalf("filter asks for %s = %q, want %s = %q", a, got, attribute, login)
			}
		}
	})
}

// FuzzFramer: how a stream is cut does not matter, and a stream of messages within bounds passes.
func FuzzFramer(f *testing.F) {
	f.Add([]byte{0x30, 0x03, 0x02, 0x01, 0x01}, 2)
	f.Add([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff}, 3)
	f.Add([]byte{0x30, 0x80, 0x00, 0x00}, 1)
	f.Add(append([]byte{0x30, 0x81, 0x80}, bytes.Repeat([]byte{1}, 128)...), 5)
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		var whole, parts framer
		err := whole.pass(stream)
		var errParts error
		for rest := stream; len(rest) > 0 && errParts == nil; {
			n := max(1, min(cut, len(rest)))
			errParts = parts.pass(rest[:n])
			rest = rest[n:]
		}
		if (err == nil) != (errParts == nil) || err == nil && whole != parts {
			t.Errorf("whole: %v %+v, in parts: %v %+v", err, whole, errParts, parts)
		}
		if whole.rest > maxMessage || whole.rest < 0 {
			t.Errorf("%d bytes to come, beyond the bound", whole.rest)
		}
	})
}

// TestFramerBound: a message of the largest size passes, and one byte more does not.
func TestFramerBound(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		header []byte
		ok     bool
	}{
		{[]byte{0x30, 0x83, 0x80, 0x00, 0x00}, true},
		{[]byte{0x30, 0x83, 0x80, 0x00, 0x01}, false},
		{[]byte{0x30, 0x88, 0, 0, 0, 0, 0, 0x80, 0, 0}, true},
		{[]byte{0x30, 0x89}, false},
	} {
		if err := new(framer).pass(tt.header); (err == nil) != tt.ok {
			t.Errorf("pass(%x) = %v, want ok %t", tt.header, err, tt.ok)
		}
	}
}

// TestPanicText: what a panic of the library says does not reach an error, as it may hold what was sent.
func TestPanicText(t *testing.T) {
	t.Parallel()
	if text := panicked("secret").Error(); strings.Contains(text, "secret") {
		t.Errorf("panicked = %q", text)
	}
}
