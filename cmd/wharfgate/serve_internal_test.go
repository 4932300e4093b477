package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/config"
)

// patienceOfTests bounds what a test waits for.
const patienceOfTests = 30 * time.Second

// server is a program that serves.
type server struct {
	lines  *bufio.Scanner
	signal func(syscall.Signal)
	wait   func() error
}

// serve starts the program.
func serve(t *testing.T, s site) *server {
	t.Helper()
	return serveTo(t, s, nil)
}

// serveTo starts the program with a standard output.
func serveTo(t *testing.T, s site, stdout io.Writer) *server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patienceOfTests)
	t.Cleanup(cancel)
	cmd := program(ctx, "serve", "-c", s.config)
	cmd.Stdout = stdout
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &server{
		lines: bufio.NewScanner(stderr), wait: cmd.Wait,
		signal: func(sig syscall.Signal) {
			if err := cmd.Process.Signal(sig); err != nil {
				t.Error(err)
			}
		},
	}
}

// until reads the log up to a message.
func (s *server) until(t *testing.T, message string) map[string]any {
	t.Helper()
	var seen strings.Builder
	for s.lines.Scan() {
		seen.WriteString(s.lines.Text() + "\n")
		var line map[string]any
		if err := json.Unmarshal(s.lines.Bytes(), &line); err == nil && line["msg"] == message {
			return line
		}
	}
	t.Fatalf("%q is never logged:\n%s", message, seen.String())
	return nil
}

// pull asks for a token that must be given.
func pull(t *testing.T, listen string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		"http://"+listen+"/token?service=registry.test&scope=repository:public/a:pull", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("a pull is answered %s", answer.Status)
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	s := newSite(t).withKeys(t)
	p := serve(t, s)
	listen, _ := p.until(t, "ready")["listen"].(string)
	pull(t, listen)
	p.until(t, "request")
	p.signal(syscall.SIGHUP)
	p.until(t, "reloaded")
	s.write(t, "wharfgate.yaml", "lisen: x\n")
	p.signal(syscall.SIGHUP)
	if line := p.until(t, "reload failed, what was in force stays"); !strings.Contains(line["error"].(string), "lisen") {
		t.Errorf("the fault is not in %v", line)
	}
	p.signal(syscall.SIGTERM)
	p.until(t, "stopped")
	if err := p.wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want exit code 0", err)
	}
}

// TestServeOutlivesItsReader: the audit record goes to standard output; who reads it may go away.
func TestServeOutlivesItsReader(t *testing.T) {
	t.Parallel()
	s := newSite(t).withKeys(t)
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := serveTo(t, s, writer)
	listen, _ := p.until(t, "ready")["listen"].(string)
	if err := errors.Join(reader.Close(), writer.Close()); err != nil {
		t.Fatal(err)
	}
	pull(t, listen)
	p.until(t, "audit record not written")
	pull(t, listen)
	p.signal(syscall.SIGTERM)
	p.until(t, "stopped")
	if err := p.wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want exit code 0", err)
	}
}

func TestServePortInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := newSite(t, "LISTEN", l.Addr().String()).withKeys(t)
	call(t, "", "serve", "-c", s.config).want(t, exitFaults, "wharfgate: listen: ", l.Addr().String(), "address already in use")
}

func TestServeFaults(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write(t, "policy.yaml", "version: 1\nrules:\n  - {who: [anyone], can: [pul], repos: [public/**]}\n  - {who: [anyone], can: [pull]}\n")
	call(t, "", "serve", "-c", s.config).want(t, exitFaults, "wharfgate keys init", "policy.yaml:3:", "policy.yaml:4:")
}

func TestLogFollowsItsLevel(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	l := newLog(config.Log{Level: "info", Format: "json"}, &b)
	l.Debug("before")
	l.next = config.Log{Level: "debug", Format: "text"}
	l.change()
	l.Debug("after")
	got := b.String()
	if strings.Contains(got, "before") || !strings.Contains(got, "after") || !strings.Contains(got, "log.format changes only at a restart") {
		t.Errorf("the log is %s", got)
	}
	if l := newLog(config.Log{Format: "auto"}, io.Discard); l.level.Level() != slog.LevelInfo {
		t.Errorf("the level without one is %v, want info", l.level.Level())
	}
}
