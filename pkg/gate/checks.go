package gate

import (
	"context"
	"errors"
	"time"

	"github.com/wharfgate/wharfgate/pkg/operator"
)

// checks are what /readyz looks at. They ask the core in force at that moment.
func (g *Gate) checks() []operator.Check {
	return []operator.Check{
		{Name: "listening", Probe: func(context.Context) error {
			select {
			case <-g.ready:
				return nil
			default:
				return errors.New("starting")
			}
		}},
		{Name: "keys", Probe: func(context.Context) error { return g.core.Load().keys.usable(time.Now()) }},
		{Name: "policy", Weight: operator.Informational, Probe: func(context.Context) error { return g.core.Load().watcher.LastError() }},
	}
}

// directoryChecks are those of the directories of the core in force. A directory that is down leaves the gate ready.
func (g *Gate) directoryChecks() []operator.Check {
	var all []operator.Check
	for _, d := range g.core.Load().directories.list {
		all = append(all, operator.Check{
			Name: "directory/" + d.name, Weight: operator.Informational, Probe: func(context.Context) error { return d.state() },
		})
	}
	return all
}
