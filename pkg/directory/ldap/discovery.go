package ldap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// Discovery finds the servers by DNS SRV records (RFC 2782) instead of a list. DNS is not trusted: a target must be
// in the domain, its certificate must be for it, and the connection always has TLS.
type Discovery struct {
	// Domain is the domain whose records are looked up; required.
	Domain string
	// Site is the site whose servers come before all others. Empty means none.
	Site string
	// Controllers looks up the domain controllers of Active Directory ([MS-ADTS] section 6.3.6.1), and not every
	// LDAP server of the domain.
	Controllers bool
	// Refresh is how often the records are looked up again; up to half of it is added at random. The resolver
	// does not tell how long an answer may be kept. Zero means 5 minutes.
	Refresh time.Duration
	// Resolver looks names up. Nil means the machine's.
	Resolver Resolver
}

// Resolver looks up SRV records, as [net.Resolver] does. An answer that there is no such name is a [net.DNSError]
// with IsNotFound.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (cname string, records []*net.SRV, err error)
}

const (
	defaultRefresh = 5 * time.Minute
	// soonRefresh is the pause where the last look-up failed, or every server is out of service.
	soonRefresh = 10 * time.Second
	// lookupTimeout bounds a look-up.
	lookupTimeout = 2 * time.Second
	// maxDiscovered is how many servers are used; the best ones.
	maxDiscovered = 16
)

// errNoServers means that DNS names nobody who may be asked.
var errNoServers = errors.New("no SRV record names a server of the domain")

// names are the names that are looked up, best first.
func (d *Discovery) names() []string {
	kind := d.Domain
	if d.Controllers {
		kind = "dc._msdcs." + d.Domain
	}
	names := []string{"_ldap._tcp." + kind}
	if d.Site != "" {
		names = []string{"_ldap._tcp." + d.Site + "._sites." + kind, names[0]}
	}
	return names
}

// discovery keeps the fleet of a Backend as DNS has it.
type discovery struct {
	backend  *Backend
	turn     chan struct{} // held during a look-up
	options  Discovery
	draws    map[string]float64 // by URL, the lot that orders servers of one priority; held by turn
	refused  string             // what the last look-up refused; held by turn
	fault    error              // of the last look-up; held by turn
	lookedAt time.Time          // when that was; held by turn
}

// newDiscovery makes a discovery that has not looked anything up.
func newDiscovery(b *Backend) *discovery {
	d := &discovery{backend: b, turn: make(chan struct{}, 1), options: *b.options.Discovery, draws: map[string]float64{}}
	d.options.Domain = strings.ToLower(strings.TrimSuffix(d.options.Domain, "."))
	d.options.Refresh = orElse(d.options.Refresh, defaultRefresh)
	if d.options.Resolver == nil {
		d.options.Resolver = net.DefaultResolver
	}
	return d
}

// name is what stands for the servers while none is known.
func (d *discovery) name() string { return "dns:" + d.options.names()[0] }

// discovered sees to it that there is a list of servers, and gives the fault that there is none.
func (b *Backend) discovered(ctx context.Context) *serverError {
	if b.discovery == nil || len(b.fleet.servers()) > 0 {
		return nil
	}
	return b.discovery.first(ctx)
}

// first looks up the first list. Whoever comes meanwhile waits for it; a failure holds for a moment.
func (d *discovery) first(ctx context.Context) *serverError {
	const moment = time.Second
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return &serverError{class: classNetwork, step: "find servers by DNS", err: ctx.Err()}
	}
	if len(d.backend.fleet.servers()) > 0 {
		return nil
	}
	err := d.fault
	if err == nil || time.Since(d.lookedAt) >= moment {
		err = d.look(ctx)
	}
	if len(d.backend.fleet.servers()) == 0 {
		err = orElse(err, errNoServers)
		return &serverError{class: classNetwork, step: "find servers by DNS", text: err.Error() + d.remedy(), err: err}
	}
	return nil
}

// remedy says where to look when DNS names no server.
func (d *discovery) remedy() string {
	if d.options.Resolver == net.DefaultResolver {
		return "; look at discover.domain, and if this machine's resolver does not know the domain, name DNS servers that do in discover.dns_servers"
	}
	return "; look at discover.domain, and whether the servers in discover.dns_servers answer and know the domain"
}

// run looks the records up again and again until ctx ends.
func (d *discovery) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case d.turn <- struct{}{}:
		}
		wait := d.options.Refresh
		if err := d.look(ctx); err != nil {
			wait = min(wait, soonRefresh)
		}
		<-d.turn
		if !d.pause(ctx, wait) {
			return
		}
	}
}

// pause waits for a time, a shorter one while every server is out of service.
func (d *discovery) pause(ctx context.Context, wait time.Duration) bool {
	for start := time.Now(); ; {
		if !d.backend.pause(ctx, min(wait, soonRefresh)) {
			return false
		}
		if time.Since(start) >= wait || d.backend.fleet.first() == nil {
			return true
		}
	}
}

// look looks the records up and takes what they say. A failure leaves the list as it is.
func (d *discovery) look(ctx context.Context) error {
	targets, err := d.targets(ctx)
	if ctx.Err() != nil && err != nil {
		return err // the end, or a caller without time: no news of DNS
	}
	log := d.backend.log
	known := len(d.backend.fleet.servers())
	if err != nil && (known > 0 || len(targets) == 0) {
		if d.fault == nil {
			log.WarnContext(ctx, "directory servers not found by DNS, the known ones stay", "error", err, "servers", known)
		}
	} else {
		d.adopt(ctx, targets)
	}
	d.fault, d.lookedAt = err, time.Now()
	return err
}

// targets looks every name up, and gives the servers in the order of preference. With an error there may be some:
// those of the names that could be looked up.
func (d *discovery) targets(ctx context.Context) ([]target, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	var all []target
	var refused []string
	var errs []error
	for tier, name := range d.options.names() {
		_, records, err := d.options.Resolver.LookupSRV(ctx, "", "", name+".") // absolute: no search list
		if missing, ok := errors.AsType[*net.DNSError](err); err != nil && len(records) == 0 && (!ok || !missing.IsNotFound) {
			errs = append(errs, fmt.Errorf("look up %s: %w", name, err))
			continue
		}
		for _, r := range records {
			t, ok := d.target(tier, r)
			switch {
			case !ok && r.Target != ".":
				refused = append(refused, r.Target)
			case ok && !slices.ContainsFunc(all, func(x target) bool { return x.url == t.url }):
				all = append(all, t)
			}
		}
	}
	d.warnRefused(ctx, refused)
	if len(all) == 0 && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("look up %s: %w", strings.Join(d.options.names(), ", "), errNoServers))
	}
	slices.SortStableFunc(all, compareTargets)
	return all[:min(len(all), maxDiscovered)], errors.Join(errs...)
}

// warnRefused logs targets that are not in the domain, once for each set of them.
func (d *discovery) warnRefused(ctx context.Context, refused []string) {
	slices.Sort(refused)
	text := strings.Join(slices.Compact(refused), ", ")
	if text != d.refused && text != "" {
		d.backend.log.WarnContext(ctx, "DNS names servers outside the domain, they are not asked", "targets", text, "domain", d.options.Domain)
	}
	d.refused = text
}

// adopt makes the targets the list of servers. Servers that were on it stay as they are.
func (d *discovery) adopt(ctx context.Context, targets []target) {
	b := d.backend
	next := make([]*server, len(targets))
	urls := make([]string, len(targets))
	rank := 0
	for i, t := range targets {
		if i > 0 && !t.asGoodAs(targets[i-1]) {
			rank++
		}
		if next[i] = b.fleet.named(t.url); next[i] == nil {
			next[i] = newServer(b, rank, t.endpoint)
		}
		next[i].rank.Store(int32(rank))
		urls[i] = t.url
	}
	before := b.fleet.servers()
	if slices.Equal(before, next) {
		return
	}
	b.options.Observer.servers(urls)
	b.log.InfoContext(ctx, "directory servers found by DNS", "servers", urls)
	for _, s := range b.fleet.replace(next) {
		s.dismiss()
	}
}
