package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Stdout, os.Stderr, os.Args[1:])
	stop()
	switch {
	case err == nil, errors.Is(err, context.Canceled):
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2) //nolint:gocritic // stop was called
	default:
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run starts the demo and either takes the tour or waits for Ctrl-C.
func run(ctx context.Context, out, problems io.Writer, args []string) (err error) {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(problems)
	tour := flags.Bool("tour", false, "push and pull by itself, say what happened and why, and end")
	anyPorts := flags.Bool("any-ports", false, "take free ports instead of the well-known ones")
	logs := flags.Bool("log", false, "show the gate's log")
	if err := flags.Parse(args); err != nil {
		return flag.ErrHelp
	}
	o := options{Ports: wellKnown(), Log: io.Discard}
	if *anyPorts || *tour {
		o.Ports = ports{}
	}
	if *logs {
		o.Log = problems
	}
	d, err := start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if *tour {
		return d.tour(ctx, out)
	}
	if err := d.welcome(out); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		_, err := fmt.Fprintln(out, "\nstopping")
		return err
	case err := <-d.failed:
		return err
	}
}
