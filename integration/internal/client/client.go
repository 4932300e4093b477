package client

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/need"
	"github.com/wharfgate/wharfgate/integration/internal/repository"
)

// Client is one installation of a registry client: a program with stored credentials of its own. It is safe
// for concurrent use once it has logged in.
type Client struct {
	// Name is the program's name.
	Name string

	path string
	env  []string
	home string
	verb verbs
}

// verbs are a program's words for what every client can do.
type verbs struct {
	login      func(host, user string) []string
	push, pull func(dir, ref string) []string
	copy       func(from, to string) []string
	remove     func(ref string) []string
}

// Skopeo is a skopeo without credentials.
func Skopeo(t testing.TB) *Client {
	t.Helper()
	c := newClient(t, "skopeo", need.Tools(t, "skopeo")[0])
	const plain = "--tls-verify=false"
	c.verb = verbs{
		login: func(host, user string) []string {
			return []string{"login", plain, "--username", user, "--password-stdin", host}
		},
		push: func(dir, ref string) []string {
			return []string{"--insecure-policy", "copy", "--dest-" + plain[2:], "oci:" + dir, "docker://" + ref}
		},
		pull: func(dir, ref string) []string {
			return []string{"--insecure-policy", "copy", "--src-" + plain[2:], "docker://" + ref, "oci:" + dir}
		},
		copy: func(from, to string) []string {
			return []string{
				"--insecure-policy", "copy", "--src-" + plain[2:], "--dest-" + plain[2:], "docker://" + from, "docker://" + to,
			}
		},
		remove: func(ref string) []string { return []string{"delete", plain, "docker://" + ref} },
	}
	return c
}

// Crane is a crane without credentials, of the version in the module's go.mod.
func Crane(t testing.TB) *Client {
	t.Helper()
	find := exec.CommandContext(t.Context(), "go", "tool", "-n", "crane")
	find.Dir = repository.Path(t, "integration")
	path, err := find.Output()
	if err != nil {
		t.Fatalf("build crane: %v", err)
	}
	c := newClient(t, "crane", strings.TrimSpace(string(path)))
	c.verb = verbs{
		login: func(host, user string) []string {
			return []string{"auth", "login", host, "--username", user, "--password-stdin"}
		},
		push:   func(dir, ref string) []string { return []string{"push", dir, ref} },
		pull:   func(dir, ref string) []string { return []string{"pull", "--format", "oci", ref, dir} },
		copy:   func(from, to string) []string { return []string{"copy", from, to} },
		remove: func(ref string) []string { return []string{"delete", ref} },
	}
	return c
}

// Docker is a docker command line without credentials and without a daemon: it can log in.
func Docker(t testing.TB) *Client {
	t.Helper()
	c := newClient(t, "docker", need.Tools(t, "docker")[0])
	c.verb = verbs{login: func(host, user string) []string {
		return []string{"login", "--username", user, "--password-stdin", host}
	}}
	return c
}

func newClient(t testing.TB, name, path string) *Client {
	t.Helper()
	home := t.TempDir()
	return &Client{Name: name, path: path, home: home, env: []string{
		"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "DOCKER_CONFIG=" + home,
		"REGISTRY_AUTH_FILE=" + filepath.Join(home, "config.json"), "XDG_RUNTIME_DIR=" + home,
	}}
}

// Trust makes the program believe in a certificate authority and in no other.
func (c *Client) Trust(caFile string) { c.env = append(c.env, "SSL_CERT_FILE="+caFile) }

// Login gives the program credentials. Crane stores them without asking anybody.
func (c *Client) Login(ctx context.Context, host, user, password string) (string, error) {
	return c.run(ctx, password, c.verb.login(host, user)...)
}

// Remember gives the program credentials, user:password for each place: a host, or a repository of one.
func (c *Client) Remember(t testing.TB, credentials map[string]string) {
	t.Helper()
	auths := make(map[string]map[string]string)
	for place, pair := range credentials {
		auths[place] = map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(pair))}
	}
	text, err := json.Marshal(map[string]any{"auths": auths})
	if err == nil {
		err = os.WriteFile(filepath.Join(c.home, "config.json"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Push sends the image in an OCI layout to a reference.
func (c *Client) Push(ctx context.Context, dir, ref string) (string, error) {
	return c.Run(ctx, c.verb.push(dir, ref)...)
}

// Pull fetches an image.
func (c *Client) Pull(ctx context.Context, ref string) (string, error) {
	dir, err := os.MkdirTemp(c.home, "image")
	if err != nil {
		return "", err
	}
	return c.Run(ctx, c.verb.pull(dir, ref)...)
}

// Copy takes an image from one repository to another, by mounting its layers where the registry lets it.
func (c *Client) Copy(ctx context.Context, from, to string) (string, error) {
	return c.Run(ctx, c.verb.copy(from, to)...)
}

// Delete removes an image.
func (c *Client) Delete(ctx context.Context, ref string) (string, error) {
	return c.Run(ctx, c.verb.remove(ref)...)
}

// Run runs the program with any arguments and returns what it printed.
func (c *Client) Run(ctx context.Context, args ...string) (string, error) {
	return c.run(ctx, "", args...)
}

func (c *Client) run(ctx context.Context, stdin string, args ...string) (string, error) {
	const patience = time.Minute
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.path, args...) //nolint:gosec // a client of the test's choice
	cmd.Env, cmd.Dir, cmd.Stdin = c.env, c.home, strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w: %s", c.Name, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}
