package ldap

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/cache"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

var (
	_ directory.Backend     = (*Backend)(nil)
	_ directory.GroupFinder = (*Backend)(nil)
	_ directory.Prober      = (*Backend)(nil)
)

// Result codes that stand for themselves here (RFC 4511 appendix A).
const (
	resultSizeLimitExceeded       = goldap.LDAPResultSizeLimitExceeded
	resultStrongAuthRequired      = goldap.LDAPResultStrongAuthRequired
	resultReferral                = goldap.LDAPResultReferral
	resultAdminLimitExceeded      = goldap.LDAPResultAdminLimitExceeded
	resultConfidentialityRequired = goldap.LDAPResultConfidentialityRequired
	resultConstraintViolation     = goldap.LDAPResultConstraintViolation
	resultNoSuchObject            = goldap.LDAPResultNoSuchObject
	resultInvalidDNSyntax         = goldap.LDAPResultInvalidDNSyntax
	resultInappropriateAuth       = goldap.LDAPResultInappropriateAuthentication
	resultInvalidCredentials      = goldap.LDAPResultInvalidCredentials
	resultInsufficientAccess      = goldap.LDAPResultInsufficientAccessRights
	resultUnwillingToPerform      = goldap.LDAPResultUnwillingToPerform
)

// Backend is one directory behind a list of servers. It is safe for concurrent use. While [Backend.Run]
// runs, servers that fail are taken out of service and looked after; without it, each call tries them anew.
type Backend struct {
	options   Options
	log       *slog.Logger
	fleet     fleet
	discovery *discovery                           // nil where the servers are configured
	refusals  *refusals                            // shared with the catalog
	names     *cache.Cache[string, string]         // folded group name -> normal DN of its one holder, or nothing
	groups    *cache.Cache[string, identity.Group] // by DN as the directory writes it
	sids      sidMemory
	domains   domainMemory
	catalog   *Backend // where accounts are located; nil where that is this Backend
	lockouts  *lockouts
	shape     shape
	tasks     tasks
}

// New makes a Backend. It reports every fault of the options, and does no network.
func New(o Options) (*Backend, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("directory %q: %w", o.Source, err)
	}
	names, err := cache.New[string, string](cache.Options{Size: maxNames, TTL: nameLife, Now: o.Now, Rand: o.Rand})
	if err != nil {
		return nil, fmt.Errorf("directory %q: %w", o.Source, err)
	}
	groups, err := cache.New[string, identity.Group](cache.Options{Size: maxGroups, TTL: groupLife, Now: o.Now, Rand: o.Rand})
	if err != nil {
		return nil, fmt.Errorf("directory %q: %w", o.Source, err)
	}
	rules, err := newLockouts(&o)
	if err != nil {
		return nil, fmt.Errorf("directory %q: %w", o.Source, err)
	}
	b := &Backend{options: o, log: o.Logger.With("directory", o.Source), names: names, groups: groups, lockouts: rules, refusals: newRefusals()}
	if b.sids, err = newSIDMemory(&o); err != nil {
		return nil, fmt.Errorf("directory %q: %w", o.Source, err)
	}
	if len(o.Users.Catalog) > 0 {
		if b.catalog, err = New(o.ofCatalog()); err != nil {
			return nil, err
		}
		b.catalog.refusals = b.refusals
	}
	b.shape = newShape(&b.options)
	if o.Discovery != nil {
		b.discovery = newDiscovery(b)
		return b, nil
	}
	servers := make([]*server, len(o.Servers))
	for i, text := range o.Servers {
		e, err := parseEndpoint(text)
		if err != nil {
			return nil, fmt.Errorf("directory %q: servers[%d]: %w", o.Source, i, err)
		}
		servers[i] = newServer(b, i, e)
	}
	b.fleet.replace(servers)
	return b, nil
}

// ResetServiceBind forgets that servers refused the service account, so that the next question tries again.
func (b *Backend) ResetServiceBind() {
	b.refusals.forget()
	if b.catalog != nil {
		b.catalog.ResetServiceBind()
	}
	for _, s := range b.fleet.servers() {
		s.service.forget()
	}
}

// ServerState is whether one server is in service.
type ServerState struct {
	// Server is the configured URL.
	Server string
	// InService is false while requests skip the server and a probe looks for its recovery.
	InService bool
	// Current is true for the server that is asked first; for none if all are out of service.
	Current bool
}

// Servers tells the state of every server, in the order of the list, without any network. While none has been
// discovered yet, the name that is looked up stands for them and is out of service.
func (b *Backend) Servers() []ServerState {
	servers := b.fleet.servers()
	if len(servers) == 0 && b.discovery != nil {
		return []ServerState{{Server: b.discovery.name()}}
	}
	first := b.fleet.first()
	states := make([]ServerState, len(servers))
	for i, s := range servers {
		states[i] = ServerState{Server: s.url, InService: !s.breaker.isOpen(), Current: s == first}
	}
	return states
}

// stage gives a question without a deadline the configured one.
func (b *Backend) stage(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, b.options.Timeouts.Stage)
}

// share gives one try its part of the time that is left: nearly all of it where there is no next server, else
// so much that a hanging server leaves the better part for the next.
func (b *Backend) share(ctx context.Context, next *server) (context.Context, context.CancelFunc) {
	const part, all, whole = 8, 19, 20
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	share := time.Until(deadline) / whole * all
	if next != nil {
		share = time.Until(deadline) / whole * part
	}
	return context.WithTimeout(ctx, share)
}

// ask puts a question that may be asked again to one server after the other, until one answers.
func (b *Backend) ask(ctx context.Context, prefer *server, question func(context.Context, *server) *serverError) (*server, *serverError) {
	if ctx.Err() != nil {
		return nil, gone(ctx)
	}
	ctx, cancel := b.stage(ctx)
	defer cancel()
	if f := b.discovered(ctx); f != nil {
		return nil, f
	}
	var last *serverError
	t := b.fleet.tour()
	for s := t.next(prefer); s != nil; s = t.next(prefer) {
		t.try(s)
		try, cancel := b.share(ctx, t.next(prefer))
		f := question(try, s)
		cancel()
		if f == nil {
			t.stick(s)
			return s, nil
		}
		if f.class == classAnswer || f.class == classFull || f.class == classCaller {
			return s, f
		}
		last = f
		if ctx.Err() != nil {
			break
		}
	}
	if last == nil {
		last = b.allAway()
	}
	return nil, last
}

// search asks one search of one server after the other.
func (b *Backend) search(ctx context.Context, prefer *server, r *goldap.SearchRequest) (*goldap.SearchResult, *serverError) {
	var result *goldap.SearchResult
	_, f := b.ask(ctx, prefer, func(ctx context.Context, s *server) (f *serverError) {
		result, f = s.search(ctx, r)
		return f
	})
	return result, f
}

// gone is the fault of a caller whose context has ended.
func gone(ctx context.Context) *serverError {
	return &serverError{class: classCaller, step: "ask the directory", err: ctx.Err()}
}

// spread makes a time longer by up to a share of it, at random.
func (b *Backend) spread(d time.Duration, share float64) time.Duration {
	return d + time.Duration(float64(d)*share*b.options.Rand())
}

// allAway is the fault of having no server in service. They are looked for at once.
func (b *Backend) allAway() *serverError {
	b.fleet.want()
	return &serverError{class: classNetwork, step: "ask the directory", text: "every server is out of service"}
}

// refuse makes the error of an account that may not log in.
func (b *Backend) refuse(reason identity.Reason, e directory.Entry, detail string) error {
	return &identity.AccountError{Reason: reason, Source: b.options.Source, ID: e.ID, Name: e.Name, Detail: detail}
}
