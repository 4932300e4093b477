package integration_test

import (
	"slices"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// Ways to reach a directory and to read groups that the shared site does not use.
func TestDirectoryVariants(t *testing.T) {
	t.Parallel()
	s := sharedSite(t)
	plain := slapd.Start(t, slapd.Options{Plain: true})
	plain.AddGroup(t, slapd.Names, "payments", plain.PersonDN("alice"))
	cases := map[string]struct {
		directory *slapd.Server
		edit      func(gate.Settings)
		user      string
		repo      string
		want      []string
	}{
		"start tls": {s.directory, func(c gate.Settings) {
			c.Directory()["servers"] = []string{s.directory.PlainURL}
			c.Directory()["tls"] = gate.Settings{"ca_file": s.directory.CAFile, "start_tls": true}
		}, "alice", "payments/api", []string{"pull", "push"}},
		"plain": {plain, func(c gate.Settings) {
			c.Directory()["servers"] = []string{plain.PlainURL}
			c.Directory()["insecure_plaintext"] = true
			delete(c.Directory(), "tls")
		}, "alice", "payments/api", []string{"pull", "push"}},
		"member_of": {s.directory, func(c gate.Settings) {
			c.Directory()["groups"].(gate.Settings)["method"] = "member_of"
		}, "alice", "payments/api", []string{"pull", "push"}},
		"member_of, nested": {s.directory, func(c gate.Settings) {
			c.Directory()["groups"].(gate.Settings)["method"] = "member_of"
		}, "alice", "eng/tool", []string{"pull"}},
		"login by mail": {s.directory, func(c gate.Settings) {
			c.Directory()["users"].(gate.Settings)["login_attributes"] = []string{"uid", "mail"}
		}, "alice@example.org", "users/alice/x", []string{"pull", "push"}},
		"first server down": {s.directory, func(c gate.Settings) {
			c.Directory()["servers"] = []string{"ldaps://localhost:1", s.directory.URL}
		}, "alice", "payments/api", []string{"pull", "push"}},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := startGate(t, test.directory, test.edit)
			answer := mustGrant(t, g, test.user, test.directory.Password, "repository:"+test.repo+":push,pull")
			if got := granted(answer, test.repo); !slices.Equal(got, test.want) {
				t.Errorf("granted = %q, want %q", got, test.want)
			}
			if answer.Claims.Subject != "alice" {
				t.Errorf("subject = %q, want the directory's name", answer.Claims.Subject)
			}
		})
	}
}
