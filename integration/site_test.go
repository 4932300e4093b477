package integration_test

import (
	"sync"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/distribution"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/lifetime"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// The services of the site's registries.
const (
	serviceV2 = "v2.registry.test"
	serviceV3 = "v3.registry.test"
)

// sitePolicy gives something to everybody. Repositories below public, payments, search and eng are shared by
// tests, each of which uses a name of its own.
const sitePolicy = `version: 1
rules:
  - {who: anyone, can: pull, repos: public/**}
  - {who: "group:payments", can: push, repos: payments/**}
  - {who: "group:readers", can: pull, repos: payments/**}
  - {who: "group:team-<team>", can: [push, delete], repos: <team>/**}
  - {who: "group:engineering", can: pull, repos: eng/**}
  - {who: signed-in, can: [push, delete], repos: users/<user>/**}
  - {who: "group:platform", can: everything, repos: "**"}
  - {who: anyone, cannot: [push, delete], repos: frozen/**}
`

// site is a company: a directory, a gate, and a registry of each generation.
type site struct {
	directory *slapd.Server
	gate      *gate.Gate
	// hosts are the registries by service.
	hosts map[string]string
	v2    *distribution.Program
}

// theSite is shared by the tests that break nothing.
var theSite struct {
	sync.Mutex
	site *site
}

// sharedSite returns the site, which the first test that asks starts.
func sharedSite(t *testing.T) *site {
	t.Helper()
	theSite.Lock()
	defer theSite.Unlock()
	if theSite.site == nil {
		lifetime.During(t, func(all testing.TB) { theSite.site = startSite(all) })
	}
	return theSite.site
}

// startSite starts a site of a test's own.
func startSite(t testing.TB, edits ...func(gate.Settings)) *site {
	t.Helper()
	s := &site{directory: startDirectory(t)}
	s.gate = gate.Start(t, s.directory, sitePolicy, append([]func(gate.Settings){twoServices}, edits...)...)
	s.v2 = distribution.StartV2(t, s.gate.Auth(serviceV2))
	s.hosts = map[string]string{
		serviceV2: s.v2.Host,
		serviceV3: distribution.StartV3(t, s.gate.Auth(serviceV3)),
	}
	return s
}

// startDirectory starts a directory with the groups of sitePolicy: alice pays, nora reads, carol searches,
// dana runs the platform, and payments is a group of engineering.
func startDirectory(t testing.TB) *slapd.Server {
	t.Helper()
	d := slapd.Start(t, slapd.Options{})
	d.AddGroup(t, slapd.Names, "payments", d.PersonDN("alice"))
	d.AddGroup(t, slapd.UniqueNames, "readers", d.PersonDN("nora"))
	d.AddGroup(t, slapd.Posix, "team-search", "carol")
	d.AddGroup(t, slapd.Names, "platform", d.PersonDN("dana"))
	d.AddGroup(t, slapd.Names, "engineering", d.GroupDN("payments"))
	return d
}

func twoServices(s gate.Settings) {
	s["registries"] = []gate.Settings{
		{"service": serviceV2, "kind": "distribution2"},
		{"service": serviceV3, "kind": "distribution3"},
	}
}

// pair is one registry with one kind of client.
type pair struct {
	site    *site
	service string
	host    string
	client  func(testing.TB) *client.Client
}

// login returns a client that is logged in to the pair's registry.
func (p pair) login(t *testing.T, user string) *client.Client {
	t.Helper()
	c := p.client(t)
	if _, err := c.Login(t.Context(), p.host, user, p.site.directory.Password); err != nil {
		t.Fatalf("log in as %s: %v", user, err)
	}
	return c
}

// everyPair runs a test on each registry with each client.
func everyPair(t *testing.T, test func(*testing.T, pair)) {
	t.Helper()
	s := sharedSite(t)
	clients := map[string]func(testing.TB) *client.Client{"skopeo": client.Skopeo, "crane": client.Crane}
	for service, host := range s.hosts {
		for name, install := range clients {
			t.Run(name+" on "+service, func(t *testing.T) {
				t.Parallel()
				test(t, pair{site: s, service: service, host: host, client: install})
			})
		}
	}
}

// repository is a name below a folder that no other test uses.
func repository(t *testing.T, folder string) string {
	t.Helper()
	b := []byte(t.Name())
	for i, c := range b {
		switch {
		case 'A' <= c && c <= 'Z':
			b[i] = c + 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '/':
		default:
			b[i] = '-'
		}
	}
	return folder + "/" + string(b)
}
