package registry

import "slices"

// The resource types that a token can name.
const (
	// TypeRepository is an image repository.
	TypeRepository = "repository"
	// TypeRegistry is the registry itself; its only resource is "catalog".
	TypeRegistry = "registry"
)

// CatalogName is the one resource of type [TypeRegistry].
const CatalogName = "catalog"

// Scope is one resource with a set of actions, asked for or granted. The zero Scope names nothing.
// Type is [TypeRepository] or [TypeRegistry], Name a legal name without pattern characters.
type Scope struct {
	Type    string
	Name    string
	Actions Actions
}

// String writes the scope as the protocol does: type:name:action,action.
func (s Scope) String() string { return s.Type + ":" + s.Name + ":" + s.Actions.String() }

// Access is one entry of a token's access claim
// (https://distribution.github.io/distribution/spec/auth/jwt/).
type Access struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// AccessList gives the access claim for granted scopes: sorted, one entry a resource, explicit actions only,
// without entries that grant nothing. It is never nil and does not change its argument.
func AccessList(granted []Scope) []Access {
	merged := Merge(slices.Clone(granted))
	list := make([]Access, 0, len(merged))
	for _, s := range merged {
		actions := s.Actions & RepositoryActions
		if s.Type == TypeRegistry {
			actions = s.Actions & Catalog
		}
		if actions != 0 {
			list = append(list, Access{Type: s.Type, Name: s.Name, Actions: actions.Names()})
		}
	}
	return list
}
