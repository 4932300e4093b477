package client

import (
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gotool"
)

// Crane is a crane without credentials, of the version in the module's go.mod.
func Crane(t testing.TB) *Client {
	t.Helper()
	c := newClient(t, "crane", gotool.Build(t, "crane", "integration"))
	c.verb = verbs{
		version: []string{"version"},
		login: func(host, user string) script {
			return one("auth", "login", host, "--username", user, "--password-stdin")
		},
		push:    func(dir, ref string) script { return one("push", dir, ref) },
		pull:    func(dir, ref string) script { return one("pull", "--format", "oci", ref, dir) },
		copy:    func(from, to string) script { return one("copy", from, to) },
		remove:  func(ref string) script { return one("delete", ref) },
		tags:    func(repository string) script { return one("ls", repository) },
		catalog: func(host string) script { return one("catalog", "--insecure", host) },
	}
	return c
}

// Oras is an oras without credentials, of the version in clients/programs/go.mod.
func Oras(t testing.TB) *Client {
	t.Helper()
	c := newClient(t, "oras", pinned(t, "oras"))
	c.verb = verbs{
		version: []string{"version"},
		login: func(host, user string) script {
			return one("login", host, "--username", user, "--password-stdin")
		},
		push:    func(dir, ref string) script { return one("cp", "--no-tty", "--from-oci-layout", dir+":"+Tag, ref) },
		pull:    func(dir, ref string) script { return one("cp", "--no-tty", "--to-oci-layout", ref, dir+":"+Tag) },
		copy:    func(from, to string) script { return one("cp", "--no-tty", from, to) },
		remove:  func(ref string) script { return one("manifest", "delete", "--force", ref) },
		tags:    func(repository string) script { return one("repo", "tags", repository) },
		catalog: func(host string) script { return one("repo", "ls", host) },
	}
	return c
}

// Regctl is a regctl without credentials, of the version in clients/programs/go.mod.
func Regctl(t testing.TB) *Client {
	t.Helper()
	c := newClient(t, "regctl", pinned(t, "regctl"))
	plain := func(ref string) []string { // it wants to be told of each registry without TLS
		host, _, _ := strings.Cut(ref, "/")
		return []string{"registry", "set", "--tls", "disabled", "--skip-check", host}
	}
	c.verb = verbs{
		version: []string{"version", "--format", "{{.VCSTag}}"},
		login: func(host, user string) script {
			return script{plain(host), {"registry", "login", "--user", user, "--pass-stdin", host}}
		},
		push: func(dir, ref string) script {
			return script{plain(ref), {"image", "copy", "ocidir://" + dir + ":" + Tag, ref}}
		},
		pull: func(dir, ref string) script {
			return script{plain(ref), {"image", "copy", ref, "ocidir://" + dir + ":" + Tag}}
		},
		copy: func(from, to string) script { return script{plain(from), {"image", "copy", from, to}} },
		remove: func(ref string) script {
			return script{plain(ref), {"manifest", "delete", ref}}
		},
		tags:    func(repository string) script { return script{plain(repository), {"tag", "ls", repository}} },
		catalog: func(host string) script { return script{plain(host), {"repo", "ls", host}} },
	}
	return c
}

// pinned builds a program of clients/programs/go.mod and returns its path.
func pinned(t testing.TB, name string) string {
	t.Helper()
	return gotool.Build(t, name, "integration", "clients", "programs")
}

// Conformance returns the path of the distribution specification's conformance program.
func Conformance(t testing.TB) string { t.Helper(); return pinned(t, "conformance") }
