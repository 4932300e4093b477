package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// checkRealm holds the realm against the rules of the clients that have some. They look at it before they send a password.
func (d *Doctor) checkRealm(ctx context.Context) {
	before := len(d.report.found)
	d.realmScheme()
	if address, err := netip.ParseAddr(d.realm.Hostname()); err == nil {
		d.realmAddress(address.Unmap())
	} else {
		d.realmName(ctx)
	}
	if len(d.report.found) == before {
		d.report.ok(CheckRealm, "clients accept the realm "+d.realm.String())
	}
}

// realmScheme looks at http.
func (d *Doctor) realmScheme() {
	switch {
	case d.realm.Scheme == "https":
	case d.registry != nil && d.registry.Scheme == "https":
		d.report.fault(CheckRealm, "the realm is http and the registry https: crane, cosign, kaniko, oras, helm and regctl refuse to log in, the others send passwords readable",
			"give the gate a certificate (tls), or end TLS in a proxy, and use https in public_url and the registry's realm")
	case !isLocal(d.realm.Hostname()):
		d.report.warn(CheckRealm, "the realm is http: passwords cross the network readable", "use https for registry and realm")
	}
}

// realmAddress looks at an address in the place of a name. crane excuses the registry's own host and port, oras its host.
func (d *Doctor) realmAddress(a netip.Addr) {
	const remedy = "use a DNS name in public_url and the registry's realm, best that of the registry"
	private := a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsUnspecified()
	switch {
	case private && !d.sameHostPort():
		d.report.fault(CheckRealm, fmt.Sprintf("the realm's host is the address %s: crane, cosign, kaniko, oras and helm refuse it", a), remedy)
	case private:
		d.report.warn(CheckRealm, fmt.Sprintf("the realm's host is the address %s: clients accept it for the registry at the same address and port alone", a), remedy)
	default:
		d.report.warn(CheckRealm, fmt.Sprintf("the realm's host is the address %s", a), remedy)
	}
}

// realmName looks at what a name stands for. oras and helm resolve it, unless it is the registry's own.
func (d *Doctor) realmName(ctx context.Context) {
	host := d.realm.Hostname()
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	addresses, err := d.o.Resolve(ctx, host)
	if err != nil || len(addresses) == 0 {
		d.report.fault(CheckRealm, fmt.Sprintf("the realm's host name %q cannot be resolved here", host), "add it to DNS, or correct public_url and the registry's realm")
		return
	}
	own := d.registry != nil && strings.EqualFold(d.registry.Hostname(), host)
	for _, a := range addresses {
		if a = a.Unmap(); !isForbidden(a) || own {
			continue
		}
		text := fmt.Sprintf("the realm's host name %q stands for %s: oras and helm refuse it for a registry on another host, regctl, too", host, a)
		const remedy = "let the name stand for an address that other machines reach, or use the registry's own host name"
		if d.registry == nil && isLocal(host) {
			d.report.warn(CheckRealm, text, remedy)
		} else {
			d.report.fault(CheckRealm, text, remedy)
		}
		return
	}
	if d.registry != nil && !own {
		d.report.warn(CheckRealm, fmt.Sprintf("the realm is on %q and the registry on %q: clients allow it, and excuse nothing there", host, d.registry.Hostname()),
			"serve the gate below the registry's own host name, if you can")
	}
}

// sameHostPort reports whether the realm is at the registry's own host and port.
func (d *Doctor) sameHostPort() bool {
	return d.registry != nil && hostPort(d.registry) == hostPort(d.realm)
}

// hostPort gives host and port of a URL, with the port of its scheme where it names none.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return strings.ToLower(u.Hostname()) + " " + port
}

// isForbidden reports whether oras refuses a name that stands for the address: this machine, the link, or the metadata of
// a cloud. Private networks it accepts.
func isForbidden(a netip.Addr) bool {
	metadata := netip.MustParseAddr("fd00:ec2::254")
	return a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified() || a == metadata
}

// isLocal reports whether a host name is this machine by its name.
func isLocal(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback() || strings.EqualFold(host, "localhost")
}
