package ldap

import (
	"context"
	"errors"
	"slices"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// told collects changes.
type told []directory.Change

func (t *told) add(c directory.Change) { *t = append(*t, c) }

// watched makes a watch on a Backend that asks nobody.
func watched(t *testing.T, to *told) *watch {
	t.Helper()
	b, err := New(Options{
		Source: "corp", Servers: []string{"ldaps://dc1.corp.example"}, BaseDN: "ou=people,dc=corp,dc=example", BindDN: "cn=x,dc=corp,dc=example",
		BindPassword: func() (identity.Secret, error) { return identity.NewSecret("x"), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return &watch{server: b.fleet.servers()[0], changed: to.add}
}

// TestDirSyncTells: what a domain controller sends of a changed entry concerns one account, or everybody.
func TestDirSyncTells(t *testing.T) {
	t.Parallel()
	const id = "00112233-4455-6677-8899-aabbccddeeff"
	one, all := directory.Change{Account: id}, directory.Change{}
	tests := []struct {
		name       string
		attributes []string
		want       []directory.Change
	}{
		{"disabled", []string{"userAccountControl"}, []directory.Change{one}},
		{"another password", []string{"pwdLastSet"}, []directory.Change{one}},
		{"another primary group", []string{"primaryGroupID"}, []directory.Change{one}},
		{"new account", []string{"userAccountControl", "sAMAccountName", "pwdLastSet"}, []directory.Change{one}},
		{"members", []string{"member"}, []directory.Change{all}},
		{"members that came", []string{"member;range=1-1"}, []directory.Change{all}},
		{"members that left", []string{"MEMBER;range=0-0"}, []directory.Change{all}},
		{"another scope", []string{"groupType"}, []directory.Change{all}},
		{"new group", []string{"groupType", "sAMAccountName", "member"}, []directory.Change{all}},
		{"another name", []string{"sAMAccountName"}, []directory.Change{all, one}},
		{"gone", []string{"isDeleted"}, []directory.Change{all, one}},
		{"moved", nil, []directory.Change{all, one}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got told
			g, err := parseGUID(id)
			if err != nil {
				t.Fatal(err)
			}
			e := &goldap.Entry{Attributes: []*goldap.EntryAttribute{{Name: objectGUID, ByteValues: [][]byte{g[:]}}}}
			for _, name := range tt.attributes {
				e.Attributes = append(e.Attributes, goldap.NewEntryAttribute(name, []string{"x"}))
			}
			d := dirSync{watch: watched(t, &got)}
			d.tell(e)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%v means %v, want %v", tt.attributes, got, tt.want)
			}
		})
	}
}

// TestSyncMeans: an entry that content synchronization sends is one account; of a group, or without an id, everybody.
func TestSyncMeans(t *testing.T) {
	t.Parallel()
	const id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
	bytes := [16]byte{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}
	state := []goldap.Control{&goldap.ControlSyncState{State: goldap.SyncStateDelete, EntryUUID: bytes}}
	other := goldap.NewEntry("uid=a", map[string][]string{"nsUniqueId": {"1-2-3-4"}})
	gone := goldap.NewEntry("uid=a", nil)
	tests := []struct {
		name, account string
		entry         *goldap.Entry
		want          string
	}{
		{"by the state of the entry", "entryUUID", gone, id},
		{"by an attribute", "nsUniqueId", other, "1-2-3-4"},
		{"gone, and the attribute with it", "nsUniqueId", gone, ""},
		{"group", "", other, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := syncSearch{account: tt.account}
			if got := s.change(tt.entry, state); got.Account != tt.want {
				t.Errorf("change = %q, want %q", got.Account, tt.want)
			}
		})
	}
}

// TestNamingContext: DirSync and the state of the server are asked at the root of what holds the base DN.
func TestNamingContext(t *testing.T) {
	t.Parallel()
	b := watched(t, &told{}).server.backend
	tests := []struct {
		contexts []string
		want     string
	}{
		{[]string{"DC=corp,DC=example", "CN=Configuration,DC=corp,DC=example", "DC=example"}, "DC=corp,DC=example"},
		{[]string{"dc=xcorp,dc=example", "dc=orp,dc=example"}, "ou=people,dc=corp,dc=example"},
		{[]string{"nonsense", ""}, "ou=people,dc=corp,dc=example"},
		{nil, "ou=people,dc=corp,dc=example"},
	}
	for _, tt := range tests {
		root := goldap.NewEntry("", map[string][]string{"namingContexts": tt.contexts})
		if got := b.namingContext(root); got != tt.want {
			t.Errorf("of %q the context is %q, want %q", tt.contexts, got, tt.want)
		}
	}
}

// TestNoWayToWatch: a server without either way says so, and one that cannot be reached says that.
func TestNoWayToWatch(t *testing.T) {
	t.Parallel()
	b := watched(t, &told{}).server.backend
	if _, err := method(goldap.NewEntry("", map[string][]string{"supportedControl": {"1.2.3"}})); !errors.Is(err, errNoWatch) {
		t.Errorf("method = %v, want %v", err, errNoWatch)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Watch(ctx, func(directory.Change) {}); err == nil {
		t.Error("a watch that could not begin ended without an error")
	}
}
