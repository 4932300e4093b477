package registry

import (
	"net/netip"
	"strings"
)

// maxName is the longest repository name in bytes, host part included.
const maxName = 255

// ValidName reports whether name is a legal repository name in the grammar of distribution's reference
// package: an optional first part host[:port], where host is a domain name or an IPv6 address in brackets,
// then path components in lower case, joined by "/"; 255 bytes at most in all.
//
// A first part with upper case letters counts as a host only if it holds a dot or a port, so that "Team/app"
// is no name. Pattern characters, empty components and ".." are never legal.
func ValidName(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	first, rest, more := strings.Cut(name, "/")
	if !validComponent(first) && (!more || !validHost(first)) {
		return false
	}
	for more {
		first, rest, more = strings.Cut(rest, "/")
		if !validComponent(first) {
			return false
		}
	}
	return true
}

// validComponent matches [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*.
func validComponent(s string) bool {
	run, separator := 0, byte(0) // length and byte of the separator that was read last
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			run = 0
			continue
		case c != '.' && c != '_' && c != '-', i == 0, run > 0 && c != separator:
			return false
		}
		run, separator = run+1, c
		if c == '.' && run > 1 || c == '_' && run > 2 {
			return false
		}
	}
	return s != "" && run == 0
}

// validHost matches a first part that can only be a host: an address in brackets, or a domain name with a
// dot or a port.
func validHost(s string) bool {
	if strings.HasPrefix(s, "[") {
		address, rest, closed := strings.Cut(s[1:], "]")
		port, colon := strings.CutPrefix(rest, ":")
		return closed && validIPv6(address) && (rest == "" || colon && validPort(port))
	}
	domain, port, hasPort := strings.Cut(s, ":")
	if hasPort && !validPort(port) || !hasPort && !strings.Contains(domain, ".") {
		return false
	}
	for label := range strings.SplitSeq(domain, ".") {
		if !validLabel(label) {
			return false
		}
	}
	return true
}

// validLabel matches one label of a domain name.
func validLabel(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && (c != '-' || i == 0 || i == len(s)-1) {
			return false
		}
	}
	return s != ""
}

// validPort matches one to five digits.
func validPort(s string) bool {
	return s != "" && len(s) <= 5 && strings.Trim(s, "0123456789") == ""
}

// validIPv6 matches an IPv6 address in hexadecimal digits and colons, without a zone.
func validIPv6(s string) bool {
	if strings.Trim(s, "0123456789abcdefABCDEF:") != "" {
		return false
	}
	address, err := netip.ParseAddr(s)
	return err == nil && address.Is6()
}
