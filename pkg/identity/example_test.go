package identity_test

import (
	"fmt"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// A secret does not print, whatever the verb.
func ExampleSecret() {
	c := identity.Credentials{Username: "alice", Password: identity.NewSecret("wonderland")}
	fmt.Printf("%v %+q %s\n", c.Password, c.Password, []any{c.Username, c.Password})
	fmt.Println(len(c.Password.Reveal()))
	// Output:
	// [redacted] [redacted] [alice [redacted]]
	// 10
}

// Names are compared folded: ASCII letters in lower case, and one way to compose an accent.
func ExampleFold() {
	fmt.Println(identity.Fold("Payments"), identity.Fold("ZOE\u0308") == identity.Fold("zo\u00cb"))
	// Output: payments true
}

// A group carries the keys by which it is found, worked out once.
func ExampleNewGroup() {
	a := identity.NewGroup("3f2a", "CN=Payments, OU=Groups, DC=corp", "Payments")
	b := identity.NewGroup("3f2a", "cn=payments,ou=groups,dc=corp", "payments")
	fmt.Println(a.NameKey() == b.NameKey(), a.DNKey() == b.DNKey())
	// Output: true true
}
