package activedirectory_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/samba"
)

// TestTheCheckSaysWhatIsWell: what was looked at on a domain and is well is told, too, to people and to machines.
func TestTheCheckSaysWhatIsWell(t *testing.T) {
	t.Parallel()
	d := samba.Shared(t)
	g := prepare(t, d)
	g.Run(t, "", "keys init")
	people, machines := g.Run(t, "", "check", "--online"), g.Run(t, "", "check", "--online", "--json")
	var said struct {
		OK       bool
		Findings []struct{ Severity, Where, Text string }
	}
	if err := json.Unmarshal([]byte(machines.Out), &said); err != nil || !said.OK {
		t.Fatalf("check --json: ok = %t, %v\n%s", said.OK, err, machines.Out)
	}
	var texts strings.Builder
	for _, f := range said.Findings {
		texts.WriteString(f.Text + "\n")
	}
	for _, want := range []string{
		d.URL + " answers in", "Samba", "certificate is valid until", "functional level", `base_dn "` + d.BaseDN + `" can be read`,
		"password of the service account", "groups by token_groups", "lock an account", "so at most 3 binds", "at worst", "named groups found",
	} {
		if !strings.Contains(people.Out, want) || !strings.Contains(texts.String(), want) {
			t.Errorf("check --online does not say %q:\n%s", want, people.Out)
		}
	}
}
