package config

import (
	"cmp"
	"strings"
)

// preset is what a kind of directory fills in where the file says nothing. "<base>" in a DN stands for the
// directory's base_dn; an empty DN stays empty.
type preset struct {
	kind string

	usersBase, usersFilter string
	logins                 []string
	usersID                string
	state                  string

	groupsBase, groupsFilter string
	method                   string
	members                  []string
	flat                     bool // the server resolves groups of groups itself, or has none
	groupsName, groupsID     string
}

// The words of users.state: which attributes of an entry say that an account may not log in.
const (
	stateNone            = "none"
	stateActiveDirectory = "active_directory"
	statePasswordPolicy  = "ppolicy"
	stateNsAccountLock   = "nsaccountlock"
	stateFreeIPA         = "freeipa"
	stateGLAuth          = "glauth"
	stateAuthentik       = "authentik"
	stateOkta            = "okta"
)

// The words of groups.method.
const (
	methodMemberSearch = "member_search"
	methodMemberOf     = "member_of"
	methodTokenGroups  = "token_groups"
	methodInChain      = "in_chain"
)

// presets is the table: one line of thought a kind. A kind fills in groups.base_dn only where the server itself keeps
// groups in one place in which none but administrators create them.
func presets() []preset {
	names := func() []string { return []string{"member", "uniqueMember", "memberUid"} }
	const (
		securityGroups = "(&(objectCategory=group)(groupType:1.2.840.113556.1.4.803:=2147483648))"
		people         = "(sAMAccountType=805306368)" // normal accounts: no computers, trusts, contacts
		shapes         = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)" +
			"(objectClass=groupOfURLs)(objectClass=groupOfMembers))"
	)
	windows := preset{
		usersFilter: people, logins: []string{"sAMAccountName", "userPrincipalName", "mail"},
		usersID: "objectGUID", state: stateActiveDirectory, groupsFilter: securityGroups, method: methodTokenGroups,
		members: []string{"member"}, groupsName: "sAMAccountName", groupsID: "objectSid",
	}
	samba := windows
	windows.kind, samba.kind = "active_directory", "samba"
	return []preset{
		windows, samba,
		{
			kind: "openldap", logins: []string{"uid"}, usersID: "entryUUID", state: statePasswordPolicy,
			groupsFilter: shapes, method: methodMemberSearch, members: names(), groupsName: "cn", groupsID: "entryUUID",
		},
		{
			kind: "389ds", usersFilter: "(|(objectClass=person)(objectClass=nsPerson)(objectClass=posixAccount))",
			logins: []string{"uid"}, usersID: "nsUniqueId", state: stateNsAccountLock,
			groupsFilter: shapes, method: methodMemberSearch, members: names(), groupsName: "cn", groupsID: "nsUniqueId",
		},
		{
			kind: "freeipa", usersBase: "cn=users,cn=accounts,<base>", usersFilter: "(objectClass=posixAccount)",
			logins: []string{"uid"}, usersID: "ipaUniqueID", state: stateFreeIPA,
			groupsBase: "cn=groups,cn=accounts,<base>", groupsFilter: "(objectClass=ipaUserGroup)", method: methodMemberOf,
			members: []string{"member"}, flat: true, groupsName: "cn", groupsID: "ipaUniqueID",
		},
		{
			kind: "lldap", usersBase: "ou=people,<base>", usersFilter: "(objectClass=person)",
			logins: []string{"uid"}, usersID: "entryUUID", state: stateNone,
			groupsBase: "ou=groups,<base>", groupsFilter: "(objectClass=groupOfUniqueNames)", method: methodMemberSearch,
			members: []string{"member"}, flat: true, groupsName: "cn", groupsID: "entryUUID",
		},
		{
			// What GLAuth calls an entry depends on the base of the search; login names do not.
			kind: "glauth", usersBase: "ou=users,<base>", usersFilter: "(objectClass=posixAccount)",
			logins: []string{"cn"}, usersID: "uidNumber", state: stateGLAuth,
			groupsBase: "ou=users,<base>", groupsFilter: "(objectClass=posixGroup)", method: methodMemberSearch,
			members: []string{"memberUid"}, flat: true, groupsName: "cn", groupsID: "gidNumber",
		},
		{
			kind: "authentik", usersBase: "ou=users,<base>", usersFilter: "(objectClass=goauthentik.io/ldap/user)",
			logins: []string{"cn"}, usersID: "uid", state: stateAuthentik,
			groupsBase: "ou=groups,<base>", groupsFilter: "(&(objectClass=goauthentik.io/ldap/group)(!(objectClass=goauthentik.io/ldap/virtual-group)))", method: methodMemberSearch,
			members: []string{"member"}, groupsName: "cn", groupsID: "uid",
		},
		{
			kind: "okta", usersBase: "ou=users,<base>", usersFilter: "(objectClass=inetOrgPerson)",
			logins: []string{"uid"}, usersID: "uniqueIdentifier", state: stateOkta,
			groupsBase: "ou=groups,<base>", groupsFilter: "(objectClass=groupOfUniqueNames)", method: methodMemberSearch,
			members: []string{"uniqueMember"}, flat: true, groupsName: "cn", groupsID: "uniqueIdentifier",
		},
		{
			kind: "jumpcloud", usersBase: "ou=Users,<base>", usersFilter: "(objectClass=inetOrgPerson)",
			logins: []string{"uid"}, usersID: "entryUUID", state: stateNone,
			groupsBase: "ou=Users,<base>", groupsFilter: "(objectClass=groupOfNames)", method: methodMemberSearch,
			members: []string{"member"}, groupsName: "cn", groupsID: "entryUUID",
		},
		{
			kind: "google", usersBase: "ou=Users,<base>", usersFilter: "(objectClass=posixAccount)",
			logins: []string{"uid"}, usersID: "entryUuid", state: stateNone,
			groupsFilter: "(objectClass=groupOfNames)", method: methodMemberSearch,
			members: []string{"member"}, groupsName: "cn", groupsID: "entryUuid",
		},
		{
			kind: "kanidm", usersFilter: "(class=account)", logins: []string{"name", "spn"}, usersID: "entryUUID", state: stateNone,
			groupsBase: "<base>", groupsFilter: "(class=group)", method: methodMemberOf,
			members: []string{"member"}, flat: true, groupsName: "name", groupsID: "entryUUID",
		},
		custom(),
	}
}

// custom is the preset of what names things as RFC 4519 and RFC 4530 do, and of an unknown kind.
func custom() preset {
	return preset{
		kind: "custom", logins: []string{"uid"}, usersID: "entryUUID", state: stateNone,
		groupsFilter: "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)" +
			"(objectClass=groupOfURLs)(objectClass=groupOfMembers))",
		method: methodMemberSearch, members: []string{"member", "uniqueMember", "memberUid"}, groupsName: "cn", groupsID: "entryUUID",
	}
}

// presetOf returns the preset of a kind.
func presetOf(kind string) preset {
	for _, p := range presets() {
		if p.kind == kind {
			return p
		}
	}
	return custom()
}

// applyPreset fills empty fields. What the operator wrote is never changed.
func (d *Directory) applyPreset() {
	p := presetOf(d.Kind)
	below := func(template string) string {
		if d.BaseDN == "" {
			return ""
		}
		return strings.ReplaceAll(template, "<base>", d.BaseDN)
	}
	u, g := &d.Users, &d.Groups
	u.BaseDN = cmp.Or(u.BaseDN, below(p.usersBase), d.BaseDN)
	u.Filter = cmp.Or(u.Filter, p.usersFilter)
	u.LoginAttributes = orList(u.LoginAttributes, p.logins)
	if u.IDAttribute == "" {
		g.IDAttribute = cmp.Or(g.IDAttribute, p.groupsID)
	}
	g.IDAttribute = cmp.Or(g.IDAttribute, u.IDAttribute) // who names one attribute means both
	u.IDAttribute = cmp.Or(u.IDAttribute, p.usersID)
	u.State = cmp.Or(u.State, p.state)
	g.BaseDN = cmp.Or(g.BaseDN, below(p.groupsBase))
	g.Filter = cmp.Or(g.Filter, p.groupsFilter)
	g.Method = cmp.Or(g.Method, p.method)
	g.MemberAttributes = orList(g.MemberAttributes, p.members)
	g.NameAttribute = cmp.Or(g.NameAttribute, p.groupsName)
	if g.Nested == nil {
		nested := !p.flat
		g.Nested = &nested
	}
}

// orList gives a list, or another where it is empty.
func orList(list, other []string) []string {
	if len(list) == 0 {
		return other
	}
	return list
}
