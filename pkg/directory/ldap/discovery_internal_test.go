package ldap

import (
	"net"
	"strings"
	"testing"
)

// TestDiscoveryRemedy: who has named no DNS servers is told that this is possible.
func TestDiscoveryRemedy(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]Resolver{
		"name DNS servers that do in discover.dns_servers":    net.DefaultResolver,
		"the servers in discover.dns_servers answer and know": &net.Resolver{},
	} {
		d := &discovery{options: Discovery{Resolver: r}}
		if got := d.remedy(); !strings.Contains(got, want) || !strings.Contains(got, "discover.domain") {
			t.Errorf("remedy = %q, want %q in it", got, want)
		}
	}
}
