package directorytest_test

import (
	"context"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/directory"
	"github.com/wharfgate/wharfgate/pkg/directory/directorytest"
	"github.com/wharfgate/wharfgate/pkg/directory/guard"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

const devs = "cn=devs,ou=groups,dc=example,dc=org"

// harness is a fake that passes, wrapped by the caller.
func harness(wrap func(*directorytest.Fake) directory.Backend) directorytest.Harness {
	group := identity.NewGroup("g1", devs, "devs")
	fake := directorytest.NewFake(
		directorytest.User{Name: "alice", Aliases: []string{"alice@example.org", "two"}, Password: "a-pw", Groups: []identity.Group{group}},
		directorytest.User{Name: "bob", Aliases: []string{"two"}, Password: "b-pw"},
		directorytest.User{Name: "carol", Password: "c-pw", Refused: identity.ReasonDisabled},
	)
	return directorytest.Harness{
		Backend: wrap(fake),
		Known: directorytest.Account{
			Logins: []string{"alice", "ALICE", "alice@example.org"}, Name: "alice",
			Password: identity.NewSecret("a-pw"), Groups: []string{"CN=Devs, OU=groups,dc=example,dc=org"},
		},
		Other:         directorytest.Account{Logins: []string{"bob"}, Name: "bob", Password: identity.NewSecret("b-pw")},
		WrongPassword: identity.NewSecret("nope"),
		Unknown:       "nobody",
		Ambiguous:     "two",
		Refused: []directorytest.Refused{
			{Login: "carol", Password: identity.NewSecret("c-pw"), Reason: identity.ReasonDisabled},
		},
		Down: fake.Down, Up: fake.Up,
	}
}

func TestFakePasses(t *testing.T) {
	t.Parallel()
	directorytest.Run(t, harness(func(f *directorytest.Fake) directory.Backend { return f }))
}

func TestCachedPasses(t *testing.T) {
	t.Parallel()
	directorytest.Run(t, harness(func(f *directorytest.Fake) directory.Backend {
		c, err := directory.NewCached(directory.CachedOptions{Backend: f, Source: "corp"})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}))
}

// broken is a Backend with one fault.
type broken struct {
	*directorytest.Fake

	find    func(directory.Entry, error) (directory.Entry, error)
	findID  func(directory.Entry, error) (directory.Entry, error)
	prove   func(directory.Entry, identity.Secret, guard.Attempts) (directory.Proof, error)
	account func(directory.Account, error) (directory.Account, error)
}

func (b broken) Find(ctx context.Context, login string, maxAge time.Duration) (directory.Entry, error) {
	e, err := b.Fake.Find(ctx, login, maxAge)
	if b.find != nil {
		return b.find(e, err)
	}
	return e, err
}

func (b broken) FindID(ctx context.Context, id string, maxAge time.Duration) (directory.Entry, error) {
	e, err := b.Fake.FindID(ctx, id, maxAge)
	if b.findID != nil {
		return b.findID(e, err)
	}
	return e, err
}

func (b broken) Prove(ctx context.Context, e directory.Entry, s identity.Secret, a guard.Attempts) (directory.Proof, error) {
	if b.prove != nil {
		return b.prove(e, s, a)
	}
	return b.Fake.Prove(ctx, e, s, a)
}

func (b broken) Account(ctx context.Context, e directory.Entry, p directory.Proof, maxAge time.Duration) (directory.Account, error) {
	a, err := b.Fake.Account(ctx, e, p, maxAge)
	if b.account != nil {
		return b.account(a, err)
	}
	return a, err
}

// TestSuiteCanFail: each fault is found.
func TestSuiteCanFail(t *testing.T) {
	t.Parallel()
	yes := directory.Proof{Server: "x", At: time.Unix(1, 0)}
	tests := []struct {
		name  string
		fault broken
	}{
		{"no id", broken{find: func(e directory.Entry, err error) (directory.Entry, error) {
			e.ID = ""
			return e, err
		}}},
		{"one entry for all", broken{find: func(e directory.Entry, _ error) (directory.Entry, error) {
			e.ID, e.DN, e.Name, e.ReadAt = "x", "uid=alice,dc=x", "alice", time.Unix(1, 0)
			return e, nil
		}}},
		{"one entry for all ids", broken{findID: func(directory.Entry, error) (directory.Entry, error) {
			return directory.Entry{ID: "id-alice", DN: "uid=alice,dc=x", Name: "alice", ReadAt: time.Unix(1, 0)}, nil
		}}},
		{"any text is an id", broken{findID: func(e directory.Entry, _ error) (directory.Entry, error) {
			return e, nil
		}}},
		{"away is not found", broken{find: func(e directory.Entry, err error) (directory.Entry, error) {
			if err != nil {
				err = &identity.AccountError{Reason: identity.ReasonNotFound}
			}
			return e, err
		}}},
		{"every password is right", broken{prove: func(directory.Entry, identity.Secret, guard.Attempts) (directory.Proof, error) {
			return yes, nil
		}}},
		{"does not settle", broken{prove: func(_ directory.Entry, _ identity.Secret, a guard.Attempts) (directory.Proof, error) {
			_, err := a.Reserve(t.Context())
			return yes, err
		}}},
		{"no groups instead of an error", broken{account: func(a directory.Account, _ error) (directory.Account, error) {
			return a, nil
		}}},
		{"drops groups", broken{account: func(a directory.Account, err error) (directory.Account, error) {
			a.Groups = nil
			return a, err
		}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := harness(func(f *directorytest.Fake) directory.Backend {
				tt.fault.Fake = f
				return tt.fault
			})
			if err := directorytest.Check(t.Context(), h); err == nil {
				t.Error("Check() = nil, want a fault")
			}
		})
	}
}
