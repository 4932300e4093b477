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
	operator *operator.Handler
	ready    chan struct{}
	failed   chan error // the first error of something that ended on its own
	serving  atomic.Pointer[core]

	turn  sync.Mutex // lets one change happen at a time: start, reload, end; it guards what follows
	phase phase
	share *share             // the listener of the core that serves
	stop  context.CancelFunc // ends the core that serves
	cores sync.WaitGroup     // every core that was started

	mu               sync.Mutex // guards what follows
	socket           *socket
	operatorListener net.Listener
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
	o.Audit = &lockedWriter{w: o.Audit}
	g := &Gate{o: o, ready: make(chan struct{}), failed: make(chan error, 1)}
	var err error
	if g.watch, err = newInstruments(cfg, o); err != nil {
		return nil, err
	}
	g.operator, err = operator.New(operator.Options{Metrics: g.watch.handler(), Checks: g.checks(), Logger: o.Logger})
	if err != nil {
		return nil, err
	}
	c, err := newCore(ctx, cfg, o.Logger, o.Audit, g.watch.observers(cfg))
	if err != nil {
		return nil, err
	}
	g.watch.count(c.directory)
	g.serving.Store(c)
	return g, nil
}

// Run opens the listeners and serves until ctx ends, then lets requests in flight finish. It returns nil after
// a clean end.
func (g *Gate) Run(ctx context.Context) error {
	if err := g.listen(ctx); err != nil {
		return errors.Join(err, g.abandon(ctx))
	}
	stopOperator := g.serveOperator(ctx)
	g.turn.Lock()
	g.phase = running
	g.start(ctx, g.serving.Load())
	g.turn.Unlock()
	g.announce()
	var err error
	select {
	case <-ctx.Done():
	case err = <-g.failed:
	}
	err = errors.Join(err, g.end(), stopOperator())
	g.o.Logger.Info("stopped")
	return err
}

// abandon ends what was built and never ran.
func (g *Gate) abandon(ctx context.Context) error {
	g.turn.Lock()
	defer g.turn.Unlock()
	g.phase = ended
	return g.serving.Load().discard(ctx)
}

// end takes no more connections, lets the core that serves finish its requests, and waits for it and those
// before it.
func (g *Gate) end() error {
	g.turn.Lock()
	defer g.turn.Unlock()
	g.phase = ended
	err := g.socket.close()
	g.stop()
	g.cores.Wait()
	return err
}

// announce says that requests are answered from now on.
func (g *Gate) announce() {
	c := g.serving.Load()
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
	if g.socket == nil {
		return nil
	}
	return g.socket.listener.Addr()
}

// OperatorAddress is the address of the operator listener; nil if there is none.
func (g *Gate) OperatorAddress() net.Addr {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.operatorListener == nil {
		return nil
	}
	return g.operatorListener.Addr()
}

// listen opens the sockets, both or none.
func (g *Gate) listen(ctx context.Context) error {
	cfg := g.serving.Load().cfg
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
	g.socket, g.operatorListener = newSocket(public), private
	return nil
}

// start lets a core take connections, and the one before it drain. The caller has the turn.
func (g *Gate) start(ctx context.Context, c *core) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l := g.socket.share()
	c.tell()
	g.cores.Go(func() {
		err := c.run(ctx, l)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			g.o.Logger.Warn("stopped before everything was done", "error", err)
		default:
			g.fail(err)
		}
	})
	before, retire, stop := g.serving.Swap(c), g.share, g.stop
	g.share, g.stop = l, cancel
	if stop == nil {
		return
	}
	before.observers.audible.Store(false)
	retire.retire()
	stop()
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
	if g.operatorListener == nil {
		return func() error { return nil }
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() {
		err := g.operator.Serve(ctx, g.operatorListener)
		if err != nil && ctx.Err() == nil {
			g.fail(fmt.Errorf("operator: %w", err))
			err = nil
		}
		done <- err
	}()
	return func() error {
		cancel()
		return <-done
	}
}
