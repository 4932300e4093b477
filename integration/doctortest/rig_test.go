package doctortest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/distribution"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/lifetime"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
	"github.com/wharfgate/wharfgate/pkg/doctor"
)

const policy = `version: 1
rules:
  - {who: signed-in, can: [push, delete], repos: users/<user>/**}
`

// theSite is a directory and a gate for the tests that change neither.
var theSite struct {
	sync.Mutex
	directory *slapd.Server
	gate      *gate.Gate
}

// shared returns them; the first test that asks starts them.
func shared(t *testing.T) (*slapd.Server, *gate.Gate) {
	t.Helper()
	theSite.Lock()
	defer theSite.Unlock()
	if theSite.gate == nil {
		lifetime.During(t, func(all testing.TB) {
			theSite.directory = slapd.Start(all, slapd.Options{})
			theSite.gate = gate.Start(all, theSite.directory, policy)
		})
	}
	return theSite.directory, theSite.gate
}

// auth is a registry's auth.token section.
type auth map[string]any

// right is what the registry of a gate must say.
func right(g *gate.Gate) auth {
	a := g.Auth(gate.Service)
	return auth{"realm": a.Realm, "service": a.Service, "issuer": a.Issuer, "rootcertbundle": a.BundleFile}
}

// generations are the registries that every fault is made on.
func generations() []string { return []string{"2.8", "3.0", "3"} }

// start runs a real registry with this section, and gives its host and its configuration file.
func start(t *testing.T, generation string, a auth) (host, file string) {
	t.Helper()
	port := loopback.Ports(t, 1)
	document, err := json.Marshal(map[string]any{ // which is YAML, too
		"version": "0.1",
		"storage": map[string]any{"inmemory": map[string]any{}},
		"http":    map[string]any{"addr": loopback.Address(port)},
		"auth":    map[string]any{"token": a},
	})
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "config.yml")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		t.Fatal(err)
	}
	switch generation {
	case "2.8":
		return distribution.StartV2From(t, document, port).Host, file
	case "3.0":
		return distribution.StartV30From(t, document, port).Host, file
	default:
		return distribution.StartV3From(t, document), file
	}
}

// said is what the doctor printed.
type said struct {
	code     int
	OK       bool
	Findings []doctor.Finding
	text     string
}

// look runs the doctor as a person of the directory, and holds that it shows no secret.
func look(t *testing.T, g *gate.Gate, password string, args ...string) said {
	t.Helper()
	if password != "" {
		args = append(args, "--user", "alice")
	}
	got := g.Run(t, password+"\n", "doctor", append(args, "--json")...)
	s := said{code: got.Code, text: got.Out + got.Err}
	if err := json.Unmarshal([]byte(got.Out), &s); err != nil {
		t.Fatalf("doctor %v: exit code %d, %v\n%s", args, got.Code, err, s.text)
	}
	if s.OK != (got.Code == 0) {
		t.Errorf("ok is %v and the exit code %d", s.OK, got.Code)
	}
	if strings.Contains(s.text, "eyJ") || password != "" && strings.Contains(s.text, password) {
		t.Errorf("a secret is shown:\n%s", s.text)
	}
	for _, f := range s.Findings {
		if (f.Status == doctor.Fault || f.Status == doctor.Warning) && f.Remedy == "" || strings.ContainsAny(f.Text+f.Remedy, "\n\r\x1b") {
			t.Errorf("%+v is not one line with its remedy", f)
		}
	}
	return s
}

// has reports whether there is a finding.
func (s said) has(c doctor.Check, status doctor.Status, part string) bool {
	return slices.ContainsFunc(s.Findings, func(f doctor.Finding) bool {
		return f.Check == c && f.Status == status && strings.Contains(f.Text, part)
	})
}

// want fails the test unless there is a finding.
func (s said) want(t *testing.T, c doctor.Check, status doctor.Status, part string) {
	t.Helper()
	if !s.has(c, status, part) {
		t.Errorf("no %s of %s with %q in\n%s", status, c, part, s.text)
	}
}

// faultsAre fails the test unless exactly these checks found a fault.
func (s said) faultsAre(t *testing.T, checks ...doctor.Check) {
	t.Helper()
	var found []doctor.Check
	for _, f := range s.Findings {
		if f.Status == doctor.Fault {
			found = append(found, f.Check)
		}
	}
	slices.Sort(found)
	slices.Sort(checks)
	if !slices.Equal(slices.Compact(found), checks) {
		t.Errorf("faults of %v, want %v\n%s", found, checks, s.text)
	}
}
