package ldap

import (
	"slices"
	"strings"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

const (
	// maxLogin bounds a login name in bytes.
	maxLogin = 256
	// maxGroupText bounds a group's name, id or DN in bytes.
	maxGroupText = 16 << 10
)

// memberUID is the attribute of RFC 2307 that holds members by their login name.
const memberUID = "memberUid"

// shape is what questions look like: worked out once from the options.
type shape struct {
	users, groups         string // base DNs to search; groups for names
	memberships           string // base DN to search for groups by their members
	groupsKey             string // normal form of groups.base_dn; empty if none is configured
	userAttributes        []string
	groupAttributes       []string
	idAttribute           string
	canonical             string // the attribute of the canonical name
	nameAttribute         string
	userFilter            string
	loginAttributes       []string
	groupFilter           string
	method                Method
	memberDN              []string // the attributes of a group that hold members by DN
	memberName            bool     // memberUid holds members by login name
	dnAttribute           string
	uidAttribute          string
	gidAttribute          string
	memberOf, changedTime string
}

// newShape works out the shape from valid options.
func newShape(o *Options) shape {
	s := shape{
		users: o.Users.BaseDN, groups: orElse(o.Groups.BaseDN, o.BaseDN),
		idAttribute: o.Users.IDAttribute, canonical: o.Users.LoginAttributes[0], nameAttribute: o.Groups.NameAttribute,
		userFilter: o.Users.Filter, loginAttributes: o.Users.LoginAttributes, groupFilter: o.Groups.Filter,
		method: o.Groups.Method, dnAttribute: o.Groups.DNAttribute,
		uidAttribute: "uid", gidAttribute: "gidNumber", memberOf: "memberOf", changedTime: "pwdChangedTime",
	}
	for _, a := range o.Groups.MemberAttributes {
		if strings.EqualFold(a, memberUID) {
			s.memberName = true
		} else {
			s.memberDN = append(s.memberDN, a)
		}
	}
	if o.Groups.BaseDN != "" {
		s.groupsKey, _ = identity.NormalDN(o.Groups.BaseDN) // validated
	}
	// A rule may name a group anywhere by DN or id, and one that takes away must not miss its members.
	s.memberships = o.BaseDN
	if base, _ := identity.NormalDN(o.BaseDN); s.groupsKey != "" && !strings.HasSuffix(","+s.groupsKey, ","+base) {
		s.memberships = o.Groups.BaseDN // which is somewhere else
	}
	s.userAttributes = append(slices.Clone(s.loginAttributes), s.idAttribute, s.changedTime)
	s.groupAttributes = []string{s.idAttribute, s.nameAttribute}
	if s.method == MemberOf {
		s.userAttributes = append(s.userAttributes, s.memberOf)
		s.groupAttributes = append(s.groupAttributes, s.memberOf)
	} else {
		s.userAttributes = append(s.userAttributes, s.uidAttribute, s.gidAttribute)
	}
	s.userAttributes = withoutRepeats(s.userAttributes)
	s.groupAttributes = withoutRepeats(s.groupAttributes)
	return s
}

// withoutRepeats drops attributes that are named twice; names are compared without case.
func withoutRepeats(names []string) []string {
	var out []string
	for _, n := range names {
		if !slices.ContainsFunc(out, func(o string) bool { return strings.EqualFold(o, n) }) {
			out = append(out, n)
		}
	}
	return out
}

// validText reports whether a text can be a name at all: not empty, bounded, UTF-8, no control characters.
func validText(text string, most int) bool {
	if text == "" || len(text) > most || !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if r < 0x20 || 0x7f <= r && r < 0xa0 {
			return false
		}
	}
	return true
}

// loginFilter gives the filter that finds the entry of a login name.
func (s *shape) loginFilter(login string) string {
	f := newFilter(s.userFilter)
	value := goldap.EscapeFilter(login)
	for _, a := range s.loginAttributes {
		f.equal(a, value)
	}
	return f.String()
}

// idFilter gives the filter that finds the account with an id.
func (s *shape) idFilter(id string) string {
	f := newFilter(s.userFilter)
	f.equal(s.idAttribute, goldap.EscapeFilter(id))
	return f.String()
}

// memberFilter gives the filter that finds the groups that name the entries with these DNs.
func (s *shape) memberFilter(dns []string) *filter {
	f := newFilter(s.groupFilter)
	for _, dn := range dns {
		value := goldap.EscapeFilter(dn)
		for _, a := range s.memberDN {
			f.equal(a, value)
		}
	}
	return f
}

// equalFilter gives the filter that finds the groups with one of the values in an attribute.
func (s *shape) equalFilter(attribute string, values []string) string {
	f := newFilter(s.groupFilter)
	for _, v := range values {
		f.equal(attribute, goldap.EscapeFilter(v))
	}
	return f.String()
}

// filter is built in one pass: a value that was put in is never looked at again.
type filter struct{ b strings.Builder }

// newFilter begins "all of narrow, and one of what is added".
func newFilter(narrow string) *filter {
	f := &filter{}
	f.b.WriteString("(&")
	f.b.WriteString(narrow)
	f.b.WriteString("(|")
	return f
}

// equal adds an alternative; value is escaped.
func (f *filter) equal(attribute, value string) {
	f.b.WriteByte('(')
	f.b.WriteString(attribute)
	f.b.WriteByte('=')
	f.b.WriteString(value)
	f.b.WriteByte(')')
}

// also adds an alternative that is a pair of conditions; the values are escaped.
func (f *filter) also(attribute, value, other, otherValue string) {
	f.b.WriteString("(&")
	f.equal(attribute, value)
	f.equal(other, otherValue)
	f.b.WriteByte(')')
}

// String ends the filter. It is called once.
func (f *filter) String() string {
	f.b.WriteString("))")
	return f.b.String()
}
