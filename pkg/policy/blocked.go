package policy

import "slices"

// Blocked is a group that would fill a hole with the name of a folder that another rule names, so that the
// rule gives it nothing there.
type Blocked struct {
	// Rule is the rule with the hole, By the one that names the folder.
	Rule, By *Rule
	// Directory and Group name the group.
	Directory, Group string
	// Folder is the first path part.
	Folder string
}

// Blocked lists such groups, whether they exist or not, at most so many. Group names with several holes are
// left out.
func (p *Policy) Blocked(most int) []Blocked {
	folders := make([]string, 0, len(p.reservations))
	for folder := range p.reservations {
		folders = append(folders, folder)
	}
	slices.Sort(folders)
	var all []Blocked
	for _, r := range p.rules {
		seen := map[string]bool{}
		for _, c := range r.cases {
			if !c.guarded || len(c.captures) != 1 || c.captures[0].part != 0 {
				continue
			}
			for _, folder := range folders {
				if len(all) >= most {
					return all
				}
				name := c.blockedGroup(folder)
				if by := p.reservations[folder].rule; name != "" && p.reserves(folder, r) && !seen[name] {
					seen[name] = true
					all = append(all, Blocked{Rule: r, By: by, Directory: c.subject.Directory, Group: name, Folder: folder})
				}
			}
		}
	}
	return all
}

// blockedGroup gives the name of the group that would fill the first part with the folder; empty if none would.
func (c *clause) blockedGroup(folder string) string {
	k := c.captures[0]
	if len(folder) <= k.prefix+k.suffix {
		return ""
	}
	f := filling{}
	f.group[k.slot] = folder[k.prefix : len(folder)-k.suffix]
	if !c.subject.template.holes[k.slot].accepts(f.group[k.slot]) || !matchPart(c.parts[0].elems, folder, &f) {
		return ""
	}
	return string(c.subject.template.name(nil, &f.group))
}
