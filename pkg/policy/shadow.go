package policy

import (
	"net/netip"
	"slices"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// shadows reports whether a cannot takes all that a can gives.
func (r *Rule) shadows(can *Rule) bool {
	return r.taken().Has(can.written()) && r.namesAll(can) && r.holdsWhenever(can) && r.coversRepos(can)
}

// namesAll reports whether whoever the other rule names is named here.
func (r *Rule) namesAll(other *Rule) bool {
	for i := range other.Who {
		s := &other.Who[i]
		if !slices.ContainsFunc(r.Who, func(mine Subject) bool { return mine.includes(s) }) {
			return false
		}
	}
	return true
}

// includes reports whether whoever the other subject names is named by this one.
func (s *Subject) includes(other *Subject) bool {
	switch s.Kind {
	case Anyone:
		return true
	case SignedIn:
		return other.Kind != Anyone && other.Kind != Robot
	default:
		return s.identity() == other.identity()
	}
}

// identity is what subjects that are the same have in common.
func (s *Subject) identity() string {
	key := s.key
	if s.template != nil {
		key = identity.Fold(s.Name)
	}
	return string('0'+rune(s.Kind)) + key + "@" + s.Directory
}

// holdsWhenever reports whether the conditions of this rule are met whenever those of the other one are.
func (r *Rule) holdsWhenever(other *Rule) bool {
	for _, service := range other.On {
		if len(r.On) > 0 && !slices.Contains(r.On, service) {
			return false
		}
	}
	for _, network := range other.From {
		inside := slices.ContainsFunc(r.From, func(mine netip.Prefix) bool {
			return mine.Bits() <= network.Bits() && mine.Contains(network.Addr())
		})
		if len(r.From) > 0 && !inside {
			return false
		}
	}
	switch {
	case len(r.On) > 0 && len(other.On) == 0, len(r.From) > 0 && len(other.From) == 0:
		return false
	case !r.Since.IsZero() && (other.Since.IsZero() || other.Since.Before(r.Since)):
		return false
	default:
		return r.Until.IsZero() || !other.Until.IsZero() && !other.Until.After(r.Until)
	}
}

// coversRepos reports whether each pattern of the other rule is inside one of this rule.
func (r *Rule) coversRepos(other *Rule) bool {
	for i := range other.Repos {
		if !slices.ContainsFunc(r.Repos, func(mine Pattern) bool { return mine.covers(other.Repos[i]) }) {
			return false
		}
	}
	return true
}

// covers reports whether whatever matches the other pattern matches this one. A pattern with holes covers none.
func (p Pattern) covers(other Pattern) bool {
	if len(p.Holes()) > 0 {
		return false
	}
	// rest[j] says whether the parts from i on cover the other's from j on.
	rest := make([]bool, len(other.parts)+1)
	rest[len(other.parts)] = true
	for i := len(p.parts) - 1; i >= 0; i-- {
		next := make([]bool, len(rest))
		for j := len(other.parts) - 1; j >= 0; j-- {
			if p.parts[i].deep {
				next[j] = rest[j+1] || next[j+1]
				continue
			}
			next[j] = rest[j+1] && p.parts[i].covers(&other.parts[j])
		}
		rest = next
	}
	return rest[0]
}

// covers reports whether whatever matches the other part matches this one.
func (p *part) covers(other *part) bool {
	if other.deep {
		return false
	}
	if text, ok := other.literal(); ok {
		return matchPart(p.elems, text, nil)
	}
	return len(p.elems) == 1 && p.elems[0].kind == starElem || slices.Equal(p.elems, other.elems)
}
