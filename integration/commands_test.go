package integration_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/need"
)

func TestCommandsOnARealDirectory(t *testing.T) {
	t.Parallel()
	s := sharedSite(t)
	password := s.directory.Password
	cases := map[string]struct {
		command string
		stdin   string
		args    []string
		code    int
		says    []string
	}{
		"check":              {command: "check"},
		"check online":       {command: "check", args: []string{"--online"}, says: []string{"localhost"}},
		"login":              {command: "login", stdin: password + "\n", args: []string{"alice"}, says: []string{"login works", "payments", "engineering"}},
		"wrong password":     {command: "login", stdin: "wrong\n", args: []string{"carol"}, code: 1, says: []string{"wrong_password"}},
		"locked":             {command: "login", stdin: password + "\n", args: []string{"locked"}, code: 1, says: []string{"locked"}},
		"expired":            {command: "login", stdin: password + "\n", args: []string{"expired"}, code: 1, says: []string{"expired"}},
		"must change":        {command: "login", stdin: password + "\n", args: []string{"mustchange"}, code: 1, says: []string{"must_change"}},
		"nobody":             {command: "login", stdin: password + "\n", args: []string{"nobody-at-all"}, code: 1, says: []string{"not_found"}},
		"explain granted":    {command: "explain", args: []string{"--registry", serviceV3, "--user", "alice", "push", "payments/api"}, says: []string{"payments"}},
		"explain near miss":  {command: "explain", args: []string{"--registry", serviceV3, "--user", "alice", "push", "search/api"}, code: 1, says: []string{"team-search"}},
		"explain cannot":     {command: "explain", args: []string{"--registry", serviceV3, "--user", "dana", "push", "frozen/api"}, code: 1, says: []string{"frozen/**"}},
		"explain anonymous":  {command: "explain", args: []string{"--registry", serviceV3, "pull", "public/hello"}, says: []string{"Anyone can pull public/**"}},
		"explain unknown":    {command: "explain", args: []string{"--registry", serviceV3, "--user", "nobody-at-all", "pull", "public/hello"}, code: 1},
		"explain needs more": {command: "explain", args: []string{"--user", "alice", "pull", "public/hello"}, code: 2, says: []string{serviceV2}},
		"keys export":        {command: "keys export", says: []string{"BEGIN CERTIFICATE"}},
		"keys init":          {command: "keys init", code: 1, says: []string{"exist"}},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s.gate.Run(t, test.stdin, test.command, test.args...)
			if got.Code != test.code {
				t.Errorf("%s %q exits with %d, want %d\n%s%s", test.command, test.args, got.Code, test.code, got.Out, got.Err)
			}
			for _, want := range test.says {
				if !strings.Contains(got.Out+got.Err, want) {
					t.Errorf("%s %q does not say %q:\n%s%s", test.command, test.args, want, got.Out, got.Err)
				}
			}
			if strings.Contains(got.Out+got.Err, password) {
				t.Errorf("%s shows the password", test.command)
			}
		})
	}
}

func TestCheckOnlineFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	cases := map[string]struct {
		edit func(gate.Settings)
		says string
	}{
		"wrong service password": {func(s gate.Settings) {
			s.Directory()["bind"].(gate.Settings)["dn"] = "cn=svc-nobody," + d.BaseDN
		}, "bind.dn"},
		"wrong authority":  {func(s gate.Settings) { delete(s.Directory(), "tls") }, "certificate"},
		"nobody listens":   {func(s gate.Settings) { s.Directory()["servers"] = []string{"ldaps://localhost:1"} }, "localhost:1"},
		"no such groups":   {func(s gate.Settings) { s.Directory()["groups"].(gate.Settings)["base_dn"] = "ou=nowhere," + d.BaseDN }, "nowhere"},
		"no such accounts": {func(s gate.Settings) { s.Directory()["users"].(gate.Settings)["base_dn"] = "ou=nowhere," + d.BaseDN }, "nowhere"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := gate.Prepare(t, d, sitePolicy, twoServices, test.edit)
			g.Run(t, "", "keys init")
			got := g.Run(t, "", "check", "--online")
			if got.Code != 1 || !strings.Contains(got.Out+got.Err, test.says) {
				t.Errorf("check --online = %d, want 1 and %q:\n%s%s", got.Code, test.says, got.Out, got.Err)
			}
		})
	}
}

// TestCheckRefusesACAOfHosts: whoever can sign a web certificate must not be able to sign a token.
func TestCheckRefusesACAOfHosts(t *testing.T) {
	t.Parallel()
	d := sharedSite(t).directory
	for name, test := range map[string]struct {
		limit string
		says  []string
	}{
		"no limit at all": {"", []string{"server and client certificates", "name constraint"}},
		"servers":         {"extendedKeyUsage=serverAuth", []string{"may issue server certificates"}},
		"clients":         {"extendedKeyUsage=clientAuth", []string{"may issue client certificates"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cert, key := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key")
			args := []string{
				"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert,
				"-subj", "/CN=company CA", "-days", "30", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
			}
			if test.limit != "" {
				args = append(args, "-addext", test.limit)
			}
			made := exec.CommandContext(t.Context(), need.Tools(t, "openssl")[0], args...) //nolint:gosec // found by name
			if out, err := made.CombinedOutput(); err != nil {
				t.Fatalf("openssl: %v\n%s", err, out)
			}
			g := gate.Prepare(t, d, sitePolicy, func(s gate.Settings) {
				s["keys"] = gate.Settings{"ca_cert_file": cert, "ca_key_file": key}
			})
			for _, command := range []string{"check", "serve"} {
				got := g.Run(t, "", command)
				if got.Code != 1 {
					t.Errorf("%s = %d, want 1\n%s%s", command, got.Code, got.Out, got.Err)
				}
				for _, want := range test.says {
					if !strings.Contains(got.Out+got.Err, want) {
						t.Errorf("%s does not say %q:\n%s%s", command, want, got.Out, got.Err)
					}
				}
			}
		})
	}
}
