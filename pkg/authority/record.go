package authority

import (
	"context"
	"errors"
	"slices"

	"github.com/wharfgate/wharfgate/pkg/audit"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// The reasons of a refusal in the audit record, besides those of [identity.Reasons] and
// [identity.RefreshReasons]. The log has the same.
const (
	// RefusedWithoutLogin: there were no credentials, and nobody without them is served.
	RefusedWithoutLogin = "no_credentials"
	// RefusedUnproven: the credentials prove nothing, and it is not known why.
	RefusedUnproven = "invalid_credentials"
	// RefusedInternal: a fault of ours.
	RefusedInternal = "internal"
)

// Refusals lists every reason of a refusal in the audit record.
func Refusals() []string {
	all := []string{RefusedWithoutLogin, RefusedUnproven, RefusedInternal}
	for _, reason := range append(identity.Reasons(), identity.RefreshReasons()...) {
		if reason != identity.ReasonOK {
			all = append(all, string(reason))
		}
	}
	return all
}

// granted keeps the record of a grant.
func (a *Authority) granted(r *Request, g *Grant, signed token.Signed) {
	if a.audit == nil {
		return
	}
	record := a.record(r)
	record.Principal = audit.Principal{
		Kind:      g.Principal.Kind.String(),
		Directory: g.Principal.Source,
		ID:        g.Principal.ID,
		Name:      g.Principal.Name,
		Stale:     g.Principal.Stale,
	}
	record.PolicyRevision, record.TokenID = g.PolicyRevision, signed.ID
	record.ExpiresAt = signed.ExpiresAt.UTC()
	record.RefreshTokenID = g.RefreshTokenID
	for i := range g.Decisions {
		d := &g.Decisions[i]
		s := &record.Scopes[i]
		s.Granted, s.Reason = s.Asked, string(d.MissingReason())
		if d.Granted != d.Scope.Actions {
			s.Granted = names(d.Granted)
		}
		for _, rule := range d.Rules() {
			s.Rules = append(s.Rules, rule.Position.String())
		}
		for _, group := range d.Groups(g.Principal) {
			if !slices.Contains(record.Principal.Groups, group) {
				record.Principal.Groups = append(record.Principal.Groups, group)
			}
		}
	}
	a.audit(record)
}

// refused keeps the record of a refusal, with the id of the refresh token, if there was one and it was read.
func (a *Authority) refused(r *Request, refreshID string, err error) {
	if a.audit == nil {
		return
	}
	record := a.record(r)
	record.Refused, record.RefreshTokenID = refusal(r, err), refreshID
	if account, ok := errors.AsType[*identity.AccountError](err); ok {
		record.Principal.Directory, record.Principal.ID, record.Principal.Name = account.Source, account.ID, account.Name
	} else if retry, ok := errors.AsType[*identity.RetryError](err); ok {
		record.Principal.Directory, record.Principal.ID, record.Principal.Name = retry.Source, retry.ID, retry.Name
	}
	if record.Principal.ID != "" {
		record.Principal.Kind = identity.Person.String()
	}
	a.audit(record)
}

// record begins the record of a request, with nothing granted.
func (a *Authority) record(r *Request) audit.Record {
	record := audit.Record{
		Version:   audit.Version,
		Time:      a.now().UTC(),
		RequestID: r.ID,
		Service:   r.Service,
		Grant:     string(r.Grant),
		Principal: audit.Principal{Kind: identity.Anonymous.String()},
		Client:    audit.Client{UserAgent: r.UserAgent, ID: r.ClientID},
		Scopes:    make([]audit.Scope, len(r.Scopes)),
	}
	if r.Client.IsValid() {
		record.Client.Address = r.Client.String()
	}
	for i, s := range r.Scopes {
		record.Scopes[i] = audit.Scope{Type: s.Type, Name: s.Name, Asked: names(s.Actions), Granted: []string{}}
	}
	return record
}

// names lists actions; no actions are an empty list.
func names(a registry.Actions) []string {
	if n := a.Names(); n != nil {
		return n
	}
	return []string{}
}

// refusal gives the word for an error, of a closed set.
func refusal(r *Request, err error) string {
	if account, ok := errors.AsType[*identity.AccountError](err); ok {
		return string(account.Reason)
	}
	if retry, ok := errors.AsType[*identity.RetryError](err); ok {
		return string(retry.Reason)
	}
	switch {
	case errors.Is(err, identity.ErrInvalidCredentials) && r.anonymous():
		return RefusedWithoutLogin
	case errors.Is(err, identity.ErrInvalidCredentials):
		return RefusedUnproven
	case errors.Is(err, identity.ErrThrottled):
		return string(identity.ReasonThrottled)
	case errors.Is(err, context.Canceled):
		return string(identity.ReasonClientGone)
	case errors.Is(err, context.DeadlineExceeded):
		return string(identity.ReasonTimeout)
	case errors.Is(err, identity.ErrUnavailable):
		return string(identity.ReasonUnavailable)
	default:
		return RefusedInternal
	}
}
