package config

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// directories checks the directories, each and all.
func (v *validator) directories(c Config) {
	v.realms(c)
	seen := make(map[string]int)
	for i, d := range c.Directories {
		path := index("directories", i)
		if d.Name != "" {
			if first, ok := seen[d.Name]; ok {
				v.add(path+".name", fmt.Sprintf("%s is the name of directories[%d] already", shown(d.Name), first), "give each directory a name of its own")
			}
			seen[d.Name] = i
			v.name(d.Name, path+".name")
		}
		v.servers(d, path)
		v.both(path+".tls.cert_file", d.TLS.CertFile, path+".tls.key_file", d.TLS.KeyFile)
		v.bind(d, path)
		v.names(d, path)
		v.method(d, path+".groups.method")
		v.connections(d, c.Limits.RequestTimeout, path)
		v.window(d.FailedBinds, path+".failed_binds")
		v.proven(d, path)
	}
}

// name checks a directory's name: it stands in metrics, and behind an @ in the policy.
func (v *validator) name(name, path string) {
	const longest = 63
	legal := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r)
	}
	if len(name) > longest || strings.ContainsFunc(name, func(r rune) bool { return !legal(r) }) {
		v.add(path, shown(name)+" is not a directory name", fmt.Sprintf("use up to %d lower-case letters, digits, '-', '_' and '.'", longest))
	}
}

// servers checks the servers and that passwords are protected on the way to them.
func (v *validator) servers(d Directory, path string) {
	v.discover(d, path)
	if len(d.Servers) == 0 && !d.Discover.isSet() {
		v.add(path+".servers", "required", "list the directory's servers, such as [ldaps://ldap1.corp.example]")
	}
	plain := v.serverList(d, d.Servers, path+".servers")
	plain = v.serverList(d, d.Users.GlobalCatalog, path+".users.global_catalog") || plain
	if d.InsecurePlaintext && !plain && len(d.Servers) > 0 {
		v.add(path+".insecure_plaintext", "is set although every server uses TLS", "remove it")
	}
}

// serverList checks a list of servers, and reports whether one of them is reached without TLS.
func (v *validator) serverList(d Directory, servers []string, path string) (plain bool) {
	seen := make(map[string]bool)
	for i, text := range servers {
		at := index(path, i)
		u := v.server(text, at)
		if u == nil {
			continue
		}
		key := u.Scheme + "://" + strings.ToLower(u.Host)
		if seen[key] {
			v.add(at, shown(text)+" is listed twice", "remove one of them")
		}
		seen[key] = true
		switch {
		case u.Scheme == "ldaps" && d.TLS.StartTLS:
			v.add(at, "is ldaps:// although tls.start_tls is set", "write "+strings.Replace(text, "ldaps://", "ldap://", 1)+" or remove start_tls")
		case u.Scheme == "ldap" && !d.TLS.StartTLS:
			plain = true
			if !d.InsecurePlaintext {
				v.add(at, "ldap:// sends passwords readable", "use ldaps://, or tls: {start_tls: true}, or insecure_plaintext: true")
			}
		}
	}
	return plain
}

// server parses one server's URL, or reports why it is none.
func (v *validator) server(text, path string) *url.URL {
	const example = "write ldaps://ldap1.corp.example, with a port only if it is not 636"
	u, err := url.Parse(text)
	switch {
	case strings.Contains(text, "@"): // a password may stand before it: never shown
		v.add(path, "holds a user name or an @", "the service account belongs under bind; "+example)
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		v.add(path, shown(text)+" is not a server's URL", example)
	case u.Scheme != "ldaps" && u.Scheme != "ldap":
		v.add(path, fmt.Sprintf("unknown scheme %q", u.Scheme), example)
	case u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		v.add(path, shown(text)+" holds more than a host and a port", "the base belongs under base_dn; "+example)
	case !isPort(u):
		v.add(path, fmt.Sprintf("%q is not a port", u.Port()), "use a number from 1 to 65535")
	default:
		return u
	}
	return nil
}

// isPort reports whether a URL has a legal port or none.
func isPort(u *url.URL) bool {
	if strings.HasSuffix(u.Host, ":") {
		return false
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Port() == "" || err == nil && n > 0
}

// names checks DNs, filters and attributes.
func (v *validator) names(d Directory, path string) {
	for _, x := range []struct{ key, dn string }{
		{".bind.dn", d.Bind.DN},
		{".base_dn", d.BaseDN},
		{".users.base_dn", d.Users.BaseDN},
		{".groups.base_dn", d.Groups.BaseDN},
	} {
		if x.key == ".users.base_dn" && d.Users.BaseDN == d.BaseDN {
			continue // the fault of base_dn is enough
		}
		if err := checkDN(x.dn); x.dn != "" && err != nil {
			v.add(path+x.key, fmt.Sprintf("%s is not a DN: %v", shown(x.dn), err), "write it as ou=people,dc=corp,dc=example")
		}
	}
	for _, x := range []struct{ key, filter string }{{".users.filter", d.Users.Filter}, {".groups.filter", d.Groups.Filter}} {
		if err := checkFilter(x.filter); x.filter != "" && err != nil {
			v.add(path+x.key, fmt.Sprintf("%s is not a filter: %v", shown(x.filter), err), "write it as (objectClass=inetOrgPerson)")
		}
	}
	v.attribute(d.Users.IDAttribute, path+".users.id_attribute")
	v.attribute(d.Groups.NameAttribute, path+".groups.name_attribute")
	if d.Groups.IDAttribute != d.Users.IDAttribute { // else one fault is enough
		v.attribute(d.Groups.IDAttribute, path+".groups.id_attribute")
	}
	for i, name := range d.Groups.MemberAttributes {
		v.attribute(name, index(path+".groups.member_attributes", i))
	}
	for i, name := range d.Users.LoginAttributes {
		v.attribute(name, index(path+".users.login_attributes", i))
	}
}

// method checks that the kind of server can have the method: one that cannot would find no groups, and say nothing.
func (v *validator) method(d Directory, path string) {
	tokens, chain := d.Groups.Method == methodTokenGroups, d.Groups.Method == methodInChain
	switch d.Kind {
	case "active_directory", "samba", "custom", "": // the server is asked
	default:
		if tokens || chain && d.Kind != "389ds" { // which may learn the rule
			v.add(path, fmt.Sprintf("%s is of Active Directory, and %s would find no groups by it", d.Groups.Method, d.Kind), "use member_search or member_of")
		}
	}
}

// attribute checks the name of an attribute.
func (v *validator) attribute(name, path string) {
	if !isAttribute(name) {
		v.add(path, shown(name)+" is not an attribute's name", "use letters, digits and '-', such as uid")
	}
}

// connections checks pools and deadlines against each other.
func (v *validator) connections(d Directory, request time.Duration, path string) {
	if b := d.BindConnections; b.Min > b.Max {
		v.add(path+".bind_connections.min", fmt.Sprintf("is more than max (%d)", b.Max), "lower it, or raise max")
	}
	for _, x := range []struct {
		key string
		d   time.Duration
	}{{".timeouts.dial", d.Timeouts.Dial}, {".timeouts.operation", d.Timeouts.Operation}} {
		if x.d > request {
			v.add(path+x.key, fmt.Sprintf("is longer than limits.request_timeout (%s)", short(request)), "make it shorter, so that another server can still be tried")
		}
	}
}

// window checks that failed binds do not count for so short a time that they might as well not.
func (v *validator) window(f FailedBinds, path string) {
	if f.Window > 0 && f.Window < time.Minute {
		v.add(path+".window", "must be 0s or at least 1m, not "+short(f.Window), "leave it out, or write 30m")
	}
}

// proven checks that what stands for a bind in an outage has something to stand on.
func (v *validator) proven(d Directory, path string) {
	if d.ProvenIfDown > 0 && d.Cache.StaleIfDown < d.ProvenIfDown {
		v.add(path+".proven_if_down", fmt.Sprintf("is longer than cache.stale_if_down (%s), without which no groups are known", short(d.Cache.StaleIfDown)), "make it shorter, or stale_if_down longer")
	}
}
