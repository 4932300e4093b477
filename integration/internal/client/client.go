package client

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/proc"
)

// ErrNoCommand means that a program has no command for what was asked of it.
var ErrNoCommand = errors.New("the program has no such command")

// RunError is a command that failed.
type RunError struct {
	// Command is what was run, Output all that it printed, Stderr the part that went to its standard error.
	Command, Output, Stderr string
	// Err is how it ended.
	Err error
}

// Error names the command, how it ended and what it printed.
func (f *RunError) Error() string { return fmt.Sprintf("%s: %v: %s", f.Command, f.Err, f.Output) }

// Unwrap gives how it ended.
func (f *RunError) Unwrap() error { return f.Err }

// Client is one installation of a registry client: a program with stored credentials of its own. It is safe
// for concurrent use once it has logged in.
type Client struct {
	// Name is the program's name.
	Name string

	path string
	env  []string
	home string
	// before is what stands before every command.
	before []string
	// credentials is user:password for a program that stores none.
	credentials string
	verb        verbs
}

// script is some commands of a program, each after the other.
type script [][]string

// one is a script of one command.
func one(args ...string) script { return script{args} }

// verbs are a program's words for what clients can do; nil for what it cannot.
type verbs struct {
	version       []string
	login         func(host, user string) script
	push, pull    func(dir, ref string) script
	copy          func(from, to string) script
	remove        func(ref string) script
	tags, catalog func(place string) script
}

func newClient(t testing.TB, name, path string) *Client {
	t.Helper()
	home := t.TempDir()
	policy := filepath.Join(home, ".config", "containers", "policy.json") // without which containers/image does nothing
	err := os.MkdirAll(filepath.Dir(policy), 0o700)
	if err == nil {
		err = os.WriteFile(policy, []byte(`{"default":[{"type":"insecureAcceptAnything"}]}`), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &Client{Name: name, path: path, home: home, env: []string{
		"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "DOCKER_CONFIG=" + home,
		"REGISTRY_AUTH_FILE=" + filepath.Join(home, "config.json"), "XDG_RUNTIME_DIR=" + home,
	}}
}

// Trust makes the program believe in a certificate authority and in no other.
func (c *Client) Trust(caFile string) { c.env = append(c.env, "SSL_CERT_FILE="+caFile) }

// Login gives the program credentials. Crane stores them without asking anybody, and what has no command for it is
// given them again with each command.
func (c *Client) Login(ctx context.Context, host, user, password string) (string, error) {
	if c.verb.login == nil {
		c.credentials = user + ":" + password
		return "", nil
	}
	return c.play(ctx, password, c.verb.login(host, user))
}

// LogsIn is whether the program has a command to log in.
func (c *Client) LogsIn() bool { return c.verb.login != nil }

// Deletes is whether the program has a command to delete.
func (c *Client) Deletes() bool { return c.verb.remove != nil }

// Remember gives the program credentials, user:password for each place: a host, or a repository of one.
func (c *Client) Remember(t testing.TB, credentials map[string]string) {
	t.Helper()
	auths := make(map[string]map[string]string)
	for place, pair := range credentials {
		auths[place] = map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(pair))}
		c.credentials = pair
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
	if c.verb.push == nil {
		return "", ErrNoCommand
	}
	return c.play(ctx, "", c.verb.push(dir, ref))
}

// Pull fetches an image.
func (c *Client) Pull(ctx context.Context, ref string) (string, error) {
	if c.verb.pull == nil {
		return "", ErrNoCommand
	}
	dir, err := os.MkdirTemp(c.home, "image")
	if err != nil {
		return "", err
	}
	return c.play(ctx, "", c.verb.pull(dir, ref))
}

// Copy takes an image from one repository to another, by mounting its layers where the registry lets it.
func (c *Client) Copy(ctx context.Context, from, to string) (string, error) {
	if c.verb.copy == nil {
		return "", ErrNoCommand
	}
	return c.play(ctx, "", c.verb.copy(from, to))
}

// Delete removes an image.
func (c *Client) Delete(ctx context.Context, ref string) (string, error) {
	if c.verb.remove == nil {
		return "", ErrNoCommand
	}
	return c.play(ctx, "", c.verb.remove(ref))
}

// Tags lists the tags of a repository.
func (c *Client) Tags(ctx context.Context, repository string) (string, error) {
	if c.verb.tags == nil {
		return "", ErrNoCommand
	}
	return c.play(ctx, "", c.verb.tags(repository))
}

// Catalog lists the repositories of a registry.
func (c *Client) Catalog(ctx context.Context, host string) (string, error) {
	if c.verb.catalog == nil {
		return "", ErrNoCommand
	}
	return c.play(ctx, "", c.verb.catalog(host))
}

// Version is what the program says of its version.
func (c *Client) Version(ctx context.Context) (string, error) {
	out, err := c.Run(ctx, c.verb.version...)
	return strings.TrimSpace(out), err
}

// Run runs the program with any arguments and returns what it printed.
func (c *Client) Run(ctx context.Context, args ...string) (string, error) {
	return c.play(ctx, "", one(args...))
}

// play runs the commands of a script until one fails, and returns what they printed.
func (c *Client) play(ctx context.Context, stdin string, commands script) (string, error) {
	var all strings.Builder
	for _, args := range commands {
		out, err := c.run(ctx, stdin, args)
		all.WriteString(out)
		if err != nil {
			return all.String(), err
		}
	}
	return all.String(), nil
}

func (c *Client) run(ctx context.Context, stdin string, args []string) (string, error) {
	const patience = 90 * time.Second // some try many times, and machines are busy
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	args = append(slices.Clone(c.before), args...)
	var out, problems proc.Output
	cmd := exec.CommandContext(ctx, c.path, args...) //nolint:gosec // a client of the test's choice
	cmd.Env, cmd.Dir, cmd.Stdin = c.env, c.home, strings.NewReader(stdin)
	cmd.Stdout, cmd.Stderr = &out, io.MultiWriter(&out, &problems)
	if err := cmd.Run(); err != nil {
		command := c.Name + " " + strings.Join(args, " ")
		return out.String(), &RunError{Command: command, Output: out.String(), Stderr: problems.String(), Err: err}
	}
	return out.String(), nil
}
