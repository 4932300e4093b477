package clients_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/engine"
	"github.com/wharfgate/wharfgate/integration/internal/lifetime"
)

// program is a client that people use.
type program struct {
	name string
	// install gives one without credentials.
	install func(*testing.T) *client.Client
	// login and pull are whether it shows the gate's own words then, which it does for a wrong password and for a
	// throttled account; down is whether it does on 503.
	login, pull, down bool
}

// version is what the program says of its version, in one line.
func (p program) version(t *testing.T) string {
	t.Helper()
	text, err := p.install(t).Version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(text, "\n")
	return strings.Join(strings.Fields(line), " ")
}

// programs are all that are run, by name.
func programs() []program {
	return []program{
		{name: "docker", install: plain(client.Docker), login: true, pull: true},
		{name: "docker engine", install: dockerEngine, login: true, pull: true},
		{name: "ctr", install: containerd},
		{name: "ctr 2", install: containerd2},
		{name: "skopeo", install: plain(client.Skopeo)},
		{name: "buildah", install: plain(client.Buildah)},
		{name: "podman", install: plain(client.Podman)},
		{name: "crane", install: plain(client.Crane), pull: true, down: true},
		{name: "oras", install: plain(client.Oras), login: true, pull: true, down: true},
		{name: "regctl", install: plain(client.Regctl)},
	}
}

func plain(install func(testing.TB) *client.Client) func(*testing.T) *client.Client {
	return func(t *testing.T) *client.Client { t.Helper(); return install(t) }
}

// daemons are shared by the tests. An engine that does not start says why once and for all.
var daemons struct {
	sync.Mutex
	containerd  string
	containerd2 string
	docker      engine.Docker
	err         error
}

// startDaemon returns containerd's socket.
func startDaemon(t *testing.T) string {
	t.Helper()
	if daemons.containerd == "" {
		lifetime.During(t, func(all testing.TB) { daemons.containerd = engine.Containerd(all) })
	}
	return daemons.containerd
}

func containerd(t *testing.T) *client.Client {
	t.Helper()
	daemons.Lock()
	defer daemons.Unlock()
	return client.Containerd(t, startDaemon(t))
}

func containerd2(t *testing.T) *client.Client {
	t.Helper()
	daemons.Lock()
	defer daemons.Unlock()
	if daemons.containerd2 == "" {
		lifetime.During(t, func(all testing.TB) { daemons.containerd2 = engine.Containerd2(all) })
	}
	return client.Containerd2(t, daemons.containerd2)
}

// dockerEngine is the one program that a machine may not be able to run: tools/test.sh knows the words of the skip.
func dockerEngine(t *testing.T) *client.Client {
	t.Helper()
	daemons.Lock()
	defer daemons.Unlock()
	if daemons.docker.Socket == "" && daemons.err == nil {
		socket := startDaemon(t)
		lifetime.During(t, func(all testing.TB) { daemons.docker, daemons.err = engine.StartDocker(all, socket) })
	}
	if daemons.err != nil {
		t.Skipf("the Docker engine does not start here: %v", daemons.err)
	}
	return client.Engine(t, daemons.docker.Program, daemons.docker.Socket)
}
