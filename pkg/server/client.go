package server

import (
	"net/http"
	"net/netip"
	"strings"
)

// maxForwarded bounds how many hops of X-Forwarded-For are looked at.
const maxForwarded = 64

// clientAddr gives the address of the client: that of the peer, unless the peer is a trusted proxy, which is
// believed about who asked it, and so on from right to left. The walk ends at the first address that is not
// a trusted proxy, and before the first hop that is no address: what stands left of either is the client's
// own invention. An address that cannot be read is invalid.
func clientAddr(remote string, header http.Header, trusted []netip.Prefix) (client netip.Addr, fromProxy bool) {
	client = parseHop(remote)
	if !contains(trusted, client) {
		return client, false
	}
	values := header["X-Forwarded-For"]
	for i, seen := len(values)-1, 0; i >= 0; i-- {
		for rest, more := values[i], true; more; seen++ {
			var hop string
			if hop, rest, more = lastHop(rest); hop == "" && !more {
				break // an empty header value says nothing
			}
			address := parseHop(hop)
			if !address.IsValid() || seen >= maxForwarded {
				return client, true
			}
			client = address
			if !contains(trusted, client) {
				return client, true
			}
		}
	}
	return client, true
}

// lastHop cuts the last element off a comma-separated list.
func lastHop(list string) (hop, rest string, more bool) {
	i := strings.LastIndexByte(list, ',')
	if i < 0 {
		return strings.Trim(list, " \t"), "", false
	}
	return strings.Trim(list[i+1:], " \t"), list[:i], true
}

// parseHop reads an address with or without a port, IPv6 with or without brackets. An IPv4 address in IPv6
// form is given in IPv4 form; a zone is dropped, as it means nothing here.
func parseHop(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if s, ok = strings.CutSuffix(inner, "]"); !ok || !strings.Contains(s, ":") {
			return netip.Addr{}
		}
	}
	address, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap().WithZone("")
}

// contains reports whether a network holds the address.
func contains(networks []netip.Prefix, a netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}
