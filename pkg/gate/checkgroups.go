package gate

import (
	"context"
	"fmt"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/policy"
)

// groups looks up every group that the policy names: one that is not there, or of which there are two, gives
// nobody any right.
func (c *checker) groups(ctx context.Context, d *directoryParts, p *policy.Policy) {
	seen := map[string]bool{}
	found := 0
	for _, r := range p.Rules() {
		for i := range r.Who {
			s := &r.Who[i]
			if !s.IsGroup() || seen[s.Name] {
				continue
			}
			seen[s.Name] = true
			groups, err := d.backend.FindGroup(ctx, s.Name)
			switch {
			case err != nil:
				c.add(Warning, "policy", fmt.Sprintf("%s: group %q could not be looked up: %v", r.Ref(), s.Name, err))
			case len(groups) == 0:
				c.add(Fault, "policy", fmt.Sprintf("%s: the directory has no group %q; correct the name, or make the group", r.Ref(), s.Name))
			case len(groups) > 1:
				var dns []string
				for _, g := range groups {
					dns = append(dns, g.DN)
				}
				c.add(Fault, "policy", fmt.Sprintf("%s: %d groups are called %q, so the name matches neither; write the DN of one: %s",
					r.Ref(), len(groups), s.Name, strings.Join(dns, " or ")))
			default:
				found++
			}
		}
	}
	c.add(OK, "policy", named(found)+" found in the directory")
}

// named counts named groups in words.
func named(n int) string {
	if n == 1 {
		return "1 named group"
	}
	return fmt.Sprintf("%d named groups", n)
}
