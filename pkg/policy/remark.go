package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/registry"
)

// RemarkKind says what is remarkable about a rule.
type RemarkKind uint8

// The kinds of remarks.
const (
	// Shadowed is a can whose actions one cannot takes away wherever it gives them.
	Shadowed RemarkKind = iota + 1
	// Expired is a rule that has ended.
	Expired
	// Open is a can that gives more than pull to everybody, or something everywhere.
	Open
	// Repeated is a rule that says what an earlier one says.
	Repeated
	// Crossed is a can whose <user> and another one's hole take the same folders.
	Crossed
)

// Remark is something about a rule that its author may not have meant.
type Remark struct {
	// Kind says what it is.
	Kind RemarkKind
	// Rule is the rule, Other the one that shadows it, says the same, or takes the same folders.
	Rule, Other *Rule
}

// maxComparisons bounds the pairs of rules that are compared for one list of remarks.
const maxComparisons = 4_000_000

// Remarks lists what is remarkable about the rules as of now, in their order. It finds what one pair of rules
// shows, and never remarks on a rule without reason.
func (p *Policy) Remarks(now time.Time) []Remark {
	var all []Remark
	seen := make(map[string]*Rule, len(p.rules))
	for _, r := range p.rules {
		meaning := r.meaning()
		first, repeated := seen[meaning]
		switch {
		case !r.Until.IsZero() && !now.Before(r.Until):
			all = append(all, Remark{Kind: Expired, Rule: r})
		case repeated:
			all = append(all, Remark{Kind: Repeated, Rule: r, Other: first})
		case r.isOpen():
			all = append(all, Remark{Kind: Open, Rule: r})
		}
		if !repeated {
			seen[meaning] = r
		}
	}
	all = append(all, p.shadowed(now)...)
	all = append(all, p.crossed(now)...)
	slices.SortStableFunc(all, func(a, b Remark) int { return a.Rule.Number - b.Rule.Number })
	return all
}

// shadowed lists the rules that never give anything.
func (p *Policy) shadowed(now time.Time) []Remark {
	var all []Remark
	var cannots []*Rule
	for _, r := range p.rules {
		if r.Effect == Cannot && len(r.Except) == 0 && (r.Until.IsZero() || now.Before(r.Until)) {
			cannots = append(cannots, r)
		}
	}
	left := maxComparisons
	for _, r := range p.rules {
		if left -= len(cannots); r.Effect == Cannot || left < 0 {
			continue
		}
		if i := slices.IndexFunc(cannots, func(c *Rule) bool { return c.shadows(r) }); i >= 0 {
			all = append(all, Remark{Kind: Shadowed, Rule: r, Other: cannots[i]})
		}
	}
	return all
}

// written gives the actions that a rule is there for: those that are written.
func (r *Rule) written() registry.Actions {
	a := r.Actions & registry.RepositoryActions
	if r.Everything {
		a = registry.RepositoryActions
	}
	if r.catalog {
		a |= registry.Catalog
	}
	return a
}

// taken gives the actions that a cannot takes.
func (r *Rule) taken() registry.Actions {
	if r.catalog {
		return r.effective | registry.Catalog
	}
	return r.effective
}

// isOpen reports whether a can gives everybody more than pull, or something wherever they like.
func (r *Rule) isOpen() bool {
	if r.Effect == Cannot || len(r.From) > 0 || len(r.Except) > 0 {
		return false
	}
	everybody := slices.ContainsFunc(r.Who, func(s Subject) bool { return s.Kind == Anyone })
	accounts := slices.ContainsFunc(r.Who, func(s Subject) bool { return s.Kind == SignedIn })
	change := r.effective&(registry.Push|registry.Delete) != 0
	anywhere := slices.ContainsFunc(r.Repos, Pattern.isAnywhere)
	return everybody && (change || r.catalog || anywhere) || accounts && change && anywhere
}

// isAnywhere reports whether a pattern names no folder: it begins with a star, and has no holes.
func (p Pattern) isAnywhere() bool {
	first := &p.parts[0]
	return len(p.Holes()) == 0 && (first.deep || len(first.elems) == 1 && first.elems[0].kind == starElem)
}

// meaning is a text that rules have in common that say the same.
func (r *Rule) meaning() string {
	var b strings.Builder
	set := func(texts []string) {
		slices.Sort(texts)
		b.WriteString("\x00" + strings.Join(slices.Compact(texts), "\x01"))
	}
	subjects := func(all []Subject) {
		texts := make([]string, len(all))
		for i := range all {
			texts[i] = all[i].identity()
		}
		set(texts)
	}
	subjects(r.Who)
	subjects(r.Except)
	b.WriteString("\x00" + r.Effect.String() + r.taken().String())
	repos := make([]string, len(r.Repos))
	for i := range r.Repos {
		repos[i] = r.Repos[i].text
	}
	set(repos)
	set(slices.Clone(r.On))
	set(networks(r.From))
	b.WriteString("\x00" + r.Since.UTC().String() + r.Until.UTC().String())
	return b.String()
}
