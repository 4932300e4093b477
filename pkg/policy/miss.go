package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// miss turns the verdict on a clause whose subject matches into a near miss.
func (q *query) miss(c *clause, v verdict) (Miss, bool) {
	m := Miss{Rule: c.rule, rank: missHole}
	switch v {
	case reserved:
		first := q.path.part(0)
		m.Condition = fmt.Sprintf("%q were not the name of a folder in %s; list it in the hole, as in <team:%s>, where that is meant",
			first, q.policy.reservedBy(first, c).named(c.rule), first)
	case illegalUser:
		m.Condition = fmt.Sprintf("the login name %s could stand for <user>", quote(q.principal.Name))
		if q.userLegal {
			m.Condition += ", which takes names of directory " + c.userDirectory
		}
	case otherPath:
		m.rank, m.near = missPath, commonParts(c.parts, &q.path)
		m.Condition = "the repository were in " + c.where(q)
	case excepted:
		m.rank, m.Condition = missCondition, "it did not except "+list(q.exceptions(c), "and")
	default:
		return Miss{}, false
	}
	return m, true
}

// where gives the pattern with the person's own name in it.
func (c *clause) where(q *query) string {
	if !c.usesUser || !q.userLegal {
		return c.pattern.text
	}
	return strings.ReplaceAll(c.pattern.text, "<"+UserHole+">", q.user)
}

// named names a rule, or says that others than this one are meant.
func (r *Rule) named(but *Rule) string {
	if r == but {
		return "another rule"
	}
	return r.Ref()
}

// Ref names the rule for people, as in "rule 2 (policy.yaml:14)".
func (r *Rule) Ref() string { return fmt.Sprintf("rule %d (%s)", r.Number, r.Position) }

// commonParts counts the leading parts of a path that fit a pattern.
func commonParts(parts []part, p *path) int {
	n := 0
	for n < p.n && n < len(parts) && !parts[n].deep && matchPart(parts[n].elems, p.part(n), nil) {
		n++
	}
	return n
}

// onlyWho reports whether nothing but the subject keeps the clause from applying.
func (q *query) onlyWho(c *clause) bool {
	if c.pattern == nil {
		return true
	}
	if !matchPath(c.parts, &q.path, nil) || c.guarded && q.policy.reservedBy(q.path.part(0), c) != nil {
		return false
	}
	if !c.usesUser {
		return len(c.captures) == 0 || c.neededGroup(&q.path) != ""
	}
	f := filling{user: q.user}
	return q.userLegal && c.subject.template == nil && matchPath(c.parts, &q.path, &f)
}

// neededGroup gives the name of the group that would make the clause apply; empty where there is none or the
// path does not tell.
func (c *clause) neededGroup(p *path) string {
	name := string(c.groupName(nil, p))
	var f filling
	if name == "" || !c.subject.template.match(name, &f.group) || !matchPath(c.parts, p, &f) {
		return ""
	}
	return name
}

// whoCondition says who one would have to be for one of the clauses to apply.
func (q *query) whoCondition(clauses []*clause) string {
	const most = 3
	var groups, users []string
	login := false
	for _, c := range clauses {
		s := c.subject
		switch {
		case s.Kind == SignedIn:
			login = true
		case s.Kind == User:
			users = appendNew(users, s.short())
		case s.Kind == UserID:
			users = appendNew(users, "the account "+s.short())
		case s.Kind == Robot:
			users = appendNew(users, "robot "+s.short())
		case s.template == nil:
			groups = appendNew(groups, s.short())
		default:
			name := c.neededGroup(&q.path)
			if name == "" {
				name = "a group named " + s.short()
			}
			groups = appendNew(groups, name)
		}
	}
	var ways []string
	who := quoteName(q.principal)
	if login {
		ways = append(ways, "the client had logged in")
	}
	if len(groups) > 0 {
		ways = append(ways, who+" were in "+list(groups[:min(len(groups), most)], "or"))
	}
	if len(users) > 0 {
		ways = append(ways, who+" were "+list(users[:min(len(users), most)], "or"))
	}
	return list(ways, "or")
}

// appendNew appends a text that is not there yet.
func appendNew(texts []string, s string) []string {
	if slices.Contains(texts, s) {
		return texts
	}
	return append(texts, s)
}

// quoteName names a principal for people.
func quoteName(p *identity.Principal) string {
	if p.Kind == identity.Anonymous {
		return "the client"
	}
	return printable(p.Name)
}
