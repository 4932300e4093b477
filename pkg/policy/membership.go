package policy

import "github.com/wharfgate/wharfgate/pkg/identity"

// keyKind is one of the ways in which a subject names a group.
type keyKind uint8

const (
	nameKey keyKind = iota
	dnKey
	idKey
	keyKinds
)

// subjectKey is the hash of a key by which a subject names somebody; a zero hash is no key.
type subjectKey struct {
	hash uint32
	kind keyKind
}

// keys gives the keys of a subject: the name, DN or id as written, and those of the group that is held.
func (s *Subject) keys() [3]subjectKey {
	if s.template != nil {
		return [3]subjectKey{}
	}
	own := subjectKey{hash: identity.Hash(s.key)}
	switch s.Kind {
	case GroupDN:
		own.kind = dnKey
	case GroupID, UserID:
		own.kind = idKey
	default:
		own.kind = nameKey
	}
	all := [3]subjectKey{own, {hash: identity.Hash(s.heldDN), kind: dnKey}, {hash: identity.Hash(s.heldID), kind: idKey}}
	for i := range all[1:] {
		if all[i+1] == own {
			all[i+1] = subjectKey{}
		}
	}
	return all
}

// keyHash gives the hash of a group's key; zero where it has none.
func keyHash(g *identity.Group, k keyKind) uint32 {
	switch k {
	case nameKey:
		return g.NameHash()
	case dnKey:
		return g.DNHash()
	default:
		return g.IDHash()
	}
}

// anyKey is the name by which something may be taken away through a group: also one that another group has, too.
func anyKey(g *identity.Group) string {
	if key := g.NameKey(); key != "" {
		return key
	}
	return g.ContestedKey()
}

// membership remembers, for one decision, which hashes the keys of the person's groups have. It says yes for some
// that none has, and never no for one that one has: so that most groups that rules name need no look at all the
// person's groups.
type membership struct {
	noted [keyKinds]bool
	bits  [membershipBits / 64]uint64
}

// membershipBits is how many bits there are: for 500 groups with three keys one answer of ten is a needless yes.
const membershipBits = 1 << 14

// mayHave reports whether one of the groups may have a key.
func (m *membership) mayHave(groups []identity.Group, k keyKind, hash uint32) bool {
	if !m.noted[k] {
		m.note(groups, k)
	}
	at := membershipBit(k, hash)
	return m.bits[at/64]&(1<<(at%64)) != 0
}

// note notes the keys of one kind.
func (m *membership) note(groups []identity.Group, k keyKind) {
	m.noted[k] = true
	for i := range groups {
		at := membershipBit(k, keyHash(&groups[i], k))
		m.bits[at/64] |= 1 << (at % 64)
	}
}

// membershipBit gives the bit of a hash; the same hash has another one for each kind of key.
func membershipBit(k keyKind, hash uint32) uint32 {
	const mix, apart = 2654435769, 0x55555555
	return (hash ^ uint32(k)*apart) * mix >> (32 - 14)
}
