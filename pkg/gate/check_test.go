package gate_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/certtest"
	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// withKeys gives a site its signing CA.
func withKeys(t *testing.T, s *site) {
	t.Helper()
	s.config.Keys.AutoCreate = false
	if _, err := gate.InitKeys(s.config); err != nil {
		t.Fatal(err)
	}
}

// check runs a check, which must leave no goroutine.
func (s *site) check(t *testing.T, faults error, scope gate.Scope) []gate.Finding {
	t.Helper()
	var found []gate.Finding
	labeled(t.Context(), t, func(ctx context.Context) { found = gate.Check(ctx, s.config, faults, scope) })
	noGoroutines(t)
	return found
}

// wantFinding checks that there is a finding, and that nothing else has its severity.
func wantFinding(t *testing.T, all []gate.Finding, severity gate.Severity, where, text string) {
	t.Helper()
	found := false
	for _, f := range all {
		switch {
		case f.Severity == severity && f.Where == where && strings.Contains(f.Text, text):
			found = true
		case f.Severity == severity && severity != gate.OK:
			t.Errorf("besides: %s %s: %s", f.Severity, f.Where, f.Text)
		}
	}
	if !found {
		t.Errorf("no %s of %s with %q among %v", severity, where, text, all)
	}
}

func TestCheckFindsEachFault(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		edit        func(*testing.T, *site)
		where, text string
	}{
		"no signing CA": {func(t *testing.T, s *site) {
			t.Helper()
			s.config.StateDir = t.TempDir()
		}, "keys", "wharfgate keys init"},
		"key of the CA is gone": {func(t *testing.T, s *site) {
			t.Helper()
			remove(t, filepath.Join(s.config.StateDir, token.CAKeyFile))
		}, "keys", "ca.key: no such file"},
		"others can read the key": {func(t *testing.T, s *site) {
			t.Helper()
			chmod(t, filepath.Join(s.config.StateDir, token.CAKeyFile), 0o640)
		}, "keys", "chmod 600"},
		"CA that may issue server certificates": {func(t *testing.T, s *site) {
			t.Helper()
			ca := certtest.NewCA(t)
			s.config.Keys = config.Keys{CACertFile: ca.CertFile, CAKeyFile: ca.Server(t, "x").KeyFile}
		}, "keys", "invalid signing CA"},
		"no file of the own CA": {func(_ *testing.T, s *site) {
			s.config.Keys = config.Keys{CACertFile: filepath.Join(s.dir, "own.crt"), CAKeyFile: filepath.Join(s.dir, "own.key")}
		}, "keys", "own.key: no such file"},
		"TLS certificate and key of two pairs": {func(t *testing.T, s *site) {
			t.Helper()
			ca := certtest.NewCA(t)
			s.config.TLS = config.ServerTLS{CertFile: ca.Server(t, "x").CertFile, KeyFile: ca.Server(t, "x").KeyFile}
		}, "tls", "private key does not match"},
		"TLS certificate that ended": {func(t *testing.T, s *site) {
			t.Helper()
			cert := certtest.NewCA(t).Expired(t, "x")
			s.config.TLS = config.ServerTLS{CertFile: cert.CertFile, KeyFile: cert.KeyFile}
		}, "tls", "renew it"},
		"no password file": {func(t *testing.T, s *site) {
			t.Helper()
			remove(t, s.config.Directories[0].Bind.PasswordFile)
		}, "directory corp", "bind.password_file: read secret: open"},
		"password file is empty": {func(t *testing.T, s *site) {
			t.Helper()
			s.write(t, "bind.pw", "\n")
		}, "directory corp", "is empty"},
		"password file is large": {func(t *testing.T, s *site) {
			t.Helper()
			s.write(t, "bind.pw", strings.Repeat("x", 5000))
		}, "directory corp", "is larger than 4096 bytes"},
		"password file is not text": {func(t *testing.T, s *site) {
			t.Helper()
			s.write(t, "bind.pw", "\xff\xfe")
		}, "directory corp", "is not UTF-8"},
		"no CA file of the directory": {func(_ *testing.T, s *site) {
			s.config.Directories[0].TLS.CAFile = filepath.Join(s.dir, "ca.pem")
		}, "directory corp", "tls.ca_file: open"},
		"CA file of the directory without a certificate": {func(t *testing.T, s *site) {
			t.Helper()
			s.config.Directories[0].TLS.CAFile = s.write(t, "ca.pem", "nothing\n")
		}, "directory corp", "holds no PEM certificate"},
		"client certificate is gone": {func(_ *testing.T, s *site) {
			s.config.Directories[0].TLS.CertFile, s.config.Directories[0].TLS.KeyFile = "/nowhere/c.crt", "/nowhere/c.key"
		}, "directory corp", "tls.cert_file: open /nowhere/c.crt"},
		"no folder of the audit file": {func(_ *testing.T, s *site) {
			s.config.Audit.File = filepath.Join(s.dir, "nowhere", "audit.log")
		}, "audit", "audit.file: open"},
		"no policy file": {func(t *testing.T, s *site) {
			t.Helper()
			remove(t, s.config.Policy.File)
		}, "policy", "put the file there"},
		"policy with a fault": {func(t *testing.T, s *site) {
			t.Helper()
			s.write(t, "policy.yaml", "version: 1\nrules:\n  - {who: [anyone], can: [pul], repos: [public/**]}\n")
		}, "policy", "policy.yaml:3:"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			withKeys(t, s)
			tt.edit(t, s)
			wantFinding(t, s.check(t, nil, gate.Offline), gate.Fault, tt.where, tt.text)
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestCheckFindsNoFault(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(s *site) {
		s.config.Directories[0].Servers, s.config.Directories[0].InsecurePlaintext = []string{"ldaps://ldap.test"}, false
		s.config.Audit.File = filepath.Join(s.dir, "audit.log")
	})
	withKeys(t, s)
	for _, f := range s.check(t, nil, gate.Offline) {
		if f.Severity != gate.OK {
			t.Errorf("%s %s: %s", f.Severity, f.Where, f.Text)
		}
	}
	if _, err := os.Stat(s.config.Audit.File); err == nil {
		t.Error("the check made the audit file")
	}
}

func TestCheckMakesNoKeys(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	wantFinding(t, s.check(t, nil, gate.Offline), gate.OK, "keys", "serve makes one")
	if _, err := os.Stat(s.config.StateDir); err == nil {
		t.Error("the check made the state directory")
	}
}

// TestCheckGoesOnAfterFaultsOfTheFile: what can be looked at in spite of them is.
func TestCheckGoesOnAfterFaultsOfTheFile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	remove(t, s.config.Policy.File)
	remove(t, s.config.Directories[0].Bind.PasswordFile)
	faults := config.Faults{{File: "wharfgate.yaml", Line: 3, Column: 1, Path: "lisen", Message: "unknown key", Remedy: "did you mean listen?"}}
	var seen []string
	for _, f := range s.check(t, faults, gate.Online) {
		if f.Severity == gate.Fault {
			seen = append(seen, f.Where)
		}
	}
	if got, want := strings.Join(seen, ", "), "configuration, directory corp, policy"; got != want {
		t.Errorf("faults of %s, want %s", got, want)
	}
	if found := gate.Check(t.Context(), config.Config{}, faults, gate.Offline); len(found) != 1 {
		t.Errorf("Check of an empty configuration = %v, want the faults of the file alone", found)
	}
}

func TestCheckWarnings(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(s *site) { s.config.Directories[0].InsecurePlaintext = false })
	s.config.Directories[0].Servers = []string{"ldaps://ldap.test"}
	withKeys(t, s)
	chmod(t, s.config.Directories[0].Bind.PasswordFile, 0o644)
	wantFinding(t, s.check(t, nil, gate.Offline), gate.Warning, "directory corp", "chmod o=")
}

func TestCheckOnline(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	s := newSite(t, c.use)
	withKeys(t, s)
	rule := func(who string) string { return "  - {who: ['" + who + "'], can: [pull], repos: [x/**]}\n" }
	policy := publicPolicy + rule("group:payments")
	s.write(t, "policy.yaml", policy)
	found := s.check(t, nil, gate.Online)
	wantFinding(t, found, gate.OK, "directory corp", c.address+" answers in")
	wantFinding(t, found, gate.OK, "policy", "1 named group found")
	for _, f := range found {
		if f.Severity == gate.Fault {
			t.Errorf("%s: %s", f.Where, f.Text)
		}
	}

	s.write(t, "policy.yaml", policy+rule("group:paiments"))
	wantFinding(t, s.check(t, nil, gate.Online), gate.Fault, "policy", `does not know the group "paiments"`)
	s.write(t, "policy.yaml", policy+rule("group:twins"))
	wantFinding(t, s.check(t, nil, gate.Online), gate.Fault, "policy", `knows 2 groups "twins", so that the name matches none of them: "cn=twins,ou=a,ou=groups,dc=corp,dc=test", "cn=twins,ou=b,`)

	s.write(t, "policy.yaml", policy)
	s.write(t, "bind.pw", "wrong\n")
	wantFault(t, s, "result 49")
	wantFault(t, s, "no server can be used as it is configured")
	s.write(t, "bind.pw", password)
	s.config.Directories[0].BaseDN = "dc=crop,dc=test"
	wantMisfit(t, s, `read base_dn: "dc=crop,dc=test" does not exist`)
	s.config.Directories[0].BaseDN = "dc=corp,dc=test"
	s.config.Directories[0].Servers = []string{"ldap://" + deadServer(t)}
	wantFault(t, s, "no server could be asked")
}

// wantMisfit checks that a check tells a server that answers from one that cannot be asked.
func wantMisfit(t *testing.T, s *site, text string) {
	t.Helper()
	var said []string
	for _, f := range s.check(t, nil, gate.Online) {
		if f.Severity == gate.Fault {
			said = append(said, f.Text)
		}
	}
	all := strings.Join(said, "\n")
	if !strings.Contains(all, text) || !strings.Contains(all, "no server can be used as it is configured") {
		t.Errorf("the faults are\n%s\nwant %q, and that no server can be used", all, text)
	}
	if strings.Contains(all, "could be asked") || strings.Contains(all, "unavailable") {
		t.Errorf("a server that answers is told as one that does not:\n%s", all)
	}
}

// wantWarning checks that a check has a warning of the policy, with its line, and no fault.
func wantWarning(t *testing.T, found []gate.Finding, code policyfile.Code, text string) {
	t.Helper()
	said := false
	for _, f := range found {
		said = said || f.Severity == gate.Warning && f.Where == "policy" && f.Code == string(code) && strings.Contains(f.Text, text) && strings.Contains(f.Text, "policy.yaml:")
		if f.Severity == gate.Fault {
			t.Errorf("%s: %s", f.Where, f.Text)
		}
	}
	if !said {
		t.Errorf("no warning %s with %q among %v", code, text, found)
	}
}

// wantFault checks that an online check has a fault of the directory with a text, and asks for no groups.
func wantFault(t *testing.T, s *site, text string) {
	t.Helper()
	said := false
	for _, f := range s.check(t, nil, gate.Online) {
		if f.Severity == gate.Fault && strings.Contains(f.Text, text) {
			said = true
		}
		if strings.Contains(f.Text, "could not be asked for") {
			t.Errorf("groups are looked up without a directory: %s", f.Text)
		}
	}
	if !said {
		t.Errorf("no fault with %q", text)
	}
}

// TestCheckWhoCanWriteTheState: a folder that is the gate's alone, or that others can read, is none of that.
func TestCheckWhoCanWriteTheState(t *testing.T) {
	t.Parallel()
	for mode, warned := range map[os.FileMode]bool{0o700: false, 0o755: false, 0o770: true, 0o702: true} {
		s := newSite(t)
		withKeys(t, s)
		chmod(t, s.config.StateDir, mode)
		found := false
		for _, f := range s.check(t, nil, gate.Offline) {
			found = found || f.Severity == gate.Warning && f.Where == "state_dir" && strings.Contains(f.Text, "chmod 700")
		}
		if found != warned {
			t.Errorf("mode %04o: warned is %t, want %t", mode, found, warned)
		}
	}
}
