package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
)

// maxPassword bounds the password that is read from standard input.
const maxPassword = 4 << 10

type loginCmd struct {
	configFlag

	User      string `arg:"" help:"Login name, as one would type it into docker login."`
	Directory string `placeholder:"NAME" help:"Look in this directory; left out, in the one that the name belongs to."`
	JSON      bool   `help:"Print JSON."`
}

// Help gives examples.
func (*loginCmd) Help() string {
	return `Reads the password from standard input, binds it once, and shows the entry, its groups and its rights,
or the exact reason of the refusal. Exit code 0: the login works; 1: it does not.

  wharfgate login -c wharfgate.yaml alice
  wharfgate login -c wharfgate.yaml alice@partner.example
  wharfgate login -c wharfgate.yaml --json alice < password.txt`
}

// loginResult is what the command found.
type loginResult struct {
	OK        bool                `json:"ok"`
	Directory string              `json:"directory,omitempty"`
	Name      string              `json:"name,omitempty"`
	ID        string              `json:"id,omitempty"`
	DN        string              `json:"dn,omitempty"`
	Groups    []string            `json:"groups,omitempty"`
	Rights    []right             `json:"rights,omitempty"`
	Password  *passwordEnd        `json:"password,omitempty"`
	Reason    identity.Reason     `json:"reason,omitempty"`
	Detail    string              `json:"detail,omitempty"`
	Hint      string              `json:"hint,omitempty"`
	Took      string              `json:"took"`
	principal *identity.Principal // nil unless the login works
	unasked   bool                // nobody's password was looked at
}

// right is a rule that speaks about the account.
type right struct {
	Rule     string   `json:"rule"`
	Effect   string   `json:"effect"`
	Sentence string   `json:"sentence"`
	Repos    []string `json:"repos,omitempty"`
	Groups   []string `json:"groups,omitempty"`
}

// Run tries the login.
func (c *loginCmd) Run(ctx context.Context, s streams) error {
	cfg, err := loadConfig(c.Config)
	if err != nil {
		return err
	}
	if err := knownDirectory(cfg, c.Directory); err != nil {
		return err
	}
	desk, err := gate.OpenDesk(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer desk.Close()
	password, err := readPassword(s, c.User)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, cfg.Limits.RequestTimeout)
	defer cancel()
	done := s.patience("asking the directory")
	result := c.try(ctx, desk, password)
	done()
	result.Hint = c.hint(cfg, result.Reason)
	if c.JSON {
		err = writeJSON(s.out, result)
	} else {
		err = result.print(s.out)
	}
	if err == nil && !result.OK {
		err = errFaults
	}
	return err
}

// hint says what to type in the place of a name in the form of the policy, which is nobody's at a login.
func (c *loginCmd) hint(cfg config.Config, reason identity.Reason) string {
	source, user := qualified(cfg, c.User)
	if reason != identity.ReasonNotFound || source == "" {
		return ""
	}
	return fmt.Sprintf("%s is how the policy names an account; type %s", c.User, typed(cfg, source, user))
}

// typed says what leads to an account of a directory at a login.
func typed(cfg config.Config, source, user string) string {
	for _, d := range cfg.Directories {
		switch {
		case d.Name != source:
		case d.Default || len(cfg.Directories) == 1:
			return user + " at a login"
		case len(d.Realms) > 0:
			return user + "@" + d.Realms[0] + " at a login"
		}
	}
	return user + " with --directory " + source
}

// readPassword asks at a terminal without showing what is typed, and else reads the first line.
func readPassword(s streams, user string) (identity.Secret, error) {
	if f, ok := s.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprintf(s.err, "Password of %s: ", user)
		text, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(s.err)
		return identity.NewSecret(string(text)), err
	}
	line, err := bufio.NewReader(io.LimitReader(s.in, maxPassword+1)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return identity.Secret{}, fmt.Errorf("read the password: %w", err)
	}
	if len(line) > maxPassword {
		return identity.Secret{}, fmt.Errorf("read the password: it is longer than %d bytes", maxPassword)
	}
	return identity.NewSecret(strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")), nil
}

// knownDirectory looks whether there is a directory of that name; empty is any.
func knownDirectory(cfg config.Config, name string) error {
	var names []string
	for _, d := range cfg.Directories {
		names = append(names, d.Name)
	}
	if name != "" && !slices.Contains(names, name) {
		return &usageError{fmt.Sprintf("there is no directory %q; --directory takes %s", name, strings.Join(names, ", "))}
	}
	return nil
}

// try asks the directory and the policy.
func (c *loginCmd) try(ctx context.Context, desk *gate.Desk, password identity.Secret) loginResult {
	start := time.Now()
	who, err := desk.Login(ctx, c.Directory, c.User, password)
	return describe(ctx, desk, c.Directory, c.User, who, err, time.Since(start))
}

// describe shows an account, or why it is refused.
func describe(ctx context.Context, desk *gate.Desk, directory, user string, who identity.Principal, err error, took time.Duration) loginResult {
	result := loginResult{Took: took.Round(time.Millisecond).String()}
	source, entry, findErr := desk.Entry(ctx, directory, user)
	if findErr == nil {
		result.Directory, result.Name, result.ID, result.DN = source, entry.Name, entry.ID, entry.DN
	}
	if err != nil {
		result.Reason, result.Detail = reasonOf(err)
		return result
	}
	result.OK, result.principal = true, &who
	result.Directory, result.Name, result.ID = who.Source, who.Name, who.ID
	for _, g := range who.Groups {
		result.Groups = append(result.Groups, groupText(g))
	}
	slices.Sort(result.Groups)
	result.Rights = rightsOf(desk.Rights(who))
	if findErr == nil {
		result.Password = passwordEndOf(ctx, desk, source, entry)
	}
	return result
}

// rightsOf gathers what each rule says, through whichever groups: a template speaks once for each of them.
func rightsOf(all []policy.Right) []right {
	var rights []right
	var last *policy.Rule
	for _, r := range all {
		if r.Rule != last {
			last = r.Rule
			rights = append(rights, right{Rule: r.Rule.Ref(), Effect: r.Rule.Effect.String(), Sentence: r.Rule.Sentence()})
		}
		x := &rights[len(rights)-1]
		if r.Group != "" && !slices.Contains(x.Groups, r.Group) {
			x.Groups = append(x.Groups, r.Group)
		}
		for _, repo := range r.Repos {
			if !slices.Contains(x.Repos, repo) {
				x.Repos = append(x.Repos, repo)
			}
		}
	}
	return rights
}

// groupText shows a group's short name, if the policy may use one, and its DN.
func groupText(g identity.Group) string {
	if g.Name == "" {
		return g.DN
	}
	return g.Name + "  (" + g.DN + ")"
}

// print writes the result for people.
func (r *loginResult) print(w io.Writer) error {
	var b strings.Builder
	switch {
	case r.OK && r.unasked:
		fmt.Fprintf(&b, "nothing speaks against this account; its password was not asked for (%s)\n\n", r.Took)
	case r.OK:
		fmt.Fprintf(&b, "login works (%s)\n\n", r.Took)
	default:
		fmt.Fprintf(&b, "login refused: %s (%s)\n%s\n\n", r.Reason, r.Took, meaning(r.Reason))
		if r.Detail != "" {
			fmt.Fprintf(&b, "%s: %s\n\n", speaker(r.Reason), visible(r.Detail))
		}
		if r.Hint != "" {
			fmt.Fprintf(&b, "%s\n\n", visible(r.Hint))
		}
	}
	if r.DN == "" {
		b.WriteString("entry:   none found for this name\n")
	} else {
		fmt.Fprintf(&b, "entry:   %s\nname:    %s@%s\nid:      %s\n", visible(r.DN), visible(r.Name), r.Directory, visible(r.ID))
	}
	if r.OK {
		r.printPassword(&b)
		r.printRights(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printPassword writes when the password ends, where that is told.
func (r *loginResult) printPassword(b *strings.Builder) {
	if r.Password == nil {
		return
	}
	if text := r.Password.text(time.Now(), !r.unasked); text != "" {
		fmt.Fprintf(b, "expires: %s\n", text)
	}
}

// printRights writes groups and rights.
func (r *loginResult) printRights(b *strings.Builder) {
	fmt.Fprintf(b, "groups:  %d\n", len(r.Groups))
	for _, g := range r.Groups {
		fmt.Fprintf(b, "  %s\n", visible(g))
	}
	if len(r.Groups) == 0 {
		b.WriteString("  none. If that is a surprise: wharfgate check --online shows how groups are looked for.\n")
	}
	b.WriteString("rights:\n")
	for _, x := range r.Rights {
		fmt.Fprintf(b, "  %s  %s", visible(x.Sentence), x.Rule)
		if len(x.Repos) > 0 {
			fmt.Fprintf(b, "\n      %s: %s", x.Effect, visible(strings.Join(x.Repos, ", ")))
		}
		b.WriteByte('\n')
	}
	if len(r.Rights) == 0 {
		b.WriteString("  none: no rule of the policy applies to this account\n")
	}
}
