package gate

import "strings"

// kind tells how the accounts and groups of directories[i] are found in the end: what its kind fills in, and what the file
// says; a line each for accounts, groups and the rest.
func (c *checker) kind(i int) {
	d := c.cfg.Directories[i]
	var filled, written []string
	for _, s := range c.cfg.Settings(i) {
		text := s.Key + ": " + s.Value
		if s.Written {
			written = append(written, text)
		} else {
			filled = append(filled, text)
		}
	}
	for _, part := range sections(filled) {
		c.add(OK, "directory "+d.Name, "kind "+d.Kind+" fills in "+part)
	}
	for _, part := range sections(written) {
		c.add(OK, "directory "+d.Name, "the file says "+part)
	}
}

// sections joins settings of one section each, in their order.
func sections(settings []string) []string {
	var parts []string
	last := ""
	for _, s := range settings {
		section, _, ok := strings.Cut(strings.SplitN(s, ":", 2)[0], ".")
		if !ok {
			section = ""
		}
		if len(parts) > 0 && section == last {
			parts[len(parts)-1] += "; " + s
			continue
		}
		parts, last = append(parts, s), section
	}
	if len(parts) == 0 {
		return []string{"nothing of how accounts and groups are found"}
	}
	return parts
}
