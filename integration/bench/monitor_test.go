package bench_test

import (
	"strconv"
	"testing"

	"github.com/go-ldap/ldap/v3"
)

// operations are what reached slapd, by its own count.
type operations struct{ binds, searches, connections int }

// all are the operations that cost the directory work.
func (o operations) all() int { return o.binds + o.searches }

// minus is what happened between two looks.
func (o operations) minus(before operations) operations {
	return operations{o.binds - before.binds, o.searches - before.searches, o.connections - before.connections}
}

// plus adds up.
func (o operations) plus(more operations) operations {
	return operations{o.binds + more.binds, o.searches + more.searches, o.connections + more.connections}
}

// look reads slapd's counts, without those of looking.
func (d *directory) look(t testing.TB) operations {
	t.Helper()
	found, err := d.monitor.Search(&ldap.SearchRequest{
		BaseDN: "cn=Monitor", Scope: ldap.ScopeWholeSubtree, Filter: "(|(cn=Bind)(cn=Search)(cn=Total))",
		Attributes: []string{"monitorOpInitiated", "monitorCounter"},
	})
	if err != nil {
		t.Fatalf("ask slapd's monitor: %v", err)
	}
	d.looks++ // this one is among the searches that were begun
	o := operations{searches: -d.looks}
	for _, e := range found.Entries {
		switch e.DN {
		case "cn=Bind,cn=Operations,cn=Monitor":
			o.binds = count(t, e, "monitorOpInitiated")
		case "cn=Search,cn=Operations,cn=Monitor":
			o.searches += count(t, e, "monitorOpInitiated")
		case "cn=Total,cn=Connections,cn=Monitor":
			o.connections = count(t, e, "monitorCounter")
		}
	}
	return o
}

func count(t testing.TB, e *ldap.Entry, attribute string) int {
	t.Helper()
	n, err := strconv.Atoi(e.GetAttributeValue(attribute))
	if err != nil {
		t.Fatalf("%s of %s: %v", attribute, e.DN, err)
	}
	return n
}
