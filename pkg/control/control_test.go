package control_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/control"
)

// question and answer are those of the operation echo.
type question struct {
	Text string `json:"text"`
}

type answer struct {
	Text string `json:"text"`
}

// echo answers what it is asked, or refuses, or fails.
func echo(_ context.Context, q question) (answer, error) {
	switch q.Text {
	case "refuse":
		return answer{}, &control.RefusalError{Status: http.StatusNotFound, Text: "nobody is called so"}
	case "fail":
		return answer{}, errors.New("something broke")
	}
	return answer(q), nil
}

func newServer(t *testing.T, path string) *control.Server {
	t.Helper()
	s, err := control.New(control.Options{Path: path, Operations: map[string]http.Handler{"echo": control.Operation(echo)}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// start serves until the test ends, or the func is called.
func start(t *testing.T, path string) (stop func()) {
	t.Helper()
	s := newServer(t, path)
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve() = %v, want nil", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func TestAskAndAnswer(t *testing.T) {
	t.Parallel()
	path := control.Path(t.TempDir())
	stop := start(t, path)
	c := control.Client{Path: path}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			var a answer
			if err := c.Call(t.Context(), "echo", question{"hello"}, &a); err != nil || a.Text != "hello" {
				t.Errorf("Call(echo) = %+v, %v, want hello", a, err)
			}
		})
	}
	wg.Wait()
	stop()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	if err := c.Call(t.Context(), "echo", question{}, nil); !errors.Is(err, control.ErrNotRunning) {
		t.Errorf("Call() of nobody = %v, want ErrNotRunning", err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	path := control.Path(t.TempDir())
	start(t, path)
	c := control.Client{Path: path}
	tests := []struct {
		name, operation string
		in              any
		status          int
		text            string
	}{
		{"refused", "echo", question{"refuse"}, http.StatusNotFound, "nobody is called so"},
		{"failed", "echo", question{"fail"}, http.StatusInternalServerError, "something broke"},
		{"unknown field", "echo", map[string]string{"word": "x"}, http.StatusBadRequest, "unknown field"},
		{"not an object", "echo", "x", http.StatusBadRequest, "cannot be read"},
		{"too large", "echo", question{strings.Repeat("x", 65<<10)}, http.StatusBadRequest, "too large"},
		{"unknown operation", "nothing", question{}, http.StatusNotFound, "404"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var a answer
			err := c.Call(t.Context(), tt.operation, tt.in, &a)
			r, ok := errors.AsType[*control.RefusalError](err)
			if !ok || r.Status != tt.status || !strings.Contains(r.Text, tt.text) {
				t.Errorf("Call() = %v, want a refusal %d with %q", err, tt.status, tt.text)
			}
		})
	}
}

// TestSocketIsTheOwners: nobody else may open it.
func TestSocketIsTheOwners(t *testing.T) {
	t.Parallel()
	path := control.Path(t.TempDir())
	start(t, path)
	is, err := os.Lstat(path)
	if err != nil || is.Mode().Perm() != 0o600 || is.Mode().Type() != fs.ModeSocket {
		t.Errorf("socket has mode %v, %v, want a socket with 0600", is.Mode(), err)
	}
	left, err := filepath.Glob(path + ".*")
	if err != nil || len(left) != 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

// TestSocketOfTheDeadIsReplaced: what a process left behind that was killed.
func TestSocketOfTheDeadIsReplaced(t *testing.T) {
	t.Parallel()
	path := control.Path(t.TempDir())
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, path)
	var a answer
	if err := (control.Client{Path: path}).Call(t.Context(), "echo", question{"x"}, &a); err != nil {
		t.Errorf("Call() = %v", err)
	}
}

// TestSocketOfTheLivingStays: another gate with the same folder keeps its socket, also when the second one ends.
func TestSocketOfTheLivingStays(t *testing.T) {
	t.Parallel()
	path := control.Path(t.TempDir())
	start(t, path)
	if err := newServer(t, path).Listen(t.Context()); !errors.Is(err, control.ErrInUse) {
		t.Fatalf("Listen() = %v, want ErrInUse", err)
	}
	var a answer
	if err := (control.Client{Path: path}).Call(t.Context(), "echo", question{"x"}, &a); err != nil {
		t.Errorf("Call() of the first one = %v", err)
	}
}

func TestListenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		file: control.ErrNotASocket,
		filepath.Join(dir, strings.Repeat("x", 100)): control.ErrPathTooLong,
		filepath.Join(dir, "absent", "control.sock"): fs.ErrNotExist,
	} {
		if err := newServer(t, path).Listen(t.Context()); !errors.Is(err, want) {
			t.Errorf("Listen() at %s = %v, want %v", path, err, want)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "precious" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	if _, err := control.New(control.Options{Path: file}); !errors.Is(err, control.ErrInvalidOptions) {
		t.Errorf("New() without operations = %v, want ErrInvalidOptions", err)
	}
}

// TestConnectionsAreBounded: whoever opens many and says nothing holds up nobody for longer than their time.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	path := control.Path(t.TempDir())
	start(t, path)
	var open []net.Conn
	for range 15 {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	var a answer
	if err := (control.Client{Path: path}).Call(t.Context(), "echo", question{"x"}, &a); err != nil {
		t.Errorf("Call() beside 15 silent ones = %v", err)
	}
	more, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	open = append(open, more)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := (control.Client{Path: path}).Call(ctx, "echo", question{"x"}, &a); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Call() beside 16 silent ones = %v, want it to wait", err)
	}
	for _, c := range open {
		_ = c.Close()
	}
	if err := (control.Client{Path: path}).Call(t.Context(), "echo", question{"x"}, &a); err != nil {
		t.Errorf("Call() once they have gone = %v", err)
	}
}
