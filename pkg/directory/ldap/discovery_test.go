package ldap_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/certtest"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// zone is a DNS server: the records of a name. A name that it does not know does not exist.
type zone struct {
	mu      sync.Mutex
	records map[string][]*net.SRV
	fault   error // of every look-up
	asked   int
}

func (z *zone) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.asked++
	if z.fault != nil {
		return "", nil, z.fault
	}
	name, absolute := strings.CutSuffix(name, ".")
	if service != "" || proto != "" || !absolute || z.records[name] == nil {
		return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return name, slices.Clone(z.records[name]), nil
}

// set changes the zone.
func (z *zone) set(fault error, name string, records ...*net.SRV) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.fault = fault; name != "" {
		z.records[name] = records
	}
}

func (z *zone) lookups() int {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.asked
}

// srv is a record of a host in the domain.
func srv(host string, port, priority, weight uint16) *net.SRV {
	return &net.SRV{Target: host + ".corp.example.", Port: port, Priority: priority, Weight: weight}
}

// The names of the domain and of a site in it.
const (
	everywhere = "_ldap._tcp.dc._msdcs.corp.example"
	inBerlin   = "_ldap._tcp.Berlin._sites.dc._msdcs.corp.example"
)

// site is a domain with servers whose certificates are for their names.
type site struct {
	zone    *zone
	servers map[string]*fakeServer // by address
	tls     map[string]*tls.Config // by address
	log     strings.Builder
}

// newSite makes servers at addresses such as dc1.corp.example:636.
func newSite(t *testing.T, addresses ...string) (*site, *certtest.CA) {
	t.Helper()
	ca := certtest.NewCA(t)
	s := &site{zone: &zone{records: map[string][]*net.SRV{}}, servers: map[string]*fakeServer{}, tls: map[string]*tls.Config{}}
	for _, a := range addresses {
		host, _, _ := strings.Cut(a, ":")
		s.servers[a] = newFakeServer()
		s.tls[a] = &tls.Config{Certificates: []tls.Certificate{ca.Server(t, host).TLS}, SessionTicketsDisabled: true}
	}
	return s, ca
}

// options asks for the domain controllers of Berlin.
func (s *site) options(ca *certtest.CA) ldap.Options {
	return options(func(o *ldap.Options) {
		o.Servers, o.InsecurePlaintext = nil, false
		o.Discovery = &ldap.Discovery{Domain: "corp.example", Site: "Berlin", Controllers: true, Resolver: s.zone}
		o.TLS = &tls.Config{RootCAs: ca.Pool()}
		o.Dialer = s.dial
		o.Logger = slog.New(slog.NewTextHandler(&s.log, nil))
	})
}

// dial connects to a server under TLS.
func (s *site) dial(ctx context.Context, network, address string) (net.Conn, error) {
	server := s.servers[address]
	if server == nil {
		return nil, fmt.Errorf("%w: nobody is at %s", errRefused, address)
	}
	plain, err := server.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	client, far := net.Pipe()
	secure := tls.Server(far, s.tls[address])
	for _, way := range [][2]net.Conn{{plain, secure}, {secure, plain}} {
		go func() {
			_, _ = io.Copy(way[0], way[1])
			_ = plain.Close()
			_ = far.Close()
		}()
	}
	return client, nil
}

// urls gives the servers of a Backend in their order.
func urls(b *ldap.Backend) []string {
	var all []string
	for _, s := range b.Servers() {
		all = append(all, s.Server)
	}
	return all
}

// first gives the server that is asked first.
func first(b *ldap.Backend) string {
	for _, s := range b.Servers() {
		if s.Current {
			return s.Server
		}
	}
	return ""
}

// TestLDAP48_SiteAndPriority: servers of the site come first, then priorities; ports of plain LDAP become those of
// TLS; a target outside the domain is never asked; names are compared without case and last dot.
func TestLDAP48_SiteAndPriority(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, ca := newSite(t, "dc3.corp.example:636")
		s.zone.set(nil, inBerlin, srv("dc2", 389, 20, 0), srv("DC3", 389, 10, 0), &net.SRV{Target: "."})
		s.zone.set(nil, everywhere,
			srv("dc4", 3268, 0, 100), srv("dc2", 389, 0, 100), srv("dc5", 636, 5, 1), srv("dc6", 1636, 7, 1), srv("dc7", 3269, 8, 1),
			&net.SRV{Target: "dc1.evil.example.", Port: 389}, &net.SRV{Target: "evilcorp.example.", Port: 389},
			&net.SRV{Target: "dc 9.corp.example.", Port: 389})
		b, stop := running(t, s.options(ca))
		defer stop()
		if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
			t.Fatalf("login: %v", err)
		}
		want := []string{
			"ldaps://dc3.corp.example", "ldaps://dc2.corp.example", "ldaps://dc4.corp.example:3269", "ldaps://dc5.corp.example",
			"ldaps://dc6.corp.example:1636", "ldaps://dc7.corp.example:3269",
		}
		if got := urls(b); !slices.Equal(got, want) {
			t.Errorf("servers = %q, want %q", got, want)
		}
		if log := s.log.String(); !strings.Contains(log, "dc1.evil.example") || !strings.Contains(log, "evilcorp.example") {
			t.Errorf("the log does not name the refused targets: %s", log)
		}
	})
}

// TestLDAP48_Weights: over many gates, servers of one priority are the first as often as their weights say.
func TestLDAP48_Weights(t *testing.T) {
	t.Parallel()
	z := &zone{records: map[string][]*net.SRV{everywhere: {srv("dc1", 389, 0, 60), srv("dc2", 389, 0, 30), srv("dc3", 389, 0, 10), srv("dc4", 389, 0, 0)}}}
	draws := rand.New(rand.NewPCG(1, 2))
	count := map[string]int{}
	const gates = 2000
	for range gates {
		b := backend(t, options(func(o *ldap.Options) {
			o.InsecurePlaintext = false
			o.Discovery = &ldap.Discovery{Domain: "corp.example", Controllers: true, Resolver: z}
			o.Rand = draws.Float64
			o.Dialer = func(context.Context, string, string) (net.Conn, error) { return nil, errRefused }
		}))
		_ = b.Probe(t.Context())
		count[strings.TrimSuffix(strings.TrimPrefix(urls(b)[0], "ldaps://"), ".corp.example")]++
	}
	for host, want := range map[string]float64{"dc1": 0.6, "dc2": 0.3, "dc3": 0.1, "dc4": 0} {
		const within = 0.05
		if share := float64(count[host]) / gates; share < want-within || share > want+within {
			t.Errorf("%s is the first of %.3f, want %.3f: %v", host, share, want, count)
		}
	}
}

// TestLDAP48_ListChanges: servers come and go while logins go on, and none of them fails. The one in use stays in use
// as long as it is listed; what is known of a server that stays is kept.
func TestLDAP48_ListChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, ca := newSite(t, "dc1.corp.example:636", "dc2.corp.example:636", "dc3.corp.example:636")
		s.servers["dc1.corp.example:636"].leave(errRefused)
		for _, server := range slices.Collect(maps.Values(s.servers)) {
			server.on(slow(2 * time.Second))
		}
		s.zone.set(nil, inBerlin, srv("dc1", 389, 0, 1), srv("dc2", 389, 1, 1))
		o := s.options(ca)
		o.Discovery.Refresh = 30 * time.Second
		b, stop := running(t, o)
		defer stop()
		synctest.Wait()
		var over atomic.Bool
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for !over.Load() {
					if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
						t.Errorf("login: %v", err)
					}
				}
			})
		}
		defer wg.Wait()
		defer over.Store(true)
		time.Sleep(time.Minute)
		if got := first(b); got != "ldaps://dc2.corp.example" || b.Servers()[0].InService {
			t.Fatalf("%s is asked first, %+v, want dc2 and dc1 out of service", got, b.Servers())
		}
		s.zone.set(nil, inBerlin, srv("dc1", 389, 0, 1), srv("dc2", 389, 1, 1), srv("dc3", 389, 1, 1))
		time.Sleep(90 * time.Second)
		if got := first(b); got != "ldaps://dc2.corp.example" || b.Servers()[0].InService || len(b.Servers()) != 3 {
			t.Errorf("%s is asked first, %+v, want dc2 still and dc1 still out of service", got, b.Servers())
		}
		s.zone.set(nil, inBerlin, srv("dc3", 389, 0, 1))
		time.Sleep(90 * time.Second)
		if got := urls(b); !slices.Equal(got, []string{"ldaps://dc3.corp.example"}) {
			t.Errorf("servers = %q, want dc3 alone", got)
		}
		gone := s.servers["dc2.corp.example:636"]
		before := gone.count(opBind, "") + gone.count(opSearch, "")
		time.Sleep(time.Minute)
		if now := gone.count(opBind, "") + gone.count(opSearch, ""); now != before {
			t.Errorf("%d requests at a server that is no longer listed", now-before)
		}
	})
}

// TestLDAP48_NoAnswer: without DNS at the start there is no directory until DNS answers; later on the last list stays.
func TestLDAP48_NoAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, ca := newSite(t, "dc1.corp.example:636")
		broken := &net.DNSError{Err: "server misbehaving", IsTemporary: true}
		s.zone.set(broken, "")
		b, stop := running(t, s.options(ca))
		defer stop()
		for range 100 {
			if _, err := login(t.Context(), b, "alice", "alice-password"); !errors.Is(err, identity.ErrUnavailable) || !strings.Contains(err.Error(), "server misbehaving") {
				t.Fatalf("login without servers: %v, want ErrUnavailable that says why", err)
			}
		}
		if n := s.zone.lookups(); n > 8 {
			t.Errorf("%d look-ups for 100 logins, want few", n)
		}
		if status := b.Probe(t.Context()); len(status) != 1 || status[0].Err == nil || !strings.Contains(status[0].Server, inBerlin) ||
			!strings.Contains(status[0].Err.Error(), "discover.dns_servers") {
			t.Errorf("Probe = %+v, want one that names what is looked up, and the setting to look at", status)
		}
		if states := b.Servers(); len(states) != 1 || states[0].InService {
			t.Errorf("states = %+v, want one out of service", states)
		}
		s.zone.set(nil, everywhere, srv("dc1", 389, 0, 1)) // the site is not known
		time.Sleep(20 * time.Second)
		if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
			t.Errorf("login once DNS answers: %v", err)
		}
		for _, fault := range []error{broken, &net.DNSError{Err: "no such host", IsNotFound: true}} {
			s.zone.set(fault, "")
			time.Sleep(20 * time.Minute) // certificates of tests live for an hour
			if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
				t.Errorf("login with DNS away (%v): %v", fault, err)
			}
		}
		if n := strings.Count(s.log.String(), "not found by DNS"); n > 3 {
			t.Errorf("%d log lines of DNS in an hour, want one for each time that it went away", n)
		}
	})
}

// TestLDAP48_CertificateOfTheTarget: what DNS names must prove to be it.
func TestLDAP48_CertificateOfTheTarget(t *testing.T) {
	t.Parallel()
	ca := certtest.NewCA(t)
	fake := newFakeServer()
	fake.tls = &tls.Config{Certificates: []tls.Certificate{ca.Server(t, "dc2.corp.example").TLS}}
	z := &zone{records: map[string][]*net.SRV{everywhere: {srv("dc1", 389, 0, 1)}}}
	b := backend(t, options(func(o *ldap.Options) {
		startTLS(ca)(o)
		o.Discovery = &ldap.Discovery{Domain: "corp.example", Controllers: true, Resolver: z}
		o.Dialer = fake.dial
	}))
	_, err := login(t.Context(), b, "alice", "alice-password")
	if !errors.Is(err, identity.ErrUnavailable) || !strings.Contains(err.Error(), `not for "dc1.corp.example"`) {
		t.Errorf("login at a server with another's certificate: %v, want ErrUnavailable that says so", err)
	}
}

// TestDiscoveryOptions: what cannot be looked up is refused before anything is.
func TestDiscoveryOptions(t *testing.T) {
	t.Parallel()
	for want, edit := range map[string]func(*ldap.Options){
		"discover.domain":     func(o *ldap.Options) { o.Discovery.Domain = "corp..example" },
		"discover.site":       func(o *ldap.Options) { o.Discovery.Site = "Berlin.Mitte" },
		"discover.refresh":    func(o *ldap.Options) { o.Discovery.Refresh = -1 },
		"discover: ":          func(o *ldap.Options) { o.Servers = []string{"ldaps://dc1.corp.example"} },
		"insecure_plaintext:": func(o *ldap.Options) { o.InsecurePlaintext = true },
	} {
		o := options(nil)
		o.InsecurePlaintext, o.Discovery = false, &ldap.Discovery{Domain: "corp.example"}
		if _, err := ldap.New(o); err != nil {
			t.Fatalf("New: %v", err)
		}
		edit(&o)
		if _, err := ldap.New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New: %v, want a fault of %s", err, want)
		}
	}
}

// TestDiscoveryStartTLS: with StartTLS the records' own ports are used.
func TestDiscoveryStartTLS(t *testing.T) {
	t.Parallel()
	ca := certtest.NewCA(t)
	fake := newFakeServer()
	fake.tls = &tls.Config{Certificates: []tls.Certificate{ca.Server(t, "ds1.corp.example").TLS}}
	z := &zone{records: map[string][]*net.SRV{"_ldap._tcp.corp.example": {srv("ds1", 389, 0, 1), srv("ds2", 1389, 1, 1)}}}
	var address string
	b := backend(t, options(func(o *ldap.Options) {
		startTLS(ca)(o)
		o.Discovery = &ldap.Discovery{Domain: "Corp.Example.", Resolver: z}
		o.Dialer = func(ctx context.Context, network, a string) (net.Conn, error) {
			address = a
			return fake.dial(ctx, network, a)
		}
	}))
	if _, err := login(t.Context(), b, "alice", "alice-password"); err != nil {
		t.Fatalf("login: %v", err)
	}
	want := []string{"ldap://ds1.corp.example", "ldap://ds2.corp.example:1389"}
	if got := urls(b); !slices.Equal(got, want) || address != "ds1.corp.example:389" {
		t.Errorf("servers = %q, dialed %s, want %q and port 389", got, address, want)
	}
}
