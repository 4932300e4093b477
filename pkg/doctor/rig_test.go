package doctor_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/wharfgate/wharfgate/pkg/doctor"
)

// registryAt serves a registry that sends its clients to a realm, with TLS or without.
func registryAt(t *testing.T, realm string) *httptest.Server {
	t.Helper()
	return httptest.NewServer(challenging(`Bearer realm="` + realm + `",service="registry.test"`))
}

// challenging is a registry with a challenge.
func challenging(challenge string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", challenge)
		w.WriteHeader(http.StatusUnauthorized)
	})
}

// resolves gives a fixed address for every name; none without one.
func resolves(address string) func(context.Context, string) ([]netip.Addr, error) {
	return func(context.Context, string) ([]netip.Addr, error) {
		if address == "" {
			return nil, errors.New("no such host")
		}
		return []netip.Addr{netip.MustParseAddr(address)}, nil
	}
}

// happy are options for a gate that nobody asks, as no request leaves: the context has ended.
func happy() doctor.Options {
	return doctor.Options{Realm: "https://gate.test/auth/token", Service: "registry.test", Issuer: "wharfgate", Resolve: resolves("10.1.2.3")}
}

// run runs a doctor.
func run(ctx context.Context, t *testing.T, o doctor.Options) []doctor.Finding {
	t.Helper()
	d, err := doctor.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return d.Run(ctx)
}

// of gives the findings of a check.
func of(found []doctor.Finding, c doctor.Check) []doctor.Finding {
	return slices.DeleteFunc(slices.Clone(found), func(f doctor.Finding) bool { return f.Check != c })
}

// texts joins what findings say.
func texts(found []doctor.Finding) string {
	var all []string
	for _, f := range found {
		all = append(all, string(f.Status)+": "+f.Text)
	}
	return strings.Join(all, "\n")
}
