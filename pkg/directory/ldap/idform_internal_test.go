package ldap

import (
	"bytes"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"
)

func TestSID(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		raw  []byte
	}{
		{"S-1-0", []byte{1, 0, 0, 0, 0, 0, 0, 0}},
		{"S-1-5-32-545", []byte{1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0}},
		{"S-1-5-21-1-2-4294967295-512", []byte{1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 255, 255, 255, 255, 0, 2, 0, 0}},
		{"S-1-281474976710655-7", []byte{1, 1, 255, 255, 255, 255, 255, 255, 7, 0, 0, 0}},
	}
	for _, tt := range tests {
		s, err := newSID(tt.raw)
		if err != nil || s.String() != tt.text {
			t.Errorf("newSID(%x) = %v, %v, want %s", tt.raw, s, err, tt.text)
		}
		if p, err := parseSID(tt.text); err != nil || p != s {
			t.Errorf("parseSID(%q) = %x, %v, want %x", tt.text, string(p), err, tt.raw)
		}
		if want := tt.text == "S-1-5-32-545"; s.builtin() != want {
			t.Errorf("%s.builtin() = %t", s, !want)
		}
	}
	for _, raw := range [][]byte{
		nil,
		{1},
		{1, 0, 0, 0, 0, 0, 0},
		{2, 0, 0, 0, 0, 0, 0, 5},
		{1, 1, 0, 0, 0, 0, 0, 5},
		{1, 1, 0, 0, 0, 0, 0, 5, 1, 2, 3},
		{1, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0},
		{1, 255, 0, 0, 0, 0, 0, 5},
		bytes.Repeat([]byte{1, 16}, 36),
	} {
		if s, err := newSID(raw); err == nil {
			t.Errorf("newSID(%x) = %v, want an error", raw, s)
		}
	}
	for _, text := range []string{
		"", "S", "S-1", "s-1-5-32-545", "S-2-5-32-545", "S-1-5-032-545", "S-1-5--545", "S-1-5-32-545-", " S-1-5-32-545",
		"S-1-5-4294967296", "S-1-281474976710656", "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16", "S-1-0x5-32-545", "S-1-5-+1",
	} {
		if s, err := parseSID(text); err == nil {
			t.Errorf("parseSID(%q) = %v, want an error", text, s)
		}
	}
}

func TestSIDSibling(t *testing.T) {
	t.Parallel()
	user, err := parseSID("S-1-5-21-1-2-3-1104")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := user.sibling(513); err != nil || s.String() != "S-1-5-21-1-2-3-513" {
		t.Errorf("sibling(513) = %v, %v", s, err)
	}
	none, err := parseSID("S-1-5")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := none.sibling(513); err == nil {
		t.Errorf("sibling of S-1-5 = %v, want an error", s)
	}
}

func TestGUID(t *testing.T) {
	t.Parallel()
	raw := []byte{0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}
	const text = "00112233-4455-6677-8899-aabbccddeeff"
	g, err := newGUID(raw)
	if err != nil || g.String() != text {
		t.Errorf("newGUID = %v, %v, want %s", g, err, text)
	}
	if p, err := parseGUID(text); err != nil || !bytes.Equal(p[:], raw) {
		t.Errorf("parseGUID = %x, %v, want %x", p, err, raw)
	}
	for _, bad := range []string{
		"", text[1:], text + "0", "{" + text + "}", "00112233-4455-6677-8899-AABBCCDDEEFF", "001122334455-6677-8899-aabb-ccddeeff0",
		"00112233-4455-6677-8899-aabbccddeefg", "00112233_4455_6677_8899_aabbccddeeff",
	} {
		if g, err := parseGUID(bad); err == nil {
			t.Errorf("parseGUID(%q) = %v, want an error", bad, g)
		}
	}
	for _, n := range []int{0, 15, 17} {
		if g, err := newGUID(make([]byte, n)); err == nil {
			t.Errorf("newGUID of %d bytes = %v, want an error", n, g)
		}
	}
}

// TestIDOf: an entry without exactly one well-formed id has none.
func TestIDOf(t *testing.T) {
	t.Parallel()
	entry := func(name string, values ...string) *goldap.Entry {
		return goldap.NewEntry("cn=x", map[string][]string{name: values})
	}
	tests := []struct {
		name      string
		entry     *goldap.Entry
		attribute string
		want      string
	}{
		{"text", entry("entryUUID", "a"), "entryuuid", "a"},
		{"guid", entry("objectGUID", "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), "objectguid", "00000001-0000-0000-0000-000000000000"},
		{"short guid", entry("objectGUID", "\x01"), "objectGUID", ""},
		{"two guids", entry("objectGUID", "0123456789abcdef", "0123456789abcdef"), "objectGUID", ""},
		{"sid", entry("objectSid", "\x01\x00\x00\x00\x00\x00\x00\x05"), "objectSid", "S-1-5"},
		{"broken sid", entry("objectSid", "\x01\x09\x00\x00\x00\x00\x00\x05"), "objectSid", ""},
		{"none", entry("cn", "x"), "objectSid", ""},
	}
	for _, tt := range tests {
		if got := idOf(tt.entry, tt.attribute); got != tt.want {
			t.Errorf("%s: idOf = %q, want %q", tt.name, got, tt.want)
		}
	}
}

// FuzzSID: what is taken as an identifier has one text and one encoding, and its filter value is its bytes.
func FuzzSID(f *testing.F) {
	f.Add([]byte{1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x21, 2, 0, 0}, "S-1-5-32-545")
	f.Add([]byte{1, 255, 0, 0, 0, 0, 0, 5}, "S-1-5-4294967296")
	f.Fuzz(func(t *testing.T, raw []byte, text string) {
		if s, err := newSID(raw); err == nil {
			again, err := parseSID(s.String())
			if err != nil || again != s {
				t.Errorf("parseSID(%q) = %x, %v, want %x", s, string(again), err, raw)
			}
		}
		s, err := parseSID(text)
		if err != nil {
			return
		}
		if s.String() != text {
			t.Errorf("parseSID(%q).String() = %q", text, s)
		}
		if again, err := newSID([]byte(s)); err != nil || again != s {
			t.Errorf("newSID(%x) = %v, %v", string(s), again, err)
		}
		value, ok := idValue("objectSid", text)
		packet, err := goldap.CompileFilter("(objectSid=" + value + ")")
		if !ok || err != nil || packet.Children[1].Data.String() != string(s) {
			t.Errorf("the filter for %q is not its bytes: %v", text, err)
		}
	})
}

// FuzzGUID: what is taken as a GUID has one text and one encoding.
func FuzzGUID(f *testing.F) {
	f.Add([]byte("0123456789abcdef"), "00112233-4455-6677-8899-aabbccddeeff")
	f.Fuzz(func(t *testing.T, raw []byte, text string) {
		if g, err := newGUID(raw); err == nil {
			if again, err := parseGUID(g.String()); err != nil || again != g {
				t.Errorf("parseGUID(%q) = %v, %v", g, again, err)
			}
		}
		if g, err := parseGUID(text); err == nil && g.String() != text {
			t.Errorf("parseGUID(%q).String() = %q", text, g)
		}
	})
}
