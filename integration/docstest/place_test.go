package docstest_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/company"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/proc"
)

// place is what the pages take for granted: a directory in which alice is, a configuration and a policy.
type place struct {
	dir               string
	listen, operators string
}

const placeConfig = `listen: %q
public_url: https://registry.corp.example:5001
operator: {listen: %q}
state_dir: %s
audit: {file: audit.log}
registries:
  - service: registry.corp.example
directories:
  - name: corp
    kind: openldap
    servers: [%q]
    insecure_plaintext: true
    bind: {dn: %q, password_file: bind.pw}
    base_dn: %q
    groups: {base_dn: %q}
policy: {file: policy.yaml}
`

func newPlace(t *testing.T) *place {
	t.Helper()
	directory := loopback.Address(loopback.Ports(t, 1))
	s, err := company.Serve(t.Context(), directory, company.People())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	p := &place{
		dir:    t.TempDir(),
		listen: loopback.Address(loopback.Ports(t, 1)), operators: loopback.Address(loopback.Ports(t, 1)),
	}
	config := func(state string) string {
		return fmt.Sprintf(placeConfig, p.listen, p.operators, state, "ldap://"+directory, company.ServiceDN, company.Suffix, company.GroupsBase)
	}
	for name, text := range map[string]string{
		"wharfgate.yaml": config("state"), "new.yaml": config("state-new"),
		"policy.yaml": company.Policy, "bind.pw": company.ServicePassword + "\n",
	} {
		if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// serve runs the gate until the test ends.
func (p *place) serve(t *testing.T) {
	t.Helper()
	config := filepath.Join(p.dir, "wharfgate.yaml")
	p.run(t, "serve", []string{"wharfgate", "keys", "init", "-c", config})
	proc.Start(t, nil, gate.Program(t), "serve", "-c", config)
	loopback.Eventually(t, 30*time.Second, func() error {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.operators+"/readyz", nil)
		if err != nil {
			return err
		}
		r, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			return err
		}
		defer r.Body.Close()
		if r.StatusCode != http.StatusOK {
			return fmt.Errorf("readyz answers %s", r.Status)
		}
		return nil
	})
}
