package kindstest_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
	"github.com/hashicorp/go-hclog"
	"github.com/jimlambrt/gldap"

	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// fakePassword is everybody's at a fake.
const fakePassword = "fake-Passw0rd"

// object is an entry of a fake.
type object struct {
	dn         string
	attributes map[string][]string
}

// fake is an LDAP server that answers as another one is known to.
type fake struct {
	kind, base, service string
	root                map[string][]string // its own entry; nil: asking for it is refused
	objects             []object
	named               []string                // attributes that are given only to who asks for them by name
	strict              bool                    // a filter with an attribute that no entry has finds nothing at all
	refuse              func(bind, ok bool) int // a result code for everything, or 0; told how each bind went

	address string
	mu      sync.Mutex
}

// start serves until the test ends.
func (f *fake) start(t *testing.T) *fake {
	t.Helper()
	server, err := gldap.NewServer(gldap.WithLogger(hclog.NewNullLogger()))
	if err != nil {
		t.Fatal(err)
	}
	routes, err := gldap.NewMux()
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{routes.Bind(f.bind), routes.Search(f.search), server.Router(routes)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	f.address = loopback.Address(loopback.Ports(t, 1))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(f.address) }()
	t.Cleanup(func() { _ = server.Stop() })
	loopback.Eventually(t, 10*time.Second, func() error {
		c, err := new(net.Dialer).DialContext(context.WithoutCancel(t.Context()), "tcp", f.address)
		if err == nil {
			_ = c.Close()
		}
		return err
	})
	return f
}

// Configuration is what an operator knows: address, service credentials and base.
func (f *fake) Configuration() map[string]any {
	return map[string]any{
		"kind": f.kind, "servers": []string{"ldap://" + f.address}, "insecure_plaintext": true,
		"bind": map[string]any{"dn": f.service}, "base_dn": f.base,
	}
}

// ServicePassword is the password of the account in Configuration.
func (*fake) ServicePassword() string { return fakePassword }

// normal is the comparable form of a DN.
func normal(dn string) string {
	key, err := identity.NormalDN(dn)
	if err != nil {
		return strings.ToLower(dn)
	}
	return key
}

// refusal gives the result code for everything, or 0.
func (f *fake) refusal(bind, ok bool) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse == nil {
		return gldap.ResultSuccess
	}
	return f.refuse(bind, ok)
}

// bind proves a password: that of the service, or of an entry that has none of its own.
func (f *fake) bind(w *gldap.ResponseWriter, r *gldap.Request) {
	response := r.NewBindResponse(gldap.WithResponseCode(gldap.ResultInvalidCredentials))
	defer func() { _ = w.Write(response) }()
	m, err := r.GetSimpleBindMessage()
	if err != nil {
		return
	}
	known := normal(m.UserName) == normal(f.service) || slices.ContainsFunc(f.objects, func(o object) bool { return normal(o.dn) == normal(m.UserName) })
	ok := known && string(m.Password) == fakePassword
	if code := f.refusal(true, ok); code != gldap.ResultSuccess {
		response.SetResultCode(code)
	} else if ok {
		response.SetResultCode(gldap.ResultSuccess)
	}
}

// search answers a search.
func (f *fake) search(w *gldap.ResponseWriter, r *gldap.Request) {
	done := r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultSuccess))
	defer func() { _ = w.Write(done) }()
	m, err := r.GetSearchMessage()
	if err != nil {
		done.SetResultCode(gldap.ResultProtocolError)
		return
	}
	if code := f.refusal(false, true); code != gldap.ResultSuccess {
		done.SetResultCode(code)
		return
	}
	if m.BaseDN == "" {
		if f.root == nil {
			done.SetResultCode(gldap.ResultNoSuchObject)
			return
		}
		_ = w.Write(r.NewSearchResponseEntry("", gldap.WithAttributes(f.shown(object{attributes: f.root}, m.Attributes))))
		return
	}
	filter, err := ldap.CompileFilter(m.Filter)
	if err != nil {
		done.SetResultCode(gldap.ResultProtocolError)
		return
	}
	found, base := 0, normal(m.BaseDN)
	exists := false
	for _, o := range f.objects {
		key := normal(o.dn)
		exists = exists || key == base
		if key != base && (m.Scope == gldap.BaseObject || !strings.HasSuffix(key, ","+base)) || f.strict && !f.knows(filter) || !matches(filter, o) {
			continue
		}
		found++
		if m.SizeLimit > 0 && int64(found) > m.SizeLimit {
			done.SetResultCode(gldap.ResultSizeLimitExceeded)
			return
		}
		_ = w.Write(r.NewSearchResponseEntry(o.dn, gldap.WithAttributes(f.shown(o, m.Attributes))))
	}
	if !exists {
		done.SetResultCode(gldap.ResultNoSuchObject)
	}
}

// shown gives the attributes that were asked for.
func (f *fake) shown(o object, asked []string) map[string][]string {
	out := map[string][]string{}
	for name, values := range o.attributes {
		byName := slices.ContainsFunc(asked, func(a string) bool { return strings.EqualFold(a, name) })
		if byName || len(asked) == 0 && !slices.Contains(f.named, name) {
			out[name] = values
		}
	}
	return out
}

// knows reports whether every attribute of a filter is one that some entry has.
func (f *fake) knows(p *ber.Packet) bool {
	switch p.Tag {
	case ldap.FilterAnd, ldap.FilterOr, ldap.FilterNot:
		return !slices.ContainsFunc(p.Children, func(c *ber.Packet) bool { return !f.knows(c) })
	case ldap.FilterPresent:
		return true
	default:
		name := text(p.Children[0])
		return slices.ContainsFunc(f.objects, func(o object) bool { return len(values(o, name)) > 0 })
	}
}

// matches evaluates and, or, not, presence and equality.
func matches(p *ber.Packet, o object) bool {
	switch p.Tag {
	case ldap.FilterAnd:
		return !slices.ContainsFunc(p.Children, func(c *ber.Packet) bool { return !matches(c, o) })
	case ldap.FilterOr:
		return slices.ContainsFunc(p.Children, func(c *ber.Packet) bool { return matches(c, o) })
	case ldap.FilterNot:
		return !matches(p.Children[0], o)
	case ldap.FilterPresent:
		return strings.EqualFold(text(p), "objectClass") || len(values(o, text(p))) > 0
	case ldap.FilterEqualityMatch:
		want := normal(text(p.Children[1]))
		return slices.ContainsFunc(values(o, text(p.Children[0])), func(v string) bool { return normal(v) == want })
	default:
		return false
	}
}

// values gives an attribute's values, whatever the case of its name.
func values(o object, attribute string) []string {
	for name, v := range o.attributes {
		if strings.EqualFold(name, attribute) {
			return v
		}
	}
	return nil
}

// text is the value of a packet that holds octets.
func text(p *ber.Packet) string {
	if s, ok := p.Value.(string); ok && s != "" {
		return s
	}
	return p.Data.String()
}
