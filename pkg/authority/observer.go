package authority

import (
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// Observer is told what was decided, in the manner of net/http/httptrace. Every func may be nil, is called
// from many goroutines at once, and must not block. Every text is of a closed set.
type Observer struct {
	// Decided is called for each single action that was asked: "pull", "push", "delete" or "*".
	Decided func(service, action string, granted bool, reason policy.Reason)
	// Served is called for each token for somebody who is known. The grant must not be kept.
	Served func(g *Grant)
	// Signed is called for each token with its size in bytes; beyond [token.MaxHandySize] it may not pass
	// every proxy.
	Signed func(service string, size int)
}

// Actions lists every action that an [Observer] hears of.
func Actions() []string { return []string{"*", "delete", "pull", "push"} }

// observe tells of one grant.
func (o Observer) observe(service string, g *Grant, size int) {
	if o.Signed != nil {
		o.Signed(service, size)
	}
	if o.Served != nil && g.Principal.Kind != identity.Anonymous {
		o.Served(g)
	}
	if o.Decided == nil {
		return
	}
	for i := range g.Decisions {
		o.decision(service, &g.Decisions[i])
	}
}

// decision tells of one scope. A star on a repository is told as the actions it stands for.
func (o Observer) decision(service string, d *policy.Decision) {
	asked := d.Scope.Actions
	if asked.Has(registry.Wildcard) {
		asked = asked&^registry.Wildcard | registry.RepositoryActions
	}
	for action := registry.Pull; action <= registry.Catalog; action <<= 1 {
		if asked.Has(action) {
			o.Decided(service, word(action), d.Granted.Has(action), d.Reason(action))
		}
	}
}

// word is the action as a token writes it.
func word(a registry.Actions) string {
	switch a {
	case registry.Pull:
		return "pull"
	case registry.Push:
		return "push"
	case registry.Delete:
		return "delete"
	default:
		return "*"
	}
}
