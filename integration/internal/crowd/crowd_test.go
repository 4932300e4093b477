package crowd_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/integration/internal/client"
	"github.com/wharfgate/wharfgate/integration/internal/crowd"
)

// listener keeps what a crowd finds wrong.
type listener struct {
	testing.TB
	faults []string
}

func (l *listener) Errorf(format string, args ...any) {
	l.faults = append(l.faults, fmt.Sprintf(format, args...))
}

func TestCrowdTellsWhatMustNotBe(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusServiceUnavailable
		if user, _, _ := r.BasicAuth(); user == "wrong" {
			status = http.StatusUnauthorized
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	cases := map[string]struct {
		user   string
		worst  time.Duration
		status int
		want   string
	}{
		"unavailable": {"alice", time.Hour, http.StatusServiceUnavailable, ""},
		"refused":     {"wrong", time.Hour, http.StatusUnauthorized, "wrong: 401"},
		"slow":        {"alice", 0, http.StatusServiceUnavailable, "alice: 503 after"},
	}
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			heard := &listener{TB: t}
			c := crowd.Start(heard, client.Asker{Realm: s.URL, Service: "registry.test"}, crowd.Options{
				Users: []string{tt.user}, Password: "secret", Scope: "repository:a:pull", Worst: tt.worst, Patience: time.Minute,
			})
			c.Await(heard, tt.status, 2)
			c.Stop(heard)
			if all := strings.Join(heard.faults, "\n"); (all != "") != (tt.want != "") || !strings.Contains(all, tt.want) {
				t.Errorf("faults = %q, want %q", heard.faults, tt.want)
			}
			if asked, answers := c.Asked(0), c.Answers(tt.status); answers < 2 || asked < answers {
				t.Errorf("asked %d times, answered %d times", asked, answers)
			}
		})
	}
}
