package identity

// Group is one group of a principal. It is immutable. Make one with [NewGroup], so that the forms in which
// groups are compared are worked out once and not at every decision.
type Group struct {
	// ID is the directory's own id (entryUUID, SID).
	ID string
	// DN is the group's distinguished name as the directory writes it.
	DN string
	// Name is the short name, set only for a group inside the directory's groups.base_dn whose name is
	// unique there. Empty means that no short name and no hole in the policy may match the group.
	Name string

	dnKey, nameKey string
}

// NewGroup makes a group from what the directory said. A DN that cannot be parsed matches nothing.
func NewGroup(id, dn, name string) Group {
	key, err := NormalDN(dn)
	if err != nil {
		key = ""
	}
	return Group{ID: id, DN: dn, Name: name, dnKey: key, nameKey: Fold(name)}
}

// DNKey is the normal form of DN, as [NormalDN] gives it; empty for a group without a usable DN.
func (g Group) DNKey() string { return g.dnKey }

// NameKey is the folded Name, as [Fold] gives it; empty for a group that no short name may match.
func (g Group) NameKey() string { return g.nameKey }
