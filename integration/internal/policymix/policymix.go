package policymix

import (
	"context"
	"fmt"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

const (
	// Directory is the directory of everybody.
	Directory = "corp"
	// Service is the registry that some rules are limited to.
	Service = "registry.corp.example"

	suffix    = "DC=corp,DC=example"
	groupBase = "OU=Groups," + suffix
	legacy    = "OU=Legacy," + suffix
)

// Document is a policy of so many rules, at least 10.
func Document(rules int) []byte {
	b := []byte(`version: 1
groups:
  admins: [platform-admins, platform-oncall]
rules:
  - who: group:admins
    can: everything
    repos: "**"
    note: the people who run the registry
  - {who: anyone, can: pull, repos: 'public/**'}
  - {who: signed-in, can: push, repos: 'home/<user>/**'}
  - {who: 'group:team-<team>', can: push, repos: '<team>/**'}
  - {who: 'group:team-<team>', can: pull, repos: 'shared/<team>-*/**'}
  - {who: group:contractors, cannot: push, repos: '*/prod/**'}
  - {who: group:interns, cannot: delete, repos: '**'}
`)
	for i := range rules - 7 {
		b = fmt.Appendf(b, shape(i), i, id(i), sid(i), i%250, i%1000)
	}
	return b
}

// shape is how the i-th rule is written: [1] is its number, [2] and [3] are ids, [4] is a small number and [5] a
// larger one.
func shape(i int) string {
	switch i % 20 {
	case 7, 8:
		return "  - who: group:app-%05[1]d-dev\n    can: pull\n    repos: [libs/app-%05[1]d/**, base/app-%05[1]d-*]\n"
	case 9:
		return "  - who: group:CN=Unit-%05[1]d," + legacy + "\n    can: push\n    repos: legacy/unit-%05[1]d/**\n"
	case 10, 11:
		return "  - who: group:%[2]s\n    can: push\n    repos: by-id/unit-%05[1]d/**\n    note: Unit %05[1]d, by the id of its group\n"
	case 12:
		return "  - {who: 'group:%[3]s', can: [pull, push], repos: ['sid/unit-%05[1]d/**', 'sid/common/*']}\n"
	case 13:
		return "  - {who: 'user:u%05[1]d', can: push, repos: 'people/u%05[1]d/**'}\n"
	case 14:
		return "  - {who: 'group:contractors-%03[4]d', cannot: push, repos: 'unit-%05[1]d/prod/**'}\n"
	case 15:
		return "  - {who: 'group:area-%05[1]d-<team>', can: push, repos: 'area-%05[1]d/<team>/**'}\n"
	case 16:
		return "  - who: [group:unit-%05[1]d, group:area-%05[1]d-ops]\n    except: group:contractors-%03[4]d\n    can: [pull, push]\n" +
			"    repos: unit-%05[1]d/**\n    since: 2026-01-01\n    until: 2027-12-31\n"
	case 17:
		return "  - who: group:deploy-%05[1]d\n    can: pull\n    repos: '*/app-%05[1]d/**'\n    from: [10.20.0.0/16, 10.30.%[4]d.0/24]\n    on: " + Service + "\n"
	case 18:
		return "  - {who: signed-in, can: pull, repos: 'catalog/p%05[1]d/**'}\n"
	case 19:
		return "  - {who: 'group:qa-%04[5]d', can: pull, repos: '**/test-%05[1]d'}\n"
	default:
		return "  - who: group:unit-%05[1]d\n    can: push\n    repos: unit-%05[1]d/**\n"
	}
}

func id(i int) string  { return fmt.Sprintf("%08x-5d4c-4b3a-8f2e-%012x", i*2654435761&0xffffffff, i) }
func sid(i int) string { return fmt.Sprintf("S-1-5-21-3623811015-3361044348-30300820-%d", 1000+i) }

// Member is a person in so many groups of a policy of so many rules: every so manyeth rule that names a group means
// them. All groups have an id, a distinguished name and a short name.
func Member(rules, groups int) identity.Principal {
	who := identity.Principal{Kind: identity.Person, Source: Directory, ID: "person", Name: "u00013"}
	for i := range groups {
		who.Groups = append(who.Groups, group(i*(rules/groups)))
	}
	return who
}

// group is the group that the i-th rule is about.
func group(i int) identity.Group {
	name, base, groupID := fmt.Sprintf("unit-%05d", i), groupBase, id(i)
	switch i % 20 {
	case 7, 8:
		name = fmt.Sprintf("app-%05d-dev", i)
	case 9:
		base = legacy
	case 12:
		groupID = sid(i)
	case 15:
		name = fmt.Sprintf("area-%05d-web", i)
	case 17:
		name = fmt.Sprintf("deploy-%05d", i)
	case 19:
		name = fmt.Sprintf("qa-%04d", i%1000)
	}
	dn := "CN=" + name + "," + base
	if base == legacy {
		return identity.NewGroup(groupID, "CN=Unit-"+name[len("unit-"):]+","+base, "")
	}
	return identity.NewGroup(groupID, dn, name)
}

// Options are those to read a document with. Every group that has to be held is known.
func Options() policyfile.Options {
	return policyfile.Options{
		Directories: map[string]policyfile.Directory{Directory: {GroupsBaseDN: groupBase}},
		Services:    []string{Service},
		FindGroup: func(_ context.Context, _, name string) ([]identity.Group, error) {
			return []identity.Group{identity.NewGroup("held-"+strings.ToLower(name), "CN="+name+","+groupBase, name)}, nil
		},
	}
}
