// Package authority is the use case: a request for a token becomes a principal, the principal's scopes
// become decisions, the decisions become a signed grant and a line in the audit record.
//
// It knows neither HTTP nor LDAP. [Authority.Explain] answers the same question for a named account without
// a password, and shares the code that decides.
package authority
