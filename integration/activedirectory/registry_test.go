package activedirectory_test

import (
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/distribution"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
)

// TestPushAndPullWithADomainAccount: a real client and a real registry; rights come through nested groups of the domain.
func TestPushAndPullWithADomainAccount(t *testing.T) {
	t.Parallel()
	d, g := shared(t)
	host := distribution.StartV2(t, g.Auth(gate.Service)).Host
	for what, test := range map[string]struct {
		user, repo string
		works      bool
	}{
		"principal name": {"alice@" + d.Domain, "/teams/dl-registry/tool:1", true},
		"domain":         {d.NetBIOS + `\alice`, "/teams/nest-1/tool:1", true},
		"primary group":  {"prim", "/teams/un-eng/tool:1", true},
		"other's group":  {"nora", "/teams/dl-registry/tool:1", false},
		"not a person":   {"ws1$", "/teams/dl-registry/tool:1", false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			c := client.Skopeo(t)
			_, err := c.Login(t.Context(), host, test.user, d.Password)
			if err == nil {
				_, err = c.Push(t.Context(), client.Image(t, 1), host+test.repo)
			}
			if (err == nil) != test.works {
				t.Errorf("push as %s to %s = %v", test.user, test.repo, err)
			}
			if test.works {
				if _, err := c.Pull(t.Context(), host+test.repo); err != nil {
					t.Errorf("pull as %s = %v", test.user, err)
				}
			}
		})
	}
}
