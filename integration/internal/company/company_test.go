package company_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/integration/internal/company"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// serve starts the company's server for a test and returns its address.
func serve(t *testing.T) string {
	t.Helper()
	address := loopback.Address(loopback.Ports(t, 1))
	s, err := company.Serve(t.Context(), address, company.People())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return "ldap://" + address
}

func dial(t *testing.T, url string) *ldap.Conn {
	t.Helper()
	c, err := ldap.DialURL(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetTimeout(10 * time.Second)
	return c
}

func search(base string, scope int, filter string, attributes ...string) *ldap.SearchRequest {
	return ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, 0, 0, false, filter, attributes, nil)
}

func TestBind(t *testing.T) {
	t.Parallel()
	c := dial(t, serve(t))
	cases := map[string]struct {
		dn, password string
		want         uint16
	}{
		"right password":          {"uid=alice," + company.PeopleBase, "wonderland", ldap.LDAPResultSuccess},
		"another form of the dn":  {"UID=Alice, OU=People," + company.Suffix, "wonderland", ldap.LDAPResultSuccess},
		"wrong password":          {"uid=alice," + company.PeopleBase, "Wonderland", ldap.LDAPResultInvalidCredentials},
		"nobody":                  {"uid=mallory," + company.PeopleBase, "wonderland", ldap.LDAPResultInvalidCredentials},
		"entry without password":  {company.PeopleBase, "x", ldap.LDAPResultInvalidCredentials},
		"name without a password": {"uid=alice," + company.PeopleBase, "", ldap.LDAPResultUnwillingToPerform},
	}
	for name, test := range cases {
		_, err := c.SimpleBind(&ldap.SimpleBindRequest{
			Username: test.dn, Password: test.password, AllowEmptyPassword: true,
			Controls: []ldap.Control{ldap.NewControlBeheraPasswordPolicy()},
		})
		if got := code(err); got != test.want {
			t.Errorf("%s: bind = %d, want %d", name, got, test.want)
		}
	}
}

func code(err error) uint16 {
	if err == nil {
		return ldap.LDAPResultSuccess
	}
	if e, ok := err.(*ldap.Error); ok { //nolint:errorlint // the library returns it bare
		return e.ResultCode
	}
	return ldap.LDAPResultOther
}

func TestSearch(t *testing.T) {
	t.Parallel()
	c := dial(t, serve(t))
	if _, err := c.Search(search(company.Suffix, ldap.ScopeWholeSubtree, "(uid=alice)")); code(err) != ldap.LDAPResultInsufficientAccessRights {
		t.Errorf("search before a bind = %v, want insufficient rights", err)
	}
	if err := c.Bind(company.ServiceDN, company.ServicePassword); err != nil {
		t.Fatal(err)
	}
	alice, payments := "uid=alice,"+company.PeopleBase, "cn=payments,"+company.GroupsBase
	cases := map[string]struct {
		base   string
		scope  int
		filter string
		want   []string
	}{
		"by uid":                {company.Suffix, ldap.ScopeWholeSubtree, "(&(objectClass=inetOrgPerson)(uid=ALICE))", []string{alice}},
		"nobody":                {company.Suffix, ldap.ScopeWholeSubtree, "(uid=mallory)", nil},
		"a star is a character": {company.Suffix, ldap.ScopeWholeSubtree, `(uid=\2a)`, nil},
		"by member":             {company.GroupsBase, ldap.ScopeWholeSubtree, "(|(member=UID=alice, ou=People," + company.Suffix + ")(uniqueMember=" + alice + ")(memberUid=alice))", []string{payments}},
		"by memberOf":           {company.PeopleBase, ldap.ScopeSingleLevel, "(memberOf=" + payments + ")", []string{alice}},
		"not":                   {company.PeopleBase, ldap.ScopeSingleLevel, "(&(uid=*)(!(|(uid=bob)(uid=c*)(uid=*v*)(uid=*in))))", []string{alice}},
		"base":                  {alice, ldap.ScopeBaseObject, "(objectClass=*)", []string{alice}},
		"one level":             {company.Suffix, ldap.ScopeSingleLevel, "(uid=alice)", nil},
		"extensible":            {company.GroupsBase, ldap.ScopeWholeSubtree, "(member:1.2.840.113556.1.4.1941:=" + alice + ")", nil},
		"not of undefined":      {company.PeopleBase, ldap.ScopeWholeSubtree, "(!(uid>=a))", nil},
	}
	for name, test := range cases {
		r, err := c.Search(search(test.base, test.scope, test.filter, "1.1"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, e := range r.Entries {
			got = append(got, e.DN)
			if len(e.Attributes) > 0 {
				t.Errorf("%s: attributes %v although none were asked", name, e.Attributes)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %s = %q, want %q", name, test.filter, got, test.want)
		}
	}
	if _, err := c.Search(search("ou=nowhere,"+company.Suffix, ldap.ScopeWholeSubtree, "(uid=*)")); code(err) != ldap.LDAPResultNoSuchObject {
		t.Errorf("search below nothing = %v, want no such object", err)
	}
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	c := dial(t, serve(t))
	if err := c.Bind(company.ServiceDN, company.ServicePassword); err != nil {
		t.Fatal(err)
	}
	r, err := c.Search(search(company.PeopleBase, ldap.ScopeWholeSubtree, "(uid=alice)", "*", "entryUUID", "memberOf", "userPassword"))
	if err != nil || len(r.Entries) != 1 {
		t.Fatalf("search = %v, %v, want one entry", r, err)
	}
	e := r.Entries[0]
	if id := e.GetAttributeValue("entryUUID"); len(id) != 36 || strings.Count(id, "-") != 4 {
		t.Errorf("entryUUID = %q, want an id", id)
	}
	if got := e.GetAttributeValues("memberOf"); !slices.Equal(got, []string{"cn=payments," + company.GroupsBase}) {
		t.Errorf("memberOf = %q, want payments", got)
	}
	if e.GetEqualFoldAttributeValue("mail") == "" || e.GetAttributeValue("userPassword") != "" {
		t.Errorf("attributes = %v, want a mail address and no password", e.Attributes)
	}
	byID, err := c.Search(search(company.Suffix, ldap.ScopeWholeSubtree, "(entryUUID="+e.GetAttributeValue("entryUUID")+")"))
	if err != nil || len(byID.Entries) != 1 || byID.Entries[0].DN != e.DN || byID.Entries[0].GetAttributeValue("entryUUID") != "" {
		t.Errorf("search by id = %v, %v, want the same entry without what was not asked", byID, err)
	}
}

func TestPagingAndLimits(t *testing.T) {
	t.Parallel()
	c := dial(t, serve(t))
	if err := c.Bind(company.ServiceDN, company.ServicePassword); err != nil {
		t.Fatal(err)
	}
	all := search(company.PeopleBase, ldap.ScopeSingleLevel, "(uid=*)", "uid")
	r, err := c.SearchWithPaging(all, 2)
	if err != nil || len(r.Entries) != len(company.People()) {
		t.Errorf("pages of two = %d entries, %v, want %d", len(r.Entries), err, len(company.People()))
	}
	limited := search(company.PeopleBase, ldap.ScopeSingleLevel, "(uid=*)", "uid")
	limited.SizeLimit = 2
	if _, err := c.Search(limited); code(err) != ldap.LDAPResultSizeLimitExceeded {
		t.Errorf("search with a size limit = %v, want size limit exceeded", err)
	}
	critical := search(company.PeopleBase, ldap.ScopeSingleLevel, "(uid=*)", "uid")
	critical.Controls = []ldap.Control{ldap.NewControlString("1.2.3.4", true, "")}
	if _, err := c.Search(critical); code(err) != ldap.LDAPResultUnavailableCriticalExtension {
		t.Errorf("search with an unknown critical control = %v, want unavailable critical extension", err)
	}
}
