package ldap_test

import (
	"encoding/binary"
	"encoding/hex"
	"maps"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
)

// domainRoot is the rootDSE of a domain controller.
func domainRoot() object {
	return object{attributes: map[string][]string{
		"supportedCapabilities":      {"1.2.840.113556.1.4.800"},
		"configurationNamingContext": {"CN=Configuration,DC=example,DC=org"},
	}}
}

// rawGUID is an objectGUID, and guidText the same as text.
func rawGUID(n byte) string { return strings.Repeat("\x00", 15) + string(rune(n)) }

func guidText(n byte) string {
	return "00000000-0000-0000-0000-0000000000" + hex.EncodeToString([]byte{n})
}

// rawSID is the objectSid of the domain's account or group with a number.
func rawSID(rid uint32) string {
	raw := []byte{1, 5, 0, 0, 0, 0, 0, 5}
	for _, part := range []uint32{21, 1, 2, 3, rid} {
		raw = binary.LittleEndian.AppendUint32(raw, part)
	}
	return string(raw)
}

// newDomain makes a domain controller: alice, whose primary group is users, and who is in devs; all of them are in
// staff. Everybody's password is "password".
func newDomain() *fakeServer {
	s := &fakeServer{passwords: map[string]string{serviceDN: "service"}, maxPage: 1000, domain: true}
	add := func(dn, login, kind string, guid byte, rid uint32, more map[string][]string) {
		o := object{dn: dn, attributes: map[string][]string{
			"sAMAccountName": {login}, "objectGUID": {rawGUID(guid)}, "objectSid": {rawSID(rid)}, "objectClass": {kind},
			"distinguishedName": {dn},
		}}
		maps.Copy(o.attributes, more)
		s.objects = append(s.objects, o)
	}
	person := func(more map[string][]string) map[string][]string {
		all := map[string][]string{
			"sAMAccountType": {"805306368"}, "primaryGroupID": {"513"}, "userAccountControl": {"512"},
			"msDS-User-Account-Control-Computed": {"0"}, "accountExpires": {"9223372036854775807"}, "pwdLastSet": {"133800000000000000"},
			"tokenGroups": {rawSID(513), rawSID(1201), rawSID(1202)},
			"memberOf":    {"CN=devs,OU=groups,DC=example,DC=org"},
		}
		maps.Copy(all, more)
		return all
	}
	const staff = "CN=staff,OU=groups,DC=example,DC=org"
	add(serviceDN, "svc", "user", 1, 1101, person(nil))
	add("CN=Alice,CN=Users,DC=example,DC=org", "alice", "user", 2, 1102, person(map[string][]string{
		"userPrincipalName": {"alice@example.org"}, "mail": {"a.alice@mail.example"},
	}))
	add("CN=users,OU=groups,DC=example,DC=org", "users", "group", 3, 513, map[string][]string{"memberOf": {staff}})
	add("CN=devs,OU=groups,DC=example,DC=org", "devs", "group", 4, 1201, map[string][]string{"memberOf": {staff}})
	add(staff, "staff", "group", 5, 1202, map[string][]string{"member": {
		"CN=users,OU=groups,DC=example,DC=org", "CN=devs,OU=groups,DC=example,DC=org",
	}})
	s.objects = append(s.objects, object{dn: "DC=example,DC=org"}, object{dn: "OU=groups,DC=example,DC=org"})
	s.objects = append(s.objects, object{dn: "CN=EXAMPLE,CN=Partitions,CN=Configuration,DC=example,DC=org", attributes: map[string][]string{
		"objectClass": {"crossRef"}, "nCName": {"DC=example,DC=org"}, "dnsRoot": {"example.org"}, "nETBIOSName": {"EXAMPLE"},
	}})
	s.passwords["cn=alice,cn=users,dc=example,dc=org"] = "password"
	return s
}

// windowsOptions gives the options of a domain.
func windowsOptions(edit func(*ldap.Options), servers ...*fakeServer) ldap.Options {
	return options(func(o *ldap.Options) {
		o.Users = ldap.Users{
			LoginAttributes: []string{"sAMAccountName", "userPrincipalName", "mail"}, IDAttribute: "objectGUID",
			State: ldap.ActiveDirectoryState,
		}
		o.Groups = ldap.Groups{
			BaseDN: "OU=groups,DC=example,DC=org", Filter: "(objectClass=group)", Method: ldap.TokenGroups, Nested: true,
			NameAttribute: "sAMAccountName", IDAttribute: "objectSid", MemberAttributes: []string{"member"},
		}
		if edit != nil {
			edit(o)
		}
	}, servers...)
}

// named gives the DN of an entry that is named by its GUID.
func (s *fakeServer) named(name string) string {
	id, ok := strings.CutPrefix(name, "<GUID=")
	if !ok {
		return name
	}
	for _, o := range s.objects {
		if raw := o.attributes["objectGUID"]; len(raw) == 1 && guidText(raw[0][15])+">" == id {
			return o.dn
		}
	}
	return "CN=nobody"
}

// change sets an attribute of the object whose DN begins so; no values remove it.
func (s *fakeServer) change(dn, attribute string, values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.objects {
		if strings.HasPrefix(o.dn, dn) {
			o.attributes[attribute] = values
			if len(values) == 0 {
				delete(o.attributes, attribute)
			}
		}
	}
}

// resultWithText makes the answer to a bind or search with a text for people.
func resultWithText(r request, code int64, text string) []byte {
	tags := map[ber.Tag]ber.Tag{opBind: opBindResponse, opSearch: opDone}
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tags[r.op], nil, "")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, code, ""))
	p.AppendChild(octets(""))
	p.AppendChild(octets(text))
	return message(r.id, p)
}

// filterAttributes gives the attributes that a search's filter compares.
func filterAttributes(r request) []string {
	var out []string
	var walk func(*ber.Packet)
	walk = func(p *ber.Packet) {
		if p.Tag == 3 {
			out = append(out, text(p.Children[0]))
			return
		}
		for _, c := range p.Children {
			walk(c)
		}
	}
	walk(r.packet.Children[1].Children[6])
	return out
}

// asked gives the attributes that a search asks for.
func asked(r request) []string {
	var out []string
	for _, a := range r.packet.Children[1].Children[7].Children {
		out = append(out, text(a))
	}
	return out
}
