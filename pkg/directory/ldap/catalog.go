package ldap

// ofCatalog gives the options of the Backend that locates accounts in a global catalog ([MS-ADTS] section 3.1.1.1.10). It
// has the same service account. A catalog holds only some attributes and knows the members of universal groups alone,
// so nothing but the search for the entry is asked of it.
func (o Options) ofCatalog() Options {
	o.Servers, o.Discovery = o.Users.Catalog, nil
	o.Users.Catalog, o.Users.State, o.Groups.Method = nil, NoState, MemberSearch
	o.BindConnections.Min = -1
	return o
}

// locator gives the Backend that searches accounts.
func (b *Backend) locator() *Backend {
	if b.catalog != nil {
		return b.catalog
	}
	return b
}
