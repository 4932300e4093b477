package authority_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// Alice asks for more than she may: she gets a token for what she may.
func ExampleAuthority_Grant() {
	a, err := exampleAuthority()
	if err != nil {
		fmt.Println(err)
		return
	}
	scopes, _, err := registry.ParseScopes([]string{"repository:base/go:pull,push repository:secret/x:pull"}, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	g, err := a.Grant(context.Background(), authority.Request{
		Service: "registry.corp.example", Grant: authority.GrantBasic, Scopes: scopes,
		Credentials: &identity.Credentials{Username: "alice", Password: identity.NewSecret("right")},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(g.Principal.Name, g.Granted, g.ExpiresIn, g.Rules(), g.Reason())
	// Output: alice [repository:base/go:pull] 5m0s [policy.yaml:3] no_rule
}

// exampleAuthority knows alice, and lets everybody who is signed in pull what is in base.
func exampleAuthority() (*authority.Authority, error) {
	who, err := policy.NewSubject(policy.SignedIn, "signed-in", "", "")
	if err != nil {
		return nil, err
	}
	repos, err := policy.ParsePattern("base/**")
	if err != nil {
		return nil, err
	}
	rules, err := policy.New(policy.Options{Rules: []policy.Rule{{
		Position: policy.Position{File: "policy.yaml", Line: 3}, Who: []policy.Subject{who},
		Actions: registry.Pull, Repos: []policy.Pattern{repos},
	}}})
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ca, err := token.CreateCA(dir, time.Now(), rand.Reader)
	if err != nil {
		return nil, err
	}
	keys, err := token.NewKeySet(token.KeySetOptions{CA: ca})
	if err != nil {
		return nil, err
	}
	issuer, err := token.New(token.Options{Issuer: "wharfgate", Keys: keys})
	if err != nil {
		return nil, err
	}
	return authority.New(authority.Options{
		Services:      []registry.Service{{Name: "registry.corp.example"}},
		Authenticator: company(), Policy: policy.NewLive(rules), Issuer: issuer,
	})
}
