package policyfile

import (
	"context"
	"slices"
	"time"

	"github.com/wharfgate/wharfgate/pkg/identity"
)

// The bounds of a document.
const (
	// MaxBytes is the greatest size of a document.
	MaxBytes = 16 << 20
	// MaxRules is the greatest number of rules.
	MaxRules = 200_000
	// maxItems bounds the commas, colons and line ends, and so the memory that reading a document takes.
	maxItems = 3_000_000
	// maxDepth is how deep lists and mappings may nest; the language needs five levels.
	maxDepth = 16
	// maxNote bounds a note, in characters.
	maxNote = 500
	// maxFaults bounds the faults that are reported at once.
	maxFaults = 100
	// maxName bounds the name of a user or a group in bytes.
	maxName = 4 << 10
	// defaultFindBudget is how long a load waits for directories.
	defaultFindBudget = time.Second
)

// Options says what a document may refer to.
type Options struct {
	// DefaultDirectory is the directory that a name without @directory means. Empty means the only one of
	// Directories; where there are several, every name then needs its directory.
	DefaultDirectory string
	// Directories are the configured directories by name. A name that is not among them is a fault.
	Directories map[string]Directory
	// Services are the service names of the configured registries. A name in "on" that is not among them is a
	// fault; empty means that they are not known, and every name will do.
	Services []string
	// FindGroup asks a directory for the groups that a short name, DN or id names, to hold the groups of a
	// cannot, and those that a can excepts, by id. None is an empty slice; an error means that the directory could not be asked. A nil
	// FindGroup holds nothing: such a cannot applies to every person of its directory. It is called for several
	// directories at once.
	FindGroup func(ctx context.Context, directory, nameOrDN string) ([]identity.Group, error)
	// FindUser asks a directory for the id of the account that has a login name; empty means that there is none,
	// and an error that the directory could not be asked. Nil asks nobody. Only [Check] asks, with AskAll.
	FindUser func(ctx context.Context, directory, login string) (id string, err error)
	// KnownNames gives the accounts that had a login name before, for the warnings of [Check]; nil knows none.
	KnownNames func() ([]KnownName, error)
	// AskAll lets [Check] ask FindGroup and FindUser for the groups and the users of all rules.
	AskAll bool
	// Now is the clock; nil means [time.Now]. A test without a time of its own is run as of now.
	Now func() time.Time
	// FindBudget is how long one load waits for FindGroup altogether; zero means one second. What is not
	// found by then counts as not asked.
	FindBudget time.Duration
}

// KnownName says whose a login name is.
type KnownName struct {
	// Directory is the directory, Name the folded login name.
	Directory, Name string
	// ID is the folded id of the account to which the name belonged.
	ID string
	// Now is the id of the account that has the name by now, where it is another one.
	Now string
}

// Directory is what the language needs to know of a configured directory.
type Directory struct {
	// GroupsBaseDN is groups.base_dn as written; empty means that short group names and holes are refused.
	GroupsBaseDN string
}

// defaultDirectory gives the directory of unqualified names.
func (o *Options) defaultDirectory() (string, bool) {
	if o.DefaultDirectory != "" {
		return o.DefaultDirectory, true
	}
	if len(o.Directories) == 1 {
		for name := range o.Directories {
			return name, true
		}
	}
	return "", false
}

// directoryNames lists the known directories in alphabetical order.
func (o *Options) directoryNames() []string {
	names := make([]string, 0, len(o.Directories))
	for name := range o.Directories {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
