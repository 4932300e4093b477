package token_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/token"
)

func ExampleIssuer() {
	dir, err := os.MkdirTemp("", "wharfgate")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ca, err := token.CreateCA(dir, time.Now(), rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := token.NewKeySet(token.KeySetOptions{CA: ca})
	if err != nil {
		fmt.Println(err)
		return
	}
	issuer, err := token.New(token.Options{Issuer: "wharfgate", Keys: keys})
	if err != nil {
		fmt.Println(err)
		return
	}
	signed, err := issuer.Sign(token.Claims{
		Subject:  "alice",
		Audience: "registry.corp.example",
		Access:   []registry.Access{{Type: "repository", Name: "team/app", Actions: []string{"pull"}}},
		Lifetime: 5 * time.Minute,
	})
	fmt.Println(signed.Token, signed.Size() > 1000, err)
	// Output: [redacted] true <nil>
}
