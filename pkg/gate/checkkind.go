package gate

import "strings"

// kind tells how the accounts and groups of directories[i] are found in the end: what its kind fills in, and what the file
// says.
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
	c.add(OK, "directory "+d.Name, "kind "+d.Kind+" fills in "+phrase(filled))
	c.add(OK, "directory "+d.Name, "the file says "+phrase(written))
}

// phrase joins settings.
func phrase(settings []string) string {
	if len(settings) == 0 {
		return "nothing of how accounts and groups are found"
	}
	return strings.Join(settings, "; ")
}
