package gate_test

import (
	"errors"
	"io/fs"
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

// TestSecondGateOfOneFolder: it serves, leaves the first one's socket alone, and says so.
func TestSecondGateOfOneFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	state := func(s *site) { s.config.StateDir = dir }
	first := newSite(t, newCompany(t).use, state).run(t)
	t.Run("second", func(t *testing.T) {
		second := newSite(t, newCompany(t).use, state).run(t)
		if line := second.site.log.line(t, "no control socket, commands cannot reach this gate"); line["level"] != "ERROR" {
			t.Errorf("the second gate logged %v, want an error", line)
		}
	})
	c := control.Client{Path: control.Path(first.site.config.StateDir)}
	var result gate.ForgetResult
	if err := c.Call(t.Context(), gate.OperationForget, gate.ForgetRequest{User: "alice"}, &result); err != nil || result.Name != "alice" {
		t.Errorf("forget at the first gate = %+v, %v", result, err)
	}
}
