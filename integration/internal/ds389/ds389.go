package ds389

import (
	"crypto/tls"
	"strconv"
	"sync"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/need"
	"github.com/wharfgate/wharfgate/integration/internal/testbed"
)

// Server is a directory server that runs. Make one with [Start] or [Shared].
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

	testbed.Entries

	script *testbed.Script
}

// shared is the server of the test binary.
var shared struct { //nolint:gochecknoglobals // of the test binary
	sync.Mutex
	server *Server
}

// Shared returns the server that all tests of the binary share, and that the first of them starts. It lives as long as
// the binary.
func Shared(t testing.TB) *Server {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		shared.server = start(t, testbed.OfBinary)
	}
	return shared.server
}

// Start starts a server that lives as long as the test, or skips the test where 389-ds or root is missing.
func Start(t testing.TB) *Server { t.Helper(); return start(t, testbed.OfTest) }

func start(t testing.TB, life testbed.Life) *Server {
	t.Helper()
	need.Root(t, "389-ds needs root, for the files of its package")
	need.Tools(t, "ns-slapd", "pwdhash", "certutil", "pk12util")
	port := loopback.Ports(t, 2)
	s := &Server{
		URL: "ldaps://" + loopback.Host(port+1), PlainURL: "ldap://" + loopback.Host(port),
		script: testbed.New(t, "ds389.sh", life, "DS_PORT="+strconv.Itoa(port)),
	}
	s.script.Must(t, "start")
	e := s.script.Environment(t)
	s.CAFile, s.BaseDN, s.BindDN, s.Password = e["DS_CA"], e["DS_BASE_DN"], e["DS_BIND_DN"], e["DS_USER_PW"]
	s.RootDN, s.RootPassword = e["DS_ROOT_DN"], e["DS_ROOT_PW"]
	s.Entries = testbed.NewEntries(s.URL, s.RootDN, s.RootPassword, s.TLS)
	return s
}

// Kill ends the server at once, as a crash does.
func (s *Server) Kill(t testing.TB) { t.Helper(); s.script.Must(t, "kill") }

// Stop ends the server as its operator does.
func (s *Server) Stop(t testing.TB) { t.Helper(); s.script.Must(t, "stop") }

// Restart starts a server that was killed or stopped again with the data that it had.
func (s *Server) Restart(t testing.TB) { t.Helper(); s.script.Must(t, "start") }

// Pause freezes the server: connects succeed, nothing answers.
func (s *Server) Pause(t testing.TB) { t.Helper(); s.script.Must(t, "pause") }

// Resume lets a frozen server go on.
func (s *Server) Resume(t testing.TB) { t.Helper(); s.script.Must(t, "resume") }

// Configuration is the directory's section of a gate's configuration, by its kind alone but for the groups whose names
// count.
func (s *Server) Configuration() map[string]any {
	return map[string]any{
		"kind": "389ds", "servers": []string{s.URL}, "tls": map[string]any{"ca_file": s.CAFile},
		"bind": map[string]any{"dn": s.BindDN}, "base_dn": s.BaseDN, "groups": map[string]any{"base_dn": "ou=groups," + s.BaseDN},
	}
}

// ServicePassword is the password of the account in Configuration.
func (s *Server) ServicePassword() string { return s.Password }

// PersonDN is the name of a person's entry; the uid must need no escaping.
func (s *Server) PersonDN(uid string) string { return "uid=" + uid + ",ou=people," + s.BaseDN }

// GroupDN is the name of a group's entry; the cn must need no escaping.
func (s *Server) GroupDN(cn string) string { return "cn=" + cn + ",ou=groups," + s.BaseDN }

// AddPerson adds a person with everybody's password.
func (s *Server) AddPerson(t testing.TB, uid string) {
	t.Helper()
	s.Add(t, s.PersonDN(uid), map[string][]string{
		"objectClass": {"inetOrgPerson"}, "uid": {uid}, "cn": {uid}, "sn": {uid}, "userPassword": {s.Password},
	})
	s.Set(t, s.PersonDN(uid), "passwordExpirationTime") // which the server sets to long ago for a password from its root
}

// AddGroup adds a groupOfNames of DNs.
func (s *Server) AddGroup(t testing.TB, cn string, members ...string) {
	t.Helper()
	s.Add(t, s.GroupDN(cn), map[string][]string{"objectClass": {"groupOfNames"}, "cn": {cn}, "member": members})
}

// AddGroups adds many groups many-0, many-1, ... of one member.
func (s *Server) AddGroups(t testing.TB, n int, member string) {
	t.Helper()
	s.Change(t, func(c *ldap.Conn) error {
		for i := range n {
			add := ldap.NewAddRequest(s.GroupDN("many-"+strconv.Itoa(i)), nil)
			add.Attribute("objectClass", []string{"groupOfNames"})
			add.Attribute("member", []string{member})
			if err := c.Add(add); err != nil {
				return err
			}
		}
		return nil
	})
}

// SetPassword changes a person's password for good: the directory does not ask the person to change it.
func (s *Server) SetPassword(t testing.TB, uid, password string) {
	t.Helper()
	s.Set(t, s.PersonDN(uid), "userPassword", password)
	s.Set(t, s.PersonDN(uid), "passwordExpirationTime")
}

// BadPasswords is how many wrong passwords the server counts for a person.
func (s *Server) BadPasswords(t testing.TB, uid string) int {
	t.Helper()
	n, err := strconv.Atoi("0" + s.Read(t, s.PersonDN(uid), "passwordRetryCount").GetAttributeValue("passwordRetryCount"))
	if err != nil {
		t.Fatalf("passwordRetryCount of %s: %v", uid, err)
	}
	return n
}

// TLS trusts the server's certificate authority.
func (s *Server) TLS(t testing.TB) *tls.Config { t.Helper(); return testbed.Trust(t, s.CAFile) }
