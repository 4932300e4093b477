package ldap

import (
	"cmp"
	"math"
	"net"
	"strconv"
	"strings"
)

// target is a server that an SRV record names.
type target struct {
	endpoint

	tier     int     // 0 for those of the site
	priority uint16  // the lower the better
	draw     float64 // its lot among those of one priority: the higher the better
}

// asGoodAs reports whether two targets are of one rank.
func (t target) asGoodAs(other target) bool {
	return t.tier == other.tier && t.priority == other.priority
}

// compareTargets orders the better one first.
func compareTargets(a, b target) int {
	return cmp.Or(cmp.Compare(a.tier, b.tier), cmp.Compare(a.priority, b.priority), cmp.Compare(b.draw, a.draw))
}

// target makes a target of a record, or refuses one that is not in the domain. The lot is drawn once for each
// server, so that the order stays from look-up to look-up: u^(1/weight) with u in [0, 1) gives each one the first
// place with the share of its weight, which is the order of RFC 2782.
func (d *discovery) target(tier int, r *net.SRV) (target, bool) {
	host := strings.ToLower(strings.TrimSuffix(r.Target, "."))
	if host != d.options.Domain && !strings.HasSuffix(host, "."+d.options.Domain) || !isHostName(host) {
		return target{}, false
	}
	t := target{endpoint: d.endpointOf(host, r.Port), tier: tier, priority: r.Priority}
	u, ok := d.draws[t.url]
	if !ok {
		u = d.backend.options.Rand()
		if len(d.draws) < maxServers*maxServers {
			d.draws[t.url] = u
		}
	}
	const hardly = 0.001 // a weight of 0 means that a server is hardly ever the first of its priority
	t.draw = math.Log(max(u, math.SmallestNonzeroFloat64)) / max(float64(r.Weight), hardly)
	return t, true
}

// endpointOf says how a target is reached. Records give the ports of plain LDAP: without StartTLS their
// counterparts with TLS are used.
func (d *discovery) endpointOf(host string, port uint16) endpoint {
	const plain, secure, plainCatalog, secureCatalog = 389, 636, 3268, 3269
	scheme, usual := "ldaps", uint16(secure)
	switch {
	case port == secure || port == secureCatalog:
	case d.backend.options.StartTLS:
		scheme, usual = "ldap", plain
	case port == plain:
		port = secure
	case port == plainCatalog:
		port = secureCatalog
	}
	text := strconv.Itoa(int(port))
	e := endpoint{url: scheme + "://" + host, address: net.JoinHostPort(host, text), host: host, implicit: scheme == "ldaps"}
	if port != usual {
		e.url += ":" + text
	}
	return e
}

// isHostName reports whether a text is the name of a host (RFC 1123 section 2.1; underscores happen).
func isHostName(host string) bool {
	const longest, longestLabel = 253, 63
	if len(host) > longest {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > longestLabel || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
			if !letter && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}
