package gate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// errUnknownDirectory means that a directory is named that is not configured.
var errUnknownDirectory = errors.New("no directory of this name")

// directories are all configured directories, and what decides which of them a login belongs to. A nil directories
// has none.
type directories struct {
	list   []*directoryParts // as they are configured
	realms *directory.Realms
}

// newDirectories builds the directories of a configuration. It asks no server. Every fault is in the error.
func newDirectories(cfg config.Config, log *slog.Logger, g *guards, o map[string]directoryObservers) (*directories, error) {
	addresses, err := newAddresses(cfg)
	if err != nil {
		return nil, fmt.Errorf("failed_logins_per_address: %w", err)
	}
	all := &directories{}
	options := directory.RealmsOptions{Default: cfg.DefaultDirectoryName()}
	if cfg.Lookup == config.InOrder {
		options.Lookup = directory.InOrder
	}
	var faults []error
	for _, d := range cfg.Directories {
		parts, err := newDirectory(cfg, d, log, g, addresses, o[d.Name])
		if err != nil {
			faults = append(faults, err)
			continue
		}
		all.list = append(all.list, parts)
		options.Directories = append(options.Directories, directory.Realm{
			Directory: parts.authenticator, Names: d.Realms, Form: loginForm(d),
		})
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err // none of them has opened anything yet
	}
	all.realms, err = directory.NewRealms(options)
	return all, err
}

// newDirectoriesOnce builds the directories for one question, with guards of their own.
func newDirectoriesOnce(cfg config.Config, log *slog.Logger) (*directories, error) {
	g, err := newGuards(func(string) {})
	if err != nil {
		return nil, err
	}
	return newDirectories(cfg, log, g, nil)
}

// newDirectoryOnce builds one directory for one question, with guards of its own.
func newDirectoryOnce(cfg config.Config, d config.Directory) (*directoryParts, error) {
	cfg.Directories, cfg.Lookup = []config.Directory{d}, ""
	all, err := newDirectoriesOnce(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	return all.list[0], nil
}

// loginForm says what of a typed login a directory of that kind is asked for.
func loginForm(d config.Directory) directory.Form {
	if d.Kind == "active_directory" || d.Kind == "samba" {
		return directory.AsTyped
	}
	return directory.WithoutRealm
}

// named gives the directory of that name.
func (all *directories) named(name string) (*directoryParts, error) {
	for _, d := range all.list {
		if d.name == name {
			return d, nil
		}
	}
	return nil, fmt.Errorf("directory %q: %w", name, errUnknownDirectory)
}

// findGroup asks a directory for the groups that a short name, a DN or an id names.
func (all *directories) findGroup(ctx context.Context, name, nameOrDN string) ([]identity.Group, error) {
	d, err := all.named(name)
	if err != nil {
		return nil, err
	}
	return d.backend.FindGroup(ctx, nameOrDN)
}

// tasks are what runs as long as the directories are asked.
func (all *directories) tasks() []func(context.Context) error {
	var tasks []func(context.Context) error
	for _, d := range all.list {
		tasks = append(tasks, d.backend.Run)
	}
	return tasks
}

// reset lets the service accounts of all directories bind again, with the passwords that their files hold now.
func (all *directories) reset() {
	for _, d := range all.list {
		d.backend.ResetServiceBind()
	}
	all.bindAgain()
}

// bindAgain has every password bound once more: the rules changed.
func (all *directories) bindAgain() {
	for _, d := range all.list {
		d.authenticator.BindAgain()
	}
}

// wait returns when no question to a directory is under way.
func (all *directories) wait() {
	for _, d := range all.list {
		d.wait()
	}
}

// close ends directories that never ran.
func (all *directories) close(ctx context.Context) {
	if all == nil {
		return
	}
	for _, d := range all.list {
		d.close(ctx)
	}
}
