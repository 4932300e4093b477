package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
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
	// From here on SIGHUP does not end the process; one that comes early is a reload once there is something
	// to reload.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	signal.Ignore(syscall.SIGPIPE) // whoever read the audit record may go away; that is an error, not the end

	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	log := newLog(cfg.Log, s.err)
	v, revision, goVersion := buildVersion()
	g, err := gate.Build(ctx, cfg, gate.Options{
		Logger: log.Logger, Audit: s.out, Version: v, Revision: revision, GoVersion: goVersion,
		Load: func() (config.Config, error) {
			next, err := loadConfig(c.Config)
			log.next = next.Log
			return next, err
		},
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var reloader sync.WaitGroup
	defer reloader.Wait()
	defer cancel()
	reloader.Go(func() { reloadOn(ctx, hangups, g, log) })
	return g.Run(ctx)
}

// reloadOn reloads the gate at each signal until ctx ends.
func reloadOn(ctx context.Context, hangups <-chan os.Signal, g *gate.Gate, log *gateLog) {
	select {
	case <-g.Ready():
	case <-ctx.Done():
		return
	}
	for {
		select {
		case <-hangups:
			if g.Reload(ctx) == nil { // else it is logged where it fails
				log.change()
			}
		case <-ctx.Done():
			return
		}
	}
}

// gateLog is the log of the running gate.
type gateLog struct {
	*slog.Logger

	level     slog.LevelVar
	now, next config.Log // what it does, and what the configuration says that was read last
}

// newLog makes the log of the running gate: text for people at a terminal, else JSON.
func newLog(c config.Log, w io.Writer) *gateLog {
	l := &gateLog{now: c, next: c}
	l.level.Set(levelOf(c))
	o := &slog.HandlerOptions{Level: &l.level}
	if c.Format == "text" || c.Format == "auto" && terminal(w) {
		l.Logger = slog.New(slog.NewTextHandler(w, o))
	} else {
		l.Logger = slog.New(slog.NewJSONHandler(w, o))
	}
	return l
}

// change does what a configuration says that is in force now.
func (l *gateLog) change() {
	l.level.Set(levelOf(l.next))
	if l.next.Format != l.now.Format {
		l.Warn("log.format changes only at a restart; the old one stays", "format", l.now.Format)
	}
}

// levelOf gives the level that a valid configuration names.
func levelOf(c config.Log) slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		return slog.LevelInfo
	}
	return level
}

// loadConfig reads and validates the configuration.
func loadConfig(path string) (config.Config, error) {
	cfg, err := config.Load(path)
	if err != nil {
		return config.Config{}, fmt.Errorf("the configuration has faults:\n%w", err)
	}
	return cfg, nil
}
