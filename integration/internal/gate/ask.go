package gate

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/loopback"
)

// Ask asks for a token of [Service], and fails the test if there is no answer.
func (g *Gate) Ask(t testing.TB, user, password string, scopes ...string) client.Answer {
	t.Helper()
	answer, err := g.Asker(Service).Ask(t.Context(), user, password, scopes...)
	if err != nil {
		t.Fatalf("token for %q: %v", user, err)
	}
	return answer
}

// MustGrant is Ask that fails the test without a token.
func (g *Gate) MustGrant(t testing.TB, user, password string, scopes ...string) client.Answer {
	t.Helper()
	answer := g.Ask(t, user, password, scopes...)
	if answer.Status != http.StatusOK {
		t.Fatalf("token for %q = %d %s after %v, want 200: %v", user, answer.Status, answer.Body, answer.Took, g.RequestLine(t, answer))
	}
	return answer
}

// RequestLine waits for the log line of a request, which is written once it is answered.
func (g *Gate) RequestLine(t testing.TB, a client.Answer) map[string]any {
	t.Helper()
	id := a.Header.Get("X-Request-Id")
	var found map[string]any
	const soon = 10 * time.Second
	loopback.Eventually(t, soon, func() error {
		for _, text := range g.Process.Err.Lines() {
			if !strings.Contains(text, id) {
				continue
			}
			var line map[string]any
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				return fmt.Errorf("log line %q: %w", text, err)
			}
			if line["msg"] == "request" && line["request_id"] == id {
				found = line
				return nil
			}
		}
		return fmt.Errorf("there is no log line of the request %s", id)
	})
	return found
}
