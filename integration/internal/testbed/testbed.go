package testbed

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/need"
	"github.com/wharfgate/wharfgate/integration/internal/repository"
)

// patience bounds one run of a script: the first start of a domain takes the most.
const patience = 5 * time.Minute

// Life is how long a server lives.
type Life int

// The lives.
const (
	// OfTest ends with the test.
	OfTest Life = iota
	// OfBinary ends with the test binary: for a server that its tests share.
	OfBinary
)

// Script is one server's script with its variables. Make one with [New].
type Script struct {
	// Dir is the folder that all of the server's files are in.
	Dir string

	name      string
	path      string
	env       []string
	namespace string
}

// New prepares a script of integration/testbed, such as "openldap.sh", and what will end its server. Variables are
// NAME=value; TB_DIR is set here. Nothing is started yet.
func New(t testing.TB, name string, life Life, variables ...string) *Script {
	t.Helper()
	need.Tools(t, "ldapmodify", "openssl", "pgrep", "flock", "bash")
	dir, err := os.MkdirTemp("", "wg") //nolint:usetesting // sockets want a short path
	if err != nil {
		t.Fatal(err)
	}
	s := &Script{
		Dir: dir, name: name, path: repository.Path(t, "integration", "testbed", name),
		env: append(append(os.Environ(), "TB_DIR="+dir), variables...),
	}
	s.guard(t, life)
	return s
}

// In makes later verbs of the script run in a network namespace.
func (s *Script) In(namespace string) { s.namespace = namespace }

// Must runs a verb of the script and fails the test with what it said.
func (s *Script) Must(t testing.TB, args ...string) { t.Helper(); s.MustRead(t, "", args...) }

// MustRead is Must with something on the script's standard input.
func (s *Script) MustRead(t testing.TB, stdin string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	cmd := s.command(ctx, args...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", s.name, strings.Join(args, " "), err, out)
	}
}

// Environment returns what the script says about its server, by the names of its variables.
func (s *Script) Environment(t testing.TB) map[string]string {
	t.Helper()
	out, err := s.command(t.Context(), "env").Output()
	if err != nil {
		t.Fatalf("%s env: %v", s.name, err)
	}
	said := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		said[name] = strings.Trim(value, "'")
	}
	return said
}

func (s *Script) command(ctx context.Context, args ...string) *exec.Cmd {
	words := append([]string{s.path}, args...)
	if s.namespace != "" {
		words = append([]string{"ip", "netns", "exec", s.namespace}, words...)
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...) //nolint:gosec // the testbed's own script
	cmd.Env = s.env
	return cmd
}

// held keeps the guards' inputs open as long as the test binary lives: a file that nobody holds is closed.
var held struct { //nolint:gochecknoglobals // of the test binary
	sync.Mutex
	inputs []*os.File
}

// guard starts what removes the server and its folder when its standard input closes: at the test's end, or when the
// test binary ends in any way.
func (s *Script) guard(t testing.TB, life Life) {
	t.Helper()
	input, alive, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	guard := exec.Command("bash", "-c", //nolint:gosec,noctx // it outlives every context of the test
		`trap '' INT TERM HUP; read -r _; "$0" kill; "$0" clean; rm -rf "$1"`, s.path, s.Dir)
	guard.Env, guard.Stdin = s.env, input
	if err := guard.Start(); err != nil {
		t.Fatal(err)
	}
	_ = input.Close()
	if life == OfBinary {
		held.Lock()
		held.inputs = append(held.inputs, alive)
		held.Unlock()
		return
	}
	t.Cleanup(func() {
		_ = alive.Close()
		if err := guard.Wait(); err != nil {
			t.Errorf("%s: remove the server: %v", s.name, err)
		}
	})
}
