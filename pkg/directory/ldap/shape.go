package ldap

import (
	"slices"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// memberUID is the attribute of RFC 2307 that holds members by their login name.
const memberUID = "memberUid"

// shape is what questions look like: worked out once from the options.
type shape struct {
	users, groups string // base DNs to search; groups for names
	memberships   string // base DN to search for groups by their members
	groupsKey     string // normal form of groups.base_dn; empty if none is configured

	userFilter      string
	loginAttributes []string
	canonical       string   // the attribute of the canonical name
	idAttribute     string   // of accounts
	userAttributes  []string // what a search for an account asks for
	ownAttributes   []string // what is asked of the account's own entry
	readsOwn        bool     // an account is read again for its state and groups
	ownWithGroups   bool     // one search gives that entry and the groups that name it
	windows         bool     // login names are those of Active Directory
	ownsNames       bool     // the directory gives each canonical name to one account only

	groupFilter     string
	kindOfGroup     string   // what groups named by DN must match; empty: anything
	groupID         string   // the attribute of a group's id
	groupIDs        []string // the attributes that an id of a group may be looked for in
	nameAttribute   string
	uniqueNames     bool // the directory gives each group name to one group only
	groupAttributes []string
	method          Method
	memberDN        []string // the attributes of a group that hold members by DN
	memberName      bool     // memberUid holds members by login name
	dnAttribute     string
	uidAttribute    string
	gidAttribute    string
	memberOf        string
}

// newShape works out the shape from valid options.
func newShape(o *Options) shape {
	s := shape{
		users: o.Users.BaseDN, groups: orElse(o.Groups.BaseDN, o.BaseDN),
		userFilter: o.Users.Filter, loginAttributes: o.Users.LoginAttributes, canonical: o.Users.LoginAttributes[0],
		idAttribute: o.Users.IDAttribute,
		groupFilter: o.Groups.Filter, groupID: o.Groups.IDAttribute, nameAttribute: o.Groups.NameAttribute,
		method: o.Groups.Method, dnAttribute: o.Groups.DNAttribute,
		uidAttribute: "uid", gidAttribute: "gidNumber", memberOf: "memberOf",
	}
	if o.Groups.BaseDN != "" {
		s.groupsKey, _ = identity.NormalDN(o.Groups.BaseDN) // validated
	}
	// A rule may name a group anywhere by DN or id, and one that takes away must not miss its members.
	s.memberships = o.BaseDN
	if base, _ := identity.NormalDN(o.BaseDN); s.groupsKey != "" && !strings.HasSuffix(","+s.groupsKey, ","+base) {
		s.memberships = o.Groups.BaseDN // which is somewhere else
	}
	for _, a := range o.Groups.MemberAttributes {
		if strings.EqualFold(a, memberUID) {
			s.memberName = true
		} else {
			s.memberDN = append(s.memberDN, a)
		}
	}
	s.setWindows()
	s.setAttributes(o.Users.State)
	return s
}

// setWindows works out what is special to Active Directory. Its names and ids tell that it is one.
func (s *shape) setWindows() {
	s.windows = slices.ContainsFunc(s.loginAttributes, func(a string) bool { return strings.EqualFold(a, samAccountName) })
	if s.windows && !strings.Contains(s.userFilter, people) {
		s.userFilter = people + s.userFilter // two filters of an "and"
	}
	s.ownsNames = s.windows && strings.EqualFold(s.canonical, samAccountName)
	s.uniqueNames = strings.EqualFold(s.nameAttribute, samAccountName)
	s.groupIDs = []string{s.groupID}
	if formOf(s.groupID) == sidID {
		s.kindOfGroup = s.groupFilter
		s.groupIDs = append(s.groupIDs, objectGUID)
	}
}

// setAttributes works out what is asked for.
func (s *shape) setAttributes(state State) {
	read, changed := state.attributes()
	sids := formOf(s.groupID) == sidID
	s.readsOwn = len(read) > 0 || s.method != MemberSearch || sids
	s.ownWithGroups = s.readsTogether(state)
	s.userAttributes = append(slices.Clone(s.loginAttributes), s.idAttribute, changed)
	s.userAttributes = append(s.userAttributes, state.lockoutAttributes()...)
	s.ownAttributes = append([]string{s.canonical, s.idAttribute, changed}, read...)
	s.groupAttributes = append(slices.Clone(s.groupIDs), s.nameAttribute)
	switch {
	case s.method == TokenGroups:
		s.ownAttributes = append(s.ownAttributes, tokenGroupsAttribute)
	case sids:
		s.ownAttributes = append(s.ownAttributes, s.groupID, primaryGroupID)
	case s.method == MemberSearch:
		s.userAttributes = append(s.userAttributes, s.uidAttribute, s.gidAttribute)
	}
	if s.method == MemberOf {
		s.ownAttributes = append(s.ownAttributes, s.memberOf)
		s.groupAttributes = append(s.groupAttributes, s.memberOf)
	}
	for _, list := range []*[]string{&s.userAttributes, &s.ownAttributes, &s.groupAttributes} {
		*list = withoutRepeats(*list)
	}
}
