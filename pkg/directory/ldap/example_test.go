package ldap_test

import (
	"fmt"

	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
)

// Every fault of the options is found before anything is sent.
func ExampleNew() {
	_, err := ldap.New(ldap.Options{
		Source: "corp", Servers: []string{"ldap://ldap.corp.example"}, BaseDN: "dc=corp,dc=example",
	})
	fmt.Println(err)
	// Output:
	// directory "corp": servers[0]: ldap://ldap.corp.example would send passwords readable: use ldaps://, or tls.start_tls, or insecure_plaintext
}
