package gate_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

const partnerPassword = "looking-glass"

// beside adds a second directory, whose entries are called like those of the first one; but its alice has another
// password.
func beside(t *testing.T) func(*site) {
	t.Helper()
	c := newCompany(t)
	c.secret = partnerPassword
	return func(s *site) {
		partner := s.config.Directories[0]
		partner.Name, partner.Realms, partner.Servers = "partner", []string{"PARTNER", "partner.test"}, []string{"ldap://" + c.address}
		s.config.Directories[0].Default = true
		s.config.Directories = append(s.config.Directories, partner)
	}
}

// answer is what a token request came to.
type answer struct {
	code    int
	subject string
	access  []string
}

// as asks for a token for a push to a repository.
func (r *running) as(t *testing.T, name, secret, repository string) answer {
	t.Helper()
	query := url.Values{"service": {service}, "scope": {"repository:" + repository + ":pull,push"}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.Address().String()+"/token?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(name, secret)
	response, err := newClient(t, false).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	a := answer{code: response.StatusCode}
	var body struct{ Token string }
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	if body.Token == "" {
		return a
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(body.Token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Subject string `json:"sub"`
		Access  []struct{ Actions []string }
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	a.subject = claims.Subject
	for _, x := range claims.Access {
		a.access = append(a.access, x.Actions...)
	}
	return a
}

// partnersPolicy gives something to the payments group of each directory, and to alice of each.
const partnersPolicy = `version: 1
rules:
  - {who: group:payments, can: push, repos: payments/**}
  - {who: group:payments@partner, can: push, repos: exchange/**}
  - {who: user:alice@partner, can: pull, repos: letters/**}
  - {who: signed-in, can: push, repos: users/<user>/**}
`

// TestLDAP66_SeveralDirectories: each login belongs to one directory, and what one directory's names are given no
// account of the other gets, although all of them are called alike.
func TestLDAP66_SeveralDirectories(t *testing.T) {
	t.Parallel()
	s := newSite(t, newCompany(t).use, beside(t))
	s.write(t, "policy.yaml", partnersPolicy)
	r := s.run(t)
	push, pull := []string{"pull", "push"}, []string{"pull"}
	tests := []struct {
		name, secret, repository string
		want                     answer
	}{
		{"alice", alicePassword, "payments/api", answer{200, "alice", push}},
		{"alice", alicePassword, "exchange/api", answer{200, "alice", nil}},
		{"alice", alicePassword, "letters/a", answer{200, "alice", nil}},
		{"alice", alicePassword, "users/alice/x", answer{200, "alice", push}},
		{"alice@partner.test", partnerPassword, "payments/api", answer{200, "alice@partner", nil}},
		{"alice@partner.test", partnerPassword, "exchange/api", answer{200, "alice@partner", push}},
		{`PARTNER\alice`, partnerPassword, "letters/a", answer{200, "alice@partner", pull}},
		{`PARTNER\alice`, partnerPassword, "users/alice/x", answer{200, "alice@partner", nil}},
		{"alice@partner.test", alicePassword, "exchange/api", answer{code: 401}},
		{"alice", partnerPassword, "payments/api", answer{code: 401}},
		{`OTHER\alice`, alicePassword, "payments/api", answer{code: 401}},
	}
	for _, tt := range tests {
		got := r.as(t, tt.name, tt.secret, tt.repository)
		slices.Sort(got.access)
		if got.code != tt.want.code || got.subject != tt.want.subject || !slices.Equal(got.access, tt.want.access) {
			t.Errorf("%s at %s: %+v, want %+v", tt.name, tt.repository, got, tt.want)
		}
	}
	for series, want := range map[string]string{
		`wharfgate_logins_total{directory="corp",result="ok"}`:             "4",
		`wharfgate_logins_total{directory="partner",result="ok"}`:          "4",
		`wharfgate_cache_entries{cache="admission",directory="corp"}`:      "1",
		`wharfgate_cache_entries{cache="admission",directory="partner"}`:   "1",
		`wharfgate_cache_entries{cache="account",directory="partner"}`:     "1",
		`wharfgate_logins_total{directory="corp",result="not_found"}`:      "1",
		`wharfgate_logins_total{directory="partner",result="not_found"}`:   "0",
		`wharfgate_logins_total{directory="corp",result="wrong_password"}`: "1",
	} {
		if got := r.metric(t, series); got != want {
			t.Errorf("%s = %s, want %s", series, got, want)
		}
	}
	r.end(t) // which writes the records that wait
	for _, principal := range []string{`"directory":"corp","id":"id-alice","name":"alice"`, `"directory":"partner","id":"id-alice","name":"alice"`} {
		if !strings.Contains(s.audit.String(), principal) {
			t.Errorf("no record of %s in\n%s", principal, s.audit)
		}
	}
}

// TestLDAP66_OneDirectoryIsDown: it does not keep the gate from starting or from being ready, and logins of the other
// directory go on.
func TestLDAP66_OneDirectoryIsDown(t *testing.T) {
	t.Parallel()
	for _, down := range []int{0, 1} {
		s := newSite(t, newCompany(t).use, beside(t))
		s.config.Directories[down].Servers = []string{"ldap://" + deadServer(t)}
		s.write(t, "policy.yaml", partnersPolicy+"  - {who: [group:payments, group:payments@partner], cannot: pull, repos: secret/**}\n")
		r := s.run(t)
		want := [2]int{http.StatusOK, http.StatusOK}
		want[down] = http.StatusServiceUnavailable
		got := [2]int{
			r.as(t, "alice", alicePassword, "payments/api").code, r.as(t, "alice@partner.test", partnerPassword, "exchange/api").code,
		}
		if got != want {
			t.Errorf("with directory %d down: %d, want %d", down, got, want)
		}
		name := []string{"corp", "partner"}
		code, text := r.operator(t, "/readyz?verbose")
		for end := time.Now().Add(patience); !strings.Contains(text, "degraded") && time.Now().Before(end); { // it takes a few failures
			r.as(t, []string{"alice", "alice@partner.test"}[down], alicePassword, "x/y")
			code, text = r.operator(t, "/readyz?verbose")
		}
		if code != http.StatusOK || !strings.Contains(text, "directory/"+name[1-down]+" ok\n") || !strings.Contains(text, "directory/"+name[down]+" degraded: out of service: ldap://") {
			t.Errorf("with %s down: readyz %d\n%s", name[down], code, text)
		}
		if got := r.metric(t, "wharfgate_policy_unresolved_groups"); got != "1" {
			t.Errorf("with %s down: %s groups of a cannot are not known, want 1", name[down], got)
		}
	}
}

// TestReloadAddsADirectory: it is there from then on, and goes again.
func TestReloadAddsADirectory(t *testing.T) {
	t.Parallel()
	r := newSite(t, newCompany(t).use).run(t)
	add := beside(t)
	alone := r.site.config
	r.edit(func(c *config.Config) {
		two := &site{config: *c}
		two.config.Directories = slices.Clone(c.Directories)
		add(two)
		*c = two.config
	})
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := r.as(t, "alice@partner.test", partnerPassword, "x/y"); a.code != http.StatusOK || a.subject != "alice@partner" {
		t.Errorf("login at the new directory: %+v", a)
	}
	if _, text := r.operator(t, "/readyz?verbose"); !strings.Contains(text, "directory/partner ok\n") {
		t.Errorf("readyz:\n%s", text)
	}
	r.edit(func(c *config.Config) { *c = alone })
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := r.as(t, "alice@partner.test", partnerPassword, "x/y"); a.code != http.StatusUnauthorized {
		t.Errorf("login at the directory that is gone: %+v", a)
	}
	if _, text := r.operator(t, "/readyz?verbose"); strings.Contains(text, "directory/partner") {
		t.Errorf("readyz:\n%s", text)
	}
}

// TestSearchInOrder: a bare name is looked for in each directory, and answered 503 while an earlier one is away.
func TestSearchInOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t, newCompany(t).use, beside(t))
	s.config.Lookup = config.InOrder
	s.config.Directories[0].Users.Filter = "(cn=Somebody else)" // so that only the other one has an alice
	s.config.Directories[1].Realms = nil
	r := s.run(t)
	if a := r.as(t, "alice", partnerPassword, "x/y"); a.code != http.StatusOK || a.subject != "alice@partner" {
		t.Errorf("login at the second directory: %+v", a)
	}
	r.edit(func(c *config.Config) {
		c.Directories = slices.Clone(c.Directories)
		c.Directories[0].Servers = []string{"ldap://" + deadServer(t)}
	})
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := r.as(t, "alice", partnerPassword, "x/y"); a.code != http.StatusServiceUnavailable {
		t.Errorf("login while the first directory is away: %+v", a)
	}
}

// TestAddressesAreCountedOnce: failures in one directory count in the other one, too.
func TestAddressesAreCountedOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, newCompany(t).use, beside(t))
	s.config.FailedLogins.Max = 2
	r := s.run(t)
	wantStatuses(t, []int{
		r.as(t, "alice", "junk 1", "x/y").code, r.as(t, "alice@partner.test", "junk 2", "x/y").code,
		r.as(t, "alice@partner.test", "junk 3", "x/y").code,
	}, http.StatusUnauthorized, http.StatusUnauthorized, http.StatusTooManyRequests)
}

func TestCheckLooksAtEveryDirectory(t *testing.T) {
	t.Parallel()
	s := newSite(t, newCompany(t).use, beside(t))
	withKeys(t, s)
	s.write(t, "policy.yaml", partnersPolicy)
	found := s.check(t, nil, gate.Online)
	for _, text := range []string{"2 named groups found in their directories"} {
		wantFinding(t, found, gate.OK, "policy", text)
	}
	for _, name := range []string{"corp", "partner"} {
		wantFinding(t, found, gate.OK, "directory "+name, " answers in ")
	}
	on := true
	s.config.Directories[0].Groups.Watch = &on // which the server does not offer
	s.config.Directories[1].Servers = []string{"ldap://" + deadServer(t)}
	found = s.check(t, nil, gate.Online)
	if !slices.ContainsFunc(found, func(f gate.Finding) bool {
		return f.Severity == gate.Warning && f.Where == "directory corp" && strings.HasPrefix(f.Text, "groups.watch: ")
	}) {
		t.Errorf("no warning of groups.watch among %v", found)
	}
	wantFinding(t, found, gate.OK, "directory corp", " answers in ")
	wantFinding(t, found, gate.OK, "policy", "1 named group found in their directories")
	if !slices.ContainsFunc(found, func(f gate.Finding) bool {
		return f.Severity == gate.Fault && f.Where == "directory partner" && strings.Contains(f.Text, "no server could be asked")
	}) {
		t.Errorf("no fault of directory partner among %v", found)
	}
	s.write(t, "policy.yaml", strings.Replace(partnersPolicy, "payments@partner", "payments@nobody", 1))
	if !slices.ContainsFunc(s.check(t, nil, gate.Offline), func(f gate.Finding) bool {
		return f.Severity == gate.Fault && f.Where == "policy" && strings.Contains(f.Text, `there is no directory "nobody"`) && strings.Contains(f.Text, "DN or id")
	}) {
		t.Error("no fault of a group of an unknown directory")
	}
}

func TestDeskWithSeveralDirectories(t *testing.T) {
	t.Parallel()
	s := newSite(t, newCompany(t).use, beside(t))
	s.write(t, "policy.yaml", partnersPolicy)
	desk := open(t, s)
	for _, tt := range []struct{ directory, user, secret, want string }{
		{"", "alice", alicePassword, "corp"},
		{"", "alice@partner.test", partnerPassword, "partner"},
		{"partner", "alice", partnerPassword, "partner"},
	} {
		who, err := desk.Login(t.Context(), tt.directory, tt.user, identity.NewSecret(tt.secret))
		if err != nil || who.Source != tt.want {
			t.Errorf("Login(%q, %q) = %+v, %v", tt.directory, tt.user, who, err)
		}
		source, e, err := desk.Entry(t.Context(), tt.directory, tt.user)
		if err != nil || source != tt.want || e.DN != aliceDN {
			t.Errorf("Entry(%q, %q) = %q, %+v, %v", tt.directory, tt.user, source, e, err)
		}
	}
	if _, err := desk.Login(t.Context(), "nobody", "alice", identity.NewSecret(alicePassword)); err == nil {
		t.Error("a login at a directory that is not there works")
	}
	scopes, _, err := registry.ParseScopes([]string{"repository:exchange/api:push"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]bool{"partner": true, "corp": false, "": false} {
		a, err := desk.Explain(t.Context(), authority.Question{Service: service, Source: source, User: "alice", Scopes: scopes})
		if err != nil || a.Explanations[0].Decision.Missing() == 0 != want {
			t.Errorf("Explain for alice of %q = %+v, %v, want granted: %v", source, a, err, want)
		}
	}
}
