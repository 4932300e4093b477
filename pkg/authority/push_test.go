package authority_test

import (
	"slices"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// TestP55_PushIsNeverWithoutPull: whatever rules allow and take away, a token that allows push allows pull, as
// registries want both, and pull is never more than the rules grant.
func TestP55_PushIsNeverWithoutPull(t *testing.T) {
	t.Parallel()
	const all = registry.RepositoryActions
	r := newRig(t)
	for can := registry.Actions(1); can <= all; can++ {
		for cannot := registry.Actions(0); cannot <= all; cannot++ {
			lines := []line{{policy.GroupName, "payments", policy.Can, can, "x/**"}}
			if cannot != 0 {
				lines = append(lines, line{policy.GroupName, "payments", policy.Cannot, cannot, "x/**"})
			}
			r.live.Swap(compile(t, "r", lines...))
			pull, err := r.Grant(t.Context(), happy(t, "repository:x/a:pull"))
			if err != nil {
				t.Fatal(err)
			}
			for _, asked := range []string{"push", "pull,push", "*", "delete,push"} {
				g, err := r.Grant(t.Context(), happy(t, "repository:x/a:"+asked))
				if err != nil {
					t.Fatal(err)
				}
				for _, a := range read(t, g.Token).Access {
					mayPull, mayPush := slices.Contains(a.Actions, "pull"), slices.Contains(a.Actions, "push")
					if mayPush && !mayPull || mayPull && len(pull.Granted) == 0 {
						t.Errorf("can %v, cannot %v: %s asked, %v in the token, pull alone is %v", can, cannot, asked, a.Actions, pull.Granted)
					}
				}
			}
		}
	}
}
