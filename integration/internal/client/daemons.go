package client

import (
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gotool"
	"github.com/wharfgate/wharfgate/integration/internal/need"
)

// Docker is a docker command line without credentials and without a daemon: it can log in, and look at an image.
func Docker(t testing.TB) *Client {
	t.Helper()
	c := newClient(t, "docker", need.Tools(t, "docker")[0])
	c.env = append(c.env, "DOCKER_HOST=unix://"+c.home+"/none")
	c.verb = verbs{
		version: []string{"--version"}, login: loginWithDocker,
		pull: func(_, ref string) script { return one("manifest", "inspect", "--insecure", ref) },
	}
	return c
}

// Engine is a docker command line without credentials that works through the Docker engine on a socket. Path is the
// program.
func Engine(t testing.TB, path, socket string) *Client {
	t.Helper()
	c := newClient(t, "docker engine", path)
	c.env = append(c.env, "DOCKER_HOST=unix://"+socket)
	c.verb = verbs{
		version: []string{"version", "--format", "{{.Server.Version}}"}, login: loginWithDocker,
		push: func(dir, ref string) script {
			return script{{"load", "--quiet", "--input", archive(t, dir, ref)}, {"push", ref}}
		},
		pull: func(_, ref string) script { return one("pull", ref) },
		copy: func(from, to string) script { return script{{"pull", from}, {"tag", from, to}, {"push", to}} },
	}
	return c
}

// loginWithDocker is how docker logs in, with or without an engine.
func loginWithDocker(host, user string) script {
	return one("login", "--username", user, "--password-stdin", host)
}

// Containerd is the ctr of containerd's first generation on a socket. It stores no credentials: each command is given
// them, and asks the registry itself.
func Containerd(t testing.TB, socket string) *Client {
	t.Helper()
	return ctr(t, "ctr", need.Tools(t, "ctr")[0], socket, "--snapshotter", "native")
}

// Containerd2 is the ctr of containerd's second generation on a socket, of the version in
// clients/programs/containerd2/go.mod. Its daemon asks the registry.
func Containerd2(t testing.TB, socket string) *Client {
	t.Helper()
	return ctr(t, "ctr 2", gotool.Build(t, "ctr", "integration", "clients", "programs", "containerd2"), socket)
}

// ctr is a ctr whose pulls have some more words.
func ctr(t testing.TB, name, program, socket string, pulls ...string) *Client {
	t.Helper()
	c := newClient(t, name, program)
	c.before = []string{"--address", socket}
	with := func(verb string, args ...string) []string {
		words := []string{"images", verb, "--plain-http"}
		if c.credentials != "" {
			words = append(words, "--user", c.credentials)
		}
		return append(words, args...)
	}
	pull := func(ref string) []string { return append(with("pull", pulls...), ref) }
	c.verb = verbs{
		version: []string{"--version"},
		push: func(dir, ref string) script {
			return script{{"images", "import", "--snapshotter", "native", archive(t, dir, ref)}, with("push", ref)}
		},
		pull: func(_, ref string) script { return script{pull(ref)} },
		copy: func(from, to string) script {
			return script{pull(from), {"images", "tag", "--force", from, to}, with("push", to)}
		},
	}
	return c
}
