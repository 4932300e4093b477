package directory_test

import (
	"strconv"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

// TestForgetAnAccount: an account is as if it had never been seen, and no other one is.
func TestForgetAnAccount(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"alice", "ALICE@example.org", "id:id-alice"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t, guarded(t), func(s *setup) { s.users = append(s.users, bob()) })
			for _, name := range []string{"alice", "bob"} {
				if err := r.from(t.Context(), desk, name, right); err != nil {
					t.Fatal(err)
				}
				for i := range 10 {
					_ = r.from(t.Context(), stranger, name, "junk "+strconv.Itoa(i))
				}
			}
			got, err := r.auth.Forget(t.Context(), by)
			want := directory.Forgotten{Source: "corp", ID: "id-alice", Name: "alice", WrongPasswords: 3, FailedBinds: 3, Proven: true}
			if by == "id:id-alice" {
				want.Name = ""
			}
			if err != nil || got != want {
				t.Fatalf("Forget(%q) = %+v, %v, want %+v", by, got, err, want)
			}
			before := r.fake.Calls()
			wantReason(t, r.from(t.Context(), desk, "alice", "junk 0"), identity.ReasonWrongPassword)
			wantReason(t, r.from(t.Context(), desk, "bob", "junk 0"), identity.ReasonKnownWrongPassword)
			wantReason(t, r.from(t.Context(), desk, "bob", "other junk"), identity.ReasonThrottled)
			if after := r.fake.Calls(); after.Find != before.Find+1 || after.Bind != before.Bind+1 {
				t.Errorf("asked %+v after %+v, want one search and one bind more", after, before)
			}
			if err := r.from(t.Context(), desk, "alice", right); err != nil {
				t.Errorf("login after Forget: %v", err)
			}
			if got, err := r.auth.Forget(t.Context(), "id:id-alice"); err != nil || got.FailedBinds != 0 || got.WrongPasswords != 1 {
				t.Errorf("Forget() again = %+v, %v, want the one wrong password", got, err)
			}
		})
	}
}

func TestForgetNobody(t *testing.T) {
	t.Parallel()
	r := newRoom(t, guarded(t))
	for login, want := range map[string]identity.Reason{"nobody": identity.ReasonNotFound, "": identity.ReasonBadName, "a\x00b": identity.ReasonBadName} {
		_, err := r.auth.Forget(t.Context(), login)
		wantReason(t, err, want)
	}
	r.fake.Down()
	_, err := r.auth.Forget(t.Context(), "alice")
	wantReason(t, err, identity.ReasonUnavailable)
	if got, err := r.auth.Forget(t.Context(), "id:id-alice"); err != nil || got.ID != "id-alice" {
		t.Errorf("Forget() by id while the directory is away = %+v, %v", got, err)
	}
}

// TestForgetWithoutAMemory: a budget that counts nothing has nothing to forget.
func TestForgetWithoutAMemory(t *testing.T) {
	t.Parallel()
	b, err := guard.NewBudget(guard.BudgetOptions{})
	if err != nil || b.Forget("corp", "id") != 0 {
		t.Errorf("Forget() of an unlimited budget = %d, %v", b.Forget("corp", "id"), err)
	}
}
