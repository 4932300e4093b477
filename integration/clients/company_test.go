package clients_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/wharfgate/wharfgate/integration/internal/distribution"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/lifetime"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// The services of the registries, which are names for their generations as well.
const (
	service2 = "v2.registry.test"
	service3 = "v3.registry.test"
)

// soon is how long what was done may need to be on record.
const soon = 20 * time.Second

// policy lets dana do everything, alice push to payments, nora pull from it, and carol nothing there.
const policy = `version: 1
rules:
  - {who: "group:platform", can: everything, repos: "**"}
  - {who: "group:payments", can: push, repos: payments/**}
  - {who: "group:readers", can: pull, repos: payments/**}
  - {who: "group:search", can: [push, delete], repos: search/**}
`

// image is what nora may pull, and carol may not.
const image = "payments/api"

// company is a directory, a gate with a registry of each generation, and the same beside a gate whose directory is down.
type company struct {
	directory *slapd.Server
	up, down  place
	// met is how many people have been taken.
	met atomic.Int32
}

// people is how many accounts the directory has for those who are refused.
const people = 400

// somebody is an account that nobody else takes, of whom no gate has heard.
func (c *company) somebody(t testing.TB) string {
	t.Helper()
	n := c.met.Add(1)
	if n > people {
		t.Fatalf("the company has only %d people", people)
	}
	return fmt.Sprintf("u%05d", n)
}

// place is a gate and its registries by service.
type place struct {
	gate  *gate.Gate
	hosts map[string]string
}

// theCompany is shared by the tests that break nothing.
var theCompany struct {
	sync.Mutex
	company *company
}

// shared returns the company, which the first test that asks starts.
func shared(t *testing.T) *company {
	t.Helper()
	theCompany.Lock()
	defer theCompany.Unlock()
	if theCompany.company == nil {
		lifetime.During(t, func(all testing.TB) { theCompany.company = start(all) })
	}
	return theCompany.company
}

func start(t testing.TB) *company {
	t.Helper()
	c := &company{directory: startDirectory(t)}
	closed := "ldaps://" + loopback.Host(loopback.Ports(t, 1))
	c.up = startPlace(t, c.directory)
	c.down = startPlace(t, c.directory, func(s gate.Settings) { s.Directory()["servers"] = []string{closed} })
	content, err := random.Image(1<<10, 1)
	if err != nil {
		t.Fatal(err)
	}
	as := remote.WithAuth(&authn.Basic{Username: "dana", Password: c.directory.Password})
	for _, host := range c.up.hosts {
		if err := remote.Write(reference(t, host+"/"+image+":1"), content, as, remote.WithContext(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// startDirectory starts a directory with the groups of the policy and with people, u00001 and on.
func startDirectory(t testing.TB) *slapd.Server {
	t.Helper()
	d := slapd.Start(t, slapd.Options{Users: people})
	d.AddGroup(t, slapd.Names, "payments", d.PersonDN("alice"))
	d.AddGroup(t, slapd.Names, "readers", d.PersonDN("nora"))
	d.AddGroup(t, slapd.Names, "search", d.PersonDN("carol"))
	d.AddGroup(t, slapd.Names, "platform", d.PersonDN("dana"))
	return d
}

func startPlace(t testing.TB, d *slapd.Server, edits ...func(gate.Settings)) place {
	t.Helper()
	g := startGate(t, d, edits...)
	return place{gate: g, hosts: map[string]string{
		service2: distribution.StartV2(t, g.Auth(service2)).Host,
		service3: distribution.StartV3(t, g.Auth(service3)),
	}}
}

// startGate starts a gate for both registries that does not count failed logins by address: all come from one.
func startGate(t testing.TB, d *slapd.Server, edits ...func(gate.Settings)) *gate.Gate {
	t.Helper()
	all := []func(gate.Settings){func(s gate.Settings) {
		s["registries"] = []gate.Settings{
			{"service": service2, "kind": "distribution2"}, {"service": service3, "kind": "distribution3"},
		}
	}, gate.WithoutAddressLimit}
	return gate.Start(t, d, policy, append(all, edits...)...)
}

func reference(t testing.TB, text string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(text, name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// byDigest names the image with a tag by its digest: distribution 2 deletes nothing by a tag.
func (c *company) byDigest(t testing.TB, ref string) string {
	t.Helper()
	as := remote.WithAuth(&authn.Basic{Username: "dana", Password: c.directory.Password})
	found, err := remote.Head(reference(t, ref), as, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return ref[:strings.LastIndexByte(ref, ':')] + "@" + found.Digest.String()
}

// binds counts the binds as a person, ever.
func (c *company) binds(t testing.TB, uid string) int {
	t.Helper()
	return strings.Count(string(c.directory.Log(t)), ` BIND dn="`+c.directory.PersonDN(uid)+`" method=`)
}
