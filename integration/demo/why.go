package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// openDesk opens what the commands explain and login use, on the files that they would read.
func (d *demo) openDesk(ctx context.Context) (*gate.Desk, error) {
	cfg, err := config.Load(d.configFile())
	if err != nil {
		return nil, err
	}
	return gate.OpenDesk(ctx, cfg, slog.New(slog.DiscardHandler))
}

// why explains a step with the code of the explain command.
func why(ctx context.Context, desk *gate.Desk, s step) ([]string, error) {
	repository, _, _ := strings.Cut(s.image, ":")
	scopes, _, err := registry.ParseScopes([]string{registry.TypeRepository + ":" + repository + ":" + s.action}, 1)
	if err != nil {
		return nil, err
	}
	answer, err := desk.Explain(ctx, authority.Question{Service: service, User: s.who, Scopes: scopes})
	if err != nil {
		return nil, fmt.Errorf("explain what %s may do: %w", account(s.who), err)
	}
	var lines []string
	for _, e := range answer.Explanations {
		lines = append(lines, e.Lines()...)
	}
	return nearest(lines), nil
}

// nearest leaves out all near misses but the first, which is the nearest.
func nearest(lines []string) []string {
	var kept []string
	missed := false
	for _, line := range lines {
		miss := strings.HasPrefix(strings.TrimSpace(line), "would be allowed")
		if !miss || !missed {
			kept = append(kept, line)
		}
		missed = missed || miss
	}
	return kept
}

// whyRefused tries a login with the code of the login command and returns the reason that operators see.
func whyRefused(ctx context.Context, desk *gate.Desk, login, password string) (identity.Reason, error) {
	_, err := desk.Login(ctx, "", login, identity.NewSecret(password))
	refused, ok := errors.AsType[*identity.AccountError](err)
	if !ok {
		return "", fmt.Errorf("%w: the login of %s ended with %w", errTour, login, err)
	}
	return refused.Reason, nil
}
