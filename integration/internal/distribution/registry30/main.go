// The registry of distribution 3.0, without the storage of clouds.
package main

import (
	"fmt"
	"os"

	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/auth/token"                // the access controller "token"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem" // the storage driver "filesystem"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"   // the storage driver "inmemory"
)

func main() {
	if err := registry.RootCmd.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
