package integration_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/integration/internal/slapd"
)

// refreshTokens lets the second registry take them, and remembers accounts for a second.
func refreshTokens(s gate.Settings) {
	s["registries"].([]gate.Settings)[1]["refresh_tokens"] = gate.Settings{"enabled": true}
	s.Directory()["cache"] = gate.Settings{"ttl": "1s", "stale_if_down": "0s"}
}

// mustLogin logs in as docker does and gives the refresh token.
func mustLogin(t *testing.T, g *gate.Gate, user, password string) string {
	t.Helper()
	answer, err := g.Asker(serviceV3).Offline(t.Context(), user, password)
	if err != nil || answer.Status != http.StatusOK || answer.RefreshToken() == "" {
		t.Fatalf("login of %s = %d %s, %v, want a refresh token\n%s", user, answer.Status, answer.Body, err, g.Process.Err)
	}
	return answer.RefreshToken()
}

// wantRefresh uses a refresh token and checks the status; where it is refused, the reason of the record.
func wantRefresh(t *testing.T, g *gate.Gate, token string, status int, reason string) client.Answer {
	t.Helper()
	answer, err := g.Asker(serviceV3).Refresh(t.Context(), token, "repository:payments/api:pull")
	if err != nil || answer.Status != status {
		t.Fatalf("refresh = %d %s, %v, want %d\n%s", answer.Status, answer.Body, err, status, g.Process.Err)
	}
	if reason != "" {
		loopback.Eventually(t, 5*time.Second, func() error {
			records := g.Audit(t)
			if last := records[len(records)-1]; last.Refused != reason || last.Grant != "refresh" {
				return fmt.Errorf("the last record is of grant %q, refused %q, want %q", last.Grant, last.Refused, reason)
			}
			return nil
		})
	}
	return answer
}

// becomes waits until a refresh token is answered so: what is remembered of an account ends within a second or two.
func becomes(t *testing.T, g *gate.Gate, token string, status int) {
	t.Helper()
	loopback.Eventually(t, 20*time.Second, func() error {
		answer, err := g.Asker(serviceV3).Refresh(t.Context(), token)
		if err == nil && answer.Status != status {
			err = fmt.Errorf("refresh = %d, want %d", answer.Status, status)
		}
		return err
	})
}

// TestP15_P16_RefreshTokenOnlyWhenAsked: and only where the service has them.
func TestP15_P16_RefreshTokenOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d, refreshTokens)
	if a := mustGrant(t, g, "alice", d.Password); a.RefreshToken() != "" {
		t.Error("a refresh token is given that nobody asked for")
	}
	a, err := g.Asker(serviceV2).Offline(t.Context(), "alice", d.Password)
	if err != nil || a.Status != http.StatusOK || a.RefreshToken() != "" {
		t.Errorf("a registry without refresh tokens = %d %s, %v", a.Status, a.Body, err)
	}
	mustLogin(t, g, "alice", d.Password)
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, g.Realm()+"?offline_token=garbage&service="+serviceV3, nil)
	request.SetBasicAuth("alice", d.Password)
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK || strings.Contains(string(body), "refresh_token") {
		t.Errorf("offline_token=garbage = %d %s", response.StatusCode, body)
	}
}

// TestP29_P79_RefreshNeverBinds: a refresh by the form and one as the password of nobody bind nothing, nothing of what is
// remembered is asked again, and rubbish never reaches the directory.
func TestP29_P79_RefreshNeverBinds(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d, refreshTokens, func(s gate.Settings) { s.Directory()["cache"] = gate.Settings{"ttl": "10m"} })
	settle(t, d, g)
	token := mustLogin(t, g, "alice", d.Password)
	a := g.Asker(serviceV3)
	mark := d.Mark(t)
	first := wantRefresh(t, g, token, http.StatusOK, "")
	if got := granted(first, "payments/api"); first.Claims.Subject != "alice" || len(got) != 1 || first.RefreshToken() != token {
		t.Errorf("refresh = %s, want alice, what she may, and the same token", first.Body)
	}
	for _, password := range []string{token, d.Password, "whgr_rubbish"} {
		answer, err := a.Ask(t.Context(), "", password, "repository:payments/api:pull")
		if want := map[bool]int{true: http.StatusOK, false: http.StatusUnauthorized}[password == token]; err != nil || answer.Status != want {
			t.Errorf("Basic without a name = %d %s, %v, want %d", answer.Status, answer.Body, err, want)
		}
	}
	wantRefresh(t, g, token[:len(token)-9], http.StatusUnauthorized, "refresh_truncated")
	wantRefresh(t, g, "whgr_AQ", http.StatusUnauthorized, "refresh_truncated")
	wantRefresh(t, g, d.Password, http.StatusUnauthorized, "refresh_malformed")
	if answer, err := g.Asker(serviceV2).Refresh(t.Context(), token); err != nil || answer.Status != http.StatusUnauthorized {
		t.Errorf("at another registry = %d, %v, want 401", answer.Status, err)
	}
	if o := d.Since(t, mark); o != (slapd.Operations{}) {
		t.Errorf("operations = %+v, want none", o)
	}
	if n := g.Metric(t, "wharfgate_refresh_token_uses_total", `result="ok"`, `registry="`+serviceV3+`"`); n != 2 {
		t.Errorf("%v uses were counted as ok, want 2", n)
	}
	if log := g.Process.Err.String(); strings.Contains(log, token) || strings.Contains(log, d.Password) {
		t.Error("the log shows a secret")
	}
}

// TestP79_AccountsAreLookedUpAgain: a lock refuses and passes, a change of the password ends the token, and so does
// taking the account away, for good.
func TestP79_AccountsAreLookedUpAgain(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d, refreshTokens)
	alice, nora, carol := mustLogin(t, g, "alice", d.Password), mustLogin(t, g, "nora", d.Password), mustLogin(t, g, "carol", d.Password)

	d.Set(t, d.PersonDN("alice"), "pwdAccountLockedTime", "20260101000000Z")
	becomes(t, g, alice, http.StatusUnauthorized)
	wantRefresh(t, g, alice, http.StatusUnauthorized, "locked")
	d.Set(t, d.PersonDN("alice"), "pwdAccountLockedTime")
	becomes(t, g, alice, http.StatusOK)
	d.SetPassword(t, "alice", "another one 1")
	becomes(t, g, alice, http.StatusUnauthorized)
	wantRefresh(t, g, alice, http.StatusUnauthorized, "refresh_password_changed")
	again := mustLogin(t, g, "alice", "another one 1")
	wantRefresh(t, g, again, http.StatusOK, "")
	wantRefresh(t, g, alice, http.StatusUnauthorized, "refresh_password_changed")

	d.Set(t, d.PersonDN("nora"), "pwdEndTime", "20200101000000Z")
	becomes(t, g, nora, http.StatusUnauthorized)
	d.Set(t, d.PersonDN("nora"), "pwdEndTime")
	mustGrant(t, g, "nora", d.Password)
	wantRefresh(t, g, nora, http.StatusUnauthorized, "refresh_revoked")
	wantRefresh(t, g, mustLogin(t, g, "nora", d.Password), http.StatusOK, "")

	d.Remove(t, d.PersonDN("carol"))
	becomes(t, g, carol, http.StatusUnauthorized)
	wantRefresh(t, g, carol, http.StatusUnauthorized, "refresh_revoked")
}

// TestP79_PasswordEndedByAPolicy: a refresh token ends with the password, although only the policy that the account names
// tells that it has ended.
func TestP79_PasswordEndedByAPolicy(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d, refreshTokens)
	grace, warn := mustLogin(t, g, "grace", d.Password), mustLogin(t, g, "warn", d.Password)
	wantRefresh(t, g, grace, http.StatusOK, "") // it has a thousand logins left
	d.Set(t, d.PersonDN("grace"), "pwdPolicySubentry", "cn=aged,ou=policies,"+d.BaseDN)
	becomes(t, g, grace, http.StatusUnauthorized)
	d.Set(t, d.PersonDN("grace"), "pwdPolicySubentry", "cn=grace,ou=policies,"+d.BaseDN)
	mustGrant(t, g, "grace", d.Password)
	wantRefresh(t, g, grace, http.StatusUnauthorized, "refresh_revoked")
	wantRefresh(t, g, warn, http.StatusOK, "")
}

// TestP79_DirectoryDown: stale rules first, then 503, and never 401.
func TestP79_DirectoryDown(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d, refreshTokens, func(s gate.Settings) {
		s.Directory()["cache"] = gate.Settings{"ttl": "1s", "stale_if_down": "3s"}
	})
	token := mustLogin(t, g, "alice", d.Password)
	wantRefresh(t, g, token, http.StatusOK, "")
	d.Kill(t)
	stale := false
	loopback.Eventually(t, 30*time.Second, func() error {
		answer, err := g.Asker(serviceV3).Refresh(t.Context(), token)
		switch {
		case err != nil:
			return err
		case answer.Status == http.StatusUnauthorized:
			t.Fatalf("a directory that is down = 401 %s", answer.Body)
		case answer.Status == http.StatusOK:
			records := g.Audit(t)
			stale = stale || records[len(records)-1].Principal.Stale
			return fmt.Errorf("still answered from what is remembered")
		}
		return nil
	})
	if !stale {
		t.Error("no answer was stale")
	}
	if answer := wantRefresh(t, g, token, http.StatusServiceUnavailable, ""); answer.Header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	d.Restart(t)
	becomes(t, g, token, http.StatusOK)
}

// TestP79_RevokeSurvivesKill: a revocation is in force at once, and after the gate was killed.
func TestP79_RevokeSurvivesKill(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d, refreshTokens)
	alice, nora := mustLogin(t, g, "alice", d.Password), mustLogin(t, g, "nora", d.Password)
	if c := g.Run(t, "", "tokens revoke", "alice"); c.Code != 0 || !strings.Contains(c.Out, "alice of corp") {
		t.Fatalf("tokens revoke = %d %s%s", c.Code, c.Out, c.Err)
	}
	wantRefresh(t, g, alice, http.StatusUnauthorized, "refresh_revoked")
	wantRefresh(t, g, nora, http.StatusOK, "")
	kill(t, g)
	g.Serve(t)
	wantRefresh(t, g, alice, http.StatusUnauthorized, "refresh_revoked")
	wantRefresh(t, g, nora, http.StatusOK, "")
	alice = mustLogin(t, g, "alice", d.Password)
	wantRefresh(t, g, alice, http.StatusOK, "")

	kill(t, g)
	if c := g.Run(t, "", "tokens revoke", "--all", "--json"); c.Code != 0 || !strings.Contains(c.Out, `"all": true`) {
		t.Fatalf("tokens revoke --all without a gate = %d %s%s", c.Code, c.Out, c.Err)
	}
	g.Serve(t)
	wantRefresh(t, g, alice, http.StatusUnauthorized, "refresh_revoked")
	wantRefresh(t, g, nora, http.StatusUnauthorized, "refresh_revoked")

	first := mustLogin(t, g, "alice", d.Password)
	before := time.Now().Add(time.Second).UTC().Truncate(time.Second) // commands take whole seconds
	loopback.Eventually(t, 5*time.Second, func() error {
		if c := g.Run(t, "", "tokens revoke", "alice@corp", "--before", before.Format(time.RFC3339)); c.Code != 0 {
			return fmt.Errorf("tokens revoke --before = %d %s", c.Code, c.Err) // the time lies in the future
		}
		return nil
	})
	wantRefresh(t, g, first, http.StatusUnauthorized, "refresh_revoked")
	wantRefresh(t, g, mustLogin(t, g, "alice", d.Password), http.StatusOK, "")
	for _, args := range [][]string{{"nobody"}, {"alice", "--all"}, {}, {"alice", "--before", "yesterday"}, {"--all", "--before", "2100-01-01T00:00:00Z"}} {
		if c := g.Run(t, "", "tokens revoke", args...); c.Code == 0 || c.Err == "" {
			t.Errorf("tokens revoke %q = %d %s%s", args, c.Code, c.Out, c.Err)
		}
	}
}

// kill ends the gate as a crash does.
func kill(t *testing.T, g *gate.Gate) {
	t.Helper()
	if err := g.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	if _, err := g.Process.Wait(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestP79_DockerStoresNoPassword: docker login stores a token and no password, works with it, and asks for a login after
// the password has changed.
func TestP79_DockerStoresNoPassword(t *testing.T) {
	t.Parallel()
	s := startSite(t, refreshTokens)
	host := s.hosts[serviceV3]
	docker := client.Docker(t)
	if out, err := docker.Login(t.Context(), host, "alice", s.directory.Password); err != nil {
		t.Fatalf("docker login: %v\n%s", err, out)
	}
	auth, token := docker.Stored(t, host)
	if text, _ := base64.StdEncoding.DecodeString(auth); strings.Contains(string(text), s.directory.Password) || !strings.HasPrefix(token, "whgr_") {
		t.Fatalf("docker stored %q and %q, want a refresh token and no password", text, token)
	}
	crane := client.Crane(t)
	dir := client.Image(t, 1)
	crane.Remember(t, map[string]string{host: "dana:" + s.directory.Password})
	ref := host + "/payments/refresh:1"
	if out, err := crane.Push(t.Context(), dir, ref); err != nil {
		t.Fatalf("push: %v\n%s", err, out)
	}
	mark := s.directory.Mark(t)
	if out, err := docker.Pull(t.Context(), ref); err != nil {
		t.Errorf("docker with the stored token: %v\n%s", err, out)
	}
	if o := s.directory.Since(t, mark); o.Binds != 0 {
		t.Errorf("operations = %+v, want no bind", o)
	}
	s.directory.SetPassword(t, "alice", "another one 2")
	becomes(t, s.gate, token, http.StatusUnauthorized)
	if out, err := docker.Pull(t.Context(), ref); err == nil {
		t.Errorf("docker goes on with the stored token: %s", out)
	}
	if out, err := docker.Login(t.Context(), host, "alice", "another one 2"); err != nil {
		t.Errorf("docker login again: %v\n%s", err, out)
	}
	if _, next := docker.Stored(t, host); next == token || next == "" {
		t.Error("docker stored no new token")
	}
	if out, err := docker.Pull(t.Context(), ref); err != nil {
		t.Errorf("docker with the new token: %v\n%s", err, out)
	}
}

// TestRefreshTokensAreChecked: check tells how long they live, and a damaged store is a fault at once.
func TestRefreshTokensAreChecked(t *testing.T) {
	t.Parallel()
	d := startDirectory(t)
	g := startGate(t, d, refreshTokens)
	if c := g.Run(t, "", "check"); c.Code != 0 || !strings.Contains(c.Out, "pwdChangedTime") || !strings.Contains(c.Out, "168h") {
		t.Errorf("check = %d %s%s", c.Code, c.Out, c.Err)
	}
	g.Configure(t, func(s gate.Settings) {
		users := s.Directory().Section("users")
		users["state"] = "glauth"
	})
	if c := g.Run(t, "", "check"); !strings.Contains(c.Out+c.Err, "does not tell when a password changed") {
		t.Errorf("check of a directory that does not tell = %d %s%s", c.Code, c.Out, c.Err)
	}
	path := filepath.Join(g.StateDir(), "refresh-tokens.journal")
	if err := os.WriteFile(path, []byte("rubbish\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c := g.Run(t, "", "check"); c.Code != 1 || !strings.Contains(c.Out+c.Err, "line 1 of ") {
		t.Errorf("check of a damaged store = %d %s%s", c.Code, c.Out, c.Err)
	}
}
