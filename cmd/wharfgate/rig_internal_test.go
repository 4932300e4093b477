package main

import (
	"bytes"
	"context"
	"flag"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// asProgram makes the test binary be the program: some tests need a process of its own.
const asProgram = "WHARFGATE_TEST_AS_PROGRAM"

var update = flag.Bool("update", false, "write the golden files")

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	m.Run()
}

// program gives the command that runs the program in a process of its own.
func program(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// outcome is what came of a command.
type outcome struct {
	code     int
	out, err string
}

// call runs a command line as a user would.
func call(t *testing.T, stdin string, args ...string) outcome {
	t.Helper()
	var out, problems bytes.Buffer
	code := run(args, streams{in: strings.NewReader(stdin), out: &out, err: &problems})
	return outcome{code, out.String(), problems.String()}
}

// want checks the exit code, and that the texts are in what was printed on either stream.
func (o outcome) want(t *testing.T, code int, texts ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit code %d, want %d\nout: %s\nerr: %s", o.code, code, o.out, o.err)
	}
	for _, text := range texts {
		if !strings.Contains(o.out+o.err, text) {
			t.Errorf("it does not say %q\nout: %s\nerr: %s", text, o.out, o.err)
		}
	}
}

// site is a configuration with its files.
type site struct {
	dir, config string
}

// siteText is a configuration that works, but for its directory, where nobody answers.
const siteText = `listen: LISTEN
operator: {listen: ""}
public_url: PUBLIC_URL
state_dir: state
keys: {auto_create: false}
registries: REGISTRIES
directories:
  - name: corp
    kind: openldap
    servers: [ldap://DIRECTORY]
    insecure_plaintext: true
    bind: {dn: "cn=wharfgate,dc=corp,dc=test", password_file: bind.pw}
    base_dn: dc=corp,dc=test
    groups: {base_dn: "ou=groups,dc=corp,dc=test"}
policy: {file: policy.yaml}
`

const sitePolicy = `version: 1
rules:
  - {who: [anyone], can: [pull], repos: [public/**]}
  - {who: ["group:payments"], can: [pull, push], repos: [payments/**]}
`

// newSite writes the files. Edits replace words of siteText.
func newSite(t *testing.T, edits ...string) site {
	t.Helper()
	s := site{dir: t.TempDir()}
	words := append(edits, // the first of two wins
		"LISTEN", "127.0.0.1:0",
		"PUBLIC_URL", "http://localhost:5001",
		"REGISTRIES", "[{service: registry.test}]",
		"DIRECTORY", deadServer(t),
	)
	s.config = s.write(t, "wharfgate.yaml", strings.NewReplacer(words...).Replace(siteText))
	s.write(t, "policy.yaml", sitePolicy)
	s.write(t, "bind.pw", "s3cret-of-the-service\n")
	return s
}

// write writes a file that only its owner reads.
func (s site) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// withKeys makes the signing CA.
func (s site) withKeys(t *testing.T) site {
	t.Helper()
	call(t, "", "keys", "init", "-c", s.config).want(t, exitOK)
	return s
}

// deadServer gives the address of a server that hangs up at once.
func deadServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

// golden compares a text with a file of testdata; with -update it writes the file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test -update writes it. It is now:\n%s", path, got)
	}
}
