package ldap_test

import (
	"maps"
	"slices"

	ber "github.com/go-asn1-ber/asn1-ber"
)

const (
	pagedResults   = "1.2.840.113556.1.4.319"
	passwordPolicy = "1.3.6.1.4.1.42.2.27.8.5.1"
)

// parseRequest reads what the tests look at.
func parseRequest(packet *ber.Packet) request {
	op := packet.Children[1]
	r := request{op: op.Tag, id: packet.Children[0].Value.(int64), packet: packet}
	switch r.op {
	case opBind:
		r.dn, r.password = text(op.Children[1]), text(op.Children[2])
	case opSearch:
		r.dn = text(op.Children[0])
		if value := control(packet, pagedResults); value != nil {
			r.pageSize = value.Children[0].Value.(int64)
		}
	}
	return r
}

// text gives a packet's content.
func text(p *ber.Packet) string { return p.Data.String() }

// control gives the decoded value of a request's control, or nil.
func control(packet *ber.Packet, oid string) *ber.Packet {
	if len(packet.Children) < 3 {
		return nil
	}
	for _, c := range packet.Children[2].Children {
		if text(c.Children[0]) == oid && len(c.Children) > 1 {
			return ber.DecodePacket(c.Children[len(c.Children)-1].Data.Bytes())
		}
	}
	return nil
}

// pageCookie gives the cookie that a request for a page came with.
func pageCookie(packet *ber.Packet) string { return text(control(packet, pagedResults).Children[1]) }

// message makes an LDAPMessage.
func message(id int64, parts ...*ber.Packet) []byte {
	m := ber.NewSequence("")
	m.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	for _, p := range parts {
		if p != nil {
			m.AppendChild(p)
		}
	}
	return m.Bytes()
}

// result makes the message that ends an operation.
func result(r request, code int64, controls *ber.Packet) []byte {
	tags := map[ber.Tag]ber.Tag{opBind: opBindResponse, opSearch: opDone, opExtended: opExtendedResponse}
	return message(r.id, resultOf(tags[r.op], code), controls)
}

// resultOf makes an LDAPResult.
func resultOf(tag ber.Tag, code int64) *ber.Packet {
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, code, ""))
	p.AppendChild(octets(""))
	p.AppendChild(octets(""))
	return p
}

// octets makes an octet string.
func octets(s string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, s, "")
}

// entry makes the message of one found object.
func entry(id int64, o object) []byte {
	p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, opEntry, nil, "")
	p.AppendChild(octets(o.dn))
	list := ber.NewSequence("")
	for _, name := range slices.Sorted(maps.Keys(o.attributes)) {
		a := ber.NewSequence("")
		a.AppendChild(octets(name))
		values := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
		for _, v := range o.attributes[name] {
			values.AppendChild(octets(v))
		}
		a.AppendChild(values)
		list.AppendChild(a)
	}
	p.AppendChild(list)
	return message(id, p)
}

// controls makes the controls of a message, one of them.
func controls(oid string, value []byte) *ber.Packet {
	list := ber.Encode(ber.ClassContext, ber.TypeConstructed, 0, nil, "")
	c := ber.NewSequence("")
	c.AppendChild(octets(oid))
	c.AppendChild(octets(string(value)))
	list.AppendChild(c)
	return list
}

// pageControl makes the answer of a paged search.
func pageControl(cookie string) *ber.Packet {
	v := ber.NewSequence("")
	v.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, 0, ""))
	v.AppendChild(octets(cookie))
	return controls(pagedResults, v.Bytes())
}

// policyError makes the password policy answer with an error.
func policyError(code byte) *ber.Packet {
	return controls(passwordPolicy, []byte{0x30, 3, 0x81, 1, code})
}

// graceLeft makes the password policy answer with a number of grace logins.
func graceLeft(n byte) *ber.Packet {
	return controls(passwordPolicy, []byte{0x30, 5, 0xa0, 3, 0x81, 1, n})
}

// newCompany puts a small company into a server.
func newCompany(s *fakeServer) {
	const base = "dc=example,dc=org"
	add := func(dn string, attributes map[string][]string) {
		s.objects = append(s.objects, object{dn: dn, attributes: attributes})
	}
	person := func(uid string, extra map[string][]string) {
		dn := "uid=" + uid + ",ou=people," + base
		a := map[string][]string{"objectClass": {"person"}, "uid": {uid}, "entryUUID": {"id-" + uid}, "mail": {uid + "@example.org"}}
		maps.Copy(a, extra)
		add(dn, a)
		s.passwords[dn] = uid + "-password"
	}
	group := func(cn, class, attribute string, members ...string) {
		add("cn="+cn+",ou=groups,"+base, map[string][]string{
			"objectClass": {class}, "cn": {cn}, "entryUUID": {"id-" + cn}, attribute: members,
		})
	}
	add(base, nil)
	add("ou=people,"+base, nil)
	add("ou=groups,"+base, nil)
	person("alice", map[string][]string{"gidNumber": {"500"}, "pwdChangedTime": {"20250102030405Z"}})
	person("bob", nil)
	person("carol", nil)
	person("émile", nil)
	person("twin1", map[string][]string{"mail": {"twin@example.org"}})
	person("twin2", map[string][]string{"mail": {"twin@example.org"}})
	group("devs", "groupOfNames", "member", "UID=Alice, OU=People, DC=example, DC=org")
	group("staff", "groupOfUniqueNames", "uniqueMember", "cn=devs,ou=groups,"+base, "uid=bob,ou=people,"+base)
	group("ring1", "groupOfNames", "member", "uid=carol,ou=people,"+base, "cn=ring2,ou=groups,"+base)
	group("ring2", "groupOfNames", "member", "cn=ring1,ou=groups,"+base)
	group("mailers", "posixGroup", "memberUid", "alice")
	group("primary", "posixGroup", "gidNumber", "500")
}
