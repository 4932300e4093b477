package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/gate"
)

type serveCmd struct {
	configFlag
}

// Help gives examples.
func (*serveCmd) Help() string {
	return `Runs until SIGTERM or Ctrl-C, then lets requests in flight finish. SIGHUP reads configuration, policy
and certificates again; a bad file changes nothing. The log goes to standard error, the audit record to
standard output unless audit.file is set.

  wharfgate serve -c /etc/wharfgate/wharfgate.yaml
  kill -HUP PID`
}

// Run serves until the context ends.
func (c *serveCmd) Run(ctx context.Context, s streams) error {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	log := newLogger(cfg.Log, s.err)
	v, revision, goVersion := buildVersion()
	g, err := gate.Build(ctx, cfg, gate.Options{
		Logger: log, Audit: s.out, Version: v, Revision: revision, GoVersion: goVersion,
		Load: func() (config.Config, error) { return loadConfig(c.Config) },
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	go func() {
		for {
			select {
			case <-hangups:
				_ = g.Reload(ctx) // logged where it fails, and nothing has changed then
			case <-ctx.Done():
				return
			}
		}
	}()
	return g.Run(ctx)
}

// newLogger makes the logger of the running gate: text for people at a terminal, else JSON.
func newLogger(c config.Log, w io.Writer) *slog.Logger {
	var level slog.Level // info, where a valid configuration says nothing else
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "text" || c.Format == "auto" && terminal(w) {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

// loadConfig reads and validates the configuration.
func loadConfig(path string) (config.Config, error) {
	cfg, err := config.Load(path)
	if err != nil {
		return config.Config{}, fmt.Errorf("the configuration has faults:\n%w", err)
	}
	return cfg, nil
}
