package slapd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/need"
	"github.com/wharfgate/wharfgate/integration/internal/repository"
	"github.com/wharfgate/wharfgate/integration/internal/testbed"
)

// Options shape a server. The zero Options are a server with the testbed's named people and few others.
type Options struct {
	// Users is how many people u00001, u00002, ... there are; zero means 50.
	Users int
	// Plain lets simple binds through without TLS.
	Plain bool
	// Replica starts a second server that follows the first: see [Server.Replica].
	Replica bool
	// Configuration is more lines for the global part of slapd.conf.
	Configuration string
	// Namespace and Address run it in a network namespace, on an address there that is reached from outside. Empty
	// means on loopback.
	Namespace, Address string
}

// Server is a slapd that runs. Make one with [Start].
type Server struct {
	// URL is the ldaps address, PlainURL the ldap one, which serves StartTLS.
	URL, PlainURL string
	// CAFile holds the certificate authority of its certificate.
	CAFile string
	// BaseDN is the suffix; people and groups are in ou=people and ou=groups below it.
	BaseDN string
	// BindDN is a service account that may read, RootDN the one that may write.
	BindDN, RootDN string
	// Password is everybody's, but RootPassword.
	Password, RootPassword string

	// ClientCertFile and ClientKeyFile are the certificate of the client svc-cert, whom the server takes for
	// [Server.PersonDN] of that name.
	ClientCertFile, ClientKeyFile string

	testbed.Entries

	script    string
	env       []string
	namespace string
	dir       string
	host      string
	port      int
	number    string // 1, or 2 for a replica
	logFile   string
}

// Start starts a server that lives as long as the test, or skips the test where slapd is missing.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	need.Tools(t, "slapd", "ldapmodify", "openssl", "pgrep", "flock", "bash")
	dir, err := os.MkdirTemp("", "wg") //nolint:usetesting // sockets want a short path
	if err != nil {
		t.Fatal(err)
	}
	if o.Users == 0 {
		o.Users = 50
	}
	const each = 2
	port := loopback.Ports(t, 2*each)
	s := &Server{
		script: repository.Path(t, "integration", "testbed", "openldap.sh"),
		env: append(os.Environ(), "TB_DIR="+dir, "LDAP_PORT="+strconv.Itoa(port), "LDAP_REPLICA="+yesNo(o.Replica),
			"LDAP_USERS="+strconv.Itoa(o.Users), "LDAP_BIG=20", "LDAP_LOGLEVEL=256", "LDAP_PLAIN="+yesNo(o.Plain),
			"LDAP_EXTRA_CONF="+o.Configuration),
		namespace: o.Namespace, dir: filepath.Join(dir, "openldap-"+strconv.Itoa(port)), port: port,
	}
	s.host = "localhost"
	if o.Address != "" {
		s.host = o.Address
		s.env = append(s.env, "LDAP_ADDR="+s.host)
	}
	s.at("1", port)
	s.endWithTest(t, dir)
	s.must(t, "start", s.number)
	s.readEnvironment(t)
	if o.Replica {
		s.must(t, "start", "2")
	}
	return s
}

// at makes the server the one with that number.
func (s *Server) at(number string, port int) {
	s.number, s.logFile = number, filepath.Join(s.dir, "slapd"+number+".log")
	s.PlainURL = "ldap://" + net.JoinHostPort(s.host, strconv.Itoa(port))
	s.URL = "ldaps://" + net.JoinHostPort(s.host, strconv.Itoa(port+1))
}

// Replica is the server that follows this one, where the options ask for it. It takes no changes.
func (s *Server) Replica() *Server {
	const further = 2
	r := *s
	r.at("2", s.port+further)
	r.Entries = testbed.NewEntries(r.URL, r.RootDN, r.RootPassword, r.TLS)
	return &r
}

// Kill ends the server at once, as a crash does.
func (s *Server) Kill(t testing.TB) { t.Helper(); s.must(t, "kill", s.number) }

// Restart starts the server again with the data that it had.
func (s *Server) Restart(t testing.TB) { t.Helper(); s.must(t, "start", s.number) }

// Pause freezes the server: connects succeed, nothing answers.
func (s *Server) Pause(t testing.TB) { t.Helper(); s.must(t, "pause", s.number) }

// Resume lets a frozen server go on.
func (s *Server) Resume(t testing.TB) { t.Helper(); s.must(t, "resume", s.number) }

// Configuration is the directory's section of a gate's configuration.
func (s *Server) Configuration() map[string]any {
	return map[string]any{
		"kind": "openldap", "servers": []string{s.URL}, "tls": map[string]any{"ca_file": s.CAFile},
		"bind": map[string]any{"dn": s.BindDN}, "base_dn": s.BaseDN,
		"users":  map[string]any{"base_dn": "ou=people," + s.BaseDN},
		"groups": map[string]any{"base_dn": "ou=groups," + s.BaseDN, "method": "member_search", "nested": true},
	}
}

// ServicePassword is the password of the account in Configuration.
func (s *Server) ServicePassword() string { return s.Password }

// PersonDN is the name of a person's entry; the uid must need no escaping.
func (s *Server) PersonDN(uid string) string { return "uid=" + uid + ",ou=people," + s.BaseDN }

// must runs the script and fails the test with what it said.
func (s *Server) must(t testing.TB, args ...string) {
	t.Helper()
	const patience = time.Minute
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	if out, err := s.command(ctx, args...).CombinedOutput(); err != nil {
		t.Fatalf("openldap.sh %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (s *Server) command(ctx context.Context, args ...string) *exec.Cmd {
	words := append([]string{s.script}, args...)
	if s.namespace != "" {
		words = append([]string{"ip", "netns", "exec", s.namespace}, words...)
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...) //nolint:gosec // the testbed's own script
	cmd.Env = s.env
	return cmd
}

// endWithTest starts a guard that removes the server and its state when its standard input closes: at the
// test's end, or when the test binary ends in any other way.
func (s *Server) endWithTest(t testing.TB, dir string) {
	t.Helper()
	input, alive, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	guard := exec.Command("bash", "-c", //nolint:gosec,noctx // it outlives every context of the test
		`trap '' INT TERM HUP; read -r _; "$0" kill; "$0" clean; rm -rf "$1"`, s.script, dir)
	guard.Env, guard.Stdin = s.env, input
	if err := guard.Start(); err != nil {
		t.Fatal(err)
	}
	_ = input.Close()
	t.Cleanup(func() {
		_ = alive.Close()
		if err := guard.Wait(); err != nil {
			t.Errorf("remove slapd: %v", err)
		}
	})
}

// readEnvironment fills in what the script says about the server.
func (s *Server) readEnvironment(t testing.TB) {
	t.Helper()
	out, err := s.command(t.Context(), "env").Output()
	if err != nil {
		t.Fatalf("openldap.sh env: %v", err)
	}
	said := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		said[name] = strings.Trim(value, "'")
	}
	s.CAFile, s.BaseDN = said["LDAP_CA"], said["LDAP_BASE_DN"]
	s.BindDN, s.Password = said["LDAP_BIND_DN"], said["LDAP_USER_PW"]
	s.RootDN, s.RootPassword = said["LDAP_ROOT_DN"], said["LDAP_ROOT_PW"]
	s.Entries = testbed.NewEntries(s.URL, s.RootDN, s.RootPassword, s.TLS)
	s.ClientCertFile, s.ClientKeyFile = said["LDAP_CLIENT_PEM"], said["LDAP_CLIENT_KEY"]
}

// Log returns what the server logged so far.
func (s *Server) Log(t testing.TB) []byte {
	t.Helper()
	f, err := os.Open(s.logFile)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var b bytes.Buffer
	if _, err := io.Copy(&b, f); err != nil {
		t.Fatal(fmt.Errorf("read log of slapd: %w", err))
	}
	return b.Bytes()
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
