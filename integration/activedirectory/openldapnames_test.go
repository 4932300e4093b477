package activedirectory_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// TestLDAP06_StrangeNamesOnOpenLDAP: the same on OpenLDAP, whose log shows the filters as it understood them.
func TestLDAP06_StrangeNamesOnOpenLDAP(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	g := start(t, d)
	for _, name := range []string{"o'brien", "jsmith", "john smith", "zoë", "ZOË", `back\slash`, `#a+b=c;<d>"e"*f/g&h`} {
		g.MustGrant(t, name, d.Password)
	}
	mark := d.Mark(t)
	for _, name := range injections() {
		refuseOrAlice(t, g, name, d.Password)
	}
	for line := range strings.Lines(string(d.Log(t)[mark:])) {
		if _, filter, ok := strings.Cut(line, " filter="); ok && strings.Contains(strings.ReplaceAll(filter, "(objectClass=*)", ""), "*") {
			t.Errorf("a star is no letter in the filter %s", filter)
		}
	}
}

// TestLDAP07_EveryLetterOfAPassword: in both ways to send one.
func TestLDAP07_EveryLetterOfAPassword(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	g := start(t, d)
	ascii := ""
	for c := byte(' ' + 1); c < 0x7f; c++ {
		ascii += string(rune(c))
	}
	for i, password := range []string{"Töchter-Änderung-ß", "密码-пароль-🔑", ascii, ":leading", "trailing:", "a:b:c", " spaces ", "%41%zz+&=", strings.Repeat("x", 1024)} {
		uid := []string{"alice", "nora", "carol", "dana", "u00001", "u00002", "u00003", "u00004", "u00005"}[i]
		d.SetPassword(t, uid, password)
		g.MustGrant(t, uid, password)
		if answer, err := g.Asker(gate.Service).Post(t.Context(), uid, password); err != nil || answer.Status != http.StatusOK {
			t.Errorf("POST with the password %.40q = %d %s, %v, want 200", password, answer.Status, answer.Body, err)
		}
		if wrong := url.QueryEscape(password); wrong != password {
			mustRefuse(t, g, uid, wrong, "wrong_password")
		}
	}
}

// TestLDAP05_AmbiguousNameOnOpenLDAP: a name that leads to two entries leads nowhere.
func TestLDAP05_AmbiguousNameOnOpenLDAP(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	d.SetMail(t, "nora", "twins@example.org")
	d.SetMail(t, "dana", "twins@example.org")
	g := start(t, d, func(s gate.Settings) { s.Directory().Section("users")["login_attributes"] = []string{"uid", "mail"} })
	mark := d.Mark(t)
	mustRefuse(t, g, "twins@example.org", d.Password, "ambiguous")
	if o := d.Since(t, mark); o.Binds != 0 {
		t.Errorf("operations = %+v, want no bind", o)
	}
	g.MustGrant(t, "nora", d.Password)
}

// TestLDAP04_28_RefusalsOnOpenLDAP: an empty password, which this server would take, is not sent; and every refusal reads
// the same.
func TestLDAP04_28_RefusalsOnOpenLDAP(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	g := start(t, d)
	mark := d.Mark(t)
	bodies := map[string]bool{}
	for _, password := range []string{"", "\x00", " ", "\t \u00a0"} {
		answer := g.Ask(t, "alice", password)
		if answer.Status != http.StatusUnauthorized {
			t.Errorf("password %q = %d, want 401", password, answer.Status)
		}
		bodies[answer.Body] = true
	}
	if o := d.Since(t, mark); o.Binds != 0 {
		t.Errorf("operations = %+v, want no bind", o)
	}
	for user, password := range map[string]string{"nobody": d.Password, "nora": "wrong", "locked": d.Password, "expired": d.Password, "mustchange": d.Password} {
		answer := g.Ask(t, user, password)
		if answer.Status != http.StatusUnauthorized {
			t.Errorf("%s = %d, want 401", user, answer.Status)
		}
		bodies[answer.Body] = true
	}
	if len(bodies) != 1 {
		t.Errorf("clients read %v, want one text", bodies)
	}
}

// TestLDAP35_WrongServicePasswordOnOpenLDAP: the directory would lock the service account for ever after five.
func TestLDAP35_WrongServicePasswordOnOpenLDAP(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	g := prepare(t, d, func(s gate.Settings) { s.Directory().Section("bind")["dn"] = d.PersonDN("u00009") })
	d.SetPassword(t, "u00009", "an0ther-One")
	mark := d.Mark(t)
	g.Serve(t)
	for range 50 {
		if answer := g.Ask(t, "alice", d.Password); answer.Status != http.StatusServiceUnavailable {
			t.Errorf("token = %d %s, want 503", answer.Status, answer.Body)
		}
	}
	if o := d.Since(t, mark); o.Binds != 1 {
		t.Errorf("operations = %+v, want one bind of the service account", o)
	}
	filtered := start(t, d, func(s gate.Settings) { s.Directory().Section("users")["filter"] = "(uid=u00009)" })
	filtered.MustGrant(t, "u00009", "an0ther-One")
}
