package gate

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
)

// discover sets how the servers of a directory are found by DNS, if they are not listed.
func discover(o *ldap.Options, d config.Directory) {
	c := d.Discover
	if c.Domain == "" {
		return
	}
	o.Discovery = &ldap.Discovery{
		Domain: c.Domain, Site: c.Site, Refresh: c.Refresh,
		Controllers: d.Kind == "active_directory" || d.Kind == "samba",
	}
	if len(c.DNSServers) > 0 {
		dns := newResolvers(c.DNSServers)
		o.Discovery.Resolver, o.Dialer = dns, dns.dial
	}
}

// resolvers asks several DNS servers, one after the other until one answers; the one that answered is asked first
// the next time.
type resolvers struct {
	list  []resolver
	first atomic.Int64
}

// resolver asks one DNS server.
type resolver struct {
	*net.Resolver

	address string
}

// newResolvers takes addresses with or without a port; they are valid.
func newResolvers(addresses []string) *resolvers {
	const usual = "53"
	r := &resolvers{}
	for _, address := range addresses {
		if _, err := netip.ParseAddr(address); err == nil {
			address = net.JoinHostPort(address, usual)
		}
		r.list = append(r.list, resolver{address: address, Resolver: &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		}}})
	}
	return r
}

// LookupSRV implements [ldap.Resolver].
func (r *resolvers) LookupSRV(ctx context.Context, service, proto, name string) (cname string, records []*net.SRV, err error) {
	err = r.each(ctx, func(ctx context.Context, one *net.Resolver) error {
		var err error
		cname, records, err = one.LookupSRV(ctx, service, proto, name)
		return err
	})
	return cname, records, err
}

// dial connects to a host whose addresses the DNS servers know: to the first that answers.
func (r *resolvers) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	var hosts []string
	err = r.each(ctx, func(ctx context.Context, one *net.Resolver) error {
		var err error
		hosts, err = one.LookupHost(ctx, host+".")
		return err
	})
	for i, h := range hosts {
		var conn net.Conn
		if conn, err = dialShare(ctx, &net.Dialer{KeepAliveConfig: ldap.KeepAlive()}, len(hosts)-i, network, net.JoinHostPort(h, port)); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// dialShare dials for the part of the time that so many addresses leave to the first of them.
func dialShare(ctx context.Context, d *net.Dialer, left int, network, address string) (net.Conn, error) {
	if deadline, ok := ctx.Deadline(); ok {
		d.Deadline = time.Now().Add(time.Until(deadline) / time.Duration(left))
	}
	return d.DialContext(ctx, network, address)
}

// each asks one server after the other, until DNS is not what fails. Each gets its share of the time that is left.
func (r *resolvers) each(ctx context.Context, ask func(context.Context, *net.Resolver) error) error {
	var err error
	first := int(r.first.Load())
	for i := range r.list {
		next := (first + i) % len(r.list)
		if err = r.one(ctx, len(r.list)-i, r.list[next], ask); !dnsFails(err) {
			r.first.Store(int64(next))
			return err
		}
	}
	return err
}

// one asks one server, while so many may still be asked. Its error names that server, and not the system's, which
// package net takes it for.
func (*resolvers) one(ctx context.Context, left int, r resolver, ask func(context.Context, *net.Resolver) error) error {
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		const part = 3 // those that follow may be slow, too
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/part)
		defer cancel()
	}
	err := ask(ctx, r.Resolver)
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		named := *e // others may have been given the same one
		named.Server = r.address
		return &named
	}
	return err
}

// dnsFails reports whether an error means that a DNS server gave no answer.
func dnsFails(err error) bool {
	e, ok := errors.AsType[*net.DNSError](err)
	return ok && !e.IsNotFound
}
