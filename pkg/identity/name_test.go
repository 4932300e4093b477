package identity_test

import (
	"testing"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

func TestFold(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"ascii", "Alice", "alice"},
		{"folded already", "alice", "alice"},
		{"only ASCII letters are lowered", "ÉMILE", "Émile"},
		{"composed", "e\u0301mile", "émile"},
		{"lowering before composing", "Y\u030a", "\u1e99"},
		{"a sign that is the letter K", "\u212Aelvin", "kelvin"},
		{"invalid UTF-8 stays apart", "A\xff", "a\xff"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := identity.Fold(tt.in); got != tt.want {
				t.Errorf("Fold(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestNormalDNSame(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, a, b string }{
		{"case of type and value", "UID=Alice, OU=People, DC=example, DC=org", "uid=alice,ou=people,dc=example,dc=org"},
		{"escapes", `cn=Team (A\, B) \\ Ops,dc=x`, `cn=Team (A\2C B) \5C Ops,dc=x`},
		{"order in an RDN", "cn=a+uid=b,dc=x", "uid=b+cn=a,dc=x"},
		{"semicolon", "cn=a;dc=x", "cn=a,dc=x"},
		{"hex of a letter", `cn=\61lice,dc=x`, "cn=alice,dc=x"},
		{"composed and decomposed", "cn=e\u0301,dc=x", "cn=\u00e9,dc=x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, err := identity.NormalDN(tt.a)
			if err != nil {
				t.Fatalf("NormalDN(%q): %v", tt.a, err)
			}
			b, err := identity.NormalDN(tt.b)
			if err != nil {
				t.Fatalf("NormalDN(%q): %v", tt.b, err)
			}
			if a != b {
				t.Errorf("NormalDN(%q) = %q, NormalDN(%q) = %q, want equal", tt.a, a, tt.b, b)
			}
		})
	}
}

func TestNormalDNDifferent(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, a, b string }{
		{"escaped comma is no separator", `cn=a\,dc=b,dc=x`, "cn=a,dc=b,dc=x"},
		{"inner spaces", "cn=a  b,dc=x", "cn=a b,dc=x"},
		{"escaped trailing space", `cn=a\ ,dc=x`, "cn=a,dc=x"},
		{"accent", "cn=emile,dc=x", "cn=émile,dc=x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, _ := identity.NormalDN(tt.a)
			b, _ := identity.NormalDN(tt.b)
			if a == "" || a == b {
				t.Errorf("NormalDN(%q) = %q, NormalDN(%q) = %q, want different", tt.a, a, tt.b, b)
			}
		})
	}
}

func TestNormalDNRefuses(t *testing.T) {
	t.Parallel()
	for _, dn := range []string{"", "payments", "=x", "cn", "cn=a,", ",cn=a", `cn=a\`, `cn=a\zz`, `cn="a"`, "<SID=S-1-5>", "cn=#xyz", "c n=a"} {
		if got, err := identity.NormalDN(dn); err == nil {
			t.Errorf("NormalDN(%q) = %q, want an error", dn, got)
		}
	}
}

// FuzzNormalDN: the normal form is a fixed point, so that it can serve as a key.
func FuzzNormalDN(f *testing.F) {
	for _, s := range []string{"cn=a,dc=x", `cn=Team (A\, B) \\ Ops,dc=x`, "cn=#0401ff,dc=x", `cn=\20a\20`, "a=+b=", "1.2.3=é"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, dn string) {
		once, err := identity.NormalDN(dn)
		if err != nil {
			return
		}
		twice, err := identity.NormalDN(once)
		if err != nil || twice != once {
			t.Errorf("NormalDN(%q) = %q, and of that %q (%v)", dn, once, twice, err)
		}
	})
}
