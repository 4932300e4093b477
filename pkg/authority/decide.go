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
func decide(p *policy.Policy, who identity.Principal, r *Request, service registry.Service, now time.Time) Grant {
	g := Grant{Principal: who, PolicyRevision: p.Revision()}
	scopes := meant(r.Scopes, service)
	if len(scopes) == 0 {
		return g
	}
	g.Decisions = make([]policy.Decision, 0, len(scopes))
	g.Granted = make([]registry.Scope, 0, len(scopes))
	for _, scope := range scopes {
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

// meant reads pull on a repository without a name as the catalog, where the service's software asks like that, and as
// nothing elsewhere.
func meant(scopes []registry.Scope, service registry.Service) []registry.Scope {
	unnamed := func(s registry.Scope) bool { return s.Actions.Has(registry.UnnamedPull) }
	if !slices.ContainsFunc(scopes, unnamed) {
		return scopes
	}
	scopes = slices.Clone(scopes)
	for i := range scopes {
		if !unnamed(scopes[i]) {
			continue
		}
		scopes[i].Actions &^= registry.UnnamedPull
		if service.EmptyCatalog {
			scopes[i].Actions |= registry.Catalog
		}
	}
	return slices.DeleteFunc(scopes, func(s registry.Scope) bool { return s.Actions == 0 })
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
		Ring:      service.Ring,
		Form:      token.Form(service.KeyForm),
	}
	if len(g.Granted) == 0 {
		return c
	}
	c.Access = make([]registry.Access, 0, len(g.Granted))
	for _, scope := range g.Granted {
		access := registry.Access{Type: scope.Type, Name: scope.Name, Actions: scope.Actions.Names()}
		if service.EmptyCatalog && scope.Type == registry.TypeRegistry { // its software knows no other name of the catalog
			access = registry.Access{Type: registry.TypeRepository, Actions: registry.Pull.Names()}
		}
		c.Access = append(c.Access, access)
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
