package doctortest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/pkg/certtest"
	"github.com/wharfgate/wharfgate/pkg/doctor"
)

// TestNothingIsWrong: on a healthy pair everything is looked at and no fault is found.
func TestNothingIsWrong(t *testing.T) {
	t.Parallel()
	d, g := shared(t)
	for _, generation := range generations() {
		t.Run(generation, func(t *testing.T) {
			t.Parallel()
			host, file := start(t, generation, right(g))
			s := look(t, g, d.Password, "--registry", host, "--registry-config", file)
			s.faultsAre(t)
			for _, c := range doctor.Checks() {
				if c != doctor.CheckTLS && c != doctor.CheckKeyForm && !s.has(c, doctor.OK, "") {
					t.Errorf("%s was not looked at:\n%s", c, s.text)
				}
			}
			got := g.Run(t, d.Password+"\n", "doctor", "--registry", host, "--user", "alice")
			if got.Code != 0 || !strings.HasSuffix(got.Out, "no faults\n") || !strings.Contains(got.Out, "ok       token: the registry believes the token\n") {
				t.Errorf("doctor = %d\n%s%s", got.Code, got.Out, got.Err)
			}
		})
	}
}

// TestWithoutCredentials: it says what it could not see.
func TestWithoutCredentials(t *testing.T) {
	t.Parallel()
	_, g := shared(t)
	host, _ := start(t, "3", right(g))
	s := look(t, g, "", "--registry", host)
	s.faultsAre(t)
	s.want(t, doctor.CheckLogin, doctor.NotSeen, "nobody logged in")
	s.want(t, doctor.CheckPost, doctor.OK, "POST reaches the gate")
	if s.has(doctor.CheckToken, doctor.OK, "") || s.has(doctor.CheckKey, doctor.OK, "") {
		t.Errorf("what was not seen is healthy:\n%s", s.text)
	}
	s = look(t, g, "")
	s.want(t, doctor.CheckRegistry, doctor.NotSeen, "no registry was given")
}

// TestFaultsOfARegistry makes each fault on a registry of each generation, and looks without and with its configuration.
func TestFaultsOfARegistry(t *testing.T) {
	t.Parallel()
	d, g := shared(t)
	foreign := certtest.NewCA(t)
	own, err := os.ReadFile(g.Auth(gate.Service).BundleFile)
	if err != nil {
		t.Fatal(err)
	}
	company, err := os.ReadFile(foreign.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	both := filepath.Join(t.TempDir(), "both.pem")
	if err := os.WriteFile(both, append(own, company...), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		edit func(auth)
		// second and third are the faults that the URL shows, by generation, and told those that the configuration tells, too.
		second, third []doctor.Check
		told          []doctor.Check
		text          string
	}{
		{
			"wrong issuer", func(a auth) { a["issuer"] = "someone-else" },
			[]doctor.Check{doctor.CheckToken},
			[]doctor.Check{doctor.CheckIssuer},
			[]doctor.Check{doctor.CheckIssuer, doctor.CheckToken},
			`believes the issuer "someone-else"`,
		},
		{
			"wrong service", func(a auth) { a["service"] = "other.test" },
			[]doctor.Check{doctor.CheckService, doctor.CheckToken},
			[]doctor.Check{doctor.CheckService, doctor.CheckToken},
			[]doctor.Check{doctor.CheckService, doctor.CheckToken},
			`calls itself "other.test"`,
		},
		{
			"untrusted key", func(a auth) { a["rootcertbundle"] = foreign.CertFile },
			[]doctor.Check{doctor.CheckToken},
			[]doctor.Check{doctor.CheckToken},
			[]doctor.Check{doctor.CheckKey, doctor.CheckBundle, doctor.CheckToken},
			"is not in it",
		},
		{
			"authority of servers in the bundle", func(a auth) { a["rootcertbundle"] = both },
			nil, nil,
			[]doctor.Check{doctor.CheckBundle},
			"it may issue server and client certificates",
		},
		{
			"no such path", func(a auth) { a["realm"] = g.URL + "/realms/corp/protocol/docker-v2/auth" },
			[]doctor.Check{doctor.CheckGate},
			[]doctor.Check{doctor.CheckGate},
			[]doctor.Check{doctor.CheckGate},
			"there is no token endpoint",
		},
		{
			"realm is an address", func(a auth) { a["realm"] = strings.Replace(g.Realm(), "localhost", "127.0.0.1", 1) },
			[]doctor.Check{doctor.CheckRealm},
			[]doctor.Check{doctor.CheckRealm},
			[]doctor.Check{doctor.CheckRealm},
			"the realm's host is the address 127.0.0.1",
		},
		{
			"nobody is there", func(a auth) { a["realm"] = "http://localhost:1/auth/token" },
			[]doctor.Check{doctor.CheckGate},
			[]doctor.Check{doctor.CheckGate},
			[]doctor.Check{doctor.CheckGate},
			"does not answer at localhost:1",
		},
	}
	for _, tt := range tests {
		for _, generation := range generations() {
			t.Run(tt.name+" "+generation, func(t *testing.T) {
				t.Parallel()
				a := right(g)
				tt.edit(a)
				host, file := start(t, generation, a)
				seen := tt.third
				if generation == "2.8" {
					seen = tt.second
				}
				look(t, g, d.Password, "--registry", host).faultsAre(t, seen...)
				s := look(t, g, d.Password, "--registry", host, "--registry-config", file)
				s.faultsAre(t, tt.told...)
				if !strings.Contains(strings.ReplaceAll(s.text, `\"`, `"`), tt.text) {
					t.Errorf("%q is not said:\n%s", tt.text, s.text)
				}
			})
		}
	}
}

// TestKeyFormThatTheRegistryCannotRead: a registry with a JWK Set alone cannot verify tokens that carry certificates.
func TestKeyFormThatTheRegistryCannotRead(t *testing.T) {
	t.Parallel()
	d, _ := shared(t)
	g := gate.Start(t, d, policy, func(s gate.Settings) {
		s["registries"] = []gate.Settings{
			{"service": gate.Service},
			{"service": "jwks.test", "kind": "distribution3", "key_form": "jwks"},
		}
	})
	set := g.Run(t, "", "keys export", "--service", "jwks.test")
	if set.Code != 0 {
		t.Fatal(set.Err)
	}
	file := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(file, []byte(set.Out), 0o600); err != nil {
		t.Fatal(err)
	}
	a := right(g)
	delete(a, "rootcertbundle")
	a["jwks"] = file
	host, configuration := start(t, "3", a)
	s := look(t, g, d.Password, "--service", gate.Service, "--registry", host, "--registry-config", configuration)
	s.faultsAre(t, doctor.CheckKeyForm, doctor.CheckToken)
	look(t, g, d.Password, "--service", gate.Service, "--registry", host).want(t, doctor.CheckToken, doctor.Fault, "cannot read the key form")

	a["service"] = "jwks.test"
	host, configuration = start(t, "3", a)
	s = look(t, g, d.Password, "--service", "jwks.test", "--registry", host, "--registry-config", configuration)
	s.faultsAre(t)
	s.want(t, doctor.CheckKey, doctor.OK, "what the registry holds")
	look(t, g, d.Password, "--service", gate.Service, "--registry", host).want(t, doctor.CheckService, doctor.Fault, "another one of registries[].service")
}

// TestRegistryWithoutTokens: one that asks nobody, or is none.
func TestRegistryWithoutTokens(t *testing.T) {
	t.Parallel()
	d, g := shared(t)
	s := look(t, g, d.Password, "--registry", g.URL)
	s.faultsAre(t, doctor.CheckRegistry)
	s.want(t, doctor.CheckRegistry, doctor.Fault, "answers 404 without a token")
	s = look(t, g, d.Password, "--registry", "http://localhost:1")
	s.want(t, doctor.CheckRegistry, doctor.Fault, "does not answer")
}

// TestWrongUse: a command line or file that cannot be used is exit code 2.
func TestWrongUse(t *testing.T) {
	t.Parallel()
	_, g := shared(t)
	for _, args := range [][]string{
		{"--registry", "ftp://registry.test"},
		{"--registry", "https://alice:secret@registry.test"},
		{"--registry-config", filepath.Join(t.TempDir(), "none")},
		{"--registry-config", g.PolicyFile},
		{"--bundle", filepath.Join(t.TempDir(), "none")},
		{"--ca", g.PolicyFile},
		{"--service", "unknown.test"},
	} {
		if got := g.Run(t, "", "doctor", args...); got.Code != 2 || got.Out != "" || strings.Contains(got.Err, "secret") {
			t.Errorf("doctor %v = %d\n%s%s", args, got.Code, got.Out, got.Err)
		}
	}
}
