package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/refresh"
)

func Example() {
	folder, err := os.MkdirTemp("", "refresh")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	directory := &people{}
	directory.say(alice(), nil)

	store, err := refresh.Open(refresh.StoreOptions{Folder: folder})
	if err != nil {
		fmt.Println(err)
		return
	}
	tokens, err := refresh.New(refresh.Options{
		Store: store, Resolver: directory, Sources: []string{"corp"},
		Services: map[string]refresh.Service{"registry.example": {}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	token, _, _ := tokens.Issue(ctx, "registry.example", alice())
	who, _, _ := tokens.Redeem(ctx, "registry.example", token)
	fmt.Println(who.Name)

	_ = store.Revoke(refresh.Revocation{Directory: "corp", ID: "id-1"})
	_, _, err = tokens.Redeem(ctx, "registry.example", token)
	fmt.Println(errors.Is(err, identity.ErrInvalidCredentials))
	// Output:
	// alice
	// true
}
