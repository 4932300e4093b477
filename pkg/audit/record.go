package audit

import "time"

// Version is the version of [Record]. Fields are only ever added under one version.
const Version = 1

// Record is one answered token request.
type Record struct {
	// Version is [Version].
	Version int `json:"version"`
	// Time is when the decision was made, UTC.
	Time time.Time `json:"time"`
	// RequestID is the request's id, as in the log and in the X-Request-Id header.
	RequestID string `json:"request_id"`
	// Service is the registry that the token is for.
	Service string `json:"service"`
	// Grant is how the client asked: basic, password, refresh or anonymous.
	Grant string `json:"grant"`
	// Principal is who it was decided for.
	Principal Principal `json:"principal"`
	// Client is where the request came from.
	Client Client `json:"client"`
	// Scopes has one entry a scope that was asked for; none for a plain login.
	Scopes []Scope `json:"scopes"`
	// PolicyRevision is the revision of the policy that decided.
	PolicyRevision string `json:"policy_revision"`
	// TokenID is the token's jti; empty when no token was issued.
	TokenID string `json:"token_id,omitempty"`
	// ExpiresAt is the token's exp.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// RefreshTokenID names the refresh token that was given or used; it is no secret. Empty for none.
	RefreshTokenID string `json:"refresh_token_id,omitempty"`
	// Refused is set when the request was refused: the reason, from a closed set.
	Refused string `json:"refused,omitempty"`
}

// Principal is who a decision was made for.
type Principal struct {
	// Kind is anonymous, person or robot.
	Kind string `json:"kind"`
	// Directory is the directory's configured name.
	Directory string `json:"directory,omitempty"`
	// ID is the directory's own id of the entry.
	ID string `json:"id,omitempty"`
	// Name is the canonical login name.
	Name string `json:"name,omitempty"`
	// Groups are the DNs of the groups that a deciding rule used.
	Groups []string `json:"groups,omitempty"`
	// Stale is true when groups were older than their normal life.
	Stale bool `json:"stale,omitempty"`
}

// Client is where a request came from.
type Client struct {
	// Address is the client's address.
	Address string `json:"address,omitempty"`
	// UserAgent is the User-Agent header, bounded.
	UserAgent string `json:"user_agent,omitempty"`
	// ID is the client_id parameter, bounded.
	ID string `json:"id,omitempty"`
}

// Scope is the decision on one scope.
type Scope struct {
	// Type and Name are the resource.
	Type string `json:"type"`
	Name string `json:"name"`
	// Asked and Granted are the actions.
	Asked   []string `json:"asked"`
	Granted []string `json:"granted"`
	// Rules are the rules that decided, as file:line.
	Rules []string `json:"rules,omitempty"`
	// Reason is why not all was granted, from the closed set of the policy's reasons; empty when all was.
	Reason string `json:"reason,omitempty"`
}
