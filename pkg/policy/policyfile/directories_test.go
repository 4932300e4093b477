package policyfile_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

// unqualified are subjects that name somebody of the default directory.
func unqualified() []string {
	return []string{
		"user:alice", "user:bob", "user-id:id-alice", "group:payments", "group:team-<team>", "group:<team>", "group:ops",
		`"group:CN=payments,OU=Groups,DC=corp,DC=example"`, "group:S-1-5-21-7", "group:staff",
	}
}

// randomPolicy gives rules of unqualified subjects, and some for everybody.
func randomPolicy(r *rand.Rand) string {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	var b strings.Builder
	b.WriteString("version: 1\ngroups: {staff: [payments, S-1-5-21-7]}\nrules:\n")
	for range 1 + r.IntN(6) {
		who, repos := pick(unqualified()...), pick("x/**", "**", "team-a/*", "'*/prod'")
		switch {
		case strings.Contains(who, "<team>") && r.IntN(2) == 0:
			repos = "<team>/**"
		case r.IntN(4) == 0:
			repos = "users/<user>/**"
		}
		if r.IntN(4) == 0 {
			who = "signed-in"
		}
		fmt.Fprintf(&b, "- {who: [%s], %s: %s, repos: [%s]", who, pick("can", "can", "cannot"), pick("pull", "push", "[push, delete]"), repos)
		if who == "signed-in" && r.IntN(2) == 0 {
			fmt.Fprintf(&b, ", except: [%s]", pick("user:alice", "group:payments", "group:ops"))
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// namesake is somebody of a directory who has every name and id that the rules may mean.
func namesake(r *rand.Rand, source string) identity.Principal {
	who := person([]string{"alice", "bob"}[r.IntN(2)], "payments", "team-a", "ops", "x")
	who.Source = source
	who.Groups = append(who.Groups, identity.NewGroup("S-1-5-21-7", "CN=Guests,DC=corp", ""))
	return who
}

// TestLDAP66_UnqualifiedNames: to the rules that name somebody of the default directory, an account of another one is
// nobody in particular, whatever it is called and whatever its groups are called.
func TestLDAP66_UnqualifiedNames(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(66, 1))
	nobody := identity.Principal{Kind: identity.Person, Source: "partner", ID: "nobody", Name: "nobody"}
	mattered := 0
	for range 400 {
		text := randomPolicy(r)
		p, err := policyfile.Parse("p.yaml", []byte(text), options())
		if err != nil {
			continue // a shape that the language refuses, such as <user> beside a hole that is not filled
		}
		partner, corp := namesake(r, "partner"), namesake(r, "corp")
		for _, words := range []string{"pull x/y", "push x/y", "push team-a/z", "delete a/z", "push users/alice/x", "push users/bob/x", "push x/prod", "pull payments/x"} {
			want := p.Decide(ask(nobody, words)).Granted
			if got := p.Decide(ask(partner, words)).Granted; got != want {
				t.Fatalf("%s of the partner may %s: %v, a stranger there %v\n%s", partner.Name, words, got, want, text)
			}
			if p.Decide(ask(corp, words)).Granted != want {
				mattered++
			}
		}
	}
	if mattered < 100 {
		t.Errorf("names of the default directory mattered %d times, want often", mattered)
	}
}
