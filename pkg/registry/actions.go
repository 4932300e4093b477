package registry

import "strings"

// Actions is a set of actions on one resource. The zero value is the empty set.
type Actions uint8

// The single actions.
const (
	// Pull reads a repository.
	Pull Actions = 1 << iota
	// Push writes to a repository. Registries want Pull with it.
	Push
	// Delete removes manifests, tags or blobs.
	Delete
	// Catalog lists the repositories of a registry; in a token it is written "*" on registry:catalog.
	Catalog
	// Wildcard is a literal "*" that a client asked for on a repository: everything it may have. It is
	// never granted as such.
	Wildcard
	// UnnamedPull is pull on a repository without a name, which is how some software asks for its catalog. It is never
	// granted as such: see [Profile].EmptyCatalog.
	UnnamedPull
)

// RepositoryActions are all actions that can be granted on a repository.
const RepositoryActions = Pull | Push | Delete

// Has reports whether every action of b is in a.
func (a Actions) Has(b Actions) bool { return a&b == b }

// Names lists the single actions in alphabetical order, as tokens carry them. Catalog and Wildcard are
// both written "*". An empty set gives nil.
func (a Actions) Names() []string {
	switch a { // the common sets, without work
	case 0:
		return nil
	case Pull:
		return []string{"pull"}
	case Pull | Push:
		return []string{"pull", "push"}
	}
	var n []string
	if a&(Catalog|Wildcard) != 0 {
		n = append(n, "*")
	}
	if a&Delete != 0 {
		n = append(n, "delete")
	}
	if a&Pull != 0 {
		n = append(n, "pull")
	}
	if a&Push != 0 {
		n = append(n, "push")
	}
	return n
}

// String joins the names with commas, as a scope does.
func (a Actions) String() string {
	switch a { // the common sets, without work
	case Pull:
		return "pull"
	case Pull | Push:
		return "pull,push"
	}
	return strings.Join(a.Names(), ",")
}

// ParseAction gives the action of a single word of a repository scope: pull, push, delete or *. Any other
// word gives the empty set.
func ParseAction(word string) Actions {
	switch word {
	case "pull":
		return Pull
	case "push":
		return Push
	case "delete":
		return Delete
	case "*":
		return Wildcard
	default:
		return 0
	}
}
