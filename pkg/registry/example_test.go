package registry_test

import (
	"fmt"

	"github.com/wharfgate/wharfgate/pkg/registry"
)

func ExampleParseScopes() {
	scopes, dropped, err := registry.ParseScopes([]string{"repository:team/app:push,pull repository:../etc:pull"}, 0)
	fmt.Println(scopes, dropped, err)
	// Output: [repository:team/app:pull,push] [{repository:../etc:pull bad_name}] <nil>
}
