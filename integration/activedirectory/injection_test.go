package activedirectory_test

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/samba"
	"github.com/wharfgate/wharfgate/integration/internal/tap"
)

// injections are texts that would mean something in a filter or a DN if they were not escaped, and others that are too
// strange to be a name.
func injections() []string {
	return []string{
		"*", "al*", "*ce", "a*e", "*)(uid=*", "*)(objectClass=*", "admin)(|(uid=*", "*)(sAMAccountName=*", "alice)(sAMAccountName=alice",
		"alice)(&", "(alice)", `\`, `\2a`, `\2A`, `al\69ce`, `\00`, "alice\x00", "\x00", "al\x00ice", "alice\n", "\nalice", "ali\rce", "alice\x7f",
		"alice,OU=People", "CN=alice", "alice#", "<GUID=*>", "<SID=*>", "%2a", "%s", "{{.}}", "${user}",
		strings.Repeat("a", 300), strings.Repeat("x", 10<<10), strings.Repeat("*", 200), "alice\xff", "\xc0\xaf", "\xed\xa0\x80", "al\ufffdice",
		" alice", "alice ", "  ", "\t", "ａｌｉｃｅ", "alıce",
	}
}

// refuseOrAlice wants a text refused. What is alice by the matching rules of the directory (spaces around it, other forms of
// the same letters) may be alice, under her own name.
func refuseOrAlice(t *testing.T, g *gate.Gate, name, password string) {
	t.Helper()
	answer := g.Ask(t, name, password)
	if norm.NFKC.String(strings.TrimSpace(name)) == "alice" && answer.Status == http.StatusOK && answer.Claims.Subject == "alice" {
		return
	}
	if answer.Token != "" || answer.Status != http.StatusUnauthorized && answer.Status != http.StatusBadRequest {
		t.Errorf("%.40q = %d as %q, want 401", name, answer.Status, answer.Claims.Subject)
	}
}

// TestLDAP06_StrangeNamesAreLiteral, on the real domain: names with special letters log in, texts that play with filters
// do not, and reach the directory as they are, if they reach it.
func TestLDAP06_StrangeNamesAreLiteral(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	p := tap.Start(t, d.Address+":636", d.TLS(t))
	g := start(t, d, through(p))
	for _, name := range []string{"jo(se)", "émile", "ÉMILE", "o'brien", "jsmith", "john smith", "backslash", "specials", "edges", "zoë"} {
		g.MustGrant(t, name, d.Password)
	}
	mark := p.Mark()
	for _, name := range injections() {
		refuseOrAlice(t, g, name, d.Password)
	}
	for _, r := range p.Since(mark) {
		if r.Operation != tap.Search || !strings.Contains(r.Filter, "(sAMAccountName=") {
			continue
		}
		if stripped := strings.ReplaceAll(r.Filter, "(objectClass=*)", ""); strings.Contains(stripped, "=*") || strings.Contains(stripped, "*)") {
			t.Errorf("a star is no letter in the filter %.200s", r.Filter)
		}
		if n := strings.Count(r.Filter, "(sAMAccountName="); n > 1 {
			t.Errorf("the filter %.200s asks for %d names", r.Filter, n)
		}
	}
}
