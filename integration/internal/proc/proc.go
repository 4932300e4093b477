package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds the wait for a program that was asked to end.
const patience = 15 * time.Second

// Process is a program that runs. Make one with [Start].
type Process struct {
	// Out and Err keep what it prints.
	Out, Err *Output

	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// Start runs a program until the test ends. Env replaces the environment; nil inherits it.
func Start(t testing.TB, env []string, path string, args ...string) *Process {
	t.Helper()
	p := &Process{Out: new(Output), Err: new(Output), done: make(chan struct{})}
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), path, args...)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = env, p.Out, p.Err
	if err := spawn(p.cmd); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	go func() {
		defer close(p.done)
		p.err = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		if err := p.Stop(); err != nil && !t.Failed() {
			t.Errorf("stop %s: %v\n%s", path, err, tail(p.Err.String()))
		}
	})
	return p
}

// PID is the program's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal to the program.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Stop asks the program to end and waits; what does not end in time is killed, which is an error. Stopping
// twice is allowed.
func (p *Process) Stop() error {
	select {
	case <-p.done:
		return p.exit()
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end process %d: %w", p.PID(), err)
	}
	select {
	case <-p.done:
		return p.exit()
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("process %d did not end within %v", p.PID(), patience)
	}
}

// Wait waits until the program has ended by itself and returns its exit code.
func (p *Process) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("wait for process %d: %w", p.PID(), ctx.Err())
	}
}

// Ended is closed when the program has ended.
func (p *Process) Ended() <-chan struct{} { return p.done }

// exit judges how the program ended: with 0, or by the signal that asked it to.
func (p *Process) exit() error {
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return nil
	}
	return p.err
}

// Line waits for a line on an output for which match is true, and returns it.
func (p *Process) Line(ctx context.Context, o *Output, match func(line string) bool) (string, error) {
	seen := 0
	for {
		text, more := o.next()
		for {
			line, _, whole := strings.Cut(text[seen:], "\n")
			if !whole {
				break
			}
			seen += len(line) + 1
			if match(line) {
				return line, nil
			}
		}
		select {
		case <-more:
		case <-p.done:
			return "", fmt.Errorf("process ended before the line came: %s", tail(p.Err.String()))
		case <-ctx.Done():
			return "", fmt.Errorf("%w before the line came: %s", ctx.Err(), tail(p.Err.String()))
		}
	}
}

// OpenFiles counts the file descriptors that the program holds.
func (p *Process) OpenFiles() (int, error) {
	entries, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(p.PID()), "fd"))
	if err != nil {
		return 0, fmt.Errorf("count open files: %w", err)
	}
	return len(entries), nil
}

// tail bounds what an error shows of an output.
func tail(s string) string {
	const most = 4000
	if len(s) > most {
		return "..." + s[len(s)-most:]
	}
	return s
}
