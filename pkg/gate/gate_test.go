package gate_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/audit"
	"github.com/wharfgate/wharfgate/pkg/certtest"
	"github.com/wharfgate/wharfgate/pkg/gate"
	"github.com/wharfgate/wharfgate/pkg/token"
)

func TestStartsWithEveryDirectoryDown(t *testing.T) {
	t.Parallel()
	r := newSite(t).run(t)
	client := newClient(t, true)
	if got := r.ask(t, client, "public/hello"); got != http.StatusOK {
		t.Errorf("an anonymous pull is answered %d, want 200", got)
	}
	if code, body := r.operator(t, "/readyz?verbose"); code != http.StatusOK || !strings.HasSuffix(body, "\nready\n") {
		t.Errorf("/readyz = %d %q, want ready", code, body)
	}
	if code, body := r.operator(t, "/healthz"); code != http.StatusOK || body != "ok\n" {
		t.Errorf("/healthz = %d %q, want ok", code, body)
	}
	if got := r.login(t, alicePassword, ""); got != http.StatusServiceUnavailable {
		t.Errorf("a login is answered %d, want 503", got)
	}
	for series, want := range map[string]string{
		`wharfgate_logins_total{directory="corp",result="unavailable"}`:                               "1",
		`wharfgate_token_requests_total{grant="anonymous",registry="registry.test",result="granted"}`: "1",
		`wharfgate_config_last_reload_successful`:                                                     "1",
		`wharfgate_policy_last_reload_successful`:                                                     "1",
		`wharfgate_policy_rules`:                                                                      "2",
		`wharfgate_cache_entries{cache="entry",directory="corp"}`:                                     "0",
		`wharfgate_build_info{goversion="unknown",revision="unknown",version="v1.2.3"}`:               "1",
		`wharfgate_http_requests_total{code="200",handler="token",method="GET"}`:                      "1",
	} {
		if got := r.metric(t, series); got != want {
			t.Errorf("%s = %q, want %s", series, got, want)
		}
	}
	if got := r.metric(t, `wharfgate_signing_key_not_after_timestamp_seconds{algorithm="ES256",state="current"}`); got == "" {
		t.Error("the signing key has no metric")
	}
}

func TestReadyLine(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r := s.run(t)
	line := s.log.line(t, "ready")
	for key, want := range map[string]any{
		"listen": r.Address().String(), "operator": r.OperatorAddress().String(), "tls": false, "rules": 2.0, "level": "INFO",
	} {
		if line[key] != want {
			t.Errorf("ready: %s = %v, want %v", key, line[key], want)
		}
	}
	r.end(t)
	s.log.line(t, "stopped")
	if strings.Contains(s.log.String(), `"level":"ERROR"`) {
		t.Errorf("the log has errors:\n%s", s.log)
	}
}

func TestOperatorListenerOff(t *testing.T) {
	t.Parallel()
	r := newSite(t, func(s *site) { s.config.Operator.Listen = "" }).run(t)
	if a := r.OperatorAddress(); a != nil {
		t.Errorf("OperatorAddress = %v, want nil", a)
	}
	if got := r.ask(t, newClient(t, false), "public/hello"); got != http.StatusOK {
		t.Errorf("a pull is answered %d, want 200", got)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ca := certtest.NewCA(t)
	cert := ca.Server(t, "localhost", "127.0.0.1")
	s := newSite(t, func(s *site) { s.config.TLS.CertFile, s.config.TLS.KeyFile = cert.CertFile, cert.KeyFile })
	r := s.run(t)
	client := newClient(t, true)
	client.Transport.(*http.Transport).TLSClientConfig = clientTLS(ca)
	url := "https://" + r.Address().String() + "/token?service=" + service + "&scope=repository:public/a:pull"
	if got := status(t, client, url); got != http.StatusOK {
		t.Errorf("a pull over TLS is answered %d, want 200", got)
	}
	if line := s.log.line(t, "ready"); line["tls"] != true {
		t.Errorf("ready: tls = %v, want true", line["tls"])
	}
}

func TestAudit(t *testing.T) {
	t.Parallel()
	t.Run("writer", func(t *testing.T) {
		t.Parallel()
		s := newSite(t)
		r := s.run(t)
		r.ask(t, newClient(t, false), "public/hello")
		r.end(t)
		wantRecord(t, s.audit.String())
	})
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		s := newSite(t, func(s *site) { s.config.Audit.File = filepath.Join(s.dir, "audit.log") })
		r := s.run(t)
		r.ask(t, newClient(t, false), "public/hello")
		moved := s.config.Audit.File + ".1"
		if err := os.Rename(s.config.Audit.File, moved); err != nil {
			t.Fatal(err)
		}
		if err := r.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.ask(t, newClient(t, false), "public/again")
		r.end(t)
		before, after := read(t, moved), read(t, s.config.Audit.File)
		if strings.Count(before+after, "\n") != 2 || !strings.Contains(after, "public/again") {
			t.Errorf("the records are %q and %q", before, after)
		}
		wantRecord(t, before+after)
		if s.audit.String() != "" {
			t.Errorf("the records are in the writer, too: %s", s.audit)
		}
	})
}

// wantRecord checks the first audit record.
func wantRecord(t *testing.T, text string) {
	t.Helper()
	first, _, _ := strings.Cut(text, "\n")
	var record audit.Record
	if err := json.Unmarshal([]byte(first), &record); err != nil {
		t.Fatalf("audit record %q: %v", first, err)
	}
	if record.Service != service || len(record.Scopes) != 1 || record.Scopes[0].Name != "public/hello" {
		t.Errorf("audit record = %+v", record)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestBuildNamesEveryFault(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(s *site) {
		s.config.Keys.AutoCreate = false
		s.config.Directories[0].TLS.CAFile = filepath.Join(s.dir, "no-ca.pem")
		s.config.Audit.File = filepath.Join(s.dir, "nowhere", "audit.log")
		s.config.TLS.CertFile, s.config.TLS.KeyFile = filepath.Join(s.dir, "tls.crt"), filepath.Join(s.dir, "tls.key")
		s.write(t, "policy.yaml", "version: 1\nrules:\n  - {who: [anyone], can: [pul], repos: [public/**]}\n  - {who: [anyone], can: [pull]}\n")
	})
	labeled(t.Context(), t, func(ctx context.Context) {
		_, err := s.build(ctx, nil)
		for _, want := range []string{
			"no-ca.pem", "keys init", "policy.yaml:3:", "policy.yaml:4:", "audit.file: ", "tls.crt",
		} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Build does not say %q:\n%v", want, err)
			}
		}
		if !errors.Is(err, gate.ErrNoKeys) {
			t.Errorf("Build = %v, want ErrNoKeys in it", err)
		}
	})
	noGoroutines(t)
	if s.log.String() != "" {
		t.Errorf("what is returned is logged as well:\n%s", s.log)
	}
}

func TestBuildWantsWhatItNeeds(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if _, err := gate.Build(t.Context(), s.config, gate.Options{}); err == nil {
		t.Error("Build without a logger succeeds")
	}
	s.config.Directories = nil
	if _, err := s.build(t.Context(), nil); err == nil {
		t.Error("Build without a directory succeeds")
	}
}

func TestKeysAreMadeOnlyOnRequest(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.run(t)
	for name, want := range map[string]fs.FileMode{"": 0o700, token.CAKeyFile: 0o600, token.CACertFile: 0o644} {
		info, err := os.Stat(filepath.Join(s.config.StateDir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("mode of %q = %o, want %o", name, got, want)
		}
	}
	// Half a CA is never completed: registries hold the other one.
	if err := os.Remove(filepath.Join(s.config.StateDir, token.CAKeyFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.build(t.Context(), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Build without the key of the CA = %v, want that it does not exist", err)
	}
}

func TestListenFaults(t *testing.T) {
	t.Parallel()
	taken := listen(t).Addr().String()
	tests := map[string]struct {
		edit func(*site)
		want string
	}{
		"listen":          {func(s *site) { s.config.Listen = taken }, "listen: listen tcp " + taken},
		"operator.listen": {func(s *site) { s.config.Operator.Listen = taken }, "operator.listen: listen tcp " + taken},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, tt.edit)
			labeled(t.Context(), t, func(ctx context.Context) {
				g, err := s.build(ctx, nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := g.Run(ctx); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
					t.Errorf("Run = %v, want %s ...", err, tt.want)
				}
				if err := g.Reload(ctx); !errors.Is(err, gate.ErrNotRunning) {
					t.Errorf("Reload after the end = %v, want ErrNotRunning", err)
				}
			})
			noGoroutines(t)
		})
	}
}

// TestStopWaitsForRequests: a request that is being answered when the gate is told to stop gets its answer.
func TestStopWaitsForRequests(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	r := newSite(t, c.use).run(t)
	release := c.holdSearches()
	defer release()
	answered := make(chan int, 1)
	go func() { answered <- r.login(t, alicePassword, "") }()
	select {
	case <-c.asked:
	case <-time.After(patience):
		t.Fatal("the directory is not asked")
	}
	r.stop()
	release()
	select {
	case got := <-answered:
		if got != http.StatusOK {
			t.Errorf("the request is answered %d, want 200\n%s", got, r.site.log)
		}
	case <-time.After(patience):
		t.Fatal("the request is not answered")
	}
}
