package policy

import (
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// UserName is a login name of one directory.
type UserName struct {
	// Directory is the directory, Name the folded login name.
	Directory, Name string
}

// UserNames gives the login names that rules have, in who or in except: whatever such a rule says goes to another
// account once that gets the name. It looks at every rule.
func (p *Policy) UserNames() map[UserName]bool {
	all := map[UserName]bool{}
	for _, r := range p.rules {
		for _, subjects := range [][]Subject{r.Who, r.Except} {
			for i := range subjects {
				if s := &subjects[i]; s.Kind == User {
					all[UserName{s.Directory, identity.Fold(s.Name)}] = true
				}
			}
		}
	}
	return all
}

// UserDirectories gives the directories whose login names stand for <user> in some rule. It looks at every rule.
func (p *Policy) UserDirectories() map[string]bool {
	all := map[string]bool{}
	for c := range p.Clauses() {
		if c.FollowsNames() {
			all[c.UserDirectory] = true
		}
	}
	return all
}

// FollowsNames reports whether the pattern has <user>.
func (c Clause) FollowsNames() bool { return c.Pattern != nil && c.Pattern.usesUser() }

// FollowsName reports whether what was granted was granted by a rule with <user>, and so to whoever has the login
// name.
func (d Decision) FollowsName() bool {
	if d.Scope.Type != registry.TypeRepository {
		return false
	}
	for i := range actionCount {
		if d.Granted.Has(action(i)) && d.grants[i] != nil && d.grants[i].usesUser() {
			return true
		}
	}
	return false
}

// usesUser reports whether a pattern of the rule has <user>.
func (r *Rule) usesUser() bool {
	for i := range r.Repos {
		if r.Repos[i].usesUser() {
			return true
		}
	}
	return false
}

// usesUser reports whether the pattern has <user>.
func (p Pattern) usesUser() bool {
	for i := range p.parts {
		for j := range p.parts[i].elems {
			if e := &p.parts[i].elems[j]; e.kind == holeElem && e.text == UserHole {
				return true
			}
		}
	}
	return false
}
