package policyimport

import (
	"net/netip"
	"path"
	"regexp"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/registry"
)

// firstMatch answers like docker_auth; false where an entry that may decide has a meaning that is not known here.
func firstMatch(acl []aclEntry, q question) (registry.Actions, bool) {
	for i := range acl {
		switch matches, known := acl[i].matches(q); {
		case !known:
			return 0, false
		case matches:
			return q.action & acl[i].granted(), true
		}
	}
	return 0, true
}

// matches reports whether an entry matches a question.
func (e *aclEntry) matches(q question) (matches, known bool) {
	m := e.Match
	if !matchString(m.Account, q.who.user, q) || !matchString(m.Type, "repository", q) || !matchIP(m.IP, q.who.address) {
		return false, true
	}
	name := m.Name
	if label := regexp.MustCompile(`^\$\{labels:[^}:]+\}`); name != nil && label.MatchString(*name) {
		if q.who.group == "" {
			return false, true
		}
		filled := label.ReplaceAllLiteralString(*name, q.who.group)
		name = &filled
	}
	if !matchString(name, q.name, q) {
		return false, name == nil || !strings.Contains(*name, "${")
	}
	for _, value := range m.Labels {
		if isRegexp(value) || strings.ContainsAny(value, `*?[\$`) || len(m.Labels) > 1 {
			return false, false
		}
		if value != q.who.group {
			return false, true
		}
	}
	return true, m.Service == nil && len(m.Others) == 0
}

// matchIP reports whether an address is in a network.
func matchIP(network *string, address string) bool {
	if network == nil {
		return true
	}
	p, ok := prefix(*network)
	a, err := netip.ParseAddr(address)
	return ok && err == nil && p.Contains(a)
}

// matchString matches as docker_auth does: what is between slashes is a regular expression, anywhere in the text.
func matchString(pattern *string, s string, q question) bool {
	if pattern == nil {
		return true
	}
	p := strings.NewReplacer("${account}", regexp.QuoteMeta(q.who.user), "${type}", "repository", "${name}", regexp.QuoteMeta(q.name),
		"${service}", "registry").Replace(*pattern)
	if isRegexp(p) {
		matched, err := regexp.MatchString(p[1:len(p)-1], s)
		return err == nil && matched
	}
	matched, err := path.Match(p, s)
	return err == nil && matched
}
