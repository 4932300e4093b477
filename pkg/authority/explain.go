package authority

import (
	"context"
	"net/netip"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// Question is what [Authority.Explain] answers.
type Question struct {
	// Service names the registry.
	Service string
	// Source is the configured name of the account's directory; empty means the default one.
	Source string
	// User is the login name or the id of the account; empty asks for somebody without credentials.
	User string
	// Scopes are what would be asked for.
	Scopes []registry.Scope
	// Client is the address that the client would have; invalid is an unknown one.
	Client netip.Addr
	// At is the time of the request; zero means now.
	At time.Time
}

// Answer is what would be granted, and why.
type Answer struct {
	// Grant is what [Authority.Grant] would lead to, without a token.
	Grant Grant
	// Explanations has one entry a scope, in the order of the question.
	Explanations []policy.Explanation
}

// Explain answers a question as [Authority.Grant] would, without a password, without a token and without a
// record. The decisions are those of the same policy by the same code.
//
// Errors are those of Grant.
func (a *Authority) Explain(ctx context.Context, q Question) (Answer, error) {
	if _, ok := a.services[q.Service]; !ok {
		return Answer{}, ErrUnknownService
	}
	p := a.policy.Load()
	who, err := a.resolve(ctx, p, &q)
	if err != nil {
		return Answer{}, err
	}
	if q.At.IsZero() {
		q.At = a.now()
	}
	answer := Answer{Grant: decide(p, who, &Request{Service: q.Service, Scopes: q.Scopes, Client: q.Client}, a.services[q.Service], q.At)}
	for _, scope := range q.Scopes {
		e := p.Explain(policy.Request{Principal: who, Service: q.Service, Scope: scope, Client: q.Client, Now: q.At})
		answer.Explanations = append(answer.Explanations, e)
	}
	return answer, nil
}

// resolve finds the principal that a question is about.
func (a *Authority) resolve(ctx context.Context, p *policy.Policy, q *Question) (identity.Principal, error) {
	switch {
	case q.User == "" && !p.ServesAnyone(q.Service):
		return identity.Principal{}, identity.ErrInvalidCredentials
	case q.User == "":
		return identity.Principal{}, nil
	case a.resolver == nil:
		return identity.Principal{}, identity.ErrUnavailable
	default:
		return a.resolver.Resolve(ctx, q.Source, q.User)
	}
}
