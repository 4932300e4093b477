package distribution

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/distribution/distribution/v3/configuration"
	_ "github.com/distribution/distribution/v3/registry/auth/token" // the access controller "token"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory" // the storage driver "inmemory"
	"github.com/sirupsen/logrus"
)

// NewV3 makes a registry of the third generation that lives until ctx ends. Its configuration faults panic.
// What it logs goes to logs, for every such registry of the process.
func NewV3(ctx context.Context, a Auth, logs io.Writer) http.Handler {
	logrus.SetOutput(logs)
	return handlers.NewApp(ctx, newConfiguration(a))
}

// parsing is held while variables of a registry are in the environment, as that is the whole process's.
var parsing sync.Mutex //nolint:gochecknoglobals // as the environment is

// StartV3From serves a registry of the third generation on a configuration document of the caller's and on variables,
// each NAME=value, that complete it, but keeps everything in memory, until the test ends, and returns its host and port.
func StartV3From(t testing.TB, document []byte, variables ...string) string {
	t.Helper()
	c, err := parse(document, variables)
	if err != nil {
		t.Fatal(err)
	}
	c.Storage = newConfiguration(Auth{}).Storage
	logrus.SetOutput(io.Discard)
	return serve(t, handlers.NewApp(context.WithoutCancel(t.Context()), c))
}

// parse reads a document as the program would with the variables in its environment.
func parse(document []byte, variables []string) (*configuration.Configuration, error) {
	parsing.Lock()
	defer parsing.Unlock()
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
		defer func() { _ = os.Unsetenv(name) }()
	}
	return configuration.Parse(bytes.NewReader(document))
}

// StartV3 serves a registry of the third generation until the test ends and returns its host and port.
func StartV3(t testing.TB, a Auth) string {
	t.Helper()
	return serve(t, NewV3(context.WithoutCancel(t.Context()), a, io.Discard))
}

func serve(t testing.TB, registry http.Handler) string {
	t.Helper()
	s := httptest.NewServer(registry)
	t.Cleanup(s.Close)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("localhost", port)
}
