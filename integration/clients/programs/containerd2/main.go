// The daemon of containerd 2 with what it needs to pull and push images, and nothing that runs them.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/containerd/containerd/v2/cmd/containerd/command"
	_ "github.com/containerd/containerd/v2/plugins/content/local/plugin"    // where content is kept
	_ "github.com/containerd/containerd/v2/plugins/diff/walking/plugin"     // unpacks layers
	_ "github.com/containerd/containerd/v2/plugins/events"                  // which metadata wants
	_ "github.com/containerd/containerd/v2/plugins/gc"                      // which leases want
	_ "github.com/containerd/containerd/v2/plugins/leases"                  // which pulls hold
	_ "github.com/containerd/containerd/v2/plugins/metadata"                // what images there are
	_ "github.com/containerd/containerd/v2/plugins/mount"                   // which unpacking wants
	_ "github.com/containerd/containerd/v2/plugins/server/grpc"             // the socket
	_ "github.com/containerd/containerd/v2/plugins/services/content"        // the API to it
	_ "github.com/containerd/containerd/v2/plugins/services/diff"           // the API to it
	_ "github.com/containerd/containerd/v2/plugins/services/events"         // the API to it
	_ "github.com/containerd/containerd/v2/plugins/services/images"         // the API to it
	_ "github.com/containerd/containerd/v2/plugins/services/introspection"  // which ctr asks for what there is
	_ "github.com/containerd/containerd/v2/plugins/services/leases"         // the API to it
	_ "github.com/containerd/containerd/v2/plugins/services/namespaces"     // the API to it
	_ "github.com/containerd/containerd/v2/plugins/services/snapshots"      // the API to it
	_ "github.com/containerd/containerd/v2/plugins/services/streaming"      // the API to it
	_ "github.com/containerd/containerd/v2/plugins/services/transfer"       // the API to it
	_ "github.com/containerd/containerd/v2/plugins/services/version"        // the API to it
	_ "github.com/containerd/containerd/v2/plugins/snapshots/native/plugin" // needs nothing of the kernel
	_ "github.com/containerd/containerd/v2/plugins/streaming"               // how ctr hands over credentials
	_ "github.com/containerd/containerd/v2/plugins/transfer"                // pulls and pushes
)

func main() {
	if err := command.App().Run(context.Background(), os.Args); err != nil {
		fmt.Fprintf(os.Stderr, "containerd: %s\n", err)
		os.Exit(1)
	}
}
