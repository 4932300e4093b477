package company

import (
	"fmt"
	"slices"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// filter is a search filter (RFC 4511 section 4.5.1.7).
type filter struct{ packet *ber.Packet }

// parseFilter reads the text form of a filter.
func parseFilter(text string) (filter, error) {
	p, err := ldap.CompileFilter(text)
	if err != nil {
		return filter{}, fmt.Errorf("filter %q: %w", text, err)
	}
	return filter{p}, nil
}

// matches reports whether an entry passes. What is undefined, such as an ordering or an extensible match that
// no attribute here has, does not match, and neither does its negation.
func (f filter) matches(e *entry) bool { return truth(f.packet, e) == yes }

// answer is the three-valued logic of filters.
type answer int

const (
	undefined answer = iota
	no
	yes
)

func answerOf(b bool) answer {
	if b {
		return yes
	}
	return no
}

func truth(p *ber.Packet, e *entry) answer {
	switch p.Tag {
	case ldap.FilterAnd:
		return fold(p, e, no)
	case ldap.FilterOr:
		return fold(p, e, yes)
	case ldap.FilterNot:
		return [...]answer{undefined: undefined, no: yes, yes: no}[truth(p.Children[0], e)]
	case ldap.FilterPresent:
		return answerOf(len(e.values(text(p))) > 0)
	case ldap.FilterEqualityMatch:
		return equal(e, text(p.Children[0]), text(p.Children[1]))
	case ldap.FilterSubstrings:
		return substrings(e, text(p.Children[0]), p.Children[1].Children)
	default:
		return undefined
	}
}

// fold joins the children of an and (decisive: no) or of an or (decisive: yes).
func fold(p *ber.Packet, e *entry, decisive answer) answer {
	result := no + yes - decisive
	for _, child := range p.Children {
		switch truth(child, e) {
		case decisive:
			return decisive
		case undefined:
			result = undefined
		default:
		}
	}
	return result
}

// equal compares without case; names of entries in their normal form.
func equal(e *entry, attribute, value string) answer {
	compare := identity.Fold
	if holdsDN(attribute) {
		compare = normal
	}
	want := compare(value)
	return answerOf(slices.ContainsFunc(e.values(attribute), func(have string) bool { return compare(have) == want }))
}

func holdsDN(attribute string) bool {
	switch strings.ToLower(attribute) {
	case "member", "uniquemember", "memberof", "entrydn":
		return true
	default:
		return false
	}
}

// substrings compares with initial, any and final pieces, in this order.
func substrings(e *entry, attribute string, pieces []*ber.Packet) answer {
	return answerOf(slices.ContainsFunc(e.values(attribute), func(have string) bool {
		rest := identity.Fold(have)
		for _, piece := range pieces {
			want := identity.Fold(text(piece))
			at := strings.Index(rest, want)
			final := piece.Tag == ldap.FilterSubstringsFinal
			switch {
			case at < 0, piece.Tag == ldap.FilterSubstringsInitial && at > 0, final && !strings.HasSuffix(rest, want):
				return false
			case final:
				rest = ""
			default:
				rest = rest[at+len(want):]
			}
		}
		return true
	}))
}

// text is the value of a packet that holds octets.
func text(p *ber.Packet) string {
	if s, ok := p.Value.(string); ok && s != "" {
		return s
	}
	return p.Data.String()
}
