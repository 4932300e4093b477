package registry

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
