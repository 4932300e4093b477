package policyimport

import (
	"net/netip"
	"regexp"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/policy"
)

// literalPrefix gives what stands before the first character with a meaning.
func literalPrefix(glob string) string {
	if i := strings.IndexAny(glob, `*?[\{$`); i >= 0 {
		return glob[:i]
	}
	return glob
}

// apart reports whether no name can match both globs, as far as their beginnings tell.
func apart(a, b string) bool {
	pa, pb := literalPrefix(a), literalPrefix(b)
	if pa == a && pb == b {
		return a != b
	}
	n := min(len(pa), len(pb))
	return pa[:n] != pb[:n] || pa == a && len(a) < len(pb) || pb == b && len(b) < len(pa)
}

// isRegexp reports whether docker_auth takes a pattern for a regular expression.
func isRegexp(p string) bool { return len(p) > 2 && p[0] == '/' && p[len(p)-1] == '/' }

// fromRegexp converts the few regular expressions that mean a pattern, such as ^name$, ^folder/.*$ and ^folder/[^/]+$.
func fromRegexp(expression string) (string, bool) {
	switch expression {
	case ".*", "^.*$", ".+", "^.+$":
		return "**", true
	}
	e, ok := strings.CutPrefix(strings.ReplaceAll(expression, `\/`, "/"), "^")
	if !ok {
		return "", false
	}
	for _, end := range []struct{ text, pattern string }{
		{"/.*$", "/**"}, {"/.+$", "/**"}, {"/.*", "/**"}, {"/.+", "/**"}, {"/[^/]+$", "/*"}, {"/[^/]*$", "/*"}, {"$", ""},
	} {
		if before, ok := strings.CutSuffix(e, end.text); ok {
			before, ok = unescaped(before)
			return before + end.pattern, ok
		}
	}
	return "", false
}

// unescaped gives what an expression without any meaning stands for.
func unescaped(e string) (string, bool) {
	if !regexp.MustCompile(`^([a-z0-9_/-]|\\[._-])+$`).MatchString(e) {
		return "", false
	}
	return strings.ReplaceAll(e, `\`, ""), true
}

// usable reports whether a policy takes the pattern.
func usable(pattern string) bool {
	_, err := policy.ParsePattern(pattern)
	return err == nil
}

// prefix reads an address or a network.
func prefix(s string) (netip.Prefix, bool) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err == nil
}
