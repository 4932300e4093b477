package config_test

import (
	"errors"
	"fmt"

	"github.com/wharfgate/wharfgate/pkg/config"
)

// Every fault of a file is reported at once, each with its place and a remedy.
func ExampleParse() {
	const text = `listen: 127.0.0.1:5001
registries:
  - {service: registry.corp.example, token_lifetim: 5m}
directories:
  - name: corp
    kind: openldap
    servers: [ldap://ldap.corp.example]
    bind: {dn: "cn=gate,dc=corp,dc=example", password_file: bind.pw}
    base_dn: dc=corp,dc=example
policy: {file: policy.yaml}
`
	_, err := config.Parse("wharfgate.yaml", []byte(text))
	if faults, ok := errors.AsType[config.Faults](err); ok {
		for _, f := range faults {
			fmt.Println(f)
		}
	}
	// Output:
	// wharfgate.yaml:3:38: registries[0].token_lifetim: unknown key; did you mean token_lifetime?
	// wharfgate.yaml:7:15: directories[0].servers[0]: ldap:// sends passwords readable; use ldaps://, or tls: {start_tls: true}, or insecure_plaintext: true
}
