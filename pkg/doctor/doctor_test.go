package doctor_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wharfgate/wharfgate/pkg/doctor"
	"github.com/wharfgate/wharfgate/pkg/identity"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*doctor.Options){
		"no realm":                func(o *doctor.Options) { o.Realm = "" },
		"no service":              func(o *doctor.Options) { o.Service = "" },
		"no issuer":               func(o *doctor.Options) { o.Issuer = "" },
		"a realm without a host":  func(o *doctor.Options) { o.Realm = "https:///token" },
		"a registry of another":   func(o *doctor.Options) { o.Registry = "ftp://registry.test" },
		"a registry with a name":  func(o *doctor.Options) { o.Registry = "https://alice:secret@registry.test" },
		"a registry that is none": func(o *doctor.Options) { o.Registry = "https://%zz" },
	} {
		o := happy()
		edit(&o)
		if _, err := doctor.New(o); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("New with %s = %v", name, err)
		}
	}
}

// TestAnEndIsNoHealth: a look that is cut short finds nothing right that it did not see.
func TestAnEndIsNoHealth(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("over"))
	o := happy()
	o.Registry = "https://registry.test"
	for _, f := range run(ctx, t, o) {
		if f.Status == doctor.OK && f.Check != doctor.CheckRealm {
			t.Errorf("%+v of a server that nobody asked", f)
		}
	}
}

// TestAnswersAreBounded: endless bodies and headers end, and strange challenges are no Bearer.
func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.Handler{
		"a body without end": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}),
		"long headers": challenging(strings.Repeat("a", 1<<20)),
		"Basic":        challenging(`Basic realm="a"`),
		"no challenge": challenging(""),
		"no pair":      challenging("Bearer realm"),
	} {
		s := httptest.NewServer(handler)
		t.Cleanup(s.Close)
		o := happy()
		o.Realm, o.Registry = s.URL+"/token", s.URL
		var faults int
		for _, f := range run(t.Context(), t, o) {
			if f.Status == doctor.Fault {
				faults++
			}
			if len(f.Text) > 600 {
				t.Errorf("%s: a text of %d bytes", name, len(f.Text))
			}
		}
		if faults == 0 {
			t.Errorf("%s is no fault", name)
		}
	}
}

// TestOneLineForEachFinding: a server's words neither break lines nor move the cursor, and no token is shown.
func TestOneLineForEachFinding(t *testing.T) {
	t.Parallel()
	const jwt = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhXG5iIn0.AAAA"
	gate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"token": jwt, "expires_in": 300})
	}))
	t.Cleanup(gate.Close)
	s := registryAt(t, gate.URL+"/token")
	t.Cleanup(s.Close)
	o := happy()
	o.Realm, o.Registry = gate.URL+"/token", s.URL
	found := run(t.Context(), t, o)
	if len(of(found, doctor.CheckIssuer)) == 0 {
		t.Errorf("no issuer in\n%s", texts(found))
	}
	for _, f := range found {
		if strings.ContainsAny(f.Text+f.Remedy, "\r\n\x1b") || strings.Contains(f.Text+f.Remedy, "eyJ") {
			t.Errorf("%+v", f)
		}
	}
}

// TestZotForgivesNoSkew: what is a warning for distribution is a fault there.
func TestZotForgivesNoSkew(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(challenging(`Bearer realm="http://localhost/token",service="registry.test"`))
	t.Cleanup(s.Close)
	for _, ownKey := range []bool{false, true} {
		o := happy()
		o.Realm = s.URL + "/token"
		o.Profile.OwnKey = ownKey
		o.Now = func() time.Time { return time.Now().Add(-30 * time.Second) }
		clock := of(run(t.Context(), t, o), doctor.CheckClock)
		if want := map[bool]doctor.Status{false: doctor.Warning, true: doctor.Fault}[ownKey]; len(clock) != 1 || clock[0].Status != want {
			t.Errorf("own key %v: %s, want %s", ownKey, texts(clock), want)
		}
	}
}

func TestReadHolds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("bundle.pem", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----")
	write("keys.json", `{"keys":[]}`)
	distribution := write("config.yml", "auth: {token: {realm: https://a.test/token, service: s, issuer: i, rootcertbundle: /etc/none/bundle.pem, jwks: keys.json, autoredirect: true}}")
	h, err := doctor.ReadHolds(distribution)
	if err != nil || h.Realm != "https://a.test/token" || h.Service != "s" || h.Issuer != "i" || len(h.Missing) > 0 ||
		!strings.HasPrefix(string(h.Trust), "-----BEGIN") || !strings.HasSuffix(string(h.Trust), "{\"keys\":[]}\n") {
		t.Errorf("distribution = %+v, %v", h, err)
	}
	zot := write("zot.json", `{"http": {"auth": {"bearer": {"realm": "https://a.test/token", "service": "z", "cert": "/etc/zot/none.pem"}}}}`)
	if h, err = doctor.ReadHolds(zot); err != nil || h.Service != "z" || len(h.Missing) != 1 {
		t.Errorf("zot = %+v, %v", h, err)
	}
	for _, text := range []string{"", "a: [", "auth: {htpasswd: {realm: a}}", "auth: [1]", strings.Repeat("#", 5<<20)} {
		if h, err := doctor.ReadHolds(write("bad.yml", text)); err == nil {
			t.Errorf("ReadHolds(%.40q) = %+v", text, h)
		}
	}
}

// TestALoginThatNobodySawIsTold: whatever keeps the login from the gate, a line says that, and with nobody to log in another
// one. A realm of the registry's that leads elsewhere is no reason not to tell.
func TestALoginThatNobodySawIsTold(t *testing.T) {
	t.Parallel()
	answering := func(status int, body string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
	}
	const refusal = `{"errors":[{"code":"UNAUTHORIZED","message":"no"}]}`
	over := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = c.Close()
		}
	})
	refused := httptest.NewServer(over)
	refused.Close()
	elsewhere := registryAt(t, refused.URL+"/token")
	t.Cleanup(elsewhere.Close)
	tests := []struct {
		name     string
		gate     *httptest.Server // nil: nobody answers
		registry string
		user     string
		want     string
	}{
		{"an unknown authority", httptest.NewTLSServer(answering(http.StatusOK, "")), "", "alice", "the login was not tried: a fault of tls"},
		{"nobody answers", nil, "", "alice", "the login was not tried: a fault of gate"},
		{"hangs up", httptest.NewServer(over), "", "alice", "the login was not answered: a fault of gate"},
		{"a proxy", httptest.NewServer(answering(http.StatusBadGateway, "")), "", "alice", "the login was not answered: a fault of gate"},
		{"another's 401", httptest.NewServer(answering(http.StatusUnauthorized, "")), "", "alice", "the login was not answered: a fault of gate"},
		{"no token", httptest.NewServer(answering(http.StatusOK, "{}")), "", "alice", "the login was not answered: a fault of gate"},
		{"another service", httptest.NewServer(answering(http.StatusBadRequest, refusal)), "", "alice", "the login was not answered: a fault of service"},
		{"refused", httptest.NewServer(answering(http.StatusUnauthorized, refusal)), "", "alice", "the gate refuses this login"},
		{"nobody to log in", httptest.NewServer(answering(http.StatusUnauthorized, refusal)), "", "", "nobody logged in"},
		{"nobody to log in, and nobody answers", nil, "", "", "nobody logged in"},
		{"nobody to log in, and a realm that leads elsewhere", httptest.NewServer(answering(http.StatusUnauthorized, refusal)), elsewhere.URL, "", "nobody logged in"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := happy()
			o.Realm, o.Registry = refused.URL+"/token", tt.registry
			if tt.gate != nil {
				tt.gate.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
				t.Cleanup(tt.gate.Close)
				o.Realm = tt.gate.URL + "/token"
			}
			if tt.user != "" {
				o.Credentials = &identity.Credentials{Username: tt.user, Password: identity.NewSecret("secret")}
			}
			found := run(t.Context(), t, o)
			if logins := of(found, doctor.CheckLogin); len(logins) != 1 || !strings.Contains(logins[0].Text, tt.want) || logins[0].Status == doctor.OK {
				t.Errorf("login: %s\nwant one line with %q; all of it:\n%s", texts(logins), tt.want, texts(found))
			}
		})
	}
}
