package company

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// entry is one entry of the directory.
type entry struct {
	dn, key  string // key is the normal form of dn
	password string
	user     map[string][]string // attributes that everyone gets, by their lower-case names
	internal map[string][]string // operational attributes, given only to those who ask by name
}

// newEntry makes an entry with an id that is the same in every run.
func newEntry(dn, password string, attributes map[string][]string) *entry {
	sum := sha256.Sum256([]byte(dn))
	h := hex.EncodeToString(sum[:16])
	id := h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:] // the shape of RFC 9562, version 4
	return &entry{
		dn: dn, key: normal(dn), password: password, user: attributes,
		internal: map[string][]string{
			"entryuuid": {id},
			"entrydn":   {dn},
		},
	}
}

// values returns the values of an attribute, operational or not.
func (e *entry) values(attribute string) []string {
	name := strings.ToLower(attribute)
	if v, ok := e.user[name]; ok {
		return v
	}
	return e.internal[name]
}

// below reports whether the entry is in a scope under a base, whose normal form is given.
func (e *entry) below(base string) bool { return base == "" || strings.HasSuffix(e.key, ","+base) }

// childOf reports whether the entry is directly under a base.
func (e *entry) childOf(base string) bool {
	_, parent, _ := strings.Cut(e.key, ",") // no comma stands unescaped in a normal form's value
	return parent == base
}

// normal is the comparable form of a DN; what is not a DN is never equal to one.
func normal(dn string) string {
	if dn == "" {
		return ""
	}
	key, err := identity.NormalDN(dn)
	if err != nil {
		return "not a dn"
	}
	return key
}

// entries is the whole directory.
func entries(people []Person) []*entry {
	all := []*entry{
		newEntry(Suffix, "", map[string][]string{"objectclass": {"dcObject", "organization"}, "dc": {"corp"}, "o": {"Example Corp"}}),
		unit(PeopleBase), unit(GroupsBase), unit("ou=services," + Suffix),
		newEntry(ServiceDN, ServicePassword, map[string][]string{"objectclass": {"person"}, "cn": {"wharfgate"}, "sn": {"wharfgate"}}),
	}
	members := map[string][]string{}
	for _, p := range people {
		e := person(p)
		all = append(all, e)
		for _, g := range p.Groups {
			members[g] = append(members[g], e.dn)
			e.internal["memberof"] = append(e.internal["memberof"], "cn="+g+","+GroupsBase)
		}
	}
	for name, dns := range members {
		all = append(all, newEntry("cn="+name+","+GroupsBase, "",
			map[string][]string{"objectclass": {"groupOfNames"}, "cn": {name}, "member": dns}))
	}
	slices.SortFunc(all, func(a, b *entry) int { return strings.Compare(a.key, b.key) })
	return all
}

func unit(dn string) *entry {
	name, _, _ := strings.Cut(strings.TrimPrefix(dn, "ou="), ",")
	return newEntry(dn, "", map[string][]string{"objectclass": {"organizationalUnit"}, "ou": {name}})
}

func person(p Person) *entry {
	first, last, _ := strings.Cut(p.Name, " ")
	return newEntry("uid="+p.Login+","+PeopleBase, p.Password, map[string][]string{
		"objectclass": {"inetOrgPerson"}, "uid": {p.Login}, "cn": {p.Name}, "givenname": {first}, "sn": {last},
		"mail": {p.Login + "@corp.example"},
	})
}
