package policyfile

import (
	"errors"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/wharfgate/wharfgate/pkg/policy"
)

// alias is a name under "groups": the groups that it stands for, with their nodes.
type alias struct {
	groups []policy.Subject
	nodes  []*yaml.Node
}

// aliasDefinitions reads "groups".
func (p *parser) aliasDefinitions(n *yaml.Node) {
	fields, ok := p.mapping(n, `"groups"`, nil)
	if !ok {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		f, ok := fields[n.Content[i].Value]
		if !ok || f.key != n.Content[i] {
			continue
		}
		name := f.key.Value
		if !aliasName(name) {
			p.node(f.key, CodeBadAlias, quoted(name)+" cannot be a name under groups", "use lower-case letters and digits with single ., _ or - between them")
		}
		a := alias{}
		for _, item := range p.texts(f.value, "groups."+name) {
			if s, ok := p.group(item, "group:"+name, item.Value, 0); ok {
				if s.IsGroup() {
					a.groups, a.nodes = append(a.groups, s), append(a.nodes, item)
					continue
				}
				p.node(item, CodeBadHole, "a hole in a name under groups", "write group names with holes in who")
			}
		}
		p.aliases[name] = a
	}
}

// aliasName reports whether s may stand under groups: [a-z0-9]+([._-][a-z0-9]+)*.
func aliasName(s string) bool {
	separator := true
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			separator = false
		case strings.IndexByte("._-", c) >= 0 && !separator:
			separator = true
		default:
			return false
		}
	}
	return !separator
}

// who reads the subjects of a rule.
func (p *parser) who(n *yaml.Node, fields map[string]field, r *policy.Rule) bool {
	f, ok := fields["who"]
	if !ok {
		p.at(n.Line, n.Column, 1, CodeMissingKey, `this rule has no "who"`, "write anyone, signed-in, group:NAME, user:NAME, user-id:ID or robot:NAME")
		return false
	}
	c := cast{hold: r.Effect == policy.Cannot}
	whole := p.cast(f, `"who"`, &c)
	r.Who = c.list
	return whole
}

// except reads the subjects that a rule is not about.
func (p *parser) except(fields map[string]field, r *policy.Rule) bool {
	f, ok := fields["except"]
	if !ok {
		return true
	}
	c := cast{except: true, hold: r.Effect == policy.Can}
	whole := p.cast(f, `"except"`, &c)
	r.Except = c.list
	return whole
}

// cast is the list of the subjects of one key.
type cast struct {
	list   []policy.Subject
	except bool // it is an except
	hold   bool // its groups are to be held by id, so that a new name opens nothing
}

// cast reads a list of subjects.
func (p *parser) cast(f field, what string, c *cast) bool {
	items := p.texts(f.value, what)
	whole := len(items) > 0
	for _, item := range items {
		whole = p.subject(item, c) && whole
	}
	return whole
}

// subject reads one subject; an alias gives several.
func (p *parser) subject(n *yaml.Node, c *cast) bool {
	kind, name, _ := strings.Cut(n.Value, ":")
	offset := len(kind) + 1
	switch {
	case n.Value == "anyone" || n.Value == "signed-in":
		k := policy.Anyone
		if n.Value == "signed-in" {
			k = policy.SignedIn
		}
		s, err := policy.NewSubject(k, n.Value, "", "")
		if err != nil {
			p.syntax(n, 0, err)
			return false
		}
		c.list = append(c.list, s)
		return true
	case slices.Contains(subjectKinds(), kind) && (name == "" || strings.TrimSpace(name) != name):
		p.node(n, CodeUnknownSubject, quoted(n.Value)+" names nobody", "write "+subjectForm(kind)+", without a space on either side")
		return false
	case len(n.Value) > maxName:
		p.node(n, CodeTooLarge, "a name of more than 4096 bytes", "no directory has such a name")
		return false
	case kind == "user":
		return p.user(n, policy.User, name, offset, c)
	case kind == "user-id":
		return p.user(n, policy.UserID, name, offset, c)
	case kind == "robot":
		s, err := policy.NewSubject(policy.Robot, n.Value, "", name)
		if err != nil {
			p.syntax(n, offset, err)
			return false
		}
		c.list = append(c.list, s)
		return true
	case kind == "group":
		return p.groupOrAlias(n, name, offset, c)
	}
	p.unknownSubject(n)
	return false
}

// unknownSubject explains a text that is no subject.
func (p *parser) unknownSubject(n *yaml.Node) {
	words := []string{"anyone", "signed-in", "group:NAME", "user:NAME", "user-id:ID", "robot:NAME"}
	remedy := suggest(n.Value, words)
	if kind, name, ok := strings.Cut(n.Value, ":"); ok {
		nearest := 3
		for _, k := range subjectKinds() {
			if d := distance(strings.ToLower(strings.TrimSpace(kind)), k, 3); d < nearest {
				nearest = d
				remedy = `did you mean "` + k + ":" + strings.TrimSpace(name) + `"? (` + strings.Join(words, ", ") + ")"
			}
		}
	}
	if _, ok := p.aliases[n.Value]; ok {
		remedy = `did you mean "group:` + n.Value + `"? (` + strings.Join(words, ", ") + ")"
	}
	p.node(n, CodeUnknownSubject, "unknown subject "+quoted(n.Value), remedy)
}

// groupOrAlias reads group:NAME, and notes the groups that are to be held.
func (p *parser) groupOrAlias(n *yaml.Node, name string, offset int, c *cast) bool {
	if a, ok := p.aliases[name]; ok {
		for i, s := range a.groups {
			p.keep(a.nodes[i], s, c)
		}
		return len(a.groups) > 0
	}
	s, ok := p.group(n, n.Value, name, offset)
	if ok {
		p.keep(n, s, c)
	}
	return ok
}

// keep adds a group to a list.
func (p *parser) keep(n *yaml.Node, s policy.Subject, c *cast) {
	if c.hold && s.IsGroup() {
		p.holds = append(p.holds, hold{
			groupRef: groupRef{directory: s.Directory, name: s.Name},
			rule:     len(p.rules), subject: len(c.list), except: c.except, node: n,
		})
	}
	c.list = append(c.list, s)
}

// group reads the name of a group: an id, a DN, or a short name with or without holes.
func (p *parser) group(n *yaml.Node, text, name string, offset int) (policy.Subject, bool) {
	bare, directory, ok := p.qualified(n, "group", name, offset)
	if !ok {
		return policy.Subject{}, false
	}
	kind := policy.GroupName
	switch {
	case isID(bare):
		kind = policy.GroupID
	case strings.Contains(bare, "="):
		kind = policy.GroupDN
	case p.options.Directories[directory].GroupsBaseDN == "":
		p.inside(n, offset, len(name), CodeNoGroupsBase,
			"a short group name or a hole needs groups.base_dn of directory "+quoted(directory)+", which is not written",
			"write groups.base_dn into the configuration, so that nobody can gain rights with a group made elsewhere; or write the group's DN or id here")
		return policy.Subject{}, false
	}
	s, err := policy.NewSubject(kind, text, directory, bare)
	if err != nil {
		p.syntax(n, offset, err)
		return policy.Subject{}, false
	}
	return s, true
}

// qualified splits a name at its last @ and gives the directory that it belongs to.
func (p *parser) qualified(n *yaml.Node, kind, name string, offset int) (bare, directory string, ok bool) {
	at := strings.LastIndexByte(name, '@')
	if at >= 0 && (kind != "group" || !strings.ContainsAny(name[at:], "=,")) {
		directory = name[at+1:]
		if _, known := p.options.Directories[directory]; known && at > 0 {
			return name[:at], directory, true
		}
		p.inside(n, offset+at+1, len(directory), CodeUnknownDirectory, "there is no directory "+quoted(directory), p.directoryRemedy(kind, name, directory))
		return "", "", false
	}
	directory, ok = p.options.defaultDirectory()
	if !ok {
		p.inside(n, offset, len(name), CodeUnknownDirectory, "which directory is meant? none is marked as default",
			"write "+kind+":"+name+"@DIRECTORY ("+strings.Join(p.options.directoryNames(), ", ")+")")
	}
	return name, directory, ok
}

// directoryRemedy says what to write where a name has an @ and no directory follows it.
func (p *parser) directoryRemedy(kind, name, directory string) string {
	names := p.options.directoryNames()
	for _, known := range names {
		if distance(strings.ToLower(directory), strings.ToLower(known), 3) < 3 {
			return suggest(directory, names)
		}
	}
	home, ok := p.options.defaultDirectory()
	if !ok {
		home = "DIRECTORY"
	}
	switch kind {
	case "user":
		return "a login name that has an @ is written with its directory: user:" + name + "@" + home
	case "user-id":
		return "what follows the @ is the name of a configured directory (" + strings.Join(names, ", ") + ")"
	}
	return "a group whose name has an @ is written by its DN or id"
}

// isID reports whether a text is a directory's id of a group: a SID, a UUID, or the id of 389 Directory Server.
func isID(s string) bool {
	parts := strings.Split(s, "-")
	if len(parts) >= 3 && strings.EqualFold(parts[0], "s") && parts[1] == "1" {
		return !slices.ContainsFunc(parts[2:], func(p string) bool { return p == "" || strings.Trim(p, "0123456789") != "" })
	}
	lengths := make([]int, len(parts))
	for i, p := range parts {
		lengths[i] = len(p)
		if strings.Trim(p, "0123456789abcdefABCDEF") != "" {
			return false
		}
	}
	return slices.Equal(lengths, []int{8, 4, 4, 4, 12}) || slices.Equal(lengths, []int{8, 8, 8, 8})
}

// syntax notes a fault that package policy found in a text that begins at an offset of the node's value.
func (p *parser) syntax(n *yaml.Node, offset int, err error) {
	var e *policy.SyntaxError
	if !errors.As(err, &e) {
		p.node(n, CodeUnknownSubject, err.Error(), "")
		return
	}
	p.inside(n, offset+e.Offset, e.Length, Code(e.Code), e.Message, e.Remedy)
}
