package ldap

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// endpoint is one server's address, taken apart once.
type endpoint struct {
	url      string // without credentials, as configured
	address  string // host:port
	host     string // the name that the certificate must have
	implicit bool   // TLS from the first byte (ldaps)
}

// parseEndpoint reads a server URL.
func parseEndpoint(text string) (endpoint, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "" {
		return endpoint{}, errors.New("want ldaps://host[:port] or ldap://host[:port] and nothing more")
	}
	e := endpoint{url: text, host: u.Hostname()}
	port := u.Port()
	switch u.Scheme {
	case "ldaps":
		e.implicit = true
		port = orElse(port, "636")
	case "ldap":
		port = orElse(port, "389")
	default:
		return endpoint{}, fmt.Errorf("scheme %q is not supported: use ldaps or ldap", u.Scheme)
	}
	e.address = net.JoinHostPort(e.host, port)
	return e, nil
}

// validate reports every fault of options whose defaults are filled in.
func (o Options) validate() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }

	if o.Source == "" {
		fault("source: a name is required")
	}
	if len(o.Servers) == 0 && o.Discovery == nil {
		fault("servers: at least one URL is required")
	}
	o.validateDiscovery(fault)
	if len(o.Servers) > maxServers {
		fault("servers: more than %d", maxServers)
	}
	o.validateServers(fault, "servers", o.Servers)
	o.validateServers(fault, "users.global_catalog", o.Users.Catalog)
	if o.BindDN != "" && o.BindPassword == nil && !o.External {
		fault("bind: a DN needs a password")
	}
	if o.External && (o.BindDN != "" || o.BindPassword != nil || !hasCertificate(o.TLS)) {
		fault("bind: external wants a client certificate, and neither a DN nor a password")
	}
	checkDN(fault, "bind.dn", o.BindDN)
	if o.BaseDN == "" {
		fault("base_dn: required")
	}
	checkDN(fault, "base_dn", o.BaseDN)
	checkDN(fault, "users.base_dn", o.Users.BaseDN)
	checkDN(fault, "groups.base_dn", o.Groups.BaseDN)
	o.validateShape(fault)
	return errors.Join(faults...)
}

// validateServers checks a list of URLs.
func (o Options) validateServers(fault func(string, ...any), name string, servers []string) {
	for i, s := range servers {
		e, err := parseEndpoint(s)
		switch {
		case err != nil:
			fault("%s[%d]: %w", name, i, err)
		case !e.implicit && !o.StartTLS && !o.InsecurePlaintext:
			fault("%s[%d]: %s would send passwords readable: use ldaps://, or tls.start_tls, or insecure_plaintext", name, i, e.url)
		}
	}
}

// validateDiscovery checks what is looked up by DNS.
func (o Options) validateDiscovery(fault func(string, ...any)) {
	d := o.Discovery
	if d == nil {
		return
	}
	if len(o.Servers) > 0 {
		fault("discover: the servers are listed already")
	}
	if !isHostName(strings.TrimSuffix(d.Domain, ".")) {
		fault("discover.domain: %q is not a domain", d.Domain)
	}
	if d.Site != "" && (!isHostName(d.Site) || strings.Contains(d.Site, ".")) {
		fault("discover.site: %q is not the name of a site", d.Site)
	}
	if d.Refresh < 0 {
		fault("discover.refresh: must not be negative")
	}
	if o.InsecurePlaintext {
		fault("insecure_plaintext: servers that DNS names are never spoken to without TLS")
	}
}

// hasCertificate reports whether a TLS configuration shows a client certificate.
func hasCertificate(c *tls.Config) bool {
	return c != nil && (len(c.Certificates) > 0 || c.GetClientCertificate != nil)
}

// validateShape checks filters, attribute names and bounds.
func (o Options) validateShape(fault func(string, ...any)) {
	checkFilter(fault, "users.filter", o.Users.Filter)
	checkFilter(fault, "groups.filter", o.Groups.Filter)
	for i, a := range o.Users.LoginAttributes {
		checkAttribute(fault, fmt.Sprintf("users.login_attributes[%d]", i), a)
	}
	checkAttribute(fault, "users.id_attribute", o.Users.IDAttribute)
	checkAttribute(fault, "groups.name_attribute", o.Groups.NameAttribute)
	checkAttribute(fault, "groups.dn_attribute", o.Groups.DNAttribute)
	checkAttribute(fault, "groups.id_attribute", o.Groups.IDAttribute)
	if !slices.Contains(states(), o.Users.State) {
		fault("users.state: %q is not known", o.Users.State)
	}
	switch o.Groups.Method {
	case MemberSearch, MemberOf, InChain:
	case TokenGroups:
		if formOf(o.Groups.IDAttribute) != sidID {
			fault("groups.id_attribute: method %s needs %s", TokenGroups, objectSID)
		}
	default:
		fault("groups.method: %q is none of %s, %s, %s, %s", o.Groups.Method, MemberSearch, MemberOf, TokenGroups, InChain)
	}
	for _, bound := range []struct {
		name  string
		value int64
	}{
		{"groups.max_depth", int64(o.Groups.MaxDepth)},
		{"bind_connections.max", int64(o.BindConnections.Max)},
		{"search_connections", int64(o.SearchConnections)},
		{"queue", int64(o.Queue)},
		{"timeouts.dial", int64(o.Timeouts.Dial)},
		{"timeouts.operation", int64(o.Timeouts.Operation)},
		{"timeouts.stage", int64(o.Timeouts.Stage)},
		{"timeouts.age", int64(o.Timeouts.Age)},
		{"timeouts.idle", int64(o.Timeouts.Idle)},
	} {
		if bound.value < 0 {
			fault("%s: must not be negative", bound.name)
		}
	}
}

// checkDN reports a text that is set and not a distinguished name.
func checkDN(fault func(string, ...any), name, dn string) {
	if dn == "" {
		return
	}
	if _, err := identity.NormalDN(dn); err != nil {
		fault("%s: %q is %w", name, dn, err)
	}
}

// checkFilter reports a text that is set and not an LDAP filter.
func checkFilter(fault func(string, ...any), name, filter string) {
	if filter == "" {
		return
	}
	if _, err := goldap.CompileFilter(filter); err != nil {
		fault("%s: %q is not a filter (RFC 4515): put it in parentheses, as in (objectClass=person)", name, filter)
	}
}

// checkAttribute reports a text that is not an attribute name (RFC 4512 section 1.4).
func checkAttribute(fault func(string, ...any), name, attribute string) {
	ok := attribute != ""
	for i := range len(attribute) {
		c := attribute[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		ok = ok && (letter || '0' <= c && c <= '9' || c == '-' || c == '.')
	}
	if !ok {
		fault("%s: %q is not an attribute name", name, attribute)
	}
}
