package gate_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/config"
	"github.com/wharfgate/wharfgate/pkg/control"
	"github.com/wharfgate/wharfgate/pkg/gate"
)

// refreshing lets the registry of a site take refresh tokens.
func refreshing(s *site) {
	s.config.Registries[0].RefreshTokens = config.RefreshTokens{Enabled: true, Lifetime: 720 * time.Hour}
}

// post sends a form and gives the status and the refresh token of the answer.
func (r *running) post(t *testing.T, fields ...string) (status int, token string) {
	t.Helper()
	form := url.Values{"service": {service}}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.Address().String()+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var said struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return response.StatusCode, said.RefreshToken
}

// TestP79_RevokeThroughTheSocket: also after a reload, and while the registry takes no refresh tokens.
func TestP79_RevokeThroughTheSocket(t *testing.T) {
	t.Parallel()
	r := newSite(t, newCompany(t).use, refreshing).run(t)
	login := func() string {
		t.Helper()
		status, token := r.post(t, "grant_type", "password", "username", "alice", "password", alicePassword, "access_type", "offline")
		if status != http.StatusOK || token == "" {
			t.Fatalf("login = %d, %d bytes", status, len(token))
		}
		return token
	}
	want := func(token string, status int) {
		t.Helper()
		if got, same := r.post(t, "grant_type", "refresh_token", "refresh_token", token); got != status || got == http.StatusOK && same != token {
			t.Errorf("refresh = %d, %q, want %d and the same token", got, same, status)
		}
	}
	c := control.Client{Path: control.Path(r.site.config.StateDir)}
	revoke := func(request gate.RevokeRequest) (result gate.RevokeResult, err error) {
		err = c.Call(t.Context(), gate.OperationRevokeTokens, request, &result)
		return result, err
	}
	token := login()
	want(token, http.StatusOK)
	r.edit(func(c *config.Config) { c.Limits.Scopes++ })
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(token, http.StatusOK)
	if got, err := revoke(gate.RevokeRequest{User: "alice"}); err != nil || got.Name != "alice" || got.Directory != "corp" || got.ID == "" {
		t.Fatalf("revoke alice = %+v, %v", got, err)
	}
	want(token, http.StatusUnauthorized)
	token = login()
	want(token, http.StatusOK)
	r.edit(func(c *config.Config) {
		registries := []config.Registry{c.Registries[0]}
		registries[0].RefreshTokens.Enabled = false
		c.Registries = registries
	})
	if err := r.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(token, http.StatusUnauthorized)
	if got, err := revoke(gate.RevokeRequest{All: true}); err != nil || !got.All {
		t.Fatalf("revoke all = %+v, %v", got, err)
	}
	for status, request := range map[int]gate.RevokeRequest{
		http.StatusNotFound:   {User: "nobody"},
		http.StatusBadRequest: {All: true, Before: time.Now().Add(time.Hour)},
	} {
		if _, err := revoke(request); refusalStatus(err) != status {
			t.Errorf("revoke %+v = %v, want %d", request, err, status)
		}
	}
	if _, err := revoke(gate.RevokeRequest{}); refusalStatus(err) != http.StatusBadRequest {
		t.Errorf("revoke nothing = %v", err)
	}
	if line := r.site.log.line(t, "refresh tokens revoked"); line["account"] != "all" {
		t.Errorf("logged %v, want all", line)
	}
	r.end(t)
}

// refusalStatus gives the status of a refusal.
func refusalStatus(err error) int {
	if refused, ok := errors.AsType[*control.RefusalError](err); ok {
		return refused.Status
	}
	return 0
}

// TestDamagedStoreIsNoStart: a gate that cannot tell what was revoked does not begin.
func TestDamagedStoreIsNoStart(t *testing.T) {
	t.Parallel()
	s := newSite(t, refreshing)
	path := filepath.Join(s.config.StateDir, "refresh-tokens.journal")
	if err := errors.Join(os.MkdirAll(s.config.StateDir, 0o700), os.WriteFile(path, []byte("rubbish\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.build(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "line 1 of ") {
		t.Errorf("Build = %v, want the damaged line", err)
	}
}
