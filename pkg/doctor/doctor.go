package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// Options are what a [Doctor] knows.
type Options struct {
	// Realm is the URL of the gate's token endpoint, as clients reach it. It is required.
	Realm string
	// Issuer is the gate's issuer. It is required.
	Issuer string
	// Service is the registry's name at the gate. It is required.
	Service string
	// Services are the names of all registries of the gate; nil is Service alone.
	Services []string
	// Profile is what the registry's software accepts; its zero value accepts the leeway of distribution.
	Profile registry.Profile
	// Trusted is what the registry should hold to believe the gate: certificates in PEM or a JWK Set. Empty: not known,
	// for which TrustedError is the reason.
	Trusted []byte
	// TrustedError says why Trusted is empty.
	TrustedError error
	// Registry is the registry's URL; empty means that only the gate is looked at.
	Registry string
	// Holds is what the registry is configured with; nil means that nobody knows.
	Holds *Holds
	// Credentials log in at the gate; nil means that nobody does.
	Credentials *identity.Credentials
	// Roots are the authorities whose servers are believed; nil means those of the system.
	Roots *x509.CertPool
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
	// Resolve looks up a host name; nil means the system's resolver.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Waiting is told what is waited for, and gives what is called when the wait is over; nil tells nobody.
	Waiting func(what string) (done func())
}

// Doctor looks once. Make one with [New].
type Doctor struct {
	o        Options
	web      *web
	registry *url.URL // nil without one
	realm    *url.URL // where clients are sent
	endpoint *url.URL // where tokens are asked for: the realm, if that is the gate's own host
	report   report

	hindrance Check // what keeps a token request from being answered by the gate; empty if nothing does

	registryClock, gateClock skew
}

// New checks the options. It asks nobody.
func New(o Options) (*Doctor, error) {
	if o.Realm == "" || o.Service == "" || o.Issuer == "" {
		return nil, errors.New("doctor: Realm, Service and Issuer are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Resolve == nil {
		o.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if o.Waiting == nil {
		o.Waiting = func(string) func() { return func() {} }
	}
	if len(o.Services) == 0 {
		o.Services = []string{o.Service}
	}
	d := &Doctor{o: o, web: newWeb(o.Roots, o.Now)}
	var err error
	if d.realm, err = parseURL(o.Realm); err != nil {
		return nil, fmt.Errorf("doctor: realm: %w", err)
	}
	d.endpoint = d.realm
	if o.Registry != "" {
		if d.registry, err = parseURL(o.Registry); err != nil {
			return nil, fmt.Errorf("doctor: registry: %w", err)
		}
	}
	return d, nil
}

// parseURL reads an absolute URL with a host. Without a scheme it is https, and http on localhost, as with docker.
func parseURL(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		scheme := "https://"
		if host, _, _ := strings.Cut(text, ":"); host == "localhost" {
			scheme = "http://"
		}
		text = scheme + text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%q is not a URL", text)
	case u.User != nil:
		return nil, errors.New("the URL holds a user name; give it by itself")
	case u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("%q is not an http URL with a host", text)
	}
	return u, nil
}

// Run looks and gives what it found, in the order of the checks. It ends when ctx does: what it then has not looked at is
// a finding. Run it once.
func (d *Doctor) Run(ctx context.Context) []Finding {
	d.waiting("asking the registry for its challenge", func() { d.challenge(ctx) })
	d.configured()
	d.waiting("looking at the realm", func() { d.checkRealm(ctx) })
	var t *issued
	d.waiting("following the realm", func() { d.follow(ctx) })
	d.waiting("asking the gate for a token", func() { t = d.login(ctx) })
	d.waiting("asking the gate by POST", func() { d.post(ctx, t) })
	d.examine(t)
	d.bundles()
	d.clocks()
	d.waiting("sending long headers", func() { d.headers(ctx) })
	d.waiting("showing the token to the registry", func() { d.present(ctx, t) })
	return d.report.found
}

// waiting does something that may take long.
func (d *Doctor) waiting(what string, do func()) {
	defer d.o.Waiting(what)()
	do()
}
