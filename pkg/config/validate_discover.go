package config

import (
	"net/netip"
	"slices"
	"strings"
)

// isSet reports whether servers are to be found by DNS. Refresh alone asks for nothing: it has a default.
func (d Discover) isSet() bool { return d.Domain != "" || d.Site != "" || len(d.DNSServers) > 0 }

// discover checks what is looked up by DNS.
func (v *validator) discover(d Directory, path string) {
	if !d.Discover.isSet() {
		return
	}
	at := path + ".discover"
	switch domain := strings.TrimSuffix(d.Discover.Domain, "."); {
	case domain == "":
		v.add(at+".domain", "required", "for instance corp.example")
	case !isDomain(domain):
		v.add(at+".domain", shown(domain)+" is not a domain", "write it as corp.example")
	}
	if site := d.Discover.Site; site != "" && !isLabel(site) {
		v.add(at+".site", shown(site)+" is not the name of a site", "write the site's name alone, such as Berlin")
	}
	for i, text := range d.Discover.DNSServers {
		if !isAddress(text) {
			v.add(index(at+".dns_servers", i), shown(text)+" is not an address", "write 192.0.2.53, with a port only if it is not 53")
		}
	}
	if len(d.Servers) > 0 {
		v.add(at, "is set although servers lists them", "remove one of the two")
	}
	if d.InsecurePlaintext {
		v.add(path+".insecure_plaintext", "is set although discover always uses TLS", "remove it")
	}
}

// isDomain reports whether a text is a name of DNS.
func isDomain(text string) bool {
	const longest = 253
	return len(text) <= longest && !slices.ContainsFunc(strings.Split(text, "."), func(l string) bool { return !isLabel(l) })
}

// isLabel reports whether a text can stand between two dots of a name of DNS.
func isLabel(text string) bool {
	const longest = 63
	legal := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
	}
	return text != "" && len(text) <= longest && !strings.HasPrefix(text, "-") && !strings.HasSuffix(text, "-") &&
		!strings.ContainsFunc(text, func(r rune) bool { return !legal(r) })
}

// isAddress reports whether a text is an IP address, with or without a port.
func isAddress(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	a, err := netip.ParseAddrPort(text)
	return err == nil && a.Port() > 0
}

// bind checks that the service account can be proven as its mechanism wants.
func (v *validator) bind(d Directory, path string) {
	at := path + ".bind"
	if d.Bind.Mechanism != mechanismExternal {
		if d.Bind.DN == "" {
			v.add(at+".dn", "required", "for instance cn=wharfgate,ou=services,dc=corp,dc=example")
		}
		if d.Bind.PasswordFile == "" {
			v.add(at+".password_file", "required", "for instance bind.pw")
		}
		return
	}
	const remedy = "remove it: the client certificate says who binds"
	if d.Bind.DN != "" {
		v.add(at+".dn", "is set although the mechanism is external", remedy)
	}
	if d.Bind.PasswordFile != "" {
		v.add(at+".password_file", "is set although the mechanism is external", remedy)
	}
	if d.TLS.CertFile == "" {
		v.add(path+".tls.cert_file", "required for bind.mechanism external", "for instance client.crt")
	}
}

// mechanismExternal is the mechanism of a service account that a certificate proves.
const mechanismExternal = "external"
