package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/distribution"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/proc"
	"github.com/wharfgate/wharfgate/pkg/audit"
	"github.com/wharfgate/wharfgate/pkg/token"
)

// Gate is a wharfgate that runs. Make one with [Start].
type Gate struct {
	// URL is the address of its token endpoints, Operator that of its operator listener.
	URL, Operator string
	// ConfigFile, PolicyFile and AuditFile are its files.
	ConfigFile, PolicyFile, AuditFile string
	// Process is the program; Process.Err is its log.
	Process *proc.Process

	program, stateDir, issuer string
	settings                  Settings
}

// Start writes a configuration and a policy and runs the gate until the test ends. Edits change the
// configuration that works before it is written.
func Start(t testing.TB, d Directory, policy string, edits ...func(Settings)) *Gate {
	t.Helper()
	g := Prepare(t, d, policy, edits...)
	g.Serve(t)
	return g
}

// Prepare writes the files and runs nothing yet.
func Prepare(t testing.TB, d Directory, policy string, edits ...func(Settings)) *Gate {
	t.Helper()
	dir := t.TempDir()
	settings := Default(t, dir, d)
	for _, edit := range edits {
		edit(settings)
	}
	g := &Gate{
		URL:        settings["public_url"].(string),
		Operator:   "http://" + settings.Section("operator")["listen"].(string),
		ConfigFile: filepath.Join(dir, "wharfgate.yaml"),
		PolicyFile: filepath.Join(dir, "policy.yaml"),
		AuditFile:  settings.Section("audit")["file"].(string),
		program:    Program(t),
		stateDir:   settings["state_dir"].(string),
		issuer:     settings["issuer"].(string),
		settings:   settings,
	}
	write(t, g.ConfigFile, settings.document(t))
	write(t, g.PolicyFile, policy)
	return g
}

// Serve runs the gate and waits until it is ready.
func (g *Gate) Serve(t testing.TB) {
	t.Helper()
	g.Process = proc.Start(t, environment(), g.program, "serve", "-c", g.ConfigFile)
	t.Cleanup(func() { g.logErrors(t) })
	const patience = 30 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := g.ready(ctx)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-g.Process.Ended():
			t.Fatalf("the gate ended before it was ready:\n%s", g.Process.Err)
		case <-ctx.Done():
			t.Fatalf("the gate is not ready: %v\n%s", err, g.Process.Err)
		}
	}
}

// logErrors shows the errors in the gate's log where the test failed.
func (g *Gate) logErrors(t testing.TB) {
	t.Helper()
	const most = 3
	shown := 0
	for _, line := range g.Process.Err.Lines() {
		if shown < most && t.Failed() && strings.Contains(line, `"level":"ERROR"`) {
			shown++
			t.Logf("the gate's log: %s", line)
		}
	}
}

func (g *Gate) ready(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, g.Operator+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return err
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("readyz answers %s", answer.Status)
	}
	return nil
}

// StateDir is where its keys are.
func (g *Gate) StateDir() string { return g.stateDir }

// Realm is the endpoint that registries send clients to.
func (g *Gate) Realm() string { return g.URL + "/auth/token" }

// Asker asks the gate for tokens of a service.
func (g *Gate) Asker(service string) client.Asker {
	return client.Asker{Realm: g.Realm(), Service: service}
}

// Auth is what a registry called service must know to trust the gate.
func (g *Gate) Auth(service string) distribution.Auth {
	return distribution.Auth{
		Realm: g.Realm(), Service: service, Issuer: g.issuer,
		BundleFile: filepath.Join(g.stateDir, token.CACertFile),
	}
}

// Reload makes the gate read its files again and waits until it says what came of it.
func (g *Gate) Reload(t testing.TB) string {
	t.Helper()
	mark := g.Process.Err.Len()
	if err := g.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	var said string
	const patience = 20 * time.Second
	loopback.Eventually(t, patience, func() error {
		for line := range strings.Lines(g.Process.Err.Since(mark)) {
			if strings.Contains(line, `"msg":"reload`) {
				said = line
				return nil
			}
		}
		return errors.New("the gate says nothing of a reload")
	})
	return said
}

// Configure changes the configuration file. It is in force after a [Gate.Reload].
func (g *Gate) Configure(t testing.TB, edit func(Settings)) {
	t.Helper()
	edit(g.settings)
	write(t, g.ConfigFile, g.settings.document(t))
}

// SetPolicy replaces the policy file, as an editor does: the new file takes the old one's name.
func (g *Gate) SetPolicy(t testing.TB, text string) {
	t.Helper()
	write(t, g.PolicyFile+".new", text)
	if err := os.Rename(g.PolicyFile+".new", g.PolicyFile); err != nil {
		t.Fatal(err)
	}
}

// Command is the outcome of a command of the program.
type Command struct {
	Out, Err string
	Code     int
}

// Run runs another command of the program on the gate's configuration, such as "check" or "explain".
func (g *Gate) Run(t testing.TB, stdin, command string, args ...string) Command {
	t.Helper()
	words := append(strings.Fields(command), "-c", g.ConfigFile)
	cmd := exec.CommandContext(t.Context(), g.program, append(words, args...)...) //nolint:gosec // our own program
	var out, problems bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = environment(), strings.NewReader(stdin), &out, &problems
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatalf("run wharfgate %s: %v", command, err)
	} else if ok && exit.ExitCode() < 0 {
		t.Fatalf("wharfgate %s was killed: %v\n%s", command, err, problems.String())
	}
	return Command{Out: out.String(), Err: problems.String(), Code: cmd.ProcessState.ExitCode()}
}

// Audit returns the records written so far.
func (g *Gate) Audit(t testing.TB) []audit.Record {
	t.Helper()
	text, err := os.ReadFile(g.AuditFile)
	if err != nil {
		t.Fatal(err)
	}
	var records []audit.Record
	for line := range bytes.Lines(text) {
		var r audit.Record
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("audit record %q: %v", line, err)
		}
		records = append(records, r)
	}
	return records
}

// environment is ours without what would change a test; it sets how the race detector ends the program.
func environment() []string {
	return append(os.Environ(), "GORACE=halt_on_error=0 exitcode=66")
}
