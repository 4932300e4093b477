package authority_test

import (
	"context"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// TestSubjects: no two accounts of several directories are one subject, and one directory's names are left alone.
func TestSubjects(t *testing.T) {
	t.Parallel()
	person := func(source, name string) identity.Principal {
		return identity.Principal{Kind: identity.Person, Source: source, ID: "x", Name: name}
	}
	tests := []struct {
		who           identity.Principal
		alone, beside string
	}{
		{person("corp", "alice"), "alice", "alice"},
		{person("partner", "alice"), "alice", "alice@partner"},
		{person("corp", "alice@partner"), "alice@partner", "alice@partner@corp"},
		{person("partner", "a@b"), "a@b", "a@b@partner"},
		{identity.Principal{Kind: identity.Robot, Name: "ci"}, "ci", "ci"},
	}
	for home, want := range map[string]func(i int) string{
		"":     func(i int) string { return tests[i].alone },
		"corp": func(i int) string { return tests[i].beside },
	} {
		for i, tt := range tests {
			r := newRig(t, func(o *authority.Options) { o.DefaultDirectory = home })
			r.directory.authenticate = func(context.Context, identity.Credentials) (identity.Principal, error) { return tt.who, nil }
			g, err := r.Grant(t.Context(), happy(t))
			if err != nil {
				t.Fatal(err)
			}
			if got := read(t, g.Token).Subject; got != want(i) {
				t.Errorf("subject of %s of %q beside %q = %q, want %q", tt.who.Name, tt.who.Source, home, got, want(i))
			}
		}
	}
}
