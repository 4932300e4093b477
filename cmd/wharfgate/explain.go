package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

type explainCmd struct {
	configFlag

	User     string   `placeholder:"NAME" help:"Login name of the account, or NAME@DIRECTORY as in the policy; left out, somebody without a login."`
	Registry string   `placeholder:"SERVICE" help:"Which of the configured registries; needed when there are several."`
	From     string   `placeholder:"ADDRESS" help:"Client address, for rules with from; left out, such a can does not apply."`
	At       string   `placeholder:"TIME" help:"Time, for rules with since and until, as 2027-01-31T08:00:00Z; left out, now."`
	Repo     string   `placeholder:"REPOSITORY" help:"Instead of an action: list who can do what in this repository, and through which rule."`
	JSON     bool     `help:"Print JSON."`
	Action   string   `arg:"" optional:"" help:"pull, push, delete or catalog."`
	Repos    []string `arg:"" optional:"" name:"repository" help:"Repository names; none for catalog."`
}

// Help gives examples.
func (*explainCmd) Help() string {
	return `Reads the account's groups as they are now and decides like the running gate, without a password.
Exit code 0: granted; 1: not granted, or the account could not be read.
With --repo alone it lists who can do what there, as the policy names them, and asks no directory; exit code 0.

  wharfgate explain -c wharfgate.yaml --user alice push team/app
  wharfgate explain -c wharfgate.yaml pull public/hello
  wharfgate explain -c wharfgate.yaml --user alice catalog
  wharfgate explain -c wharfgate.yaml --user eve --at 2027-01-01T00:00:00Z --from 10.20.0.7 pull payments/api
  wharfgate explain -c wharfgate.yaml --repo payments/api`
}

// Validate looks at the arguments.
func (c *explainCmd) Validate() error {
	switch {
	case c.Repo != "" && c.Action != "":
		return errors.New("--repo lists everybody and takes no action; leave one of them out")
	case c.Repo != "" && c.User != "":
		return errors.New("--repo lists everybody and takes no --user; leave one of them out")
	case c.Repo != "":
		return nil
	case c.Action == "":
		return errors.New(`name an action and a repository, as in "push team/app", or list who can do what with --repo team/app`)
	case !slices.Contains([]string{"pull", "push", "delete", "catalog"}, c.Action):
		return fmt.Errorf(`<action> must be one of "pull","push","delete","catalog" but got %q`, c.Action)
	default:
		return nil
	}
}

// explanation is one answer in JSON.
type explanation struct {
	Scope   string   `json:"scope"`
	Granted bool     `json:"granted"`
	Reason  string   `json:"reason"`
	Rules   []string `json:"rules"`
	Text    []string `json:"text"`
}

// Run explains.
func (c *explainCmd) Run(ctx context.Context, s streams) error {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	question, err := c.question(cfg)
	if err != nil {
		return err
	}
	if c.Repo != "" {
		return c.who(ctx, s, cfg, question)
	}
	desk, err := gate.OpenDesk(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer desk.Close()
	ctx, cancel := context.WithTimeout(ctx, cfg.Limits.RequestTimeout)
	defer cancel()
	done := s.patience("asking the directory")
	answer, err := desk.Explain(ctx, question)
	done()
	if err != nil {
		return c.unread(err)
	}
	return c.print(s.out, answer)
}

// question gathers what is asked.
func (c *explainCmd) question(cfg config.Config) (q authority.Question, err error) {
	q.Source, q.User = qualified(cfg, c.User)
	if q.Service, err = serviceNamed(cfg, c.Registry); err != nil {
		return q, err
	}
	if q.Scopes, err = c.scopes(); err != nil {
		return q, err
	}
	if c.From != "" {
		if q.Client, err = netip.ParseAddr(c.From); err != nil {
			return q, &usageError{fmt.Sprintf("--from %q is no address; write it as 10.20.0.7 or fd00::7", c.From)}
		}
	}
	if c.At != "" {
		if q.At, err = time.Parse(time.RFC3339, c.At); err != nil {
			return q, &usageError{fmt.Sprintf("--at %q is no time; write it as 2027-01-31T08:00:00Z", c.At)}
		}
	}
	return q, nil
}

// qualified splits NAME@DIRECTORY, as the policy writes it. Any other name is what one would type into docker login.
func qualified(cfg config.Config, name string) (directory, user string) {
	i := strings.LastIndexByte(name, '@')
	for _, d := range cfg.Directories {
		if i > 0 && d.Name == name[i+1:] {
			return d.Name, name[:i]
		}
	}
	return "", name
}

// unread says why there is no answer.
func (c *explainCmd) unread(err error) error {
	if c.User == "" {
		return errors.New("refused: the policy has no rule for anyone, so nobody without a login is served; name an account with --user")
	}
	reason, detail := reasonOf(err)
	if detail != "" {
		detail = "; " + visible(detail)
	}
	return fmt.Errorf("read the account %q: %s%s\n%s", c.User, reason, detail, meaning(reason))
}

// scopes turns the arguments into what a client would ask for.
func (c *explainCmd) scopes() ([]registry.Scope, error) {
	if c.Repo != "" {
		return repositoryScopes([]string{c.Repo}, "*")
	}
	if c.Action == "catalog" {
		if len(c.Repos) > 0 {
			return nil, &usageError{"catalog takes no repository"}
		}
		return []registry.Scope{{Type: registry.TypeRegistry, Name: registry.CatalogName, Actions: registry.Catalog}}, nil
	}
	if len(c.Repos) == 0 {
		return nil, &usageError{"name a repository, as in: wharfgate explain -c " + c.Config + " --user alice " + c.Action + " team/app"}
	}
	return repositoryScopes(c.Repos, c.Action)
}

// repositoryScopes asks for an action on each repository.
func repositoryScopes(repos []string, action string) ([]registry.Scope, error) {
	var scopes []registry.Scope
	for _, r := range repos { // one by one, as a list of scopes would be sorted
		one, dropped, err := registry.ParseScopes([]string{registry.TypeRepository + ":" + r + ":" + action}, 1)
		if err != nil || len(dropped) > 0 || len(one) != 1 {
			return nil, &usageError{fmt.Sprintf("%q is no repository name, as in team/app: lower-case letters, digits and . _ - between slashes", r)}
		}
		scopes = append(scopes, one[0])
	}
	return scopes, nil
}

// serviceNamed gives the registry that was named, or the only one.
func serviceNamed(cfg config.Config, name string) (string, error) {
	var names []string
	for _, r := range cfg.Registries {
		names = append(names, r.Service)
	}
	switch {
	case name == "" && len(names) == 1:
		return names[0], nil
	case slices.Contains(names, name):
		return name, nil
	default:
		return "", &usageError{"say which registry with --registry: " + strings.Join(names, ", ")}
	}
}

// print writes the answers; not all granted is [errFaults].
func (c *explainCmd) print(w io.Writer, answer authority.Answer) error {
	granted := true
	var answers []explanation
	for _, e := range answer.Explanations {
		ok := e.Decision.Missing() == 0
		granted = granted && ok
		a := explanation{Scope: e.Request.Scope.String(), Granted: ok, Reason: string(e.Decision.MissingReason()), Text: e.Lines(), Rules: []string{}}
		for _, r := range e.Decision.Rules() {
			a.Rules = append(a.Rules, r.Position.String())
		}
		answers = append(answers, a)
	}
	if err := c.write(w, answer, granted, answers); err != nil {
		return err
	}
	if !granted {
		return errFaults
	}
	return nil
}

// write prints for people or for machines.
func (c *explainCmd) write(w io.Writer, answer authority.Answer, granted bool, answers []explanation) error {
	if c.JSON {
		who := answer.Grant.Principal
		return writeJSON(w, map[string]any{
			"account": map[string]string{"kind": who.Kind.String(), "directory": who.Source, "id": who.ID, "name": who.Name},
			"granted": granted, "scopes": answers,
		})
	}
	for _, e := range answer.Explanations {
		for _, line := range e.Lines() {
			if _, err := fmt.Fprintln(w, visible(line)); err != nil {
				return err
			}
		}
	}
	return nil
}
