package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// listeners checks addresses, TLS, proxies and the public URL.
func (v *validator) listeners(c Config) {
	if c.Listen == "" {
		v.add("listen", "required", "write an address and a port, such as :5001")
	} else if v.address(c.Listen, "listen") {
		v.plainHTTP(c)
	}
	if c.Operator.Listen != "" && v.address(c.Operator.Listen, "operator.listen") &&
		c.Operator.Listen == c.Listen && !strings.HasSuffix(c.Listen, ":0") {
		v.add("operator.listen", "is the address of the token endpoint", "give the operator listener a port of its own")
	}
	v.both("tls.cert_file", c.TLS.CertFile, "tls.key_file", c.TLS.KeyFile)
	for i, p := range c.TrustedProxies {
		v.proxy(p, index("trusted_proxies", i))
	}
	if c.PublicURL != "" {
		v.publicURL(c.PublicURL)
	}
	for i, name := range c.FormerPaths.KeycloakRealms {
		v.keycloakRealm(name, index("former_paths.keycloak_realms", i))
	}
}

// keycloakRealm checks the name of a realm, which is one part of a path.
func (v *validator) keycloakRealm(name, path string) {
	const most = 255 // of Keycloak
	if name == "" || len(name) > most || name == "." || name == ".." || strings.ContainsAny(name, "/?#%") || strings.ContainsFunc(name, isControl) {
		v.add(path, shown(name)+" is not the name of a realm", "write the part of Keycloak's URL that follows /realms/, such as corp")
	}
}

// address checks host:port and reports whether it is one.
func (v *validator) address(text, path string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		v.add(path, shown(text)+" is not an address and a port", "write :5001, 127.0.0.1:5001 or [::1]:5001")
		return false
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		v.add(path, shown(port)+" is not a port", "use a number from 1 to 65535")
		return false
	}
	if strings.ContainsAny(host, " /@") {
		v.add(path, shown(host)+" is not a host", "write :5001, 127.0.0.1:5001 or [::1]:5001")
		return false
	}
	return true
}

// plainHTTP refuses passwords in the clear unless the operator said so.
func (v *validator) plainHTTP(c Config) {
	if c.TLS.Enabled() || c.InsecureHTTP || len(c.TrustedProxies) > 0 || isLoopback(c.Listen) {
		return
	}
	v.add("listen", "plain HTTP on an address that is not loopback: passwords would cross the network readable",
		"set tls, or trusted_proxies if a TLS proxy stands in front, or insecure_http: true")
}

// isLoopback reports whether an address can be reached from this machine only.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}

// proxy checks one network of trusted_proxies.
func (v *validator) proxy(p netip.Prefix, path string) {
	switch {
	case !p.IsValid():
		v.add(path, "is not a network", "write an address and its prefix length, such as 10.0.0.0/8")
	case p.Addr().Is4In6():
		v.add(path, p.String()+" is an IPv4 network in the form of IPv6, which no client has", "write it as IPv4, such as 10.0.0.0/8")
	case p.Bits() == 0:
		v.add(path, p.String()+" trusts every client to name its own address", "name the proxies' networks only")
	case p != p.Masked():
		v.add(path, p.String()+" has bits behind its prefix length", "write "+p.Masked().String()+", or "+
			netip.PrefixFrom(p.Addr(), p.Addr().BitLen()).String()+" for the one address")
	}
}

// publicURL checks the URL that clients reach.
func (v *validator) publicURL(text string) {
	const path, example = "public_url", "write it as https://registry.corp.example"
	u, err := url.Parse(text)
	switch {
	case strings.Contains(text, "@"): // a password may stand before it: never shown
		v.add(path, "holds a user name or an @", example)
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		v.add(path, shown(text)+" is not a URL with a host", example)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		v.add(path, shown(text)+" holds a query or a fragment", example)
	case strings.HasSuffix(u.Path, "/"):
		v.add(path, shown(text)+" ends with a slash", "write "+strings.TrimRight(text, "/"))
	case u.Scheme == "http" && isLoopback(net.JoinHostPort(u.Hostname(), "80")):
	case u.Scheme != "https":
		v.add(path, shown(text)+" is not https", "clients send passwords only to https URLs, but for localhost")
	}
}
