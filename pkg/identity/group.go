package identity

// Group is one group of a principal, with the ID, the DN and the Name that the directory gave it. It is
// immutable, and as small as a pointer: accounts that are remembered share the groups they have in common.
// Make one with [NewGroup], so that the forms in which groups are compared are worked out once and not at every
// decision. The zero Group is no group: its fields must not be read.
type Group struct{ *group }

// group is what all copies of a Group share.
type group struct {
	// ID is the directory's own id (entryUUID, SID).
	ID string
	// DN is the group's distinguished name as the directory writes it.
	DN string
	// Name is the short name, set only for a group inside the directory's groups.base_dn whose name is
	// unique there. Empty means that no short name and no hole in the policy may match the group.
	Name string

	dnKey, nameKey, contestedKey, idKey string

	dnHash, nameHash, idHash uint32
}

// NewGroup makes a group from what the directory said. A DN that cannot be parsed matches nothing.
func NewGroup(id, dn, name string) Group {
	key, err := NormalDN(dn)
	if err != nil {
		key = ""
	}
	g := &group{ID: id, DN: dn, Name: name, dnKey: key, nameKey: Fold(name), idKey: FoldID(id)}
	g.dnHash, g.nameHash, g.idHash = Hash(g.dnKey), Hash(g.nameKey), Hash(g.idKey)
	return Group{g}
}

// NewContestedGroup makes a group whose short name another group has, too. The name grants nothing, so Name is
// empty; but what takes rights away by that name holds for both, or whoever can make a second group of a name
// could end it: see [Group.ContestedKey].
func NewContestedGroup(id, dn, name string) Group {
	g := NewGroup(id, dn, "")
	g.contestedKey = Fold(name)
	g.nameHash = Hash(g.contestedKey)
	return g
}

// DNKey is the normal form of DN, as [NormalDN] gives it; empty for a group without a usable DN.
func (g Group) DNKey() string {
	if g.group == nil {
		return ""
	}
	return g.dnKey
}

// NameKey is the folded Name, as [Fold] gives it; empty for a group that no short name may match.
func (g Group) NameKey() string {
	if g.group == nil {
		return ""
	}
	return g.nameKey
}

// ContestedKey is the folded short name of a group that shares it with another one; empty for every other group.
// Nothing may be granted by it.
func (g Group) ContestedKey() string {
	if g.group == nil {
		return ""
	}
	return g.contestedKey
}

// IDKey is the form of ID that is compared, as [FoldID] gives it.
func (g Group) IDKey() string {
	if g.group == nil {
		return ""
	}
	return g.idKey
}

// DNHash is the [Hash] of [Group.DNKey].
func (g Group) DNHash() uint32 {
	if g.group == nil {
		return 0
	}
	return g.dnHash
}

// NameHash is the [Hash] of [Group.NameKey], or of [Group.ContestedKey] where the name is contested.
func (g Group) NameHash() uint32 {
	if g.group == nil {
		return 0
	}
	return g.nameHash
}

// IDHash is the [Hash] of [Group.IDKey].
func (g Group) IDHash() uint32 {
	if g.group == nil {
		return 0
	}
	return g.idHash
}
