package ldap

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestHowToGivesEveryRight: the access rules of the page about OpenLDAP name each attribute that is asked for there, and the
// entries of the policies. What may not be read would say nothing against an account, and nobody would notice.
func TestHowToGivesEveryRight(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/howto/connect-openldap.md")
	if err != nil {
		t.Fatal(err)
	}
	var given []string
	for _, m := range regexp.MustCompile(`(?m)^to dn\.subtree="dc=corp,dc=example" attrs=(\S+)$`).FindAllStringSubmatch(string(page), -1) {
		given = append(given, strings.Split(strings.ToLower(m[1]), ",")...)
	}
	if !strings.Contains(string(page), "\nto dn.subtree=\"ou=policies,dc=corp,dc=example\"\n") {
		t.Error("no rule gives the policies")
	}
	for _, method := range []Method{MemberSearch, MemberOf} {
		o := Options{BaseDN: "dc=corp,dc=example"}
		o.Users.State, o.Users.LoginAttributes, o.Users.IDAttribute = PasswordPolicyState, []string{"uid"}, "entryUUID"
		o.Groups.Method, o.Groups.IDAttribute, o.Groups.NameAttribute = method, "entryUUID", "cn"
		o.Groups.MemberAttributes = []string{"member", "uniqueMember", memberUID}
		s := newShape(&o)
		asked := slices.Concat(s.userAttributes, s.ownAttributes, s.groupAttributes, o.Groups.MemberAttributes, []string{"entry", "objectClass"})
		for _, a := range asked {
			if !slices.Contains(given, strings.ToLower(a)) {
				t.Errorf("%s: no rule gives %s, which is asked for", method, a)
			}
		}
	}
}

// TestHowToNamesWhatIsReadOfWindows: the same for the lists of Active Directory's page, which a hardened domain gives.
func TestHowToNamesWhatIsReadOfWindows(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/howto/connect-active-directory.md")
	if err != nil {
		t.Fatal(err)
	}
	section := regexp.MustCompile(`(?s)- of users: (.*?);\n- of groups: (.*?);\n`).FindStringSubmatch(string(page))
	if section == nil {
		t.Fatal("the page has no lists of attributes")
	}
	o := Options{BaseDN: "dc=corp,dc=example"}
	o.Users.State, o.Users.IDAttribute = ActiveDirectoryState, objectGUID
	o.Users.LoginAttributes = []string{samAccountName, "userPrincipalName", "mail"}
	o.Groups.Method, o.Groups.IDAttribute, o.Groups.NameAttribute = TokenGroups, objectSID, samAccountName
	s := newShape(&o)
	for i, asked := range [][]string{slices.Concat(s.userAttributes, s.ownAttributes), s.groupAttributes} {
		for _, a := range asked {
			if !strings.Contains(section[i+1], "`"+a+"`") {
				t.Errorf("%s is asked for, and is not in the list %q", a, section[i+1])
			}
		}
	}
}
