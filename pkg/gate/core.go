package gate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/wharfgate/wharfgate/pkg/audit"
	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/server"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// auditFlush bounds how long the audit record may take to be written at the end.
const auditFlush = 5 * time.Second

// core is everything that depends on one configuration. It is built without any network, runs until
// its last request is answered, and is then thrown away.
type core struct {
	cfg         config.Config
	log         *slog.Logger
	directories *directories
	live        *policy.Live
	watcher     *policyfile.Watcher
	keys        *signing
	audit       *audit.Writer
	refresh     *refreshing
	authority   *authority.Authority
	server      *server.Server
	follower    *follower
	observers   observers
	drained     chan struct{} // closed when no request needs the core any more
}

// newCore builds the parts of a configuration. Every fault of directory, policy, keys, certificates and audit
// file is in the error. The observers hear nothing of policy and keys before [core.tell].
func newCore(ctx context.Context, cfg config.Config, log *slog.Logger, auditOut io.Writer, g *guards, o observers) (*core, error) {
	c := &core{cfg: cfg, log: log, observers: o, drained: make(chan struct{})}
	var errs [5]error
	c.directories, errs[0] = newDirectories(cfg, log, g, o.directories)
	c.live, c.watcher, errs[1] = newPolicy(ctx, cfg, c.directories, o.policy)
	c.keys, errs[2] = newSigning(cfg, o.keys)
	c.audit, errs[3] = newAudit(cfg, auditOut, o.audit)
	c.refresh, errs[4] = newRefreshing(cfg, c.directories, o.refresh)
	err := errors.Join(errs[:]...)
	if err == nil {
		c.follower = newFollower(g.names, c.live, c.directories, o.movedNames)
		err = c.connect()
	} else {
		err = errors.Join(err, certificateFault(cfg.TLS))
	}
	if err != nil {
		return nil, errors.Join(err, c.discard(ctx))
	}
	return c, nil
}

// certificateFault says what is wrong with the certificate of the token endpoint.
func certificateFault(t config.ServerTLS) error {
	if !t.Enabled() {
		return nil
	}
	if _, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile); err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	return nil
}

// discard ends a core that never ran.
func (c *core) discard(ctx context.Context) error {
	c.directories.close(ctx)
	if c.audit == nil {
		return nil
	}
	return c.closeAudit(ctx)
}

// connect builds what stands on the parts: issuer, authority, server.
func (c *core) connect() error {
	issuer, err := token.New(token.Options{Issuer: c.cfg.Issuer, Keys: c.keys.set, Rings: c.keys.rings})
	if err != nil {
		return err
	}
	home := ""
	if len(c.cfg.Directories) > 1 {
		home = c.cfg.DefaultDirectoryName()
	}
	told := c.observers.authority
	told.Served = c.follower.served
	c.authority, err = authority.New(authority.Options{
		Services: services(c.cfg), Authenticator: c.directories.realms, Resolver: c.directories.realms,
		Refresher: c.refresh.refresher(),
		Policy:    c.live, Issuer: issuer, Audit: c.audit.Write, DefaultDirectory: home, Observer: told,
	})
	if err != nil {
		return err
	}
	c.server, err = c.newServer()
	return err
}

// newServer builds the public side of the core.
func (c *core) newServer() (*server.Server, error) {
	cfg := c.cfg
	queue := cfg.Limits.Queue
	if queue == 0 {
		queue = -1 // zero means the default there
	}
	s, err := server.New(server.Options{
		Granter: c.authority, Logger: c.log, Services: serviceNames(cfg), TrustedProxies: cfg.TrustedProxies,
		RequestTimeout: cfg.Limits.RequestTimeout, Concurrency: cfg.Limits.Concurrency, Queue: queue,
		Connections: cfg.Limits.Connections,
		Scopes:      cfg.Limits.Scopes, DisablePost: !cfg.Limits.Post, IssuedAt: server.IssuedAt(cfg.IssuedAt),
		Paths:    formerPaths(cfg.FormerPaths),
		CertFile: cfg.TLS.CertFile, KeyFile: cfg.TLS.KeyFile, Observer: c.observers.server,
		RefreshServices: refreshServices(cfg), RefusalTime: c.directories.realms.RefusalTime,
	})
	if err != nil {
		return nil, fmt.Errorf("token endpoint: %w", err)
	}
	return s, nil
}

// services gives the profiles of the configured registries.
func services(cfg config.Config) []registry.Service {
	var all []registry.Service
	for _, r := range cfg.Registries {
		all = append(all, registry.Service{
			Name: r.Service, Kind: registry.Kind(r.Kind), Algorithm: r.Algorithm, KeyForm: r.KeyForm, Ring: ringOf(r),
			EmptyCatalog:  registry.ProfileOf(registry.Kind(r.Kind)).EmptyCatalog,
			TokenLifetime: r.TokenLifetime, PushTokenLifetime: r.PushTokenLifetime,
		})
	}
	return all
}

// serviceNames gives the names of the configured registries.
func serviceNames(cfg config.Config) []string {
	var names []string
	for _, r := range cfg.Registries {
		names = append(names, r.Service)
	}
	return names
}

// tell lets the observers hear of policy and keys from now on, beginning with what is in force.
func (c *core) tell() {
	c.observers.audible.Store(true)
	p := c.live.Load()
	c.observers.policy.Loaded(policyfile.Loaded{Revision: p.Revision(), Rules: p.Len(), Unresolved: c.watcher.Unresolved()})
	c.keys.tell(c.observers.keys)
	c.observers.refreshStore(c.refresh.store)
}

// run keeps everything going that requests need, until they are drained.
func (c *core) run(ctx context.Context) error {
	background, stop := context.WithCancel(ctx)
	defer stop()
	var tasks sync.WaitGroup
	for _, task := range append(c.directories.watchedTasks(c.cfg), c.watcher.Run, c.keys.run, c.follower.run, c.refresh.run) {
		tasks.Go(func() {
			if err := task(background); err != nil && background.Err() == nil {
				c.log.Error("background task ended", "error", err)
			}
		})
	}
	<-c.drained
	c.directories.wait()
	stop()
	tasks.Wait()
	return c.closeAudit(ctx)
}

// closeAudit writes what is left of the audit record.
func (c *core) closeAudit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditFlush)
	defer cancel()
	return c.audit.Close(ctx)
}

// reload reads again what an unchanged configuration points at: policy, certificate, audit file.
func (c *core) reload(ctx context.Context) error {
	c.directories.reset()
	return errors.Join(c.watcher.Reload(ctx), c.server.ReloadCertificate(), c.keys.reload(), c.audit.Reopen())
}
