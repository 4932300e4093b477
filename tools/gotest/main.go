package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
)

// errSkipped means that everything that ran passed, but that not everything ran.
var errSkipped = errors.New("a skipped test is a failure when CI=true")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called.
	}
}

// run parses the arguments, runs go test and reports.
func run(ctx context.Context, out io.Writer, args []string) error {
	flags := flag.NewFlagSet("gotest", flag.ContinueOnError)
	dir := flags.String("C", ".", "directory of the module")
	skips := flags.String("skips", "", "file to which skipped tests are appended")
	may := flags.String("may-skip", "", "a skip whose reason holds this text is never a failure")
	own, rest := split(args)
	if err := flags.Parse(own); err != nil {
		return err
	}
	ci := os.Getenv("CI") == "true"
	r := newReport(out, ci)
	testErr := goTest(ctx, *dir, rest, r)
	fmt.Fprintln(out, r.summary())
	if err := appendSkips(*skips, r.skipped); err != nil {
		return err
	}
	if testErr != nil {
		return testErr
	}
	if ci && slices.ContainsFunc(r.skipped, func(line string) bool { return *may == "" || !strings.Contains(line, *may) }) {
		return errSkipped
	}
	return nil
}

// split cuts the arguments after the flags of gotest, each of which has a value.
func split(args []string) (own, rest []string) {
	i := 0
	for i+1 < len(args) && (args[i] == "-C" || args[i] == "-skips" || args[i] == "-may-skip") {
		i += 2
	}
	return args[:i], args[i:]
}

// goTest runs go test -json and feeds the report. A failed test is an error, and so is a run without any.
func goTest(ctx context.Context, dir string, args []string, r *report) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	readErr := r.read(bufio.NewReader(stdout))
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("go test %s in %s: %w", strings.Join(args, " "), dir, err)
	}
	if readErr != nil {
		return readErr
	}
	return r.verdict()
}

// appendSkips writes one line a skipped test.
func appendSkips(path string, skipped []string) error {
	if path == "" || len(skipped) == 0 {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(strings.Join(skipped, "\n") + "\n")
	return errors.Join(err, f.Close())
}
