package policyfile

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// maxAssertions bounds the assertions of all tests together.
const maxAssertions = 100_000

// trial is one of the tests: somebody, and what they must and must not be able to do.
type trial struct {
	number     int
	who        identity.Principal
	service    string
	client     netip.Addr
	at         time.Time // zero: whenever it runs
	assertions []assertion
}

// assertion is one line of a test.
type assertion struct {
	node    *yaml.Node
	scope   registry.Scope
	allowed bool
}

// tests reads "tests".
func (p *parser) tests(n *yaml.Node) {
	if n.Kind != yaml.SequenceNode {
		p.wrongKind(n, `"tests"`, `a list of tests, each beginning with "- as:"`)
		return
	}
	for i, item := range n.Content {
		p.test(item, i+1)
	}
}

// test reads one test.
func (p *parser) test(n *yaml.Node, number int) {
	fields, ok := p.mapping(n, "a test", []string{"as", "can", "cannot"})
	if !ok {
		return
	}
	t := trial{number: number}
	if as, ok := fields["as"]; ok {
		p.as(as.value, &t)
	} else {
		p.at(n.Line, n.Column, 1, CodeMissingKey, `this test has no "as"`, `write who asks, as in "as: {user: alice, groups: [payments]}"; "as: {}" is somebody without a login`)
	}
	can, hasCan := fields["can"]
	cannot, hasCannot := fields["cannot"]
	if !hasCan && !hasCannot {
		p.at(n.Line, n.Column, 1, CodeMissingKey, `this test has neither "can" nor "cannot"`, "write what must be possible, or must not be")
		return
	}
	if hasCan {
		p.assertions(can, `"can"`, true, &t)
	}
	if hasCannot {
		p.assertions(cannot, `"cannot"`, false, &t)
	}
	p.asserted += len(t.assertions)
	if p.asserted > maxAssertions {
		if p.asserted-len(t.assertions) <= maxAssertions {
			p.node(n, CodeTooLarge, fmt.Sprintf("more than %d assertions in tests", maxAssertions), "keep those that matter")
		}
		return
	}
	p.trials = append(p.trials, t)
}

// as reads who asks, from where, when and on which registry.
func (p *parser) as(n *yaml.Node, t *trial) {
	fields, ok := p.mapping(n, `"as"`, []string{"user", "user-id", "robot", "groups", "from", "on", "at"})
	if !ok {
		return
	}
	p.somebody(fields, t)
	if len(p.options.Services) == 1 {
		t.service = p.options.Services[0]
	}
	if f, ok := fields["on"]; ok {
		if name, ok := p.text(f.value, `"on"`); ok && p.service(f.value) {
			t.service = name
		}
	}
	if f, ok := fields["from"]; ok {
		if text, ok := p.text(f.value, `"from"`); ok {
			if t.client, ok = address(text); !ok {
				p.node(f.value, CodeBadNetwork, quoted(text)+" is not an address", "a client has one address, such as 10.20.0.7")
			}
		}
	}
	if f, ok := fields["at"]; ok {
		t.at, _ = p.when(f.value, `"at"`)
	}
}

// somebody reads user, user-id, groups and robot.
func (p *parser) somebody(fields map[string]field, t *trial) {
	user, isUser := fields["user"]
	id, hasID := fields["user-id"]
	groups, isMember := fields["groups"]
	robot, isRobot := fields["robot"]
	switch {
	case isRobot && (isUser || hasID):
		p.node(robot.key, CodeBadTest, "a test is about a user or about a robot", "make two tests of it")
	case isRobot && isMember:
		p.node(groups.key, CodeBadTest, "a robot is in no groups", "leave groups out, or write user")
	case isRobot:
		name, ok := p.text(robot.value, `"robot"`)
		if !ok {
			return
		}
		if _, err := policy.NewSubject(policy.Robot, name, "", name); err != nil {
			p.syntax(robot.value, 0, err)
		}
		t.who = identity.Principal{Kind: identity.Robot, Name: name}
	}
	if isRobot || !isUser && !hasID && !isMember {
		return
	}
	t.who.Kind = identity.Person
	t.who.Source, _ = p.options.defaultDirectory()
	if hasID {
		p.account(id.value, t)
	}
	if isUser {
		p.person(user.value, t)
	}
	if isMember {
		for _, item := range p.texts(groups.value, `"groups"`) {
			p.membership(item, t)
		}
	}
}

// person reads the login name of a test, which may have its directory behind an @.
func (p *parser) person(n *yaml.Node, t *trial) {
	name, ok := p.text(n, `"user"`)
	if !ok {
		return
	}
	var c cast
	if !p.user(n, policy.User, name, 0, &c) {
		return
	}
	if home := c.list[0].Directory; t.who.ID != "" && home != t.who.Source {
		p.node(n, CodeBadTest, "this user is of directory "+quoted(home)+", and the user-id of directory "+quoted(t.who.Source), "a person is in one directory")
		return
	}
	t.who.Source, t.who.Name = c.list[0].Directory, c.list[0].Name
}

// account reads the id of the account of a test.
func (p *parser) account(n *yaml.Node, t *trial) {
	id, ok := p.text(n, `"user-id"`)
	if !ok {
		return
	}
	var c cast
	if p.user(n, policy.UserID, id, 0, &c) {
		t.who.Source, t.who.ID = c.list[0].Directory, c.list[0].Name
	}
}

// membership reads a group of a test; an alias is all its groups.
func (p *parser) membership(n *yaml.Node, t *trial) {
	groups := p.aliases[n.Value].groups
	if len(groups) == 0 {
		s, ok := p.group(n, n.Value, n.Value, 0)
		if !ok {
			return
		}
		if !s.IsGroup() {
			p.node(n, CodeBadTest, "a hole in the group of a test", "write the name of one group")
			return
		}
		groups = []policy.Subject{s}
	}
	for i := range groups {
		if len(t.who.Groups) == 0 && t.who.Name == "" && t.who.ID == "" {
			t.who.Source = groups[i].Directory
		}
		if groups[i].Directory != t.who.Source {
			p.node(n, CodeBadTest, "this group is of directory "+quoted(groups[i].Directory)+", and the person of directory "+quoted(t.who.Source),
				"a person is in groups of their own directory")
			return
		}
		t.who.Groups = append(t.who.Groups, p.asGroup(&groups[i]))
	}
}

// asGroup gives a group as a directory would give it. One that is named by a DN below groups.base_dn has the
// value of its cn as its short name.
func (p *parser) asGroup(s *policy.Subject) identity.Group {
	switch s.Kind {
	case policy.GroupID:
		return identity.NewGroup(s.Name, "", "")
	case policy.GroupDN:
		g := identity.NewGroup("", s.Name, "")
		base, err := identity.NormalDN(p.options.Directories[s.Directory].GroupsBaseDN)
		first, _, _ := strings.Cut(g.DNKey(), ",")
		name, ok := strings.CutPrefix(first, "cn=")
		if err != nil || !ok || strings.ContainsAny(name, `\+`) || !strings.HasSuffix(g.DNKey(), ","+base) {
			return g
		}
		return identity.NewGroup("", s.Name, name)
	default:
		return identity.NewGroup("", "", s.Name)
	}
}

// assertions reads can or cannot of a test.
func (p *parser) assertions(f field, what string, allowed bool, t *trial) {
	for _, item := range p.texts(f.value, what) {
		if scope, ok := p.scope(item); ok {
			t.assertions = append(t.assertions, assertion{node: item, scope: scope, allowed: allowed})
		}
	}
}

// scope reads "push team/app" or "catalog".
func (p *parser) scope(n *yaml.Node) (registry.Scope, bool) {
	if n.Value == "catalog" {
		return registry.Scope{Type: registry.TypeRegistry, Name: registry.CatalogName, Actions: registry.Catalog}, true
	}
	verb, repo, _ := strings.Cut(n.Value, " ")
	action := registry.ParseAction(verb)
	switch {
	case action&registry.RepositoryActions == 0:
		p.node(n, CodeUnknownAction, "unknown action "+quoted(verb)+" in a test", suggest(verb, []string{"pull", "push", "delete", "catalog"}))
		return registry.Scope{}, false
	case repo == "" || strings.ContainsAny(repo, "*<> "):
		p.node(n, CodeBadTest, "a test names one repository", `write an action and a repository, as in "push team/app"`)
		return registry.Scope{}, false
	}
	if _, err := policy.ParsePattern(repo); err != nil {
		p.syntax(n, len(verb)+1, err)
		return registry.Scope{}, false
	}
	return registry.Scope{Type: registry.TypeRepository, Name: repo, Actions: action}, true
}
