package gate

import (
	"context"
	"errors"
	"fmt"

	"github.com/wharfgate/wharfgate/pkg/config"
)

// watchedTasks are the tasks, and what follows the changes of those directories whose configuration says so.
func (all *directories) watchedTasks(cfg config.Config) []func(context.Context) error {
	tasks := all.tasks()
	for _, d := range cfg.Directories {
		parts, err := all.named(d.Name)
		if err != nil || !d.Groups.Watches() {
			continue
		}
		tasks = append(tasks, func(ctx context.Context) error {
			parts.cached.Follow(ctx, parts.backend)
			return nil
		})
	}
	return tasks
}

// watch looks whether a directory whose changes are to be followed can tell of them.
func (c *checker) watch(ctx context.Context, d *directoryParts) {
	for _, cfg := range c.cfg.Directories {
		if cfg.Name != d.name || !cfg.Groups.Watches() {
			continue
		}
		if err := d.backend.CanWatch(ctx); err != nil {
			c.add(Warning, "directory "+d.name, fmt.Sprintf("groups.watch: %v; changes show within %s", err, cfg.Cache.TTL))
			continue
		}
		c.add(OK, "directory "+d.name, "groups.watch: the server tells of changes")
	}
}

// watching logs and counts when a directory begins to tell of its changes, and when it does not. What it gives is called
// by one goroutine.
func (i *instruments) watching() func(source string, err error) {
	up, told := false, ""
	return func(source string, err error) {
		switch {
		case err == nil:
			up, told = true, ""
			i.metrics.Watches(source, 1)
			i.log.Info("directory tells of its changes", "directory", source)
			return
		case up:
			up = false
			i.metrics.Watches(source, -1)
		}
		if text := err.Error(); text != told && !errors.Is(err, context.Canceled) {
			told = text
			i.log.Warn("directory does not tell of its changes, they show when what is remembered ends",
				"directory", source, "error", err)
		}
	}
}
