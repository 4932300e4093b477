package integration_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/gate"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
	"github.com/wharfgate/wharfgate/pkg/audit"
)

func TestP72_LDAP62_NoSecretInAnyLog(t *testing.T) {
	t.Parallel()
	s := startSite(t, func(c gate.Settings) { c.Section("log")["level"] = "debug" })
	const password, wrong, inQuery = "Zaphod-und-Töchter-1978", "Beeblebrox-wrong-1979", "Slartibartfast-in-a-query"
	s.directory.SetPassword(t, "alice", password)
	secrets := []string{
		password, wrong, inQuery, s.directory.Password, s.directory.RootPassword,
		url.QueryEscape(password), base64.StdEncoding.EncodeToString([]byte("alice:" + password)),
		base64.StdEncoding.EncodeToString([]byte("alice:" + wrong)),
	}
	for service, host := range s.hosts {
		secrets = append(secrets, fullRun(t, s, service, host, password, wrong)...)
	}
	query := url.Values{"service": {serviceV3}, "username": {"alice"}, "password": {inQuery}, "grant_type": {"password"}}
	answer, err := new(http.Client).Post(s.gate.Realm()+"?"+query.Encode(), "application/x-www-form-urlencoded", strings.NewReader("grant_type=password"))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	s.directory.Kill(t) // errors of the directory are logged, too
	wantUnavailable(t, s.gate, password)
	if err := s.gate.Process.Stop(); err != nil {
		t.Error(err)
	}
	records, err := os.ReadFile(s.gate.AuditFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"log": s.gate.Process.Err.String(), "standard output": s.gate.Process.Out.String(), "audit": string(records)} {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds the secret %.12s...", name, secret)
			}
		}
		if strings.Contains(strings.ToLower(text), "authorization: b") {
			t.Errorf("%s holds an Authorization header", name)
		}
	}
	if !strings.Contains(s.gate.Process.Err.String(), `"msg":"request"`) || len(records) == 0 {
		t.Error("nothing was logged: the test shows nothing")
	}
}

// fullRun does with real clients all that they can do and returns the tokens that were granted.
func fullRun(t *testing.T, s *site, service, host, password, wrong string) []string {
	t.Helper()
	for _, install := range []func(testing.TB) *client.Client{client.Skopeo, client.Crane} {
		c := install(t)
		if _, err := c.Login(t.Context(), host, "alice", password); err != nil {
			t.Fatal(err)
		}
		ref := host + "/users/alice/" + c.Name
		if _, err := c.Push(t.Context(), client.Image(t, 1), ref+":1"); err != nil {
			t.Fatal(err)
		}
		for what, do := range map[string]func() (string, error){
			"pull": func() (string, error) { return c.Pull(t.Context(), ref+":1") },
			"copy": func() (string, error) { return c.Copy(t.Context(), ref+":1", ref+"-copy:1") },
		} {
			if _, err := do(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := c.Push(t.Context(), client.Image(t, 1), host+"/search/no:1"); err == nil {
			t.Error("a push that the policy does not allow succeeded")
		}
		_, _ = c.Delete(t.Context(), ref+"-copy:1") // distribution 2 knows no delete by a tag; what counts is the log
		stranger := install(t)
		_, _ = stranger.Login(t.Context(), host, "alice", wrong)
		if _, err := stranger.Pull(t.Context(), ref+":1"); err == nil {
			t.Error("a pull with a wrong password succeeded")
		}
	}
	var tokens []string
	for _, ask := range []func() (client.Answer, error){
		func() (client.Answer, error) {
			return s.gate.Asker(service).Ask(t.Context(), "alice", password, "repository:users/alice/x:pull")
		},
		func() (client.Answer, error) {
			return s.gate.Asker(service).Post(t.Context(), "alice", password, "repository:users/alice/x:pull")
		},
	} {
		answer, err := ask()
		if err != nil || answer.Status != http.StatusOK {
			t.Fatalf("token = %d, %v", answer.Status, err)
		}
		tokens = append(tokens, answer.Token, answer.Token[strings.LastIndexByte(answer.Token, '.')+1:])
	}
	return tokens
}

func TestP73_EachDecisionIsOnRecord(t *testing.T) {
	t.Parallel()
	s := sharedSite(t)
	const repo = "payments/on-record"
	mark := s.gate.Process.Err.Len()
	answer := mustGrant(t, s.gate, "ALICE", s.directory.Password, "repository:"+repo+":pull,delete")
	if got := granted(answer, repo); !slices.Equal(got, []string{"pull"}) {
		t.Fatalf("granted = %q, want pull", got)
	}

	r := auditRecord(t, s.gate, answer.Claims.ID)
	if p := r.Principal; p.Kind != "person" || p.Directory != "corp" || p.Name != "alice" || p.ID == "" ||
		!slices.Equal(p.Groups, []string{s.directory.GroupDN("payments")}) {
		t.Errorf("principal = %+v, want alice@corp, her id, and the group that counted", p)
	}
	if len(r.Scopes) != 1 {
		t.Fatalf("scopes = %+v, want one", r.Scopes)
	}
	if c := r.Scopes[0]; c.Name != repo || !slices.Equal(c.Asked, []string{"delete", "pull"}) || !slices.Equal(c.Granted, []string{"pull"}) ||
		len(c.Rules) == 0 || c.Reason != "no_rule" {
		t.Errorf("scope = %+v, want what was asked, granted, the rule and the reason", c)
	}
	if r.Version != 1 || r.Time.IsZero() || r.RequestID == "" || r.Service != serviceV3 || r.Grant != "basic" ||
		r.Client.Address != "127.0.0.1" || r.Client.UserAgent == "" || r.PolicyRevision == "" || r.ExpiresAt.IsZero() {
		t.Errorf("record = %+v, want every field", r)
	}

	line := requestLine(t, s.gate, mark, answer.Claims.ID)
	for key, want := range map[string]any{
		"account": "alice@corp", "client": "127.0.0.1", "service": serviceV3, "asked": "repository:" + repo + ":delete,pull",
		"granted": "repository:" + repo + ":pull", "status": 200.0, "reason": "no_rule", "request_id": r.RequestID,
	} {
		if line[key] != want {
			t.Errorf("log line has %s = %v, want %v", key, line[key], want)
		}
	}
	if rules, ok := line["rules"].(string); !ok || rules == "" {
		t.Errorf("log line has rules = %v, want the rule that decided", line["rules"])
	}
}

// auditRecord waits for the record of a token.
func auditRecord(t *testing.T, g *gate.Gate, tokenID string) audit.Record {
	t.Helper()
	var found audit.Record
	loopback.Eventually(t, soon, func() error {
		for _, r := range g.Audit(t) {
			if r.TokenID == tokenID {
				found = r
				return nil
			}
		}
		return fmt.Errorf("there is no audit record of the token %s", tokenID)
	})
	return found
}

// requestLine waits for the log line of the request that a token came from, which is written once it is
// answered.
func requestLine(t *testing.T, g *gate.Gate, mark int, tokenID string) map[string]any {
	t.Helper()
	var found map[string]any
	loopback.Eventually(t, soon, func() error {
		for text := range strings.Lines(g.Process.Err.Since(mark)) {
			var line map[string]any
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				return fmt.Errorf("log line %q: %w", text, err)
			}
			if line["msg"] == "request" && line["token_id"] == tokenID {
				found = line
				return nil
			}
		}
		return fmt.Errorf("there is no log line of the token %s", tokenID)
	})
	return found
}

// soon bounds the wait for what is written after an answer.
const soon = 10 * time.Second
