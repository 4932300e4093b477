package backend_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/samba"
	"github.com/wharfgate/wharfgate/integration/internal/tap"
	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// eventuallyByID logs in until the server is known to take a GUID as the name of a bind.
func eventuallyByID(t testing.TB, b *ldap.Backend, name, password string) {
	t.Helper()
	e, err := b.Find(t.Context(), name, 0)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		p, err := b.Prove(t.Context(), e, identity.NewSecret(password), &attempts{})
		if err != nil {
			t.Fatal(err)
		}
		if p.ByID {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("binds still go by DN")
		}
	}
}

// TestLDAP14_Trips: a cold login of a user in 300 groups costs at most five round trips, a warm one a bind. Nobody's DN is
// bound once it is known that the server takes an id, and tokenGroups is asked for in base reads only.
func TestLDAP14_LDAP22_Trips(t *testing.T) {
	t.Parallel()
	s := samba.Shared(t)
	way := tapped(t, s)
	b := start(t, windows(t, s, way.use(t)))
	eventuallyByID(t, b, "bob", s.Password) // connections are open now, and no group of wanda's is known
	mark := way.Mark()
	began := time.Now()
	_, a, err := login(t.Context(), b, "wanda", s.Password)
	took := time.Since(began)
	if err != nil || len(a.Groups) < 300 {
		t.Fatalf("wanda is in %d groups, %v, want at least 300", len(a.Groups), err)
	}
	trips := way.trips(mark)
	if len(trips) > 5 {
		t.Errorf("%d round trips, want at most 5:\n%s", len(trips), describe(trips))
	}
	if took > 500*time.Millisecond {
		t.Logf("a cold login took %v", took) // the benchmark holds it to its time
	}
	for _, r := range trips {
		if r.Operation == tap.Bind && !strings.HasPrefix(r.Name, "<GUID=") {
			t.Errorf("bind as %s, want one by id", r.Name)
		}
	}
	cached, err := directory.NewCached(directory.CachedOptions{Backend: b, Source: "corp"})
	if err != nil {
		t.Fatal(err)
	}
	auth, err := directory.New(directory.Options{Backend: cached, Source: "corp"})
	if err != nil {
		t.Fatal(err)
	}
	credentials := identity.Credentials{Username: "wanda", Password: identity.NewSecret(s.Password)}
	for i := range 3 {
		mark = way.Mark()
		if _, err := auth.Authenticate(t.Context(), credentials); err != nil {
			t.Fatal(err)
		}
		if trips := way.trips(mark); i > 0 && len(trips) != 1 {
			t.Errorf("a warm login took %d round trips, want 1:\n%s", len(trips), describe(trips))
		}
	}
	for _, r := range way.Requests() {
		for _, attribute := range r.Attributes {
			if r.Operation == tap.Search && strings.EqualFold(attribute, "tokenGroups") && r.Scope != 0 {
				t.Errorf("tokenGroups asked for in a search of scope %d below %s", r.Scope, r.Name)
			}
		}
	}
}

// describe lists requests for people.
func describe(requests []tap.Request) string {
	var b strings.Builder
	for _, r := range requests {
		filter := r.Filter
		if len(filter) > 100 {
			filter = filter[:100] + "..."
		}
		fmt.Fprintf(&b, "  operation %d on connection %d: %s scope %d %s\n", r.Operation, r.Connection, r.Name, r.Scope, filter)
	}
	return b.String()
}

// TestLDAP24_ReferencesAreIgnored: a search from the root of the domain brings references to other hosts, which nobody
// connects to, and which take nothing away from the answer.
func TestLDAP24_ReferencesAreIgnored(t *testing.T) {
	t.Parallel()
	s := samba.Shared(t)
	way := tapped(t, s)
	use := way.use(t)
	var hosts hostLog
	b := start(t, windows(t, s, func(o *ldap.Options) {
		use(o)
		o.Dialer = hosts.dial
	}))
	for _, method := range []string{"alice", "alice@corp.example", `CORP\alice`} {
		if _, _, err := login(t.Context(), b, method, s.Password); err != nil {
			t.Errorf("login as %s: %v", method, err)
		}
	}
	if _, err := b.FindGroup(t.Context(), "gl-devs"); err != nil {
		t.Error(err)
	}
	for _, address := range hosts.all() {
		if "ldaps://"+address != way.URL {
			t.Errorf("connected to %s, want %s only", address, way.URL)
		}
	}
}

// TestLDAP25_GlobalCatalog: accounts are located in the global catalog; their state and groups are read from the domain
// controller of their domain.
func TestLDAP25_GlobalCatalog(t *testing.T) {
	t.Parallel()
	s := samba.Shared(t)
	way := tapped(t, s)
	use := way.use(t)
	var catalog hostLog
	b := start(t, windows(t, s, func(o *ldap.Options) {
		use(o)
		o.Users.Catalog = []string{s.GlobalURL}
		o.TLS.RootCAs = bothPools(t, s.CAFile, way.CAFile)
		o.Dialer = catalog.dial
	}))
	_, a, err := login(t.Context(), b, "alice", s.Password)
	if got, _ := names(a.Groups); err != nil || !strings.Contains(got, "dl-registry") {
		t.Errorf("groups = %q, %v, want those of every scope", got, err)
	}
	_, _, err = login(t.Context(), b, "expired", s.Password)
	wantReason(t, "expired", err, identity.ReasonAccountExpired)
	for _, r := range way.Requests() {
		if r.Operation == tap.Search && strings.Contains(r.Filter, "sAMAccountName=alice") {
			t.Errorf("alice was searched at the domain controller: %s", r.Filter)
		}
	}
	if !catalog.has(strings.TrimPrefix(s.GlobalURL, "ldaps://")) {
		t.Errorf("connected to %v, want the global catalog among them", catalog.all())
	}
	if e, err := b.Find(t.Context(), "robert@corp.example", 0); err != nil || e.Name != "bob" {
		t.Errorf("Find by userPrincipalName = %+v, %v", e, err)
	}
	if status := b.Probe(t.Context()); len(status) != 2 || status[0].Err != nil || status[1].Err != nil {
		t.Errorf("Probe = %+v, want both well", status)
	}
}
