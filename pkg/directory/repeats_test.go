package directory_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// TestOldPasswordsAreTold: a client that goes on with a wrong password is told of, once in a while, with what it is.
func TestOldPasswordsAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []directory.Repeat
		u := alice()
		u.PasswordChanged = time.Now().Add(-24 * time.Hour)
		r := newRoom(t, guarded(t), func(s *setup) {
			s.users[0] = u
			s.auth.Observer.KeepsSending = func(n directory.Repeat) { told = append(told, n) }
		})
		type in = identity.Credentials
		send := func(times int, c in) {
			for range times {
				if _, err := r.auth.Authenticate(t.Context(), c); err == nil {
					t.Fatal("a wrong password logged in")
				}
			}
		}
		old := in{Username: "Alice", Password: identity.NewSecret("old"), Client: desk, UserAgent: "docker/28"}
		send(3, old)
		if len(told) != 0 {
			t.Errorf("told of %+v after two repetitions", told)
		}
		send(100, old)
		elsewhere := old
		elsewhere.Client, elsewhere.UserAgent = stranger, "containerd/2"
		send(10, elsewhere)
		time.Sleep(29 * time.Minute)
		send(10, old)
		if len(told) != 2 {
			t.Fatalf("told %d times, want once for each address: %+v", len(told), told)
		}
		want := directory.Repeat{Source: "corp", ID: "id-alice", Name: "alice", Client: desk, UserAgent: "docker/28", Times: 3}
		if told[0] != want || told[1].Client != stranger || told[1].UserAgent != "containerd/2" {
			t.Errorf("told %+v, want first %+v", told, want)
		}
		time.Sleep(time.Minute)
		send(1, old)
		if len(told) != 3 || told[2].Times != 110 {
			t.Errorf("after half an hour told %+v, want once more, with 110 times", told[2:])
		}
		if n := r.fake.Calls().Bind; n != 1 {
			t.Errorf("%d binds, want 1", n)
		}
	})
}
