package gate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/operator"
)

// Options are what a [Gate] needs beside its configuration.
type Options struct {
	// Logger takes the log. It is required.
	Logger *slog.Logger
	// Audit takes the audit record where the configuration names no file. It is required.
	Audit io.Writer
	// Load reads the configuration again for [Gate.Reload]; nil means that the configuration does not change.
	Load func() (config.Config, error)
	// Version, Revision and GoVersion describe the binary, for the metric wharfgate_build_info.
	Version, Revision, GoVersion string
}

// Gate is the whole program but for its command line. Make one with [Build] and run it once with [Gate.Run];
// the other methods are safe for concurrent use.
type Gate struct {
	o        Options
	registry *prometheus.Registry
	watch    *instruments
	ready    chan struct{}

	failed chan error     // the error of a core that ended on its own
	cores  sync.WaitGroup // every core that was started

	mu      sync.Mutex // guards what follows, and lets one reload happen at a time
	core    *core
	public  net.Listener
	private net.Listener
	stop    context.CancelFunc // ends the core that serves; nil while none does
}

// Build makes a Gate of a valid configuration. Its error names every fault of policy, keys and certificates.
// It asks no directory but for the groups that a cannot rule names.
func Build(ctx context.Context, cfg config.Config, o Options) (*Gate, error) {
	if o.Logger == nil || o.Audit == nil {
		return nil, errors.New("gate: Logger and Audit are required")
	}
	g := &Gate{o: o, registry: prometheus.NewRegistry(), ready: make(chan struct{}), failed: make(chan error, 1)}
	var err error
	if g.watch, err = newInstruments(g.registry, cfg, o); err != nil {
		return nil, err
	}
	g.core, err = newCore(ctx, cfg, o.Logger, o.Audit, g.watch.observers(cfg))
	if err != nil {
		return nil, err
	}
	g.watch.count(g.core.directory)
	return g, nil
}

// Run opens the listeners and serves until ctx ends, then lets requests in flight finish. It returns nil after
// a clean end.
func (g *Gate) Run(ctx context.Context) error {
	if err := g.listen(ctx); err != nil {
		return err
	}
	defer func() { _ = g.public.Close() }()
	stopOperator, err := g.serveOperator(ctx)
	if err != nil {
		return err
	}
	g.mu.Lock()
	err = g.start(ctx, g.core)
	g.mu.Unlock()
	if err != nil {
		return errors.Join(err, stopOperator())
	}
	g.announce()
	select {
	case <-ctx.Done():
	case err = <-g.failed:
	}
	g.mu.Lock()
	g.stop()
	g.mu.Unlock()
	g.cores.Wait()
	err = errors.Join(err, stopOperator())
	g.o.Logger.Info("stopped")
	return err
}

// announce says that requests are answered from now on.
func (g *Gate) announce() {
	p := g.core.live.Load()
	g.o.Logger.Info("ready", "listen", address(g.public), "tls", g.core.cfg.TLS.Enabled(), "operator", address(g.private),
		"policy_revision", p.Revision(), "rules", p.Len())
	close(g.ready)
}

// Ready is closed when the gate answers requests.
func (g *Gate) Ready() <-chan struct{} { return g.ready }

// Address is the address of the token endpoint; nil before [Gate.Run] has opened it.
func (g *Gate) Address() net.Addr {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.public == nil {
		return nil
	}
	return g.public.Addr()
}

// OperatorAddress is the address of the operator listener; nil if there is none.
func (g *Gate) OperatorAddress() net.Addr {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.private == nil {
		return nil
	}
	return g.private.Addr()
}

// listen opens the sockets.
func (g *Gate) listen(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	var lc net.ListenConfig
	var err error
	if g.public, err = lc.Listen(ctx, "tcp", g.core.cfg.Listen); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if g.core.cfg.Operator.Listen == "" {
		return nil
	}
	if g.private, err = lc.Listen(ctx, "tcp", g.core.cfg.Operator.Listen); err != nil {
		return errors.Join(fmt.Errorf("operator.listen: %w", err), g.public.Close())
	}
	return nil
}

// start lets a core accept from the public socket, and the one before it drain. The caller holds the lock.
func (g *Gate) start(ctx context.Context, c *core) error {
	l, err := duplicate(g.public)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	g.cores.Go(func() {
		err := c.run(ctx, l)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			g.o.Logger.Warn("stopped before everything was done", "error", err)
		default:
			g.failed <- err
		}
	})
	if g.stop != nil {
		g.stop()
	}
	g.core, g.stop = c, cancel
	return nil
}

// duplicate gives a second listener on the same socket, so that two cores can accept side by side.
func duplicate(l net.Listener) (net.Listener, error) {
	t, ok := l.(*net.TCPListener)
	if !ok {
		return nil, fmt.Errorf("listener %T is not TCP", l)
	}
	f, err := t.File()
	if err != nil {
		return nil, fmt.Errorf("duplicate the listener: %w", err)
	}
	defer func() { _ = f.Close() }()
	second, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("duplicate the listener: %w", err)
	}
	return second, nil
}

// serveOperator starts the operator listener and gives the func that ends it.
func (g *Gate) serveOperator(ctx context.Context) (stop func() error, err error) {
	if g.private == nil {
		return func() error { return nil }, nil
	}
	h, err := operator.New(operator.Options{Metrics: g.watch.handler(), Checks: g.checks(), Logger: g.o.Logger})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- h.Serve(ctx, g.private) }()
	return func() error {
		cancel()
		return <-done
	}, nil
}

// address gives the text of a listener's address.
func address(l net.Listener) string {
	if l == nil {
		return ""
	}
	return l.Addr().String()
}

// sameConfig reports whether two configurations mean the same.
func sameConfig(a, b config.Config) bool { return a.Equal(b) }
