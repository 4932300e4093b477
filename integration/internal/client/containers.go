package client

import (
	"path/filepath"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/need"
)

// plainHTTP lets the programs of containers/image speak without TLS.
const plainHTTP = "--tls-verify=false"

// Skopeo is a skopeo without credentials.
func Skopeo(t testing.TB) *Client {
	t.Helper()
	c := newClient(t, "skopeo", need.Tools(t, "skopeo")[0])
	const plainSource, plainTarget = "--src-tls-verify=false", "--dest-tls-verify=false"
	c.verb = verbs{
		version: []string{"--version"}, login: loginWithTool,
		push: func(dir, ref string) script {
			return one("--insecure-policy", "copy", plainTarget, "oci:"+dir, "docker://"+ref)
		},
		pull: func(dir, ref string) script {
			return one("--insecure-policy", "copy", plainSource, "docker://"+ref, "oci:"+dir)
		},
		copy: func(from, to string) script {
			return one("--insecure-policy", "copy", plainSource, plainTarget, "docker://"+from, "docker://"+to)
		},
		remove: func(ref string) script { return one("delete", plainHTTP, "docker://"+ref) },
		tags:   func(repository string) script { return one("list-tags", plainHTTP, "docker://"+repository) },
	}
	return c
}

// Buildah is a buildah without credentials, with a storage of its own.
func Buildah(t testing.TB) *Client {
	t.Helper()
	c := newClient(t, "buildah", need.Tools(t, "buildah")[0])
	c.before = ownStorage(c)
	c.verb = withStorage(t)
	return c
}

// Podman is a podman without credentials, with a storage of its own.
func Podman(t testing.TB) *Client {
	t.Helper()
	c := newClient(t, "podman", need.Tools(t, "podman")[0])
	c.before = append(ownStorage(c), "--tmpdir", filepath.Join(c.home, "tmp"), "--cgroup-manager", "cgroupfs", "--events-backend", "none")
	c.verb = withStorage(t)
	return c
}

// ownStorage are the options of a storage in the client's home, which needs nothing of the kernel.
func ownStorage(c *Client) []string {
	return []string{"--root", filepath.Join(c.home, "storage"), "--runroot", filepath.Join(c.home, "run"), "--storage-driver", "vfs"}
}

// withStorage is how those work that keep images in a storage.
func withStorage(t testing.TB) verbs {
	t.Helper()
	return verbs{
		version: []string{"--version"}, login: loginWithTool,
		push: func(dir, ref string) script {
			return script{{"pull", "docker-archive:" + archive(t, dir, ref)}, {"push", plainHTTP, ref, "docker://" + ref}}
		},
		pull: func(_, ref string) script { return one("pull", plainHTTP, "docker://"+ref) },
		copy: func(from, to string) script {
			return script{{"pull", plainHTTP, "docker://" + from}, {"tag", from, to}, {"push", plainHTTP, to, "docker://" + to}}
		},
	}
}

// loginWithTool is how all programs of containers/image log in.
func loginWithTool(host, user string) script {
	return one("login", plainHTTP, "--username", user, "--password-stdin", host)
}
