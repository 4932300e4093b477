package gate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/operator"
	"github.com/wharfgate/wharfgate/pkg/server"
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
	watch    *instruments
	guards   *guards
	operator *operator.Handler
	ready    chan struct{}
	failed   chan error           // the first error of something that ended on its own
	core     atomic.Pointer[core] // the one in force

	turn  sync.Mutex // lets one change happen at a time: start, reload, end; it guards what follows
	phase phase
	live  *server.Live
	cores sync.WaitGroup // every core that was started

	mu              sync.Mutex // guards what follows
	public, private net.Listener
}

// phase is where a Gate is in its life.
type phase uint8

const (
	built phase = iota
	running
	ended
)

// Build makes a Gate of a valid configuration. Its error names every fault of directory, policy, keys,
// certificates and audit file. It asks no directory but for the groups that a cannot rule names. A Gate that
// was built is to be run, as that is what ends it.
func Build(ctx context.Context, cfg config.Config, o Options) (*Gate, error) {
	if o.Logger == nil || o.Audit == nil {
		return nil, errors.New("gate: Logger and Audit are required")
	}
	if len(cfg.Registries) == 0 || len(cfg.Directories) == 0 {
		return nil, errors.New("gate: the configuration names no registry or no directory")
	}
	o.Audit = &lockedWriter{w: o.Audit}
	g := &Gate{o: o, ready: make(chan struct{}), failed: make(chan error, 1)}
	var err error
	if g.watch, err = newInstruments(cfg, o); err != nil {
		return nil, err
	}
	g.operator, err = operator.New(operator.Options{
		Metrics: g.watch.handler(), Checks: g.checks(), More: g.directoryChecks, Logger: o.Logger,
	})
	if err != nil {
		return nil, err
	}
	if g.guards, err = newGuards(g.watch.forgotten); err != nil {
		return nil, err
	}
	g.guards.names = newNames(cfg, o.Logger)
	c, err := newCore(ctx, cfg, o.Logger, o.Audit, g.guards, g.watch.observers(cfg))
	if err != nil {
		return nil, err
	}
	g.watch.count(c.directories)
	g.core.Store(c)
	return g, nil
}

// Run opens the listeners and serves until ctx ends, then lets requests in flight finish. It returns nil after
// a clean end.
func (g *Gate) Run(ctx context.Context) error {
	if err := g.listen(ctx); err != nil {
		return errors.Join(err, g.abandon(ctx))
	}
	stopServing := g.serve(ctx)
	stopOperator := g.serveOperator(ctx)
	stopControl := g.serveControl(ctx)
	g.announce()
	var err error
	select {
	case <-ctx.Done():
	case err = <-g.failed:
	}
	stopServing()
	g.unfinished(stopOperator())
	g.unfinished(stopControl())
	g.o.Logger.Info("stopped")
	return err
}

// abandon ends what was built and never ran.
func (g *Gate) abandon(ctx context.Context) error {
	g.turn.Lock()
	defer g.turn.Unlock()
	g.phase = ended
	return g.core.Load().discard(ctx)
}

// announce says that requests are answered from now on.
func (g *Gate) announce() {
	c := g.core.Load()
	p, operatorListen := c.live.Load(), ""
	if a := g.OperatorAddress(); a != nil {
		operatorListen = a.String()
	}
	g.o.Logger.Info("ready", "listen", g.Address().String(), "tls", c.cfg.TLS.Enabled(), "operator", operatorListen,
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

// listen opens the sockets, both or none.
func (g *Gate) listen(ctx context.Context) error {
	cfg := g.core.Load().cfg
	var lc net.ListenConfig
	public, err := lc.Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	var private net.Listener
	if cfg.Operator.Listen != "" {
		if private, err = lc.Listen(ctx, "tcp", cfg.Operator.Listen); err != nil {
			return errors.Join(fmt.Errorf("operator.listen: %w", err), public.Close())
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.public, g.private = public, private
	return nil
}

// serve starts to answer requests, and gives the func that ends it: it takes no more connections, waits for
// the requests in flight, and then ends what they needed.
func (g *Gate) serve(ctx context.Context) (stop func()) {
	g.turn.Lock()
	defer g.turn.Unlock()
	g.phase = running
	first := g.core.Load()
	g.live = server.NewLive(first.server)
	g.start(ctx, first)
	remembered := background(ctx, g.guards.names.Run, g.fail)
	done := background(ctx, func(ctx context.Context) error { return g.live.Serve(ctx, g.public) }, g.fail)
	return func() {
		g.turn.Lock()
		defer g.turn.Unlock()
		g.phase = ended
		g.unfinished(done())
		close(g.core.Load().drained)
		g.cores.Wait()
		g.unfinished(remembered())
	}
}

// unfinished says that something was cut off at the end.
func (g *Gate) unfinished(err error) {
	if err != nil {
		g.o.Logger.Warn("stopped before everything was done", "error", err)
	}
}

// start lets a core do its work. The caller has the turn.
func (g *Gate) start(ctx context.Context, c *core) {
	c.tell()
	ctx = context.WithoutCancel(ctx)
	g.cores.Go(func() { g.unfinished(c.run(ctx)) })
}

// replace puts another core in force; the one before ends when it has answered its last request. The caller has
// the turn.
func (g *Gate) replace(ctx context.Context, next *core) {
	g.start(ctx, next)
	before := g.core.Swap(next)
	before.observers.audible.Store(false)
	drained := g.live.Swap(next.server)
	g.cores.Go(func() {
		<-drained
		close(before.drained)
	})
}

// background runs f until stop is called, which gives its error. An error before that goes to fail.
func background(ctx context.Context, f func(context.Context) error, fail func(error)) (stop func() error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() {
		err := f(ctx)
		if err != nil && ctx.Err() == nil {
			fail(err)
			err = nil
		}
		done <- err
	}()
	return func() error {
		cancel()
		return <-done
	}
}

// fail ends the gate with an error.
func (g *Gate) fail(err error) {
	select {
	case g.failed <- err:
	default: // it ends already
	}
}

// serveOperator starts the operator listener, if there is one, and gives the func that ends it.
func (g *Gate) serveOperator(ctx context.Context) (stop func() error) {
	if g.private == nil {
		return func() error { return nil }
	}
	return background(ctx, func(ctx context.Context) error { return g.operator.Serve(ctx, g.private) }, g.fail)
}
