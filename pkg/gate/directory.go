package gate

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/directory/ldap"
)

// directoryParts are one configured directory.
type directoryParts struct {
	name          string
	backend       *ldap.Backend
	authenticator *directory.Authenticator
	cached        *directory.Cached
	wrong         *guard.WrongPasswords
	admissions    *guard.Admissions
	guards        *guards
}

// directoryObservers are told what happens in a directory.
type directoryObservers struct {
	wire ldap.Observer
	flow directory.Observer
}

// newDirectory builds a directory and its login flow with guards that others use too. It asks no server.
func newDirectory(cfg config.Config, d config.Directory, log *slog.Logger, g *guards, addresses *guard.Addresses, o directoryObservers) (*directoryParts, error) {
	options, err := ldapOptions(cfg, d, log)
	if err != nil {
		return nil, fmt.Errorf("directory %s: %w", d.Name, err)
	}
	options.Observer = o.wire
	backend, err := ldap.New(options)
	if err != nil {
		return nil, err
	}
	cached, err := directory.NewCached(directory.CachedOptions{
		Backend: backend, Source: d.Name, Size: d.Cache.Size, TTL: d.Cache.TTL, StaleIfDown: d.Cache.StaleIfDown,
		QuestionTimeout: questionTimeout(cfg), Observer: o.flow,
	})
	if err != nil {
		return nil, err
	}
	wrong, err := guard.NewWrongPasswords(guard.WrongPasswordsOptions{Evicted: func() {
		if o.flow.Evicted != nil {
			o.flow.Evicted(d.Name, "wrong_password")
		}
	}})
	if err != nil {
		return nil, err
	}
	flow := directory.Options{
		Source: d.Name, Backend: cached, WrongPasswords: wrong, Addresses: addresses, Observer: o.flow, BindTimeout: questionTimeout(cfg),
	}
	if err := g.protect(&flow, cfg, d); err != nil {
		return nil, fmt.Errorf("directory %s: %w", d.Name, err)
	}
	auth, err := directory.New(flow)
	if err != nil {
		return nil, err
	}
	return &directoryParts{
		name: d.Name, backend: backend, authenticator: auth, cached: cached, wrong: wrong, admissions: flow.Admissions, guards: g,
	}, nil
}

// questionTimeout leaves a request the time to be answered from what is remembered when the directory hangs.
func questionTimeout(cfg config.Config) time.Duration { return cfg.Limits.RequestTimeout * 4 / 5 }

// wait returns when no question to the directory is under way.
func (d *directoryParts) wait() {
	d.authenticator.Wait()
	d.cached.Wait()
}

// close ends a directory that never ran: the policy may have asked it for groups.
func (d *directoryParts) close(ctx context.Context) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	cancel()
	_ = d.backend.Run(ctx) // it closes what is open, and never fails
	d.wait()
}

// state is an error if a server is out of service, and says which.
func (d *directoryParts) state() error {
	var away []string
	for _, s := range d.backend.Servers() {
		if !s.InService {
			away = append(away, s.Server)
		}
	}
	if len(away) > 0 {
		return fmt.Errorf("out of service: %s", strings.Join(away, ", "))
	}
	return nil
}

// ldapOptions translates the configuration of a directory.
func ldapOptions(cfg config.Config, d config.Directory, log *slog.Logger) (ldap.Options, error) {
	warm := d.BindConnections.Min
	if warm == 0 {
		warm = -1 // zero means the default there
	}
	o := ldap.Options{
		Source: d.Name, Kind: d.Kind, Servers: d.Servers, Logger: log,
		BaseDN: d.BaseDN,
		Users: ldap.Users{
			BaseDN: d.Users.BaseDN, Filter: d.Users.Filter, LoginAttributes: d.Users.LoginAttributes, IDAttribute: d.Users.IDAttribute,
			State: ldap.State(d.Users.State), Catalog: d.Users.GlobalCatalog,
		},
		Groups: ldap.Groups{
			BaseDN: d.Groups.BaseDN, Filter: d.Groups.Filter, Method: ldap.Method(d.Groups.Method), Nested: d.Groups.FollowsNested(),
			MaxDepth: d.Groups.MaxDepth, NameAttribute: d.Groups.NameAttribute, IDAttribute: d.Groups.IDAttribute,
			MemberAttributes: d.Groups.MemberAttributes,
		},
		BindConnections: ldap.BindConnections{Min: warm, Max: d.BindConnections.Max},
		PageSize:        d.PageSize,
		Queue:           max(cfg.Limits.Queue, 1),
		Timeouts:        ldap.Timeouts{Dial: d.Timeouts.Dial, Operation: d.Timeouts.Operation, Stage: questionTimeout(cfg)},
	}
	discover(&o, d)
	return o, secure(&o, d, log)
}
