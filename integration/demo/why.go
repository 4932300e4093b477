package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

// why explains a step with the code of the explain command.
func (d *demo) why(ctx context.Context, s step) ([]string, error) {
	repository, _, _ := strings.Cut(s.image, ":")
	scopes, _, err := registry.ParseScopes([]string{registry.TypeRepository + ":" + repository + ":" + s.action}, 1)
	if err != nil {
		return nil, err
	}
	desk, err := gate.OpenDesk(ctx, d.config, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer desk.Close()
	who, err := desk.Resolve(ctx, s.who)
	if err != nil {
		return nil, fmt.Errorf("read the account %q: %w", s.who, err)
	}
	var lines []string
	for _, scope := range scopes {
		lines = append(lines, desk.Explain(who, service, scope).Lines()...)
	}
	return lines, nil
}

// whyRefused tries a login with the code of the login command and returns the reason that operators see.
func (d *demo) whyRefused(ctx context.Context, login, password string) (identity.Reason, error) {
	desk, err := gate.OpenDesk(ctx, d.config, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	defer desk.Close()
	_, err = desk.Login(ctx, login, identity.NewSecret(password))
	refused, ok := errors.AsType[*identity.AccountError](err)
	if !ok {
		return "", fmt.Errorf("%w: the login of %s ended with %w", errTour, login, err)
	}
	return refused.Reason, nil
}
