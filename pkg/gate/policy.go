package gate

import (
	"context"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

// policyOptions tells the policy language which directories there are and how to ask them for groups.
func policyOptions(cfg config.Config, d *directoryParts) policyfile.Options {
	o := policyfile.Options{Directories: map[string]policyfile.Directory{}, Services: serviceNames(cfg)}
	for i, c := range cfg.Directories {
		o.Directories[c.Name] = policyfile.Directory{GroupsBaseDN: c.Groups.BaseDN}
		if c.Default || i == 0 {
			o.DefaultDirectory = c.Name
		}
	}
	if d != nil {
		o.FindGroup = func(ctx context.Context, _, nameOrDN string) ([]identity.Group, error) {
			return d.backend.FindGroup(ctx, nameOrDN)
		}
	}
	return o
}

// newPolicy loads the policy and makes the watcher that follows its file.
func newPolicy(ctx context.Context, cfg config.Config, d *directoryParts, o policyfile.Observer) (*policy.Live, *policyfile.Watcher, error) {
	live := policy.NewLive(nil)
	w, err := policyfile.NewWatcher(policyfile.WatcherOptions{
		Path: cfg.Policy.File, Live: live, Options: policyOptions(cfg, d), Observer: o,
	})
	if err != nil {
		return nil, nil, err
	}
	if err := w.Reload(ctx); err != nil {
		return nil, nil, err
	}
	return live, w, nil
}
