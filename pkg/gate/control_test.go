package gate_test

import (
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/control"
	"github.com/wharfgate/wharfgate/pkg/gate"
)

// TestForgetThroughTheSocket: an account whose budget is empty gets in again at once, also after a reload.
func TestForgetThroughTheSocket(t *testing.T) {
	t.Parallel()
	r := newSite(t, newCompany(t).use).run(t)
	const ok, no, later = http.StatusOK, http.StatusUnauthorized, http.StatusTooManyRequests
	wantStatuses(t, r.logins(t, junk(0, 4)...), no, no, no, later)
	r.edit(func(c *config.Config) { c.Limits.Scopes++ })
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantStatuses(t, r.logins(t, alicePassword), later)
	c := control.Client{Path: control.Path(r.site.config.StateDir)}
	forget := func(user, directory string) (gate.ForgetResult, error) {
		var result gate.ForgetResult
		err := c.Call(t.Context(), gate.OperationForget, gate.ForgetRequest{User: user, Directory: directory}, &result)
		return result, err
	}
	got, err := forget("Alice", "corp")
	if err != nil || got.Name != "alice" || got.Directory != "corp" || got.FailedBinds != 3 || got.Proven {
		t.Fatalf("forget Alice = %+v, %v, want alice of corp with 3 failed binds", got, err)
	}
	wantStatuses(t, r.logins(t, alicePassword), ok)
	if line := r.site.log.line(t, "account forgotten"); line["account"] != "alice@corp" || line["failed_binds"] != float64(3) {
		t.Errorf("logged %v, want alice@corp and 3 failed binds", line)
	}
	for _, who := range [][2]string{{"nobody", ""}, {"alice", "elsewhere"}} {
		_, err := forget(who[0], who[1])
		if refused, ok := errors.AsType[*control.RefusalError](err); !ok || refused.Status != http.StatusNotFound {
			t.Errorf("forget %v = %v, want a refusal 404", who, err)
		}
	}
	r.end(t)
	if _, err := os.Lstat(control.Path(r.site.config.StateDir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// TestSocketOfAnotherGate: a gate whose folder another one uses already serves, leaves that one's socket alone, and says
// so.
func TestSocketOfAnotherGate(t *testing.T) {
	t.Parallel()
	s := newSite(t, newCompany(t).use)
	if err := os.MkdirAll(s.config.StateDir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := control.Path(s.config.StateDir)
	other, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	r := s.run(t)
	if line := s.log.line(t, "no control socket, commands cannot reach this gate"); line["level"] != "ERROR" {
		t.Errorf("logged %v, want an error", line)
	}
	wantStatuses(t, r.logins(t, alicePassword), http.StatusOK)
	r.end(t)
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the other one's socket: %v", err)
	}
}
