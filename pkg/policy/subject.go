package policy

import (
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// SubjectKind says how a subject names whom it speaks about. The zero SubjectKind is invalid and matches
// nobody.
type SubjectKind uint8

// The kinds of subjects.
const (
	// Anyone is everybody, with or without a login.
	Anyone SubjectKind = iota + 1
	// SignedIn is every person who logged in, of any directory.
	SignedIn
	// User is one person, by canonical login name.
	User
	// GroupName is a directory group by its short name, or every group whose name fits a template.
	GroupName
	// GroupDN is a directory group by its distinguished name.
	GroupDN
	// GroupID is a directory group by the directory's own id.
	GroupID
	// Robot is one machine account, by name. Robots are not signed in and are in no groups.
	Robot
	// UserID is one person, by the directory's own id of the account: it stays with the account when that gets
	// another login name, and is never somebody else's.
	UserID
)

// Subject is one answer to "who". Make one with [NewSubject].
type Subject struct {
	// Kind says how it names them.
	Kind SubjectKind
	// Text is the subject as written, such as "group:payments".
	Text string
	// Directory qualifies users and groups; it is the principal's Source.
	Directory string
	// Name is the name, DN or id as written, without the directory.
	Name string
	// Held is the group that the directory knows under this name. A cannot applies to it also after it was
	// renamed. Only ID and DN of it are used.
	Held identity.Group
	// Unresolved is true for a group in a cannot whose id could not be asked for yet: it stands for every
	// person of its directory.
	Unresolved bool

	closes   bool   // whoever it names has less: in who of a cannot, in except of a can
	key      string // the form in which Name is compared
	heldID   string
	heldDN   string
	template *template
}

// NewSubject makes a subject. The name of a group may have holes, as in "team-<team>". Errors are
// [*SyntaxError].
func NewSubject(kind SubjectKind, text, directory, name string) (Subject, error) {
	s := Subject{Kind: kind, Text: text, Directory: directory, Name: name}
	switch kind {
	case User:
		s.key = identity.Fold(name)
	case Robot:
		s.key = identity.Fold(name)
		if !legalPart(s.key) {
			return Subject{}, &SyntaxError{
				Code: "bad-robot", Message: quote(name) + " cannot be the name of a robot", Length: len(name),
				Remedy: "write letters and digits with single separators (., _, __, or dashes) between them",
			}
		}
	case GroupName:
		t, err := parseTemplate(name)
		if err != nil {
			return Subject{}, err
		}
		s.key = identity.Fold(name)
		if len(t.holes) > 0 {
			s.template, s.key = t, ""
		}
	case GroupDN:
		key, err := identity.NormalDN(name)
		if err != nil {
			return Subject{}, &SyntaxError{
				Code: "bad-dn", Message: quote(name) + " is not a distinguished name",
				Remedy: "write it as the directory does, such as CN=Payments,OU=Groups,DC=corp,DC=example",
				Length: len(name),
			}
		}
		s.key = key
	case GroupID, UserID:
		s.key = identity.FoldID(name)
	case Anyone, SignedIn:
	default:
		return Subject{}, ErrInvalidRule
	}
	return s, nil
}

// Hold gives the subject with the group that the directory knows under its name, for a cannot.
func (s *Subject) Hold(g identity.Group) Subject {
	held := *s
	held.Held, held.Unresolved = g, false
	held.heldID = identity.FoldID(g.ID)
	held.heldDN = g.DNKey()
	return held
}

// IsGroup reports whether the subject names exactly one group, by name, DN or id.
func (s *Subject) IsGroup() bool {
	return s.template == nil && (s.Kind == GroupName || s.Kind == GroupDN || s.Kind == GroupID)
}

// Fills reports whether the subject gives a value to a hole of that name.
func (s *Subject) Fills(hole string) bool {
	if hole == UserHole {
		return s.Kind != Anyone && s.Kind != Robot
	}
	return s.template != nil && s.template.slot(hole) >= 0
}

// inDirectory reports whether the subject speaks about persons of one directory only.
func (s *Subject) inDirectory() bool { return s.Kind == User || s.Kind == UserID || s.isGroupKind() }

// isGroupKind reports whether the subject matches a person through a group.
func (s *Subject) isGroupKind() bool {
	return s.Kind == GroupName || s.Kind == GroupDN || s.Kind == GroupID
}

// admitsPerson reports whether the subject matches somebody without looking at groups.
func (s *Subject) admitsPerson(p *identity.Principal, user string) bool {
	switch s.Kind {
	case Anyone:
		return true
	case SignedIn:
		return p.Kind == identity.Person
	case User:
		return p.Kind == identity.Person && p.Source == s.Directory && user == s.key
	case UserID:
		return p.Kind == identity.Person && p.Source == s.Directory && s.key != "" && sameID(p.ID, s.key)
	case Robot:
		return p.Kind == identity.Robot && user == s.key
	default:
		return s.Unresolved && p.Kind == identity.Person && p.Source == s.Directory
	}
}

// admitsGroup reports whether the subject names the group, and fills the values of its holes.
func (s *Subject) admitsGroup(g *identity.Group, v *values) bool {
	switch {
	case s.template != nil:
		if s.closes && g.ContestedKey() != "" {
			return s.template.match(g.ContestedKey(), v)
		}
		// A name that did not keep its length was not ASCII, and may have folded into somebody else's: that opens nothing.
		return g.NameKey() != "" && (s.closes || len(g.NameKey()) == len(g.Name)) && s.template.match(g.NameKey(), v)
	case s.heldID != "" && g.IDKey() == s.heldID, s.heldDN != "" && g.DNKey() == s.heldDN:
		return true
	case s.Kind == GroupName:
		return s.key != "" && (g.NameKey() == s.key || s.closes && g.ContestedKey() == s.key)
	case s.Kind == GroupDN:
		return g.DNKey() == s.key
	default:
		return s.key != "" && g.IDKey() == s.key
	}
}

// sameID compares an id with a key of [identity.FoldID]. It does not allocate.
func sameID(id, key string) bool {
	if len(id) != len(key) {
		return false
	}
	for i := range len(id) {
		if lower(id[i]) != key[i] {
			return false
		}
	}
	return true
}

// lower lowers an ASCII letter.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}
