package tap_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/integration/internal/slapd"
	"github.com/wharfgate/wharfgate/integration/internal/tap"
)

func dial(t *testing.T, p *tap.Tap) *ldap.Conn {
	t.Helper()
	ca, err := os.ReadFile(p.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	c, err := ldap.DialURL(p.URL, ldap.DialWithTLSConfig(&tls.Config{RootCAs: pool}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	c.SetTimeout(200 * time.Millisecond)
	return c
}

func TestTapKeepsLosesAndCuts(t *testing.T) {
	t.Parallel()
	d := slapd.Start(t, slapd.Options{})
	target, err := url.Parse(d.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := tap.Start(t, target.Host, d.TLS(t))
	c := dial(t, p)
	if err := c.Bind(d.BindDN, d.Password); err != nil {
		t.Fatal(err)
	}
	search := ldap.NewSearchRequest(d.BaseDN, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(uid=alice)", []string{"cn"}, nil)
	if r, err := c.Search(search); err != nil || len(r.Entries) != 1 {
		t.Fatalf("search = %v, %v, want one entry", r, err)
	}
	want := []tap.Request{
		{Connection: 1, Operation: tap.Bind, Name: d.BindDN},
		{Connection: 1, Operation: tap.Search, Name: d.BaseDN, Scope: 2, Filter: "(uid=alice)", Attributes: []string{"cn"}},
	}
	if got := p.Since(0); !reflect.DeepEqual(got, want) {
		t.Errorf("requests = %+v, want %+v", got, want)
	}
	p.Lose(func(r tap.Request) bool { return r.Operation == tap.Bind })
	mark := d.Mark(t)
	if err := dial(t, p).Bind(d.PersonDN("alice"), "wrong"); !ldap.IsErrorWithCode(err, ldap.ErrorNetwork) {
		t.Errorf("bind whose answer is lost = %v, want a time-out", err)
	}
	if o := d.Since(t, mark); o.Binds != 1 || p.Connections() != 2 {
		t.Errorf("the directory saw %+v on %d connections, want the bind on the second", o, p.Connections())
	}
	p.Lose(nil)
	p.Cut()
	if _, err := c.Search(search); err == nil {
		t.Error("a cut connection answers")
	}
	if err := dial(t, p).Bind(d.BindDN, d.Password); err != nil {
		t.Errorf("a new connection after the cut: %v", err)
	}
}
