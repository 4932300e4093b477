package gate_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/registry"
)

const paymentsPolicy = publicPolicy + "  - {who: [group:payments], can: [pull, push], repos: [payments/**]}\n"

// open opens a desk that is closed, and has left no goroutine, when the test ends.
func open(t *testing.T, s *site) *gate.Desk {
	t.Helper()
	var desk *gate.Desk
	labeled(t.Context(), t, func(ctx context.Context) {
		var err error
		if desk, err = gate.OpenDesk(ctx, s.config, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() {
		desk.Close()
		noGoroutines(t)
	})
	return desk
}

func TestDesk(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	s := newSite(t, c.use)
	s.write(t, "policy.yaml", paymentsPolicy)
	before := s.config.Directories[0].BindConnections.Min
	desk := open(t, s)
	if got := s.config.Directories[0].BindConnections.Min; got != before {
		t.Errorf("OpenDesk changed the configuration: bind_connections.min = %d, was %d", got, before)
	}
	who, err := desk.Login(t.Context(), "", "alice", identity.NewSecret(alicePassword))
	if err != nil {
		t.Fatal(err)
	}
	if who.Name != "alice" || who.ID != "id-alice" || who.Source != "corp" || len(who.Groups) != 1 || who.Groups[0].DN != paymentsDN {
		t.Errorf("Login = %+v", who)
	}
	if rights := desk.Rights(who); len(rights) != 3 || rights[2].Group != paymentsDN {
		t.Errorf("Rights = %+v, want those of anyone, signed-in and payments", rights)
	}
	if source, e, err := desk.Entry(t.Context(), "", "ALICE"); err != nil || source != "corp" || e.DN != aliceDN {
		t.Errorf("Entry = %+v, %v", e, err)
	}
	_, err = desk.Login(t.Context(), "", "alice", identity.NewSecret("wrong"))
	if refusal, ok := errors.AsType[*identity.AccountError](err); !ok || refusal.Reason != identity.ReasonWrongPassword {
		t.Errorf("Login with a wrong password = %v", err)
	}
}

func TestDeskExplains(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	s := newSite(t, c.use)
	s.write(t, "policy.yaml", paymentsPolicy)
	desk := open(t, s)
	scopes, _, err := registry.ParseScopes([]string{"repository:payments/api:push", "repository:search/api:push"}, 2)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := desk.Explain(t.Context(), authority.Question{Service: service, User: "alice", Scopes: scopes})
	if err != nil || len(answer.Explanations) != 2 {
		t.Fatalf("Explain = %+v, %v", answer, err)
	}
	if answer.Explanations[0].Decision.Missing() != 0 || answer.Explanations[1].Decision.Missing() == 0 {
		t.Errorf("Explain = %v, want push to payments/api alone", answer.Explanations)
	}
	if _, err := desk.Explain(t.Context(), authority.Question{Service: service, User: "mallory", Scopes: scopes}); !errors.Is(err, identity.ErrInvalidCredentials) {
		t.Errorf("Explain of an unknown account = %v", err)
	}
}

func TestDeskWithoutDirectory(t *testing.T) {
	t.Parallel()
	desk := open(t, newSite(t))
	if _, err := desk.Login(t.Context(), "", "alice", identity.NewSecret(alicePassword)); !errors.Is(err, identity.ErrUnavailable) {
		t.Errorf("Login = %v, want that the directory is unavailable", err)
	}
	scopes, _, err := registry.ParseScopes([]string{"repository:public/a:pull"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := desk.Explain(t.Context(), authority.Question{Service: service, Scopes: scopes})
	if err != nil || answer.Explanations[0].Decision.Missing() != 0 {
		t.Errorf("Explain for anyone = %+v, %v, want granted without the directory", answer, err)
	}
}

func TestOpenDeskFaults(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	for name, edit := range map[string]func(*site){
		"policy": func(s *site) { s.write(t, "policy.yaml", "version: 2\n") },
		"group unknown": func(s *site) {
			s.write(t, "policy.yaml", publicPolicy+"  - {who: [group:nobody], cannot: [pull], repos: [x/**]}\n")
		},
		"directory's CA": func(s *site) { s.config.Directories[0].TLS.CAFile = "/nowhere/ca.pem" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, c.use, edit)
			labeled(t.Context(), t, func(ctx context.Context) {
				if desk, err := gate.OpenDesk(ctx, s.config, slog.New(slog.DiscardHandler)); err == nil {
					desk.Close()
					t.Error("OpenDesk succeeds")
				}
			})
			noGoroutines(t)
		})
	}
}
