package authority_test

import (
	"slices"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// TestP78_ZotAsksForItsCatalogWithoutAName: what zot calls repository::pull is its catalog, there and nowhere else, and
// no token for it holds a star.
func TestP78_ZotAsksForItsCatalogWithoutAName(t *testing.T) {
	t.Parallel()
	const zot = "zot.corp.example"
	withZot := func(o *authority.Options) {
		o.Services = append(o.Services, registry.Service{Name: zot, Kind: registry.Zot, EmptyCatalog: true})
	}
	lists := append(usual(), line{policy.GroupName, "payments", policy.Can, registry.Catalog, ""})
	for name, test := range map[string]struct {
		service string
		lines   []line
		asked   string
		want    []string
	}{
		"zot, who may list":            {zot, lists, "repository::pull", []string{"repository::pull"}},
		"zot, by the usual name":       {zot, lists, "registry:catalog:*", []string{"repository::pull"}},
		"zot, who may not list":        {zot, usual(), "repository::pull", []string{}},
		"zot, everything":              {zot, usual(), "repository:payments/api:*", []string{"repository:payments/api:delete,pull,push"}},
		"distribution, who may list":   {service, lists, "repository::pull", []string{}},
		"distribution, the usual name": {service, lists, "registry:catalog:*", []string{"registry:catalog:*"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, withZot)
			r.live.Swap(compile(t, name, test.lines...))
			ask := happy(t, test.asked)
			ask.Service = test.service
			g, err := r.Grant(t.Context(), ask)
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, g.Token).access(); !slices.Equal(got, test.want) {
				t.Errorf("access = %q, want %q", got, test.want)
			}
		})
	}
}
