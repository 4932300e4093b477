package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/company"
	"github.com/wharfgate/wharfgate/integration/internal/distribution"
	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// options say how the demo runs.
type options struct {
	// Ports are where its parts listen.
	Ports ports
	// Log takes the gate's log.
	Log io.Writer
}

// demo is the three parts, running. Make one with start; Close ends it.
type demo struct {
	ports  ports
	dir    string
	config config.Config
	failed chan error // a part that ended by itself

	cancel context.CancelFunc
	parts  sync.WaitGroup
	ldap   *company.Server
	closed []error // errors of the parts, complete once all have ended
	mu     sync.Mutex
}

// start starts directory, gate and registry and puts the first images into the registry.
func start(ctx context.Context, o options) (d *demo, err error) {
	p, err := o.Ports.settle(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "wharfgate-demo-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the demo: %w", err)
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	const parts = 2
	d = &demo{ports: p, dir: dir, failed: make(chan error, parts), cancel: cancel}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if d.config, err = writeFiles(dir, p); err != nil {
		return nil, err
	}
	if d.ldap, err = company.Serve(ctx, address(p.Directory), company.People()); err != nil {
		return nil, err
	}
	if err := d.startGate(running, o.Log); err != nil {
		return nil, err
	}
	if err := d.startRegistry(running); err != nil {
		return nil, err
	}
	return d, d.seed(ctx)
}

// startGate runs the real gate and waits until it is ready.
func (d *demo) startGate(ctx context.Context, log io.Writer) error {
	g, err := gate.Build(ctx, d.config, gate.Options{
		Logger: slog.New(slog.NewTextHandler(log, nil)), Audit: io.Discard, Version: "demo",
		Load: func() (config.Config, error) { return config.Load(d.configFile()) },
	})
	if err != nil {
		return err
	}
	d.keep("gate", func() error { return g.Run(ctx) })
	select {
	case <-g.Ready():
		return nil
	case err := <-d.failed:
		return err
	}
}

// startRegistry runs a real registry that trusts the gate.
func (d *demo) startRegistry(ctx context.Context) error {
	l, err := listen(ctx, d.ports.Registry)
	if err != nil {
		return fmt.Errorf("start the registry: %w", err)
	}
	const headers = 10 * time.Second
	s := &http.Server{
		Handler: distribution.NewV3(ctx, distribution.Auth{
			Realm: d.realm(), Service: service, Issuer: issuer, BundleFile: filepath.Join(d.dir, "state", token.CACertFile),
		}, io.Discard),
		ReadHeaderTimeout: headers,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	context.AfterFunc(ctx, func() { _ = s.Close() })
	d.keep("registry", func() error {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	return nil
}

// keep runs a part of the demo and tells when it ends with an error.
func (d *demo) keep(name string, run func() error) {
	d.parts.Go(func() {
		err := run()
		if err == nil {
			return
		}
		err = fmt.Errorf("%s: %w", name, err)
		d.mu.Lock()
		d.closed = append(d.closed, err)
		d.mu.Unlock()
		d.failed <- err
	})
}

// Close ends all parts, the directory last, and removes the demo's folder.
func (d *demo) Close() error {
	d.cancel()
	d.parts.Wait()
	errs := d.closed
	if d.ldap != nil {
		errs = append(errs, d.ldap.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(d.dir))...)
}

func (d *demo) configFile() string { return filepath.Join(d.dir, "wharfgate.yaml") }
func (d *demo) realm() string      { return d.config.PublicURL + "/auth/token" }
func (d *demo) registry() string   { return host(d.ports.Registry) }
