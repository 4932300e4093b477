package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
)

// The exit codes, as docs/reference/commands.md promises them.
const (
	exitOK     = 0
	exitFaults = 1
	exitUsage  = 2
	exitDiffer = 4
)

// errFaults says that a command found what it was asked to look for and has printed it: exit 1, no more words.
var errFaults = errors.New("faults were found")

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// terminal reports whether w is a terminal.
func terminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colored reports whether w is a terminal that may be given color (https://no-color.org).
func colored(w any) bool { return os.Getenv("NO_COLOR") == "" && terminal(w) }

// cli is the whole command line.
type cli struct {
	Serve      serveCmd      `cmd:"" help:"Run the gate."`
	Check      checkCmd      `cmd:"" help:"Find every fault of configuration, policy and keys at once."`
	Login      loginCmd      `cmd:"" help:"Try a login and show what the gate sees."`
	Explain    explainCmd    `cmd:"" help:"Say why an account may or may not do something, without a password."`
	Doctor     doctorCmd     `cmd:"" help:"Look at the running gate and a registry as clients do."`
	Forget     forgetCmd     `cmd:"" help:"Make the running gate forget what it remembers of an account."`
	Tokens     tokensCmd     `cmd:"" help:"End refresh tokens, which docker login stores."`
	Policy     policyCmd     `cmd:"" help:"Check, compare and change the access policy."`
	Registry   registryCmd   `cmd:"" help:"Print what to put into the registry's configuration."`
	Keys       keysCmd       `cmd:"" help:"Make, list, rotate and export signing keys."`
	Config     configCmd     `cmd:"" help:"Describe the configuration file."`
	Completion completionCmd `cmd:"" help:"Print a completion script for a shell."`
	Version    versionCmd    `cmd:"" help:"Print the version."`
}

// configFlag is the flag that most commands share.
type configFlag struct {
	Config string `short:"c" required:"" placeholder:"FILE" help:"Configuration file."`
}

// run parses the arguments, runs one command and gives the exit code.
func run(args []string, s streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	var c cli
	exited := -1
	parser, err := newParser(ctx, &c, s, func(code int) { exited = code })
	if err != nil {
		fmt.Fprintln(s.err, "wharfgate:", err)
		return exitUsage
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited >= 0 { // help was printed
		return exited
	}
	if err != nil {
		fmt.Fprintf(s.err, "wharfgate: %v\n", err)
		var pe *kong.ParseError
		if errors.As(err, &pe) && pe.Context != nil && pe.Context.Selected() != nil {
			fmt.Fprintf(s.err, "Try \"wharfgate %s --help\".\n", pe.Context.Selected().Path())
		} else {
			fmt.Fprintln(s.err, `Try "wharfgate --help".`)
		}
		return exitUsage
	}
	return exitCode(command.Run(), s.err)
}

// newParser builds the parser of the command line.
func newParser(ctx context.Context, c *cli, s streams, exit func(int)) (*kong.Kong, error) {
	return kong.New(c,
		kong.Name("wharfgate"),
		kong.Description("Wharfgate lets people log in to a container registry with their directory account.\n\n"+
			"It binds the password against LDAP, looks up what the account's groups may do, and issues the signed token that the registry trusts."),
		kong.Writers(s.out, s.err),
		kong.Exit(exit),
		kong.Bind(s),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
	)
}

// exitCode prints what a command returned and turns it into an exit code.
func exitCode(err error, w io.Writer) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFaults):
		return exitFaults
	case errors.Is(err, errDiffers):
		return exitDiffer
	case errors.As(err, new(*usageError)):
		fmt.Fprintf(w, "wharfgate: %v\n", err)
		return exitUsage
	default:
		fmt.Fprintf(w, "wharfgate: %v\n", err)
		return exitFaults
	}
}

// usageError is a wrong use of a command that the parser could not see.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }
