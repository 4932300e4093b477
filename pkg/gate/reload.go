package gate

import (
	"context"
	"errors"

	"github.com/wharfgate/wharfgate/pkg/config"
)

// ErrNotRunning means that a Gate is asked for something that it can do only between the start of [Gate.Run] and
// its end.
var ErrNotRunning = errors.New("the gate is not running")

// Reload reads configuration, policy and certificates again. A configuration that changed is built as a whole
// beside the old one, which then drains; one that cannot be built changes nothing. Where the configuration is
// the same, what cannot be read stays as it was, and the rest is taken. The error is logged here.
//
// Before and after [Gate.Run] the error is [ErrNotRunning].
func (g *Gate) Reload(ctx context.Context) error {
	g.turn.Lock()
	defer g.turn.Unlock()
	if g.phase != running {
		return ErrNotRunning
	}
	err := g.reload(ctx)
	g.watch.metrics.ConfigReloaded(err)
	if err != nil {
		g.o.Logger.Error("reload failed, what was in force stays", "error", err)
		return err
	}
	p := g.core.Load().live.Load()
	g.o.Logger.Info("reloaded", "policy_revision", p.Revision(), "rules", p.Len())
	return nil
}

// reload does what Reload says. The caller has the turn.
func (g *Gate) reload(ctx context.Context) error {
	now := g.core.Load()
	cfg, err := g.load(now.cfg)
	if err != nil {
		return err
	}
	if cfg.Equal(now.cfg) {
		return now.reload(ctx)
	}
	next, err := newCore(ctx, cfg, g.o.Logger, g.o.Audit, g.guards, g.watch.observers(cfg))
	if err != nil {
		g.watch.refused(err)
		return err
	}
	g.replace(ctx, next)
	g.watch.metrics.Reconfigure(subjects(cfg))
	g.watch.count(next.directories)
	return nil
}

// load reads the configuration again, with the addresses that the gate listens on already.
func (g *Gate) load(now config.Config) (config.Config, error) {
	if g.o.Load == nil {
		return now, nil
	}
	cfg, err := g.o.Load()
	if err != nil {
		return config.Config{}, err
	}
	if cfg.Listen != now.Listen || cfg.Operator != now.Operator {
		g.o.Logger.Warn("listen and operator.listen change only at a restart; the old addresses stay",
			"listen", now.Listen, "operator", now.Operator.Listen)
		cfg.Listen, cfg.Operator = now.Listen, now.Operator
	}
	return cfg, nil
}
