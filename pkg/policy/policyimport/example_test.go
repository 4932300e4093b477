package policyimport_test

import (
	"fmt"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/policy/policyimport"
)

// What means the same in any order is converted, and what the old rules answered becomes tests.
func ExampleDockerAuth() {
	r, err := policyimport.DockerAuth([]byte(`
acl:
  - match: {account: "/.+/", name: "${account}/*"}
    actions: ["*"]
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for line := range strings.Lines(string(r.Policy)) {
		if strings.Contains(line, "who:") {
			fmt.Print(line)
		}
	}
	fmt.Println(r.Rules, r.Left, r.Differ)
	// Output:
	//   - {who: signed-in, can: [push, delete], repos: <user>/*}
	// 1 0 0
}
