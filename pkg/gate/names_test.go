package gate_test

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/policy/names"
	"github.com/wharfgate/wharfgate/pkg/policy/policyfile"
)

// TestANameThatMovedOnIsTold: the same login name with another account is told, and keeps nobody out.
func TestANameThatMovedOnIsTold(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, rule, repo string }{
		{"by user", "  - {who: user:alice, can: push, repos: a/**}\n", "a/b"},
		{"by a hole", "  - {who: signed-in, can: push, repos: users/<user>/**}\n", "users/alice/b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, newCompany(t).use)
			s.write(t, "policy.yaml", publicPolicy+test.rule)
			// Somebody else had the name.
			path := gate.NamesPath(s.config)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			before := `{"directory":"corp","name":"alice","id":"id-the-first-alice","since":"2026-01-01T00:00:00Z"}` + "\n"
			if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
			r := s.run(t)
			if got := r.as(t, "alice", alicePassword, test.repo); got.code != http.StatusOK {
				t.Fatalf("alice is answered %d", got.code)
			}
			for deadline := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
				all, err := names.Read(path)
				if err == nil && len(all) == 1 && all[0].Now == "id-alice" {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("nothing is remembered: %v, %v", all, err)
				}
			}
			r.end(t)
			wantWarning(t, s.check(t, nil, gate.Offline), policyfile.WarnNameMoved, "policy.yaml:")
		})
	}
}

// TestCheckOnlineAsksForUsers: a name that nobody has, and one that has moved on although its owner never logged in.
func TestCheckOnlineAsksForUsers(t *testing.T) {
	t.Parallel()
	s := newSite(t, newCompany(t).use)
	withKeys(t, s)
	s.write(t, "policy.yaml", publicPolicy+"  - {who: [user:alice, user:nobody], can: push, repos: a/**}\n")
	wantWarning(t, s.check(t, nil, gate.Online), policyfile.WarnUnknownUser, `"nobody"`)
	for _, f := range s.check(t, nil, gate.Online) {
		if f.Code == string(policyfile.WarnNameMoved) {
			t.Errorf("nothing is known of alice, and yet: %s", f.Text)
		}
	}
	before := `{"directory":"corp","name":"alice","id":"id-the-first-alice","since":"2026-01-01T00:00:00Z"}` + "\n"
	if err := os.WriteFile(gate.NamesPath(s.config), []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	found := s.check(t, nil, gate.Online)
	wantWarning(t, found, policyfile.WarnNameMoved, "user-id:id-the-first-alice")
	for _, f := range found {
		if f.Code == string(policyfile.WarnNameMoved) && !strings.Contains(f.Text, "wharfgate policy names --accept alice") {
			t.Errorf("no remedy: %s", f.Text)
		}
	}
}
