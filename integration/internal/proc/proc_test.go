package proc_test

import (
	"context"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/integration/internal/proc"
)

func TestLineAndStop(t *testing.T) {
	t.Parallel()
	p := proc.Start(t, nil, "/bin/sh", "-c", "echo one; echo two >&2; exec cat /dev/zero >/dev/null")
	if line, err := p.Line(t.Context(), p.Err, func(l string) bool { return l == "two" }); err != nil || line != "two" {
		t.Errorf("Line = %q, %v, want two", line, err)
	}
	if n, err := p.OpenFiles(); err != nil || n < 3 {
		t.Errorf("OpenFiles = %d, %v, want at least 3", n, err)
	}
	if err := p.Stop(); err != nil {
		t.Errorf("Stop = %v", err)
	}
	if got := p.Out.Lines(); len(got) != 1 || got[0] != "one" {
		t.Errorf("Lines = %q, want one", got)
	}
	<-p.Ended()
}

func TestLineOfAProcessThatEnds(t *testing.T) {
	t.Parallel()
	p := proc.Start(t, nil, "/bin/sh", "-c", "echo its last words >&2")
	_, err := p.Line(t.Context(), p.Out, func(string) bool { return true })
	if err == nil || !strings.Contains(err.Error(), "its last words") {
		t.Errorf("Line = %v, want an error with what the process said", err)
	}
}

func TestWaitGivesTheExitCode(t *testing.T) {
	t.Parallel()
	p := proc.Start(t, nil, "/bin/sh", "-c", "kill -9 $$")
	if code, err := p.Wait(t.Context()); err != nil || code != -1 {
		t.Errorf("Wait = %d, %v, want -1 for a process that was killed", code, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q := proc.Start(t, nil, "/bin/sh", "-c", "exec cat /dev/zero >/dev/null")
	if _, err := q.Wait(ctx); err == nil {
		t.Error("Wait returned for a process that runs")
	}
}
