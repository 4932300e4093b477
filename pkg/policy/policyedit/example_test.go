package policyedit_test

import (
	"fmt"

	"github.com/wharfgate/wharfgate/pkg/policy/policyedit"
)

// A rule is added behind the others, and comments stay.
func ExampleAllow() {
	text := []byte(`version: 1
rules:
  # Anyone can pull public images.
  - who: anyone
    can: pull
    repos: public/**
`)
	text, err := policyedit.Allow(text, policyedit.Rule{Who: []string{"group:payments"}, Can: []string{"push"}, Repos: []string{"payments/**"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(text))
	// Output:
	// version: 1
	// rules:
	//   # Anyone can pull public images.
	//   - who: anyone
	//     can: pull
	//     repos: public/**
	//   - who: group:payments
	//     can: push
	//     repos: payments/**
}
