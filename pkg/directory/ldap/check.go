package ldap

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// certificateWarning is how long before its end a server's certificate deserves a look.
const certificateWarning = 30 * 24 * time.Hour

// Probe asks every server, all at once, on connections of their own: connect, bind as the service account,
// read the rootDSE and the base DNs. It proves nobody's password, and it does not repeat a service bind
// that a server has refused.
func (b *Backend) Probe(ctx context.Context) []directory.ServerStatus {
	if f := b.discovered(ctx); f != nil {
		return []directory.ServerStatus{{Server: b.discovery.name(), Err: fmt.Errorf("%w: %w", identity.ErrUnavailable, f)}}
	}
	servers := b.fleet.servers()
	statuses := make([]directory.ServerStatus, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, b.options.Timeouts.Dial+b.options.Timeouts.Operation)
			defer cancel()
			statuses[i] = s.check(ctx)
		})
	}
	var catalog []directory.ServerStatus
	wg.Go(func() { catalog = b.probeCatalog(ctx) })
	wg.Wait()
	return slices.Concat(statuses, catalog)
}

// check looks at one server.
func (s *server) check(ctx context.Context) directory.ServerStatus {
	start := time.Now()
	status := directory.ServerStatus{Server: s.url}
	c, f := s.serviceConnect(ctx)
	if f == nil {
		defer c.abort()
		stop := context.AfterFunc(ctx, c.abort)
		defer stop()
		status.CertificateNotAfter = c.wire.certificate
		f = s.checkEntries(c, &status)
	}
	status.Latency = time.Since(start)
	status.Answered = f.answered() || f.class == classConfig && (c != nil || f.code != 0)
	switch {
	case f != nil && status.Answered:
		status.Err = misfit{f}
	case f != nil:
		status.Err = fmt.Errorf("%w: %w", identity.ErrUnavailable, f)
	}
	s.warnings(&status)
	return status
}

// misfit is a fault of what is configured, told by a server that answers: no login gets through, so that it matches
// [identity.ErrUnavailable], but it does not say that the directory is unavailable.
type misfit struct{ *serverError }

// Unwrap gives what it matches.
func (m misfit) Unwrap() []error { return []error{identity.ErrUnavailable, m.serverError} }

// checkEntries reads the server's own entry and the base DNs. It gives the first fault; further ones of what is configured
// are told beside it.
func (s *server) checkEntries(c *connection, status *directory.ServerStatus) *serverError {
	is := s.checkRoot(c, status)
	if is != nil && is.class != classConfig {
		return is
	}
	for _, base := range bases(&s.backend.options) {
		f := s.checkBase(c, base.key, base.dn)
		switch {
		case f == nil:
			status.Facts = append(status.Facts, fmt.Sprintf("%s %q can be read", base.key, base.dn))
			continue
		case is == nil:
			is = f
		default:
			status.Faults = append(status.Faults, f.Error())
		}
		if f.class != classConfig && f.class != classAnswer {
			return is // nothing more is answered
		}
	}
	s.checkServicePassword(c, status)
	if is != nil {
		return is
	}
	return s.checkAccounts(c, status)
}

// baseDN is where something is searched for, with the key that says so.
type baseDN struct{ key, dn string }

// bases lists what is configured, each DN once.
func bases(o *Options) []baseDN {
	all := []baseDN{{"base_dn", o.BaseDN}, {"users.base_dn", o.Users.BaseDN}, {"groups.base_dn", o.Groups.BaseDN}}
	seen := map[string]bool{"": true}
	return slices.DeleteFunc(all, func(b baseDN) bool {
		known := seen[b.dn]
		seen[b.dn] = true
		return known
	})
}

// checkRoot reads the server's own entry.
func (s *server) checkRoot(c *connection, status *directory.ServerStatus) *serverError {
	root, f := c.search(rootDSE(s.backend.timeLimit(), rootAttributes()...), s.timeouts().Operation)
	switch {
	case f == nil && len(root.Entries) == 1:
		if f := s.checkKind(recognize(root.Entries[0]), status); f != nil {
			return f
		}
		if level := first(root.Entries[0], domainLevel); level != "" {
			status.Facts = append(status.Facts, fmt.Sprintf("functional level %s of the domain, %s of the domain controller", level, first(root.Entries[0], controllerLevel)))
		}
	case f != nil && f.class != classAnswer:
		f.step = "read the rootDSE"
		return f
	default:
		status.Warnings = append(status.Warnings, "The rootDSE cannot be read, so the kind of server is unknown: let the service account read it.")
	}
	return nil
}

// checkKind tells what the server is, and whether that fits what is configured.
func (s *server) checkKind(r recognition, status *directory.ServerStatus) *serverError {
	o := &s.backend.options
	status.Vendor, status.Kind = r.vendor, r.kind
	if remedy := r.mismatch(o.Kind); remedy != "" {
		status.Warnings = append(status.Warnings, remedy)
	}
	if r.behind {
		status.Warnings = append(status.Warnings, "The domain controller has not caught up with the others yet (isSynchronized is FALSE): it may lack accounts and groups for now.")
	}
	return r.unfit(o.Groups.Method)
}

// checkBase looks whether a base DN can be read.
func (s *server) checkBase(c *connection, key, dn string) *serverError {
	r := rootDSE(s.backend.timeLimit(), "1.1")
	r.BaseDN = dn
	result, f := c.search(r, s.timeouts().Operation)
	switch {
	case f == nil && len(result.Entries) == 1:
		return nil
	case f == nil || f.class == classAnswer && f.code == resultNoSuchObject:
		return &serverError{
			class: classConfig, step: "read " + key,
			text: fmt.Sprintf("%q does not exist or the service account may not read it: correct %s or its rights", dn, key),
		}
	}
	f.step = "read " + key
	return f
}

// warnings adds what works today and deserves a look.
func (s *server) warnings(status *directory.ServerStatus) {
	if s.tls == nil {
		status.Warnings = append(status.Warnings, "Passwords cross the network readable: use ldaps:// or tls.start_tls.")
	}
	if end := status.CertificateNotAfter; !end.IsZero() && end.Sub(s.now()) < certificateWarning {
		status.Warnings = append(status.Warnings, "The server's certificate ends on "+end.UTC().Format(time.DateOnly)+": renew it.")
	}
	if s.backend.options.Groups.BaseDN == "" {
		status.Warnings = append(status.Warnings, "groups.base_dn is not set, so no rule can name a group by its short name: set it, or use DNs.")
	}
	if s.backend.options.BindDN == "" && !s.backend.options.External {
		status.Warnings = append(status.Warnings, "Searches are anonymous: set bind.dn to an account that may read accounts and groups.")
	}
}
