package gate

import (
	"context"
	"fmt"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/policy"
)

// groups looks up every group that the policy names: one that is not there, or of which there are two, gives
// nobody any right. A directory that did not answer is a fault of its own already.
func (c *checker) groups(ctx context.Context, reached *directories, p *policy.Policy) {
	type group struct{ directory, name string }
	seen := map[group]bool{}
	found := 0
	for _, r := range p.Rules() {
		for i := range r.Who {
			s := &r.Who[i]
			key := group{s.Directory, s.Name}
			if d, err := reached.named(s.Directory); s.IsGroup() && !seen[key] && err == nil {
				seen[key] = true
				found += c.group(ctx, d, r, s.Name)
			}
		}
	}
	where := "the directory"
	if len(c.cfg.Directories) > 1 {
		where = "their directories"
	}
	c.add(OK, "policy", counted(found)+" found in "+where)
}

// group looks up one group that a rule names, and gives how many there are of use: one or none.
func (c *checker) group(ctx context.Context, d *directoryParts, r *policy.Rule, name string) int {
	groups, err := d.backend.FindGroup(ctx, name)
	switch {
	case err != nil:
		c.add(Warning, "policy", fmt.Sprintf("%s: group %q of directory %q could not be looked up: %v", r.Ref(), name, d.name, err))
	case len(groups) == 0:
		c.add(Fault, "policy", fmt.Sprintf("%s: directory %q has no group %q; correct the name, or make the group", r.Ref(), d.name, name))
	case len(groups) > 1:
		var dns []string
		for _, g := range groups {
			dns = append(dns, g.DN)
		}
		c.add(Fault, "policy", fmt.Sprintf("%s: %d groups are called %q in directory %q, so the name matches neither; write the DN of one: %s",
			r.Ref(), len(groups), name, d.name, strings.Join(dns, " or ")))
	default:
		return 1
	}
	return 0
}

// counted counts named groups in words.
func counted(n int) string {
	if n == 1 {
		return "1 named group"
	}
	return fmt.Sprintf("%d named groups", n)
}
