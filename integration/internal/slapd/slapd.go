package slapd

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/need"
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
	// HidesLocks makes it answer a locked account as it answers a wrong password.
	HidesLocks bool
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

	script  *testbed.Script
	dir     string
	host    string
	port    int
	number  string // 1, or 2 for a replica
	logFile string
}

// Start starts a server that lives as long as the test, or skips the test where slapd is missing.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	need.Tools(t, "slapd")
	if o.Users == 0 {
		o.Users = 50
	}
	const each = 2
	port := loopback.Ports(t, 2*each)
	s := &Server{host: "localhost", port: port}
	variables := []string{
		"LDAP_PORT=" + strconv.Itoa(port), "LDAP_REPLICA=" + yesNo(o.Replica), "LDAP_USERS=" + strconv.Itoa(o.Users),
		"LDAP_BIG=20", "LDAP_LOGLEVEL=256", "LDAP_PLAIN=" + yesNo(o.Plain), "LDAP_EXTRA_CONF=" + o.Configuration,
		"LDAP_TELL_LOCKS=" + yesNo(!o.HidesLocks),
	}
	if o.Address != "" {
		s.host = o.Address
		variables = append(variables, "LDAP_ADDR="+s.host)
	}
	s.script = testbed.New(t, "openldap.sh", testbed.OfTest, variables...)
	s.script.In(o.Namespace)
	s.dir = filepath.Join(s.script.Dir, "openldap-"+strconv.Itoa(port))
	s.at("1", port)
	s.script.Must(t, "start", s.number)
	s.readEnvironment(t)
	if o.Replica {
		s.script.Must(t, "start", "2")
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
func (s *Server) Kill(t testing.TB) { t.Helper(); s.script.Must(t, "kill", s.number) }

// Restart starts the server again with the data that it had.
func (s *Server) Restart(t testing.TB) { t.Helper(); s.script.Must(t, "start", s.number) }

// Pause freezes the server: connects succeed, nothing answers.
func (s *Server) Pause(t testing.TB) { t.Helper(); s.script.Must(t, "pause", s.number) }

// Resume lets a frozen server go on.
func (s *Server) Resume(t testing.TB) { t.Helper(); s.script.Must(t, "resume", s.number) }

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

// readEnvironment fills in what the script says about the server.
func (s *Server) readEnvironment(t testing.TB) {
	t.Helper()
	said := s.script.Environment(t)
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
