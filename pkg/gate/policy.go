package gate

import (
	"context"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

// policyOptions tells the policy language which directories there are and how to ask them for groups.
func policyOptions(cfg config.Config, all *directories) policyfile.Options {
	o := policyfile.Options{
		DefaultDirectory: cfg.DefaultDirectoryName(), Directories: map[string]policyfile.Directory{}, Services: serviceNames(cfg),
	}
	for _, d := range cfg.Directories {
		o.Directories[d.Name] = policyfile.Directory{GroupsBaseDN: d.Groups.BaseDN}
	}
	if all != nil {
		o.FindGroup = all.findGroup
	}
	return o
}

// newPolicy loads the policy and makes the watcher that follows its file.
func newPolicy(ctx context.Context, cfg config.Config, all *directories, o policyfile.Observer) (*policy.Live, *policyfile.Watcher, error) {
	live := policy.NewLive(nil)
	tell := o.Loaded
	o.Loaded = func(l policyfile.Loaded) {
		all.bindAgain()
		if tell != nil {
			tell(l)
		}
	}
	w, err := policyfile.NewWatcher(policyfile.WatcherOptions{
		Path: cfg.Policy.File, Live: live, Options: policyOptions(cfg, all), Observer: o,
	})
	if err != nil {
		return nil, nil, err
	}
	if err := w.Reload(ctx); err != nil {
		return nil, nil, err
	}
	return live, w, nil
}
