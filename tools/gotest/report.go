package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// errFailed means that go test reported a failure but ended well.
var errFailed = errors.New("tests failed")

// errNothing means that not a single test ran.
var errNothing = errors.New("no test ran")

// event is one line of go test -json (see go doc test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Elapsed float64
	Output  string
}

// test names one test of one package.
type test struct{ pkg, name string }

// report turns events into what a person reads.
type report struct {
	out     io.Writer
	verbose bool
	output  map[test][]string
	skipped []string

	packages, passed, failed int
}

// newReport makes an empty report. A verbose one also prints each top-level test that passed.
func newReport(out io.Writer, verbose bool) *report {
	return &report{out: out, verbose: verbose, output: map[test][]string{}}
}

// read takes every event of r until its end. A line that is no event is printed as it is.
func (r *report) read(in *bufio.Reader) error {
	for {
		line, err := in.ReadString('\n')
		var e event
		switch {
		case line == "":
		case json.Unmarshal([]byte(line), &e) != nil:
			fmt.Fprint(r.out, line)
		default:
			r.take(e)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// take books one event.
func (r *report) take(e event) {
	key := test{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		r.output[key] = append(r.output[key], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(e)
		} else {
			r.endTest(key, e)
		}
	}
}

// endTest books one test that ended.
func (r *report) endTest(key test, e event) {
	switch e.Action {
	case "pass":
		r.passed++
		if r.verbose && !strings.Contains(e.Test, "/") {
			fmt.Fprintf(r.out, "--- PASS: %s (%.2fs)\n", e.Test, e.Elapsed)
		}
	case "fail":
		r.failed++
		r.say(r.output[key])
	case "skip":
		s := fmt.Sprintf("%s %s: %s", e.Package, e.Test, reason(r.output[key]))
		r.skipped = append(r.skipped, s)
		fmt.Fprintln(r.out, "--- SKIP:", s)
	}
	delete(r.output, key)
}

// endPackage prints the package's own lines, and whatever a test that never ended had to say.
func (r *report) endPackage(e event) {
	if e.Action != "skip" {
		r.packages++
	}
	if e.Action == "fail" {
		r.failed = max(r.failed, 1)
		for key, lines := range r.output {
			if key.pkg == e.Package && key.name != "" {
				r.say(lines)
			}
		}
	}
	for _, line := range r.output[test{e.Package, ""}] {
		if line != "PASS\n" && e.Action != "skip" {
			fmt.Fprint(r.out, line)
		}
	}
	for key := range r.output {
		if key.pkg == e.Package {
			delete(r.output, key)
		}
	}
}

// say prints what a test said, without the marks of its progress.
func (r *report) say(lines []string) {
	for _, line := range lines {
		if !strings.HasPrefix(line, "=== ") {
			fmt.Fprint(r.out, line)
		}
	}
}

// verdict is nil when something ran and nothing failed.
func (r *report) verdict() error {
	switch {
	case r.failed > 0:
		return errFailed
	case r.passed == 0:
		return errNothing
	default:
		return nil
	}
}

// summary is the last line.
func (r *report) summary() string {
	return fmt.Sprintf("%d packages: %d tests passed, %d failed, %d skipped",
		r.packages, r.passed, r.failed, len(r.skipped))
}

// reason finds what a skipped test said.
func reason(lines []string) string {
	var said []string
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		said = append(said, line)
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, " ")
}
