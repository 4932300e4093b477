package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/wharfgate/wharfgate/integration/internal/company"
	"github.com/wharfgate/wharfgate/pkg/config"
)

// service is the registry's name in tokens.
const service = "registry.demo"

// issuer is the iss of tokens.
const issuer = "wharfgate.demo"

// gateConfig is the gate's configuration. It differs from one for a company in what is marked "demo only".
const gateConfig = `# The gate's configuration in the demo.
listen: %q
public_url: %q
operator: {listen: %q}
state_dir: state
keys: {auto_create: true}       # demo only: elsewhere, wharfgate keys init
issuer: ` + issuer + `
audit: {file: audit.jsonl}

registries:
  - service: ` + service + `
    kind: distribution3

directories:
  - name: corp
    default: true
    kind: openldap
    servers: [%q]
    insecure_plaintext: true    # demo only: elsewhere ldaps:// or StartTLS
    bind: {dn: "` + company.ServiceDN + `", password_file: bind.pw}
    base_dn: ` + company.Suffix + `
    groups: {base_dn: "` + company.GroupsBase + `", method: member_search, nested: true}

policy: {file: policy.yaml}
`

// writeFiles writes what the gate reads into a folder and reads it as the gate does.
func writeFiles(dir string, p ports) (config.Config, error) {
	file := filepath.Join(dir, "wharfgate.yaml")
	text := fmt.Sprintf(gateConfig, address(p.Gate), "http://"+host(p.Gate), address(p.Operator), "ldap://"+address(p.Directory))
	const private = 0o600
	for name, content := range map[string]string{
		file:                              text,
		filepath.Join(dir, "bind.pw"):     company.ServicePassword + "\n",
		filepath.Join(dir, "policy.yaml"): company.Policy,
	} {
		if err := os.WriteFile(name, []byte(content), private); err != nil {
			return config.Config{}, fmt.Errorf("write the demo's files: %w", err)
		}
	}
	cfg, err := config.Load(file)
	if err != nil {
		return config.Config{}, err
	}
	if err := cfg.Validate(); err != nil {
		return config.Config{}, fmt.Errorf("%s: %w", file, err)
	}
	return cfg, nil
}
