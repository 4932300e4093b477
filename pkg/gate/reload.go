package gate

import (
	"context"
	"errors"
)

// Reload reads configuration, policy and certificates again. A configuration that changed is built as a whole
// beside the old one, which then drains; one that cannot be built changes nothing. The error is logged here.
func (g *Gate) Reload(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := g.reload(ctx)
	g.watch.metrics.ConfigReloaded(err)
	if err != nil {
		g.o.Logger.Error("reload failed, nothing changed", "error", err)
		return err
	}
	g.o.Logger.Info("reloaded", "policy_revision", g.core.live.Load().Revision(), "rules", g.core.live.Load().Len())
	return nil
}

// reload does what Reload says. The caller holds the lock.
func (g *Gate) reload(ctx context.Context) error {
	if g.stop == nil {
		return errors.New("not running yet")
	}
	cfg := g.core.cfg
	if g.o.Load != nil {
		var err error
		if cfg, err = g.o.Load(); err != nil {
			return err
		}
	}
	if cfg.Listen != g.core.cfg.Listen || cfg.Operator != g.core.cfg.Operator {
		g.o.Logger.Warn("listen and operator.listen change only at a restart; the old addresses stay",
			"listen", g.core.cfg.Listen, "operator", g.core.cfg.Operator.Listen)
		cfg.Listen, cfg.Operator = g.core.cfg.Listen, g.core.cfg.Operator
	}
	if sameConfig(cfg, g.core.cfg) {
		return g.core.reload(ctx)
	}
	next, err := newCore(ctx, cfg, g.o.Logger, g.o.Audit, g.watch.observers(cfg))
	if err != nil {
		return err
	}
	if err := g.start(ctx, next); err != nil {
		return err
	}
	g.watch.metrics.Reconfigure(subjects(cfg))
	g.watch.count(next.directory)
	return nil
}
