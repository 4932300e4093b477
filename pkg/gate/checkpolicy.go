package gate

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/policy/names"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

// policy looks at the policy; its groups and users are looked up in those directories that answered.
func (c *checker) policy(ctx context.Context, reached *directories) {
	if c.cfg.Policy.File == "" {
		return // a fault of the configuration already
	}
	o := checkOptions(c.cfg, reached)
	r := policyfile.CheckFile(ctx, c.cfg.Policy.File, o)
	for i := range r.Faults {
		c.say(Fault, &r.Faults[i])
	}
	if len(r.Faults) > 0 {
		return
	}
	c.add(OK, "policy", fmt.Sprintf("%s, revision %s", plural(r.Policy.Len(), "rule"), r.Policy.Revision()))
	for i := range r.Warnings {
		switch w := &r.Warnings[i]; w.Code {
		case policyfile.WarnNotAsked: // a directory that does not answer is a fault of its own already
			if reached == nil || len(reached.list) == len(c.cfg.Directories) {
				c.say(Warning, w)
			}
		case policyfile.WarnUnknownGroup, policyfile.WarnAmbiguousGroup: // the rule gives nobody anything
			c.say(Fault, w)
		default:
			c.say(Warning, w)
		}
	}
	if o.AskAll {
		where := "the directory"
		if len(c.cfg.Directories) > 1 {
			where = "their directories"
		}
		c.add(OK, "policy", counted(r.GroupsFound)+" found in "+where)
	}
}

// say adds what is to be said about a line of the policy.
func (c *checker) say(s Severity, f *policyfile.Fault) {
	c.findings = append(c.findings, Finding{Severity: s, Where: "policy", Code: string(f.Code), Text: f.Error()})
}

// checkOptions says what a policy may refer to, and what is known for its warnings.
func checkOptions(cfg config.Config, reached *directories) policyfile.Options {
	if reached != nil && len(reached.list) == 0 {
		reached = nil
	}
	o := policyOptions(cfg, reached)
	if reached != nil {
		o.AskAll, o.FindUser = true, reached.findUser
	}
	o.KnownNames = func() ([]policyfile.KnownName, error) { return knownNames(cfg) }
	return o
}

// knownNames gives whose the login names are that a gate of this configuration remembers.
func knownNames(cfg config.Config) ([]policyfile.KnownName, error) {
	if cfg.StateDir == "" {
		return nil, nil
	}
	owners, err := names.Read(NamesPath(cfg))
	if err != nil {
		return nil, err
	}
	all := make([]policyfile.KnownName, 0, len(owners))
	for _, w := range owners {
		all = append(all, policyfile.KnownName{Directory: w.Directory, Name: w.Name, ID: w.ID, Now: w.Now})
	}
	return all, nil
}

// PolicyDesk answers what a check of a policy asks of the directories. Close it when done.
type PolicyDesk struct {
	// Options are for [policyfile.Check].
	Options policyfile.Options

	directories *directories
}

// OpenPolicyDesk builds the directories of a valid configuration, for questions about groups and users.
func OpenPolicyDesk(cfg config.Config) (*PolicyDesk, error) {
	all, err := newDirectoriesOnce(cold(cfg), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	return &PolicyDesk{Options: checkOptions(cfg, all), directories: all}, nil
}

// Close ends the connections to the directories.
func (d *PolicyDesk) Close(ctx context.Context) { d.directories.close(ctx) }

// counted counts named groups in words.
func counted(n int) string {
	if n == 1 {
		return "1 named group"
	}
	return fmt.Sprintf("%d named groups", n)
}
