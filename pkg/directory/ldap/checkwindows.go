package ldap

import (
	"context"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory"
)

// probeCatalog asks every server of the catalog.
func (b *Backend) probeCatalog(ctx context.Context) []directory.ServerStatus {
	if b.catalog == nil {
		return nil
	}
	return b.catalog.Probe(ctx)
}

// checkAccounts looks at one account of Active Directory that is not the service account's own: what may be read of it
// may be read of all, as a rule.
func (s *server) checkAccounts(c *connection, status *directory.ServerStatus) *serverError {
	b := s.backend
	if b.options.Users.State != ActiveDirectoryState {
		return nil
	}
	found, f := c.search(b.anyAccount(), s.timeouts().Operation)
	if f != nil {
		f.step = "search an account"
		return f
	}
	if len(found.Entries) == 0 {
		return nil // an empty domain is no fault
	}
	read := rootDSE(b.timeLimit(), b.shape.ownAttributes...)
	read.BaseDN = found.Entries[0].DN
	own, f := c.search(read, s.timeouts().Operation)
	switch {
	case f != nil:
		f.step = stepReadEntry
		return f
	case len(own.Entries) != 1: // it is gone by now
		return nil
	}
	var missing []string
	for _, a := range windowsAttributes() {
		if first(own.Entries[0], a) == "" {
			missing = append(missing, a)
		}
	}
	if len(missing) > 0 {
		status.Warnings = append(status.Warnings, "The service account may not read "+strings.Join(missing, ", ")+
			" of accounts, so what they would tell of an account's state shows in its next bind only: give it the right to read them.")
		if slices.Contains(missing, accountControl) {
			status.Warnings = append(status.Warnings, "Without "+accountControl+" nobody gets or uses a refresh token, as no bind tells then whether the account is disabled.")
		}
	}
	if b.options.Groups.Method == TokenGroups && len(own.Entries[0].GetEqualFoldRawAttributeValues(tokenGroupsAttribute)) == 0 {
		return noTokenGroups()
	}
	return nil
}

// anyAccount searches one account. The page is what limits the answer: not every server keeps to the size limit.
func (b *Backend) anyAccount() *goldap.SearchRequest {
	filter := newFilter(b.shape.userFilter + "(!(" + distinguishedName + "=" + goldap.EscapeFilter(b.options.BindDN) + "))")
	filter.equal("objectClass", "*")
	return &goldap.SearchRequest{
		BaseDN: b.shape.users, Scope: goldap.ScopeWholeSubtree, DerefAliases: goldap.NeverDerefAliases,
		TimeLimit: b.timeLimit(), Filter: filter.String(), Attributes: []string{"1.1"},
		Controls: []goldap.Control{goldap.NewControlPaging(1)},
	}
}
