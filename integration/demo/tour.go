package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/wharfgate/wharfgate/integration/internal/company"
	"github.com/wharfgate/wharfgate/pkg/gate"
)

// step is one thing that somebody does on the tour.
type step struct {
	who    string // a login; empty is nobody
	action string // push or pull
	image  string
	can    bool
	remark string
}

// steps are the tour.
func steps() []step {
	return []step{
		{"alice", "push", "payments/api:1", true, "a group has a folder"},
		{"alice", "push", "search/api:1", false, "and only that"},
		{"bob", "push", "search/api:1", true, "one rule for every team: team-search gets search/**"},
		{"bob", "pull", "payments/api:1", false, "what is not given is not there"},
		{"dave", "pull", "payments/api:1", true, "auditors look at everything"},
		{"dave", "push", "payments/api:1", false, "and change nothing"},
		{"carol", "push", "releases/app:1", false, "cannot wins, also over everything"},
		{"erin", "push", "users/erin/try:1", true, "everyone has a folder"},
		{"", "pull", "public/hello:1", true, "without a login"},
	}
}

// does is the action in a sentence.
func (s step) does() string {
	if s.action == "push" {
		return "pushes"
	}
	return "pulls"
}

// errTour means that the tour did not go as the policy has it.
var errTour = errors.New("the tour did not go as the policy has it")

// tour does every step, and says what happened and, with the words of the explain command, why.
func (d *demo) tour(ctx context.Context, out io.Writer) error {
	if _, err := fmt.Fprintf(out, "A directory, the gate and a registry run in this process; the registry is %s.\n", d.registry()); err != nil {
		return err
	}
	desk, err := d.openDesk(ctx)
	if err != nil {
		return err
	}
	defer desk.Close()
	for i, s := range steps() {
		outcome, err := d.try(ctx, s)
		if err != nil {
			return err
		}
		reasons, err := why(ctx, desk, s)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "\n%d. %s: %s %s %s\n   %s\n   why: %s\n",
			i+1, s.remark, account(s.who), s.does(), s.image, outcome, strings.ReplaceAll(strings.Join(reasons, "\n        "), d.dir+"/", ""))
		if err != nil {
			return err
		}
	}
	return d.tryWrongPassword(ctx, desk, out)
}

// try does one step and returns what happened in words.
func (d *demo) try(ctx context.Context, s step) (string, error) {
	do := d.pull
	if s.action == "push" {
		do = d.push
	}
	err := do(ctx, s.who, s.image)
	refusal, refused := errors.AsType[*transport.Error](err)
	switch {
	case err == nil && s.can:
		return "done", nil
	case refused && !s.can:
		return fmt.Sprintf("refused: the registry answers %d %s, for the token that it got does not give that",
			refusal.StatusCode, http.StatusText(refusal.StatusCode)), nil
	case err == nil:
		return "", fmt.Errorf("%w: %s could %s %s", errTour, account(s.who), s.action, s.image)
	default:
		return "", fmt.Errorf("%w: %s %s %s: %w", errTour, account(s.who), s.action, s.image, err)
	}
}

// account names an account with its groups.
func account(login string) string {
	for _, p := range company.People() {
		if p.Login == login {
			if len(p.Groups) == 0 {
				return login + " (in no group)"
			}
			return fmt.Sprintf("%s (%s)", login, join(p.Groups))
		}
	}
	return "nobody"
}

// tryWrongPassword is the end of the tour.
func (d *demo) tryWrongPassword(ctx context.Context, desk *gate.Desk, out io.Writer) error {
	ref, err := d.reference("public/hello:1")
	if err != nil {
		return err
	}
	const login, guess = "alice", "looking-glass"
	_, err = remote.Head(ref, remote.WithContext(ctx), remote.WithAuth(&authn.Basic{Username: login, Password: guess}))
	if err == nil {
		return fmt.Errorf("%w: a wrong password was taken", errTour)
	}
	reason, err := whyRefused(ctx, desk, login, guess)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\n%d. a wrong password is no login, also for what is public: %s with another password\n"+
		"   refused: the client sees one fixed text\n   why: %s, as the log and wharfgate login show operators\n",
		len(steps())+1, account(login), reason)
	return err
}
