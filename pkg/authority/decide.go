package authority

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// decide asks one policy about every scope of a request, as of now.
func decide(p *policy.Policy, who identity.Principal, r *Request, now time.Time) Grant {
	g := Grant{Principal: who, PolicyRevision: p.Revision()}
	if len(r.Scopes) == 0 {
		return g
	}
	g.Decisions = make([]policy.Decision, 0, len(r.Scopes))
	g.Granted = make([]registry.Scope, 0, len(r.Scopes))
	for _, scope := range r.Scopes {
		d := p.Decide(policy.Request{Principal: who, Service: r.Service, Scope: scope, Client: r.Client, Now: now})
		d.Granted = complete(d.Granted)
		g.Decisions = append(g.Decisions, d)
		if d.Granted != 0 {
			g.Granted = append(g.Granted, registry.Scope{Type: scope.Type, Name: scope.Name, Actions: d.Granted})
		}
	}
	slices.SortFunc(g.Granted, func(a, b registry.Scope) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
	})
	return g
}

// complete adds pull to push, because registries want both from who pushes. It widens nothing: a policy
// grants push only where it grants pull.
func complete(granted registry.Actions) registry.Actions {
	if granted.Has(registry.Push) {
		granted |= registry.Pull
	}
	return granted
}

// claims says what the token for a grant says.
func (a *Authority) claims(g *Grant, service registry.Service, life time.Duration) token.Claims {
	c := token.Claims{
		Subject:   a.subject(&g.Principal),
		Audience:  service.Name,
		Lifetime:  life,
		Algorithm: service.Algorithm,
	}
	if len(g.Granted) == 0 {
		return c
	}
	c.Access = make([]registry.Access, 0, len(g.Granted))
	for _, scope := range g.Granted {
		c.Access = append(c.Access, registry.Access{Type: scope.Type, Name: scope.Name, Actions: scope.Actions.Names()})
	}
	return c
}

// subject gives the name of an account that no account of another directory has: a name of the default one that holds
// an @ could look like another one's.
func (a *Authority) subject(who *identity.Principal) string {
	if a.home == "" || who.Kind != identity.Person || who.Source == a.home && !strings.Contains(who.Name, "@") {
		return who.Name
	}
	return who.Name + "@" + who.Source
}

// lifetime is longer for a token that allows push: an upload must not outlive it. No token outlives what the
// policy grants by more than [token.MinLifetime], and one for a principal that could not be read again lives for
// that long.
func lifetime(g *Grant, service registry.Service, now time.Time) time.Duration {
	life := service.TokenLifetime
	for _, scope := range g.Granted {
		if scope.Actions.Has(registry.Push) {
			life = service.PushTokenLifetime
			break
		}
	}
	if g.Principal.Stale {
		life = token.MinLifetime
	}
	for i := range g.Decisions {
		if end := g.Decisions[i].Until; !end.IsZero() {
			life = min(life, end.Sub(now).Truncate(time.Second))
		}
	}
	return max(life, token.MinLifetime)
}
