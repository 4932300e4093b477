package ldap

import (
	"strings"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// ofDomain makes a Backend that knows the names of its domain.
func ofDomain(t testing.TB, logins ...string) *Backend {
	t.Helper()
	b, err := New(Options{
		Source: "corp", Servers: []string{"ldaps://dc1.corp.example"}, BaseDN: "OU=Berlin,DC=corp,DC=example",
		Users: Users{LoginAttributes: logins, IDAttribute: objectGUID},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.domains.names, b.domains.until = domainNames{dns: "corp.example", netBIOS: "CORP"}, time.Now().Add(time.Hour)
	return b
}

// wanted gives what a name is looked for as.
func wanted(t *testing.T, b *Backend, login string) string {
	t.Helper()
	values, err := b.windowsName(t.Context(), login)
	if err != nil {
		return "refused"
	}
	var out []string
	for _, v := range values {
		out = append(out, v.attribute+"="+v.value)
	}
	return strings.Join(out, " ")
}

func TestWindowsName(t *testing.T) {
	t.Parallel()
	full := ofDomain(t, samAccountName, principalName, mailAddress, "employeeID")
	short := ofDomain(t, samAccountName, principalName)
	none := ofDomain(t, principalName, "sAMAccountName")
	tests := []struct {
		backend     *Backend
		login, want string
	}{
		{full, "alice", "sAMAccountName=alice employeeID=alice"},
		{full, "a@corp.example", "sAMAccountName=a userPrincipalName=a@corp.example mail=a@corp.example employeeID=a@corp.example"},
		{full, "a@Corp", "sAMAccountName=a userPrincipalName=a@Corp mail=a@Corp employeeID=a@Corp"},
		{full, "a@other.example", "userPrincipalName=a@other.example mail=a@other.example employeeID=a@other.example"},
		{full, "a@b@corp.example", "sAMAccountName=a@b userPrincipalName=a@b@corp.example mail=a@b@corp.example employeeID=a@b@corp.example"},
		{short, "@corp.example", "userPrincipalName=@corp.example"},
		{short, "alice@", "userPrincipalName=alice@"},
		{short, `CORP\alice`, "sAMAccountName=alice"},
		{short, `corp.EXAMPLE\alice`, "sAMAccountName=alice"},
		{short, `CORP\al\ice`, `sAMAccountName=al\ice`},
		{short, `OTHER\alice`, "refused"},
		{short, `corp.example.org\alice`, "refused"},
		{short, `\alice`, "refused"},
		{short, `CORP\`, "refused"},
		{none, "alice", "sAMAccountName=alice"},
	}
	for _, tt := range tests {
		if got := wanted(t, tt.backend, tt.login); got != tt.want {
			t.Errorf("windowsName(%q) = %s, want %s", tt.login, got, tt.want)
		}
	}
	// A domain whose short name may not be read has none, and not the empty one.
	short.domains.names.netBIOS = ""
	if got := wanted(t, short, `CORP\alice`); got != "refused" {
		t.Errorf("windowsName without a NetBIOS name = %s, want a refusal", got)
	}
}

func TestDNSName(t *testing.T) {
	t.Parallel()
	for dn, want := range map[string]string{
		"OU=Berlin,DC=corp,DC=example": "corp.example", "DC=corp": "corp", "o=x": "", "": "", "no DN": "",
	} {
		if got := dnsName(dn); got != want {
			t.Errorf("dnsName(%q) = %q, want %q", dn, got, want)
		}
	}
}

// FuzzWindowsName: whatever is typed, the filter compares whole parts of it with attributes for logins, and people
// alone match.
func FuzzWindowsName(f *testing.F) {
	for _, s := range []string{"alice", `CORP\alice`, "a@corp.example", "*", `CORP\*)(objectClass=*`, "a)(|(b=*@corp.example", "émile@x", `\`, "@"} {
		f.Add(s)
	}
	b := ofDomain(f, samAccountName, principalName, mailAddress)
	f.Fuzz(func(t *testing.T, login string) {
		if !validText(login, maxLogin) {
			return
		}
		text, err := b.nameFilter(t.Context(), login)
		if err != nil {
			return
		}
		p, err := goldap.CompileFilter(text)
		if err != nil {
			t.Fatalf("filter for %q: %v", login, err)
		}
		if len(p.Children) != 2 || ber.DecodeString(p.Children[0].Children[0].Data.Bytes()) != "sAMAccountType" {
			t.Fatalf("filter for %q has another shape: %s", login, text)
		}
		for _, equal := range p.Children[1].Children {
			if equal.Tag != goldap.FilterEqualityMatch {
				t.Fatalf("filter for %q is no equality: %s", login, text)
			}
			value := ber.DecodeString(equal.Children[1].Data.Bytes())
			domain, account, qualified := strings.Cut(login, `\`)
			local, _ := strings.CutSuffix(login, login[max(strings.LastIndexByte(login, '@'), 0):])
			switch {
			case qualified && value == account && identity.Fold(domain) != "":
			case !qualified && (value == login || value == local):
			default:
				t.Fatalf("filter for %q asks for %q", login, value)
			}
		}
	})
}
