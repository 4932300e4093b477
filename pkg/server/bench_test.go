package server_test

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/authority"
	"github.com/wharfgate/wharfgate/pkg/identity"
	"github.com/wharfgate/wharfgate/pkg/policy"
	"github.com/wharfgate/wharfgate/pkg/registry"
	"github.com/wharfgate/wharfgate/pkg/server"
)

// discard is an http.ResponseWriter that keeps nothing, so that the benchmark measures the handler.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkToken measures the handler alone: parsing, the answer, and the log line as JSON to nowhere.
func BenchmarkToken(b *testing.B) {
	scope := registry.Scope{Type: registry.TypeRepository, Name: "team/app", Actions: registry.Pull | registry.Push}
	grant := authority.Grant{
		Principal: alice(), Token: identity.NewSecret(strings.Repeat("x", 1100)), TokenID: "id", ExpiresIn: 5 * time.Minute,
		Granted: []registry.Scope{scope}, Decisions: []policy.Decision{{Scope: scope, Granted: scope.Actions}},
	}
	g := &fixed{grant}
	for name, logger := range map[string]*slog.Logger{
		"logged": slog.New(slog.NewJSONHandler(&discard{}, nil)), "silent": slog.New(slog.DiscardHandler),
	} {
		b.Run(name, func(b *testing.B) {
			s, err := server.New(server.Options{Granter: g, Logger: logger, Services: []string{service}})
			if err != nil {
				b.Fatal(err)
			}
			req, w := benchRequest(b), &discard{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				s.ServeHTTP(w, req)
			}
		})
	}
}

// fixed grants one and the same.
type fixed struct{ grant authority.Grant }

func (f *fixed) Grant(context.Context, authority.Request) (authority.Grant, error) {
	return f.grant, nil
}

// benchRequest is what docker sends for a push.
func benchRequest(b *testing.B) *http.Request {
	b.Helper()
	return &http.Request{
		Method: http.MethodGet, RemoteAddr: "192.0.2.1:4711", Body: http.NoBody,
		URL: &url.URL{
			Path: "/auth/token", RawQuery: "account=alice&scope=repository%3Ateam%2Fapp%3Apush%2Cpull&service=" + service,
		},
		Header: http.Header{
			"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("alice:secret"))},
			"User-Agent":    {"docker/28.2.2 go/go1.24.3 git-commit/45873be kernel/6.1.0 os/linux arch/amd64"},
		},
	}
}
