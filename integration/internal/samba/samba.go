package samba

import (
	"sync"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/need"
	"github.com/wharfgate/wharfgate/integration/internal/testbed"
)

// Options shape a server. The zero Options are a domain as it is by default: TLS is needed to log in, and five wrong
// passwords lock an account.
type Options struct {
	// Plain lets simple binds through without TLS.
	Plain bool
	// Configuration is more lines for the global part of smb.conf.
	Configuration string
	// CertFile and KeyFile are another certificate for the server. Empty means one of CAFile for its names.
	CertFile, KeyFile string
	// OwnCertificate lets Samba make a certificate, as it does by default: signed by itself, without the name of the host.
	OwnCertificate bool
}

// Server is a domain controller that runs. Make one with [Start] or [Shared].
type Server struct {
	// Address is its address on the loopback interface.
	Address string
	// URL is the ldaps address, PlainURL the ldap one, which serves StartTLS; GlobalURL is the global catalog's.
	URL, PlainURL, GlobalURL string
	// DNS is the address of its DNS server, which answers over UDP and TCP.
	DNS string
	// Host is its name, such as dc1.corp.example.
	Host string
	// CAFile holds the certificate authority of its certificate, which names Host, Domain, localhost and Address.
	CAFile, CAKeyFile string
	// Domain is the DNS name of the domain, NetBIOS its short name, SID its identifier.
	Domain, NetBIOS, SID string
	// BaseDN is the domain's; people and groups are in PeopleDN and GroupsDN.
	BaseDN, PeopleDN, GroupsDN string
	// BindDN is a service account without special rights, AdminDN the administrator.
	BindDN, AdminDN string
	// Password is everybody's, but AdminPassword.
	Password, AdminPassword string

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
		shared.server = start(t, testbed.OfBinary, Options{})
	}
	return shared.server
}

// Start starts a server that lives as long as the test, or skips the test where Samba or root is missing.
func Start(t testing.TB, o Options) *Server { t.Helper(); return start(t, testbed.OfTest, o) }

// ports are those that a domain controller needs.
func ports() []int { return []int{53, 88, 389, 464, 636, 3268, 3269} }

func start(t testing.TB, life testbed.Life, o Options) *Server {
	t.Helper()
	need.Root(t, "Samba needs root, for ports below 1024 and for the owners of files")
	need.Tools(t, "samba", "samba-tool", "ldbmodify", "ldapsearch", "iconv")
	address := loopback.IP(t, ports()...)
	s := &Server{Address: address}
	s.script = testbed.New(t, "samba-ad.sh", life,
		"SAMBA_ADDR="+address, "SAMBA_SAVED="+saved(t), "SAMBA_STRONG_AUTH="+yesNo(!o.Plain), "SAMBA_EXTRA_CONF="+o.Configuration,
		"SAMBA_CERT="+o.CertFile, "SAMBA_KEY="+o.KeyFile, "SAMBA_OWN_CERT="+yesNo(o.OwnCertificate))
	s.script.Must(t, "start")
	e := s.script.Environment(t)
	s.URL, s.PlainURL, s.GlobalURL, s.DNS, s.Host = e["AD_URL"], e["AD_URL_PLAIN"], e["AD_GC_URL"], e["AD_DNS"], e["AD_HOST"]
	s.CAFile, s.CAKeyFile, s.Domain, s.NetBIOS, s.SID = e["AD_CA"], e["AD_CA_KEY"], e["AD_DOMAIN"], e["AD_NETBIOS"], e["AD_SID"]
	s.BaseDN, s.PeopleDN, s.GroupsDN = e["AD_BASE"], e["AD_PEOPLE"], e["AD_GROUPS"]
	s.BindDN, s.Password, s.AdminDN, s.AdminPassword = e["AD_BIND_DN"], e["AD_USER_PW"], e["AD_ADMIN_DN"], e["AD_ADMIN_PW"]
	s.Entries = testbed.NewEntries(s.URL, s.AdminDN, s.AdminPassword, anyCertificate)
	return s
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
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
		"kind": "samba", "servers": []string{s.URL}, "tls": map[string]any{"ca_file": s.CAFile},
		"bind": map[string]any{"dn": s.BindDN}, "base_dn": s.BaseDN, "groups": map[string]any{"base_dn": s.GroupsDN},
	}
}

// ServicePassword is the password of the account in Configuration.
func (s *Server) ServicePassword() string { return s.Password }

// UserDN is the name of a user's entry; the cn must need no escaping.
func (s *Server) UserDN(cn string) string { return "CN=" + cn + "," + s.PeopleDN }

// GroupDN is the name of a group's entry; the cn must need no escaping.
func (s *Server) GroupDN(cn string) string { return "CN=" + cn + "," + s.GroupsDN }
