package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

type policyCmd struct {
	Check  policyCheckCmd  `cmd:"" help:"Find every fault of a policy, and run its tests."`
	Test   policyTestCmd   `cmd:"" help:"Run the tests of a policy."`
	Plan   policyPlanCmd   `cmd:"" help:"Say who gains and who loses what by a change of the policy."`
	Allow  policyAllowCmd  `cmd:"" help:"Add a rule to the policy file."`
	Remove policyRemoveCmd `cmd:"" help:"Take a rule out of the policy file."`
	Names  policyNamesCmd  `cmd:"" help:"List login names that belong to another account than before."`
	Import policyImportCmd `cmd:"" help:"Make a policy of the rules of docker_auth or zot."`
	Schema policySchemaCmd `cmd:"" help:"Print the JSON Schema of the policy file."`
}

// Help gives examples.
func (*policyCmd) Help() string {
	return `The policy is a file that the running gate follows: what is saved is in force within a second.

  wharfgate policy check -c wharfgate.yaml
  wharfgate policy plan policy.yaml new.yaml`
}

// policySource are the flags of every command that reads a policy.
type policySource struct {
	Config    string   `short:"c" placeholder:"FILE" help:"Configuration file, which names the directories, the registries and the policy."`
	Directory []string `placeholder:"NAME" help:"Without a configuration: the name of a directory that the policy may write behind an @; the first is the default one."`
}

// What stands for a directory and its groups.base_dn where there is no configuration.
const (
	assumedDirectory = "default"
	assumedBase      = "dc=assumed"
)

// load says what a policy may refer to, and which file the configuration names.
func (p *policySource) load() (policyfile.Options, string, error) {
	if p.Config != "" {
		cfg, err := loadConfig(p.Config)
		if err != nil {
			return policyfile.Options{}, "", err
		}
		return offline(gate.PolicyOptions(cfg)), cfg.Policy.File, nil
	}
	names := p.Directory
	if len(names) == 0 {
		names = []string{assumedDirectory}
	}
	o := policyfile.Options{DefaultDirectory: names[0], Directories: map[string]policyfile.Directory{}}
	for _, name := range names {
		o.Directories[name] = policyfile.Directory{GroupsBaseDN: assumedBase}
	}
	return offline(o), "", nil
}

// file gives the file to read: the argument, or what the configuration names.
func (p *policySource) file(argument string) (policyfile.Options, string, error) {
	o, path, err := p.load()
	switch {
	case err != nil:
		return o, "", err
	case argument != "":
		return o, argument, nil
	case path == "":
		return o, "", &usageError{"name a policy file, or a configuration with -c"}
	default:
		return o, path, nil
	}
}

// offline takes every group of a cannot to exist under the name that is written: no directory is asked.
func offline(o policyfile.Options) policyfile.Options {
	o.FindGroup = func(context.Context, string, string) ([]identity.Group, error) {
		return []identity.Group{identity.NewGroup("", "", "")}, nil
	}
	return o
}

// readPolicy reads a policy that must be good. Its faults are printed.
func readPolicy(ctx context.Context, s streams, path string, o policyfile.Options) (*policy.Policy, error) {
	p, err := policyfile.Load(ctx, path, o)
	if faults, ok := errors.AsType[policyfile.Faults](err); ok {
		if _, err := fmt.Fprintln(s.out, faults.Text()); err != nil {
			return nil, err
		}
		return nil, errFaults
	}
	return p, err
}

// openInput opens a file; "-" is standard input.
func openInput(path string, s streams) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(s.in), nil
	}
	return os.Open(path)
}
